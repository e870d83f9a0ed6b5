"""Customers in the portal: a shop with an order that is followed, and people who may follow it."""

from typing import Any

from contracts import presenting
from contracts.models import SignatureRequest
from fulfillment.models import PlanItem
from kernel.models import User
from orders import progress
from orders.models import DomainOrder
from tests.factories import contracts, orders
from tests.factories.crm import ContactFactory
from tests.factories.orders import Shop


def shop() -> Shop:
    """A shop whose two steps are the line and the work itself."""
    made = Shop()
    PlanItem.objects.filter(key="dig").update(stage="line")
    PlanItem.objects.filter(key="configure").update(stage="working")
    return made


def customer(account: Any) -> User:
    """A person of that company who can log in."""
    contact = ContactFactory(account=account, portal_access=True)
    return User.objects.get(pk=contact.user_id)


def finish(order: Any) -> Any:
    """Let everything of an order be done; the order as it is then."""
    for node in DomainOrder.objects.filter(order=order, specification__key="t-access"):
        progress.values_supplied(values={node.pk: {"pop_found": "RTM2"}})
    orders.finish()
    return orders.fresh(order)


def presented() -> SignatureRequest:
    """A quote that waits for the signature of somebody who can log in."""
    quote = contracts.approved_quote()
    contact = ContactFactory(account=quote.account, portal_access=True)
    return presenting.present(quote_id=quote.pk, contact_id=contact.pk, by=None)
