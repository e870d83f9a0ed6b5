"""Changing: what an order from an amendment touches at sites that have services already."""

import pytest

from cmdb.models import Product
from contracts import basis, quoteapproval, quoting
from contracts.models import Contract, Quote
from kernel import lifecycle
from orders import capture, validation
from orders.capture import Uncapturable
from orders.models import Order
from tests.factories import contracts as make
from tests.factories import contracts_quotes as quotes
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


def _delivered(contract: Contract) -> list[Product]:
    """What the contract sold, at work at its sites, with technical data beside what was chosen."""
    made = []
    for line in contract.lines.select_related("quote_line", "offering", "site").order_by("pk"):
        product = Product.objects.create(
            name=line.offering.name, offering=line.offering, specification=line.offering.specification,
            account=line.site.account, site=line.site, characteristics=line.characteristics | {"vlan": 2114},
            quantity=line.quantity, order_number="ORD0000001", order_line_key=str(line.quote_line.key),
        )  # fmt: skip
        lifecycle.move(product, Product.expect, by=None)
        made.append(lifecycle.move(product, Product.activate, by=None))
    return made


def _signed(quote: Quote) -> Quote:
    quoteapproval.submit(quote_id=quote.pk, by=quotes.seller())
    for step in quoteapproval.steps_of(quote):
        quoteapproval.decide(step_id=step.pk, by=UserFactory(role=step.role), approve=True)
    return make.accepted(Quote.objects.get(pk=quote.pk))


def test_a_change_orders_only_what_differs() -> None:
    contract = make.live(sites=3)
    kept, faster, gone = _delivered(contract)
    change = basis.start(contract_id=contract.pk, purpose="amendment", by=quotes.seller())
    line = change.lines.get(key=faster.order_line_key)
    quoting.configure(line_id=line.pk, values=line.characteristics | {"bandwidth": "500M"}, by=None)
    quoting.remove_lines(quote_id=change.pk, line_ids=[change.lines.get(key=gone.order_line_key).pk], by=None)
    quotes.line(change, quotes.site(contract.account.children.get()))
    order = capture.from_quote(quote_id=_signed(change).pk, by=UserFactory(role="order_agent"))
    told = {(line.action, line.product) for line in order.lines.select_related("product")}
    assert told == {("modify", faster), ("add", None), ("delete", gone)}
    assert order.contract == contract
    assert "lines" not in validation.problems(order)
    assert not [name for name in validation.problems(order) if name.endswith("-offering")]
    assert not order.lines.filter(product=kept).exists()


def test_a_renewal_of_the_same_needs_no_order() -> None:
    contract = make.live(sites=1)
    _delivered(contract)
    renewal = _signed(basis.start(contract_id=contract.pk, purpose="renewal", by=quotes.seller()))
    with pytest.raises(Uncapturable, match="nothing to order"):
        capture.from_quote(quote_id=renewal.pk, by=UserFactory(role="order_agent"))
    assert not Order.objects.exists()
