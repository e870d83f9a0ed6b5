"""Qualifications: another system asks what can be sold, or delivered, where; with the answer (TMF645, TMF679)."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from cmdb.models.feasibility import FeasibilityCheck
from crm.models import OfAccountQuerySet
from kernel.models import Record


class Qualification(Record):
    """One request with its items. It is answered when none of its checks is open."""

    class Kind(models.TextChoices):
        SERVICE = "service", "Services"
        OFFERING = "offering", "Offerings"
        QUERY = "query", "Whatever there is"

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=10, choices=Kind)
    account = models.ForeignKey("crm.Account", on_delete=models.CASCADE, related_name="+")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    title = models.CharField(max_length=200, blank=True)
    their_reference = models.CharField(max_length=60, blank=True)
    with_alternatives = models.BooleanField(default=False)
    with_reasons = models.BooleanField(default=True)
    wanted_by = models.DateTimeField(null=True, blank=True)
    criteria = models.JSONField(default=dict, blank=True, help_text="What was looked for, as it was sent.")
    id: int

    objects: ClassVar[Any] = OfAccountQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["kind", "-id"]), models.Index(fields=["account", "-id"])]


class QualificationItem(models.Model):
    """One thing at one site. `problems` say why it cannot be; a check may still be open."""

    qualification = models.ForeignKey(Qualification, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveIntegerField()
    their_item = models.CharField(max_length=60)
    offering = models.ForeignKey("catalog.Offering", on_delete=models.PROTECT, related_name="+")
    specification = models.ForeignKey("catalog.Specification", on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey("crm.Site", null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    asked = models.JSONField(default=dict, blank=True)
    problems = models.JSONField(default=list, blank=True)
    check_made = models.ForeignKey(FeasibilityCheck, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["qualification", "their_item"], name="qualification_item_once")]

    def __str__(self) -> str:
        return f"{self.offering} at {self.site}"

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to answer."""
        found = self.check_made
        return not self.problems and found is not None and found.result == FeasibilityCheck.Result.OPEN

    @property
    def reasons(self) -> list[str]:
        """Why it cannot be; [] when it can, or is not known yet."""
        found = self.check_made
        if self.problems or found is None or found.result != FeasibilityCheck.Result.IMPOSSIBLE:
            return list(self.problems)
        return [found.reason or "The network does not reach this site."]

    @property
    def result(self) -> str:
        """In the word of the interfaces; empty while it is open."""
        if self.is_open:
            return ""
        if not self.reasons:
            return "qualified"
        offered = self.check_made.alternatives if self.check_made and not self.problems else ()
        return "alternate" if offered and self.qualification.with_alternatives else "unqualified"
