"""Lines of orders: a product at its place, or a service ordered by itself; and values that are still asked for."""

from django.conf import settings
from django.db import models
from django_fsm import transition

from fulfillment.models import Action
from kernel import lifecycle
from kernel.models import Record
from kernel.models.statefield import StateField
from orders.models.orders import HIDDEN, Order


@lifecycle.guarded("state")
class OrderLine(Record):
    """One product of an order at one site. `key` is stable over quote versions and revisions."""

    class State(models.TextChoices):
        DRAFT = "draft"
        ACKNOWLEDGED = "acknowledged"
        SCHEDULED = "scheduled"
        IN_PROGRESS = "in_progress"
        ON_HOLD = "on_hold"
        AWAITING_INFORMATION = "awaiting_information"
        REVISION_IN_PROGRESS = "revision_in_progress"
        ASSESSING_CANCELLATION = "assessing_cancellation"
        CANCELLATION_IN_PROGRESS = "cancellation_in_progress"
        REJECTED = "rejected"
        COMPLETED = "completed"
        FAILED = "failed"
        CANCELLED = "cancelled"

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    key = models.UUIDField()
    their_item = models.CharField(max_length=60, blank=True, help_text="The item's id in the system that ordered.")
    position = models.PositiveIntegerField()
    action = models.CharField(max_length=10, choices=Action, default=Action.ADD)
    offering = models.ForeignKey("catalog.Offering", on_delete=models.PROTECT, related_name="+")
    specification = models.ForeignKey("catalog.Specification", on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey("crm.Account", on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey("crm.Site", null=True, blank=True, on_delete=models.PROTECT, related_name="order_lines")
    contact = models.ForeignKey("crm.Contact", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="children")
    quote_line = models.ForeignKey(
        "contracts.QuoteLine", null=True, blank=True, on_delete=models.PROTECT, related_name="order_lines"
    )
    product = models.ForeignKey(
        "cmdb.Product", null=True, blank=True, on_delete=models.PROTECT, related_name="order_lines"
    )
    service = models.ForeignKey(
        "cmdb.Service", null=True, blank=True, on_delete=models.PROTECT, related_name="order_lines",
        help_text="The installed service that a service order changes or ends.",
    )  # fmt: skip
    quantity = models.PositiveIntegerField(default=1)
    characteristics = models.JSONField(default=dict, blank=True)
    replaced_by = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="replaces",
        help_text="The line that takes its place: this one ends its product only once that works.",
    )
    ending = models.JSONField(
        default=list, blank=True, help_text="Numbers of installed parts that end because fewer are wanted."
    )
    requested_on = models.DateField(null=True, blank=True)
    promised_on = models.DateField(null=True, blank=True)
    access_notes = models.CharField(max_length=300, blank=True)
    monthly = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    one_time = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    state = StateField(default=State.DRAFT, choices=State.choices, protected=True)
    id: int
    site_id: int | None

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "key"], name="order_line_key"),
            models.UniqueConstraint(
                fields=["order", "their_item"], condition=~models.Q(their_item=""), name="order_line_their_item"
            ),
            models.CheckConstraint(condition=models.Q(quantity__gte=1), name="order_line_quantity"),
            models.CheckConstraint(
                condition=models.Q(action="add") | models.Q(product__isnull=False) | models.Q(service__isnull=False),
                name="change_names_what_it_changes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.offering}"

    @transition(field=state, source=State.DRAFT, target=State.ACKNOWLEDGED, custom=HIDDEN)
    def acknowledge(self) -> None:
        """Submitted with the order."""

    @transition(field=state, source=State.ACKNOWLEDGED, target=State.REJECTED, custom=HIDDEN)
    def reject(self) -> None:
        """Not accepted."""

    @transition(field=state, source=State.ACKNOWLEDGED, target=State.SCHEDULED, custom=HIDDEN)
    def schedule(self) -> None:
        """Decomposed, planned, dated."""

    @transition(field=state, source=State.SCHEDULED, target=State.IN_PROGRESS, custom=HIDDEN)
    def start(self) -> None:
        """Its first task started."""

    @transition(field=state, source=State.IN_PROGRESS, target=State.ON_HOLD, custom=HIDDEN)
    def hold(self) -> None:
        """Nothing new starts."""

    @transition(field=state, source=State.IN_PROGRESS, target=State.AWAITING_INFORMATION, custom=HIDDEN)
    def await_information(self) -> None:
        """Somebody has to answer."""

    @transition(field=state, source=[State.ON_HOLD, State.AWAITING_INFORMATION, State.REVISION_IN_PROGRESS],
                target=State.IN_PROGRESS, custom=HIDDEN)  # fmt: skip
    def resume(self) -> None:
        """Goes on."""

    @transition(field=state, source=State.IN_PROGRESS, target=State.REVISION_IN_PROGRESS, custom=HIDDEN)
    def revise(self) -> None:
        """A revision is being applied."""

    @transition(field=state, source=[State.SCHEDULED, State.IN_PROGRESS, State.ON_HOLD, State.AWAITING_INFORMATION],
                target=State.ASSESSING_CANCELLATION, custom=HIDDEN)  # fmt: skip
    def assess_cancellation(self) -> None:
        """Can it still be stopped?"""

    @transition(field=state, source=State.ASSESSING_CANCELLATION, target=State.IN_PROGRESS, custom=HIDDEN)
    def keep(self) -> None:
        """Not cancelled after all."""

    @transition(field=state, source=State.ASSESSING_CANCELLATION, target=State.CANCELLATION_IN_PROGRESS, custom=HIDDEN)
    def start_cancellation(self) -> None:
        """What was started is undone."""

    @transition(field=state, source=[State.DRAFT, State.ACKNOWLEDGED, State.SCHEDULED, State.CANCELLATION_IN_PROGRESS],
                target=State.CANCELLED, custom=HIDDEN)  # fmt: skip
    def cancel(self) -> None:
        """Not wanted any more."""

    @transition(field=state, source=[State.SCHEDULED, State.IN_PROGRESS], target=State.COMPLETED, custom=HIDDEN)
    def complete(self) -> None:
        """The customer has it."""

    @transition(field=state, source=State.IN_PROGRESS, target=State.FAILED, custom=HIDDEN)
    def fail(self) -> None:
        """It cannot be delivered."""


class MissingValue(models.Model):
    """A technical value that enrichment or a staggered rule needs from a person."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="missing_values")
    line = models.ForeignKey(OrderLine, null=True, blank=True, on_delete=models.CASCADE, related_name="missing_values")
    characteristic = models.ForeignKey("catalog.Characteristic", on_delete=models.PROTECT, related_name="+")
    needed_for = models.CharField(max_length=12, choices=[("enrichment", "Enrichment"), ("rule", "Decomposition")])
    value = models.JSONField(null=True)
    filled_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    filled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order", "line", "characteristic"], name="missing_value_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.characteristic} of {self.line or self.order}"
