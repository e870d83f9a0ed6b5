"""Batches: one act for many records, as rows that people can see while it runs and after."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django_fsm import transition

from kernel import lifecycle
from kernel.models import Numbered
from kernel.models.statefield import StateField

HIDDEN = {"hidden": True}


@lifecycle.guarded("state")
class Batch(Numbered):
    """One act for the records that were frozen at its preview; each has its own answer in `items`."""

    PREFIX = "FOB"
    STAGES = ("waiting", "running", "done")

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        CANCELLED = "cancelled"

    class Act(models.TextChoices):
        RETRY = "retry", "Retry"
        SUGGESTED = "suggested", "Use what is suggested"
        EDIT = "edit", "Edit and retry"
        HAND = "hand", "Complete by hand"
        SKIP = "skip", "Skip"
        CANCEL = "cancel", "Cancel the lines"
        ASSIGN = "assign", "Assign"
        AWAIT = "await", "Await information"

    act = models.CharField(max_length=10, choices=Act)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="fallout_batches")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    values = models.JSONField(default=dict, blank=True, help_text="Characteristic → text as typed.")
    note = models.TextField(blank=True)
    ends_as = models.CharField(max_length=10, blank=True, help_text="How cancelled lines end: failed or cancelled.")
    cause = models.CharField(max_length=160, blank=True)
    fingerprint = models.CharField(max_length=16, blank=True)
    key = models.CharField(max_length=64, unique=True, help_text="Of the preview; pressing twice starts it once.")
    total = models.PositiveIntegerField()
    state = StateField(default=State.WAITING, choices=State.choices, protected=True)
    ended_at = models.DateTimeField(null=True)
    id: int

    def __str__(self) -> str:
        return f"{self.number} {self.get_act_display()}"

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("fallout:batch", args=[self.number])

    @transition(field=state, source=State.WAITING, target=State.RUNNING, custom=HIDDEN)
    def begin(self) -> None:
        """A worker is at it."""

    @transition(field=state, source=[State.WAITING, State.RUNNING], target=State.DONE, custom=HIDDEN)
    def finish(self) -> None:
        """Every record has its answer."""

    @transition(field=state, source=[State.WAITING, State.RUNNING], target=State.CANCELLED,
                custom={"label": "Stop", "hidden": True})  # fmt: skip
    def stop(self) -> None:
        """Somebody stopped it; what was done stays done."""


class BatchItem(models.Model):
    """One record of a batch and what came of it."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"
        REFUSED = "refused", "Not done"
        LEFT = "left", "Left as it was"

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="items")
    fallout = models.ForeignKey("fallout.Fallout", on_delete=models.CASCADE, related_name="batch_items")
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    why = models.CharField(max_length=400, blank=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["batch", "fallout"], name="batch_item_once")
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["batch", "state"])]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.fallout_id}"
