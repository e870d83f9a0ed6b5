"""Domain orders: the product, service and resource orders that an order decomposes into (TMF641, TMF652)."""

from typing import Any, ClassVar

from django.db import models
from django_fsm import transition

from crm.models import OfAccountQuerySet
from fulfillment.models import Action
from kernel import lifecycle
from kernel.models import Numbered
from kernel.models.statefield import StateField
from orders.models.lines import OrderLine
from orders.models.orders import HIDDEN, Order

OPEN = ["draft", "waiting_data", "qualified", "scheduled", "in_progress", "on_hold"]


@lifecycle.guarded("state")
class DomainOrder(Numbered):
    """One node of the decomposition tree: an instance of a specification to be added, changed or ended.

    `path` names the node within its order, such as 3f2a…/sdwan_site/overlay#1; the same order and catalogue give the
    same paths, so decomposing again adds nothing. `rule` and `rule_version` say what made it.
    """

    PREFIX = "DOM"

    class Kind(models.TextChoices):
        PRODUCT = "product", "Product order"
        CFS = "cfs", "Service order (customer-facing)"
        RFS = "rfs", "Service order (resource-facing)"
        RESOURCE = "resource", "Resource order"

    class State(models.TextChoices):
        DRAFT = "draft"
        WAITING_DATA = "waiting_data"
        QUALIFIED = "qualified"
        SCHEDULED = "scheduled"
        IN_PROGRESS = "in_progress"
        ON_HOLD = "on_hold"
        CLOSED_COMPLETE = "closed_complete", "Done"
        FAILED = "failed"
        CANCELLATION_IN_PROGRESS = "cancellation_in_progress"
        CANCELLED = "cancelled"

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="domain_orders", db_index=False)
    line = models.ForeignKey(OrderLine, on_delete=models.CASCADE, related_name="domain_orders")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="children")
    account = models.ForeignKey("crm.Account", on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey("crm.Site", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    specification = models.ForeignKey("catalog.Specification", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    action = models.CharField(max_length=10, choices=Action, default=Action.ADD)
    path = models.CharField(max_length=300)
    depth = models.PositiveSmallIntegerField(default=0)
    rule = models.ForeignKey(
        "catalog.DecompositionRule", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    rule_version = models.PositiveIntegerField(null=True, blank=True)
    characteristics = models.JSONField(default=dict, blank=True)
    missing = models.JSONField(default=list, blank=True, help_text="Characteristics that it waits for.")
    flow = models.OneToOneField(
        "fulfillment.Flow", null=True, blank=True, on_delete=models.SET_NULL, related_name="domain_order"
    )
    product = models.ForeignKey("cmdb.Product", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    service = models.ForeignKey("cmdb.Service", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    resource = models.ForeignKey("cmdb.Resource", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    state = StateField(default=State.DRAFT, choices=State.choices, protected=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    id: int
    parent_id: int | None

    objects: ClassVar[Any] = OfAccountQuerySet.as_manager()

    class Meta:
        # The constraint's index finds those of an order. None names the state, so that moves stay within their page.
        constraints = [models.UniqueConstraint(fields=["order", "path"], name="domain_order_path")]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"

    @property
    def lacking(self) -> list[str]:
        """Characteristics that it still waits for; one that was given up waits for none."""
        return list(self.missing) if self.state == self.State.WAITING_DATA else []

    @transition(field=state, source=State.DRAFT, target=State.WAITING_DATA, custom=HIDDEN)
    def wait_for_data(self) -> None:
        """Named characteristics are missing."""

    @transition(field=state, source=[State.DRAFT, State.WAITING_DATA], target=State.QUALIFIED, custom=HIDDEN)
    def qualify(self) -> None:
        """Its values are complete."""

    @transition(field=state, source=State.QUALIFIED, target=State.SCHEDULED, custom=HIDDEN)
    def schedule(self) -> None:
        """It has a plan with dates, or its children have."""

    @transition(field=state, source=State.SCHEDULED, target=State.IN_PROGRESS, custom=HIDDEN)
    def start(self) -> None:
        """Its first task, or a child's, started."""

    @transition(field=state, source=[State.SCHEDULED, State.IN_PROGRESS], target=State.ON_HOLD,
                permission="orders.steer_order", custom={"label": "Hold", "needs_reason": True})  # fmt: skip
    def hold(self) -> None:
        """Nothing new starts."""

    @transition(field=state, source=State.ON_HOLD, target=State.IN_PROGRESS, permission="orders.steer_order",
                custom={"label": "Resume"})  # fmt: skip
    def resume(self) -> None:
        """Goes on."""

    @transition(field=state, source=State.ON_HOLD, target=State.SCHEDULED, custom=HIDDEN)
    def wait_again(self) -> None:
        """Goes on before anything of it had started."""

    @transition(field=state, source=State.IN_PROGRESS, target=State.CLOSED_COMPLETE, custom=HIDDEN)
    def close(self) -> None:
        """Its flow and its children are done."""

    @transition(field=state, source=State.IN_PROGRESS, target=State.FAILED, custom=HIDDEN)
    def fail(self) -> None:
        """It cannot be done."""

    @transition(field=state, source=OPEN, target=State.CANCELLATION_IN_PROGRESS, custom=HIDDEN)
    def start_cancellation(self) -> None:
        """What was started is undone."""

    @transition(field=state, source=State.CANCELLATION_IN_PROGRESS, target=State.CANCELLED, custom=HIDDEN)
    def cancel(self) -> None:
        """All undone."""


class DomainOrderLink(models.Model):
    """A node that also serves another parent, because a rule merged it, or that requires a sibling."""

    parent = models.ForeignKey(DomainOrder, on_delete=models.CASCADE, related_name="links")
    child = models.ForeignKey(DomainOrder, on_delete=models.CASCADE, related_name="linked_from")
    rule = models.ForeignKey("catalog.DecompositionRule", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["parent", "child"], name="domain_order_link_once")]

    def __str__(self) -> str:
        return f"{self.parent_id} → {self.child_id}"
