"""The audit trail: who did what, when, from where, old → new. Append-only."""

import pgtrigger
from django.conf import settings
from django.db import models


class AuditEntry(models.Model):
    """One thing that happened to one record."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    action = models.CharField(max_length=80, help_text="What happened, such as submit or edited.")
    subject_type = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    subject_name = models.CharField(max_length=200, blank=True)
    changes = models.JSONField(default=dict, help_text="Field → [old, new].")
    reason = models.TextField(blank=True)
    request_id = models.CharField(max_length=40, blank=True)
    address = models.GenericIPAddressField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["subject_type", "subject_id", "-id"]),
            models.Index(fields=["actor"], condition=models.Q(actor__isnull=False), name="audit_by_people"),
        ]
        verbose_name_plural = "audit entries"
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.subject_name or self.subject_type} {self.action}"
