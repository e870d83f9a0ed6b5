"""Orders: what was promised (TMF622)."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django_fsm import transition

from crm.models import OfAccountQuerySet
from kernel import lifecycle, words
from kernel.models import Numbered
from kernel.models.statefield import StateField
from orders.models.rights import or_own

HIDDEN = {"hidden": True}
WORDS = ("number", "title", "their_reference")  # by which orders are found


def _came_from(state: str) -> Callable[[Any], bool]:
    """A condition: the order was in that state when its cancellation began to be assessed."""
    return lambda order: bool(order.before_assessment == state)


@lifecycle.guarded("state")
class Order(Numbered):
    """A product order. `state` is what the machine can do; `fulfilment` is what the customer has."""

    PREFIX = "ORD"
    STAGES = ("draft", "submitted", "awaiting_approval", "approved", "in_progress", "completed")

    class State(models.TextChoices):
        DRAFT = "draft"
        SUBMITTED = "submitted"
        ENRICHMENT_IN_PROGRESS = "enrichment_in_progress"
        ENRICHMENT_ON_HOLD = "enrichment_on_hold"
        AWAITING_APPROVAL = "awaiting_approval"
        APPROVED = "approved"
        IN_PROGRESS = "in_progress"
        ON_HOLD = "on_hold"
        AWAITING_INFORMATION = "awaiting_information"
        REVISION_IN_PROGRESS = "revision_in_progress"
        ASSESSING_CANCELLATION = "assessing_cancellation"
        CANCELLATION_IN_PROGRESS = "cancellation_in_progress"
        REJECTED = "rejected"
        COMPLETED = "completed"
        PARTIAL = "partial"
        FAILED = "failed"
        CANCELLED = "cancelled"

    TMF: ClassVar[dict[str, str]] = {
        "submitted": "acknowledged", "enrichment_in_progress": "acknowledged", "enrichment_on_hold": "acknowledged",
        "awaiting_approval": "acknowledged", "approved": "acknowledged", "in_progress": "inProgress", "on_hold": "held",
        "awaiting_information": "pending", "revision_in_progress": "pending",
        "assessing_cancellation": "assessingCancellation", "cancellation_in_progress": "pendingCancellation",
        "rejected": "rejected", "completed": "completed", "partial": "partial", "failed": "failed",
        "cancelled": "cancelled",
    }  # fmt: skip

    BY_ITSELF = (State.SUBMITTED, State.ENRICHMENT_IN_PROGRESS, State.APPROVED)  # the system goes on from these

    class Fulfilment(models.TextChoices):
        NOTHING = "nothing", "Nothing yet"
        SOME = "some", "Some of it works"
        ALL = "all", "All of it works"

    class Channel(models.TextChoices):
        QUOTE = "quote", "From a quote"
        AGENT = "agent"
        PORTAL = "portal"
        API = "api", "API"
        PARTNER = "partner"
        SERVICE = "service", "Service order"
        CONTRACT = "contract", "From a contract that ended"

    title = models.CharField(max_length=120)
    account = models.ForeignKey("crm.Account", on_delete=models.PROTECT, related_name="orders")
    channel = models.CharField(max_length=8, choices=Channel, default=Channel.AGENT)
    quote = models.OneToOneField(
        "contracts.Quote", null=True, blank=True, on_delete=models.PROTECT, related_name="order"
    )
    contract = models.ForeignKey(
        "contracts.Contract", null=True, blank=True, on_delete=models.PROTECT, related_name="orders"
    )
    billing_profile = models.ForeignKey(
        "crm.BillingProfile", null=True, blank=True, on_delete=models.PROTECT, related_name="orders"
    )
    contact = models.ForeignKey("crm.Contact", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    their_reference = models.CharField(max_length=60, blank=True)
    requested_on = models.DateField(null=True, blank=True)
    promised_on = models.DateField(null=True, blank=True)
    first_promised_on = models.DateField(null=True, blank=True)
    slip_reason = models.CharField(max_length=200, blank=True)
    currency = models.CharField(max_length=3, default="EUR")
    monthly = models.DecimalField(max_digits=16, decimal_places=2, default=0)
    one_time = models.DecimalField(max_digits=16, decimal_places=2, default=0)
    term_months = models.PositiveIntegerField(default=1)
    priority = models.PositiveSmallIntegerField(default=50)
    manager = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    state = StateField(default=State.DRAFT, choices=State.choices, protected=True)
    fulfilment = models.CharField(max_length=8, choices=Fulfilment, default=Fulfilment.NOTHING)
    before_assessment = models.CharField(max_length=30, blank=True, editable=False)
    submitted_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    id: int
    account_id: int

    objects: ClassVar[Any] = OfAccountQuerySet.as_manager()

    class Meta:
        permissions = [
            ("submit_order", "Can submit orders"),
            ("enrich_order", "Can fill technical data of orders"),
            ("approve_order", "Can approve orders"),
            ("steer_order", "Can hold, resume and cancel orders"),
            ("withdraw_line", "Can cancel lines of running orders"),
            ("order_own", "Can order and cancel for the own company"),
        ]
        indexes = [
            models.Index(fields=["state", "-id"]), models.Index(fields=["account", "-id"]),
            models.Index(fields=["id"], condition=~models.Q(state="draft"), name="order_promised"),
            models.Index(fields=["promised_on", "id"], name="order_promised_on"),  # the list's order, either way
            # what other systems look for and sort by
            models.Index(fields=["submitted_at", "id"], name="order_submitted_at"),
            models.Index(
                fields=["requested_on"], condition=models.Q(requested_on__isnull=False), name="order_requested"
            ),
            models.Index(fields=["ended_at"], condition=models.Q(ended_at__isnull=False), name="order_ended_at"),
            models.Index(
                fields=["their_reference"], condition=models.Q(their_reference__gt=""), name="order_reference"
            ),
            words.index("order_words", *WORDS),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("orders:order", args=[self.number])

    @transition(field=state, source=State.DRAFT, target=State.SUBMITTED, permission=or_own("orders.submit_order"),
                custom={"label": "Submit", "hidden": True})  # fmt: skip
    def submit(self) -> None:
        """Checked as a whole; a promise from here on."""

    @transition(field=state, source=State.SUBMITTED, target=State.ENRICHMENT_IN_PROGRESS, custom=HIDDEN)
    def enrich(self) -> None:
        """Decision tables fill technical data."""

    @transition(field=state, source=State.ENRICHMENT_IN_PROGRESS, target=State.ENRICHMENT_ON_HOLD, custom=HIDDEN)
    def lack_data(self) -> None:
        """A person has to supply values."""

    @transition(field=state, source=State.ENRICHMENT_ON_HOLD, target=State.ENRICHMENT_IN_PROGRESS, custom=HIDDEN)
    def have_data(self) -> None:
        """The values are here."""

    @transition(field=state, source=[State.SUBMITTED, State.ENRICHMENT_IN_PROGRESS, State.ENRICHMENT_ON_HOLD],
                target=State.AWAITING_APPROVAL, custom=HIDDEN)  # fmt: skip
    def ask_approval(self) -> None:
        """Financial and operational checks are made; approvers decide."""

    @transition(field=state, source=State.AWAITING_APPROVAL, target=State.APPROVED, custom=HIDDEN)
    def approve(self) -> None:
        """Every approver agreed, or none was needed."""

    @transition(field=state, source=[State.SUBMITTED, State.AWAITING_APPROVAL], target=State.REJECTED, custom=HIDDEN)
    def reject(self) -> None:
        """Not accepted."""

    @transition(field=state, source=State.APPROVED, target=State.IN_PROGRESS, custom=HIDDEN)
    def begin(self) -> None:
        """Decomposed and planned."""

    @transition(field=state, source=State.IN_PROGRESS, target=State.ON_HOLD, permission="orders.steer_order",
                custom={"label": "Hold", "needs_reason": True})  # fmt: skip
    def hold(self) -> None:
        """Nothing new starts."""

    @transition(field=state, source=State.IN_PROGRESS, target=State.AWAITING_INFORMATION,
                permission="orders.steer_order",
                custom={"label": "Await information", "needs_reason": True})  # fmt: skip
    def await_information(self) -> None:
        """The customer has to answer."""

    @transition(field=state, source=[State.ON_HOLD, State.AWAITING_INFORMATION], target=State.IN_PROGRESS,
                permission="orders.steer_order", custom={"label": "Resume"})  # fmt: skip
    def resume(self) -> None:
        """Goes on."""

    @transition(field=state, source=State.IN_PROGRESS, target=State.REVISION_IN_PROGRESS, custom=HIDDEN)
    def revise(self) -> None:
        """A revision is being applied."""

    @transition(field=state, source=State.REVISION_IN_PROGRESS, target=State.IN_PROGRESS, custom=HIDDEN)
    def revised(self) -> None:
        """Applied or withdrawn."""

    @transition(field=state, source=[State.IN_PROGRESS, State.ON_HOLD, State.AWAITING_INFORMATION,
                                     State.REVISION_IN_PROGRESS],
                target=State.ASSESSING_CANCELLATION, custom=HIDDEN)  # fmt: skip
    def assess_cancellation(self) -> None:
        """Can it still be stopped, and at what cost?"""
        self.before_assessment = self.state

    @transition(field=state, source=State.ASSESSING_CANCELLATION, target=State.CANCELLATION_IN_PROGRESS, custom=HIDDEN)
    def start_cancellation(self) -> None:
        """What was started is undone."""

    @transition(field=state, source=State.ASSESSING_CANCELLATION, target=State.IN_PROGRESS, custom=HIDDEN,
                conditions=[_came_from("in_progress")])  # fmt: skip
    def keep_running(self) -> None:
        """Not cancelled after all."""

    @transition(field=state, source=State.ASSESSING_CANCELLATION, target=State.ON_HOLD, custom=HIDDEN,
                conditions=[_came_from("on_hold")])  # fmt: skip
    def keep_holding(self) -> None:
        """Not cancelled after all; still on hold."""

    @transition(field=state, source=State.ASSESSING_CANCELLATION, target=State.AWAITING_INFORMATION, custom=HIDDEN,
                conditions=[_came_from("awaiting_information")])  # fmt: skip
    def keep_waiting(self) -> None:
        """Not cancelled after all; still waiting."""

    @transition(field=state, source=State.ASSESSING_CANCELLATION, target=State.REVISION_IN_PROGRESS, custom=HIDDEN,
                conditions=[_came_from("revision_in_progress")])  # fmt: skip
    def keep_revising(self) -> None:
        """Not cancelled after all; still in revision."""

    @transition(field=state, source=State.CANCELLATION_IN_PROGRESS, target=State.CANCELLED, custom=HIDDEN)
    def cancelled(self) -> None:
        """All undone."""

    @transition(field=state, source=[State.DRAFT, State.ENRICHMENT_IN_PROGRESS, State.ENRICHMENT_ON_HOLD,
                                     State.AWAITING_APPROVAL],
                target=State.CANCELLED, permission=or_own("orders.steer_order"),
                custom={"label": "Cancel", "needs_reason": True})  # fmt: skip
    def cancel(self) -> None:
        """Nothing has been started, so nothing is undone."""

    @transition(field=state, source=State.IN_PROGRESS, target=State.COMPLETED, custom=HIDDEN)
    def complete(self) -> None:
        """Every line is completed."""

    @transition(field=state, source=State.IN_PROGRESS, target=State.PARTIAL, custom=HIDDEN)
    def end_partial(self) -> None:
        """Some lines completed, some failed."""

    @transition(field=state, source=State.IN_PROGRESS, target=State.FAILED, custom=HIDDEN)
    def fail(self) -> None:
        """Every line failed."""
