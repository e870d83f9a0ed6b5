"""The outbox: facts written in the transaction that made them true, delivered at least once."""

from django.db import models
from django.db.models.functions import Now


class OutboxEvent(models.Model):
    """A fact to be told. `done_at` stays empty until every reaction has run."""

    kind = models.CharField(max_length=120, help_text="Event class as app.ClassName.")
    payload = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["due_at", "id"], condition=models.Q(done_at__isnull=True), name="outbox_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class OutboxDelivery(models.Model):
    """One reaction has dealt with one event; written in the reaction's own transaction."""

    event = models.ForeignKey(OutboxEvent, on_delete=models.CASCADE, related_name="deliveries")
    reaction = models.CharField(max_length=120)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "outbox deliveries"
        constraints = [models.UniqueConstraint(fields=["event", "reaction"], name="one_delivery_per_reaction")]

    def __str__(self) -> str:
        return f"{self.reaction} of {self.event_id}"
