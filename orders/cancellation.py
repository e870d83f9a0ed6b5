"""Cancellation: a whole order is given up at somebody's request, as far as its state still allows."""

import datetime as dt

from django.db import transaction

from kernel.models import User
from kernel.refusal import Conflict
from orders import queries, steering, withdrawal
from orders.models import CancelRequest, Order, OrderLine

UNSTARTED = (
    Order.State.DRAFT, Order.State.ENRICHMENT_IN_PROGRESS, Order.State.ENRICHMENT_ON_HOLD,
    Order.State.AWAITING_APPROVAL,
)  # fmt: skip
OPEN = (OrderLine.State.SCHEDULED, OrderLine.State.IN_PROGRESS)


class NotCancellable(Conflict):
    """The order is in a state in which it cannot be cancelled."""


@transaction.atomic
def ask(*, order_id: int, reason: str, by: User, wanted_on: dt.datetime | None = None) -> CancelRequest:
    """Cancel an order: at once when nothing was started, else every line that still runs.

    Raises:
        NotCancellable: it is over, or just between two states.
        PastNoReturn: a component is past its hard point of no return.
        NotPermitted
    """
    order: Order = Order.objects.locked(order_id)
    said = reason.strip() or "Cancelled by the customer"
    made = CancelRequest(order=order, reason=said[:300], wanted_on=wanted_on, asked_by=by)
    if order.state in UNSTARTED:
        steering.cancel(order_id=order.pk, by=by, reason=said)
    elif order.state == Order.State.IN_PROGRESS:
        lines = order.lines.filter(state__in=OPEN).values_list("pk", flat=True)
        withdrawal.withdraw(order_id=order.pk, line_ids=list(lines), by=by, reason=said, ends_as=withdrawal.CANCELLED)
    elif order.state in queries.ENDED:
        raise NotCancellable(f"{order.number} is {order.get_state_display().lower()} already.")
    else:
        raise NotCancellable(
            f"{order.number} is {order.get_state_display().lower()}. It can be cancelled before it is approved, and "
            "while it is in progress. Try again in a moment."
        )
    made.save()
    return made
