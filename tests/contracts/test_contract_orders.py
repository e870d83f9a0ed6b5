"""Changing: what an order from an amendment touches at sites that have services already."""

import pytest

from contracts import basis, quoting
from orders import capture, validation
from orders.capture import Uncapturable
from orders.models import Order
from tests.factories import contracts as make
from tests.factories import contracts_quotes as quotes
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


def test_a_change_orders_only_what_differs() -> None:
    contract = make.live(sites=3)
    kept, faster, gone = make.installed(contract)
    change = basis.start(contract_id=contract.pk, purpose="amendment", by=quotes.seller())
    line = change.lines.get(key=faster.order_line_key)
    quoting.configure(line_id=line.pk, values=line.characteristics | {"bandwidth": "500M"}, by=None)
    quoting.remove_lines(quote_id=change.pk, line_ids=[change.lines.get(key=gone.order_line_key).pk], by=None)
    quotes.line(change, quotes.site(contract.account.children.get()))
    order = capture.from_quote(quote_id=make.signed(change).pk, by=UserFactory(role="order_agent"))
    told = {(line.action, line.product) for line in order.lines.select_related("product")}
    assert told == {("modify", faster), ("add", None), ("delete", gone)}
    assert order.contract == contract
    assert "lines" not in validation.problems(order)
    assert not [name for name in validation.problems(order) if name.endswith("-offering")]
    assert not order.lines.filter(product=kept).exists()


def test_a_renewal_of_the_same_needs_no_order() -> None:
    contract = make.live(sites=1)
    make.installed(contract)
    renewal = make.signed(basis.start(contract_id=contract.pk, purpose="renewal", by=quotes.seller()))
    with pytest.raises(Uncapturable, match="nothing to order"):
        capture.from_quote(quote_id=renewal.pk, by=UserFactory(role="order_agent"))
    assert not Order.objects.exists()
