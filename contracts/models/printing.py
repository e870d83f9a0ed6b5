"""Print runs: the making of a long document in the background, with its progress."""

from django.conf import settings
from django.db import models


class PrintRun(models.Model):
    """One document that a worker makes, open until `ended_at`; then `document` is there, or `error` says why not."""

    subject_type = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    kind = models.CharField(max_length=40)
    content_hash = models.CharField(max_length=64, help_text="Of what was to be printed.")
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    moved_at = models.DateTimeField(auto_now_add=True, help_text="When a worker last made a step.")
    ended_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    document = models.ForeignKey("kernel.Document", null=True, on_delete=models.SET_NULL, related_name="+")
    id: int

    class Meta:
        indexes = [models.Index(fields=["subject_type", "subject_id"])]
        constraints = [
            models.UniqueConstraint(
                fields=["subject_type", "subject_id", "kind"],
                condition=models.Q(ended_at__isnull=True),
                name="one_open_print_run",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject_type} {self.subject_id}"

    @property
    def state(self) -> str:
        """open, done or failed."""
        if self.ended_at is None:
            return "open"
        return "failed" if self.error else "done"
