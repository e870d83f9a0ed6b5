"""Sheets that came into quotes: what was in the file, where its columns go, how far it is, what was refused."""

from typing import Any

from django.conf import settings
from django.db import models


class SheetImport(models.Model):
    """One file. `rows` are [line, cells] as read; `refused` are {"line", "cells", "problems": [[column, sentence]]}.

    `mapping` says for each column which target it has, "" for none.
    """

    quote = models.ForeignKey("contracts.Quote", on_delete=models.CASCADE, related_name="sheets")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=120)
    columns = models.JSONField(default=list)
    rows = models.JSONField(default=list)
    notes = models.JSONField(default=list, blank=True)
    mapping = models.JSONField(default=list, blank=True)
    update_sites = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    total = models.PositiveIntegerField(default=0, help_text="Good rows.")
    done = models.PositiveIntegerField(default=0, help_text="Good rows that were taken.")
    sites_made = models.PositiveIntegerField(default=0)
    lines_made = models.PositiveIntegerField(default=0)
    lines_changed = models.PositiveIntegerField(default=0)
    refused = models.JSONField(default=list, blank=True)
    problem = models.CharField(max_length=300, blank=True)
    id: int
    quote_id: int

    class Meta:
        indexes = [models.Index(fields=["quote", "-id"])]

    def __str__(self) -> str:
        return self.name

    @property
    def share(self) -> int:
        """Percent done."""
        return round(100 * self.done / self.total) if self.total else 100 if self.finished_at else 0

    def cells(self, row: list[Any]) -> dict[str, str]:
        """A row's cells by target."""
        return {target: str(cell) for target, cell in zip(self.mapping, row[1], strict=False) if target}
