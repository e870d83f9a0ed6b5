"""Nudging: an order that stands still is set going again from wherever it stands."""

from django.db import transaction

from fulfillment import untangling
from kernel.models import User
from kernel.refusal import NotPermitted
from orders import closure, enrichment, orchestration
from orders.models import DomainOrder, Order

ROOT = Order._meta.label_lower
State = Order.State


@transaction.atomic
def nudge(*, order_id: int, by: User | None) -> bool:
    """Enrich, launch, release and close whatever can be; returns whether anything moved. Safe to repeat.

    Raises:
        BrokenRule: a rule or plan cannot be evaluated, which is why it stands; the message names it.
        NotPermitted
    """
    if by is not None and not by.has_perm("orders.view_order"):
        raise NotPermitted("Your roles do not include the right to see this order.")
    order = Order.objects.select_related("account").select_for_update(of=("self",)).get(pk=order_id)
    before = _mark(order)
    moved = 0
    if order.state in (State.SUBMITTED, State.ENRICHMENT_IN_PROGRESS):
        enrichment.run(order_id=order.pk)
    elif order.state == State.APPROVED:
        orchestration.launch(order_id=order.pk)
    elif order.state == State.IN_PROGRESS:
        moved = untangling.untangle(ROOT, order.pk)
        closure.roll_up(order)
    return bool(moved) or _mark(Order.objects.get(pk=order_id)) != before


def _mark(order: Order) -> tuple[str, int, int]:
    """State, closed nodes and open lines: what moving changes."""
    nodes = DomainOrder.objects.filter(order=order, state__in=closure.CLOSED).count()
    return str(order.state), nodes, order.lines.exclude(state__in=closure.DONE_LINES).count()
