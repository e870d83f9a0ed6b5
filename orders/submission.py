"""Submission: a draft becomes a promise."""

from django.db import transaction
from django.utils import timezone

from kernel import lifecycle, outbox
from kernel.models import User
from orders import events, validation, weighting
from orders.models import Order, OrderLine


@transaction.atomic
def submit(*, order_id: int, by: User | None) -> Order:
    """Check the whole order and hand it to enrichment and approval.

    Raises:
        Incomplete: with every problem found, each at its field.
        IllegalMove: the order is no longer a draft.
        NotPermitted: the person may not submit orders; the system, None, always may.
    """
    order: Order = Order.objects.locked(order_id)
    if order.state == Order.State.DRAFT:
        validation.require_complete(order)
        order.submitted_at = timezone.now()
        weighting.weigh(order)
    lifecycle.move(order, Order.submit, by=by)
    lifecycle.move_many(OrderLine.objects.filter(order=order), OrderLine.acknowledge, by=by)
    outbox.publish(events.OrderSubmitted(order_id=order.pk))
    return order


def submit_new(order: Order, lines: list[OrderLine], *, by: User) -> None:
    """`submit` for an order that this transaction makes and stores afterwards, with its lines and what they point at:
    nothing is read again, and both move along. Raises Incomplete, NotPermitted."""
    validation.require_complete(order, lines)
    order.submitted_at = timezone.now()
    weighting.weigh(order, lines)
    lifecycle.move_new(order, Order.submit, by=by)
    lifecycle.move_all_new(lines, OrderLine.acknowledge, by=by)
    outbox.publish(events.OrderSubmitted(order_id=order.pk))
