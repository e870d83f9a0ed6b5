"""Fallout: a task that failed for good, until somebody mends it."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django_fsm import transition

from crm.models import OfAccountQuerySet
from kernel import lifecycle
from kernel.models import Numbered
from kernel.models.statefield import StateField


@lifecycle.guarded("state")
class Fallout(Numbered):
    """What went wrong with one task, whose it is, and how it was mended. The task is on hold meanwhile.

    A record without a task is about an order that stands still: nothing runs in it and nobody has it.
    """

    PREFIX = "FO"
    STAGES = ("open", "in_progress", "resolved", "closed")

    class State(models.TextChoices):
        OPEN = "open"
        IN_PROGRESS = "in_progress"
        ON_HOLD = "on_hold"
        AWAITING_INFORMATION = "awaiting_information"
        RESOLVED = "resolved"
        CLOSED = "closed"
        CANCELLED = "cancelled"

    BY_ITSELF = (State.RESOLVED,)  # closed once the task got through

    class Type(models.TextChoices):
        DATA = "data"
        PROVISIONING = "provisioning"
        INVENTORY = "inventory_allocation", "Inventory allocation"
        BILLING = "billing"
        TIMEOUT = "external_timeout", "External timeout"
        SITE_ACCESS = "site_access", "Site access"
        PORTING = "porting_rejection", "Porting rejection"
        STANDSTILL = "standstill", "Nothing runs"

    class Severity(models.TextChoices):
        CRITICAL = "critical"
        HIGH = "high"
        MEDIUM = "medium"
        LOW = "low"

    class Resolution(models.TextChoices):
        RETRY = "retry", "Retried"
        EDIT_AND_RETRY = "edit_and_retry", "Edited and retried"
        COMPLETE_BY_HAND = "complete_by_hand", "Completed by hand"
        SKIP = "skip", "Skipped"
        REVISE_ORDER = "revise_order", "Order revised"
        CANCEL_LINE = "cancel_line", "Line cancelled"
        LOOKED_AGAIN = "looked_again", "Looked at again"
        MOVED = "moved", "Moved again by itself"

    task = models.ForeignKey("fulfillment.Task", null=True, on_delete=models.PROTECT, related_name="fallouts")
    account = models.ForeignKey("crm.Account", on_delete=models.PROTECT, related_name="+")
    order = models.ForeignKey("orders.Order", null=True, on_delete=models.PROTECT, related_name="fallouts")
    site = models.ForeignKey("crm.Site", null=True, on_delete=models.PROTECT, related_name="+")
    type = models.CharField(max_length=24, choices=Type)
    cause = models.CharField(max_length=160, help_text="In words, the same for the same cause.")
    code = models.CharField(max_length=60, blank=True, help_text="What the system called it.")
    fingerprint = models.CharField(max_length=16, db_index=True, help_text="Groups records of the same cause.")
    detail = models.TextField(blank=True)
    suggestion = models.JSONField(default=dict, blank=True, help_text="Characteristic → value that should work.")
    severity = models.CharField(max_length=8, choices=Severity, default=Severity.MEDIUM)
    runbook = models.ForeignKey("fallout.Runbook", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    team = models.CharField(max_length=60)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="fallouts"
    )
    sla_due_at = models.DateTimeField()
    sla_calendar = models.CharField(max_length=60, blank=True, help_text="Empty means the usual business calendar.")
    sla_left = models.PositiveIntegerField(null=True, help_text="Working seconds left while the clock stands.")
    escalated_at = models.DateTimeField(null=True, editable=False)
    resolution = models.CharField(max_length=20, choices=Resolution, blank=True)
    resolution_note = models.TextField(blank=True)
    resolved_at = models.DateTimeField(null=True)
    state = StateField(default=State.OPEN, choices=State.choices, protected=True)
    id: int

    objects: ClassVar[Any] = OfAccountQuerySet.as_manager()

    class Meta:
        permissions = [("resolve_fallout", "Can resolve fallout"), ("assign_fallout", "Can assign fallout")]
        constraints = [
            models.UniqueConstraint(
                fields=["task"],
                condition=models.Q(state__in=["open", "in_progress", "on_hold", "awaiting_information"]),
                name="one_open_fallout_per_task",
            ),
            models.UniqueConstraint(
                fields=["order"],
                condition=models.Q(
                    state__in=["open", "in_progress", "on_hold", "awaiting_information"], task__isnull=True
                ),
                name="one_open_standstill_per_order",
            ),
            models.CheckConstraint(
                condition=models.Q(task__isnull=False) | models.Q(order__isnull=False),
                name="fallout_is_about_something",
            ),
        ]
        indexes = [models.Index(fields=["state", "sla_due_at"])]

    def __str__(self) -> str:
        return f"{self.number} {self.cause}"

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("fallout:record", args=[self.number])

    @transition(field=state, source=State.OPEN, target=State.IN_PROGRESS, permission="fallout.resolve_fallout",
                custom={"label": "Take"})  # fmt: skip
    def take(self) -> None:
        """Somebody is at it."""

    @transition(field=state, source=State.IN_PROGRESS, target=State.ON_HOLD, permission="fallout.resolve_fallout",
                custom={"label": "Hold", "needs_reason": True})  # fmt: skip
    def hold(self) -> None:
        """Paused."""

    @transition(field=state, source=State.IN_PROGRESS, target=State.AWAITING_INFORMATION,
                permission="fallout.resolve_fallout",
                custom={"label": "Await information", "needs_reason": True})  # fmt: skip
    def await_information(self) -> None:
        """Somebody outside has to answer."""

    @transition(field=state, source=[State.ON_HOLD, State.AWAITING_INFORMATION], target=State.IN_PROGRESS,
                permission="fallout.resolve_fallout", custom={"label": "Resume"})  # fmt: skip
    def resume(self) -> None:
        """Goes on."""

    @transition(field=state, source=State.IN_PROGRESS, target=State.RESOLVED, custom={"hidden": True})
    def resolve(self, how: str, note: str = "") -> None:
        """Mended; the task goes on."""
        self.resolution, self.resolution_note = how, note

    @transition(field=state, source=State.RESOLVED, target=State.CLOSED, custom={"hidden": True})
    def close(self) -> None:
        """The task got through."""

    @transition(field=state, source=[State.OPEN, State.IN_PROGRESS, State.ON_HOLD, State.AWAITING_INFORMATION],
                target=State.CANCELLED, custom={"hidden": True})  # fmt: skip
    def cancel(self) -> None:
        """The task is not wanted any more."""
