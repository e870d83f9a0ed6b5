"""Runbooks: what to do about a cause, in the words of those who have done it."""

from typing import ClassVar

from django.db import models

from kernel.models import Record


class Runbook(Record):
    """What to do about a cause. Routing rules name it by key; one written for a single cause carries its mark."""

    key = models.SlugField(max_length=60, unique=True, help_text="Routing rules name it by this.")
    title = models.CharField(max_length=120)
    text = models.TextField(help_text="One step a line.")
    fingerprint = models.CharField(
        max_length=16, null=True, blank=True, unique=True, help_text="The one cause that it was written for."
    )
    id: int

    class Meta:
        ordering: ClassVar[list[str]] = ["title"]

    def __str__(self) -> str:
        return self.title

    @property
    def steps(self) -> list[str]:
        """Its lines without blank ones and without their own bullets or numbers."""
        return [line.strip().lstrip("-*•0123456789.) ") for line in self.text.splitlines() if line.strip()]

    @property
    def step_count(self) -> int:
        """How many steps it has."""
        return len(self.steps)
