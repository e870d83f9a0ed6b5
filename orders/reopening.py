"""Reopening: an order that has not started goes back to its quote, so that what was sold can be changed and ordered."""

from django.db import transaction

from contracts import basis
from contracts.models import Quote
from kernel import audit
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal
from orders import cancellation, queries, steering
from orders.models import Order

RIGHT = "contracts.edit_quote"


class NotReopenable(Conflict):
    """What was sold is changed in another way now; the message says which."""


@transaction.atomic
def reopen(*, order_id: int, by: User, reason: str) -> Quote:
    """Cancel the order and quote a change of its contract, with every line and price as signed, to be changed.

    The contract holds until the customer signs the change; the order of that has all lines, as nothing is installed.

    Raises:
        Refusal: without a reason.
        NotReopenable: the order is from no quote, has started or is over, or its contract is not in force.
        NotPermitted: the person may not write quotes.
    """
    if not by.has_perm(RIGHT):
        raise NotPermitted("Your roles do not include the right to write quotes. Ask whoever sold it.")
    order: Order = Order.objects.locked(order_id)
    if why_not := problem(order):
        raise NotReopenable(why_not)
    if not reason.strip():
        raise Refusal(problems={"reason": ["Say what the customer wants otherwise; it stands in the quote."]})
    steering.end_unstarted(order, by=None, reason=f"The quote is reopened: {reason.strip()}"[:300])
    quote = basis.start(contract_id=order.contract_id or 0, purpose=Quote.Purpose.AMENDMENT, by=by)
    Quote.objects.filter(pk=quote.pk).update(wish=reason.strip())
    audit.record("quote reopened", order, by=by, changes={"quote": [str(order.quote), str(quote)]}, reason=reason)
    return Quote.objects.get(pk=quote.pk)


def problem(order: Order) -> str:
    """Why the quote of an order cannot be reopened, "" when it can."""
    if order.quote_id is None:
        return f"{order.number} comes from no quote; change its lines instead."
    if order.state in queries.ENDED:
        return f"{order.number} is {order.get_state_display().lower()}; quote a change from the contract instead."
    if order.state not in cancellation.UNSTARTED:
        return f"{order.number} is under way. Change the order itself, or quote a change once it is delivered."
    if order.contract_id is None:
        return f"{order.number} has no contract to be changed; make a new quote."
    return ""
