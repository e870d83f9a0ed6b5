"""Imports of leads: which file brought which leads, so that it can be undone."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse

from kernel.models import Record, RecordQuerySet


class LeadImport(Record):
    """One file of leads: checked first, then applied once, then perhaps undone. The file is kept as its document."""

    name = models.CharField(max_length=200, help_text="The file’s name.")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    row_count = models.PositiveIntegerField()
    added_count = models.PositiveIntegerField(default=0)
    applied_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    id: int

    objects: ClassVar[Any] = RecordQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(undone_at__isnull=True) | models.Q(applied_at__isnull=False),
                name="only_an_applied_import_is_undone",
            )
        ]

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("crm:lead_import_check", args=[self.pk])
