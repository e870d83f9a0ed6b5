"""Reopening: what was sold is changed once more before anything has started, and ordered as a whole."""

import pytest
from django.test import Client
from django.urls import reverse

from contracts import basis, quoteversions, quoting
from contracts.models import Contract, ContractLine, Quote
from kernel.models import AuditEntry
from kernel.refusal import NotPermitted, Refusal
from orders import capture, reopening
from orders.capture import Uncapturable
from orders.models import Order
from tests.factories import contracts as make
from tests.factories import contracts_quotes as quotes
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


def _ordered(sites: int = 2) -> Order:
    contract = make.live(sites=sites)
    ContractLine.objects.filter(contract=contract).update(one_time=99)
    return capture.from_quote(quote_id=contract.quote_id, by=UserFactory(role="order_agent"))


def test_an_order_goes_back_to_its_quote_and_the_change_is_ordered_whole() -> None:
    order, seller = _ordered(), UserFactory(role="sales_agent")
    with pytest.raises(quoteversions.NoNewVersion, match="Reopen it on its order’s page"):
        quoteversions.new_version(quote_id=order.quote_id, by=seller)
    with pytest.raises(Refusal, match="Say what the customer wants"):
        reopening.reopen(order_id=order.pk, by=seller, reason=" ")
    assert Order.objects.get(pk=order.pk).state == "draft"
    quote = reopening.reopen(order_id=order.pk, by=seller, reason="One site faster")
    assert Order.objects.get(pk=order.pk).state == "cancelled"
    assert (quote.purpose, quote.wish, quote.basis) == ("amendment", "One site faster", order.contract)
    before = {line.key: line.monthly for line in order.lines.all()}
    assert {line.key: (line.monthly, line.one_time) for line in quote.lines.all()} == {
        key: (monthly, 99) for key, monthly in before.items()
    }
    line = quote.lines.order_by("pk")[0]
    quoting.configure(line_id=line.pk, values=line.characteristics | {"bandwidth": "500M"}, by=seller)
    made = capture.from_quote(quote_id=make.signed(quote).pk, by=UserFactory(role="order_agent"))
    assert {one.action for one in made.lines.all()} == {"add"}
    assert made.lines.count() == order.lines.count()
    assert made.lines.get(key=line.key).characteristics["bandwidth"] == "500M"
    assert AuditEntry.objects.filter(action="quote reopened").count() == 1


def test_what_has_started_is_not_reopened_and_a_change_waits_for_it() -> None:
    order = _ordered(1)
    with pytest.raises(NotPermitted):
        reopening.reopen(order_id=order.pk, by=UserFactory(role="order_agent"), reason="x")
    change = basis.start(contract_id=order.contract_id or 0, purpose="amendment", by=quotes.seller())
    line = change.lines.get()
    quoting.configure(line_id=line.pk, values=line.characteristics | {"bandwidth": "500M"}, by=None)
    with pytest.raises(Uncapturable, match=f"{order.number} still delivers under this contract"):
        capture.from_quote(quote_id=make.signed(change).pk, by=UserFactory(role="order_agent"))
    assert Order.objects.count() == 1


def test_a_seller_reopens_on_the_page_of_the_order() -> None:
    order, client = _ordered(1), Client()
    client.force_login(UserFactory(role="sales_agent"))
    url = reverse("orders:reopen_quote", args=[order.number])
    assert url in client.get(reverse("orders:lines", args=[order.number])).text
    assert client.post(url, {"reason": ""}).status_code == 422
    done = client.post(url, {"reason": "Two devices"})
    made = Quote.objects.get(purpose="amendment")
    assert (done.status_code, done["Location"]) == (302, reverse("contracts:quote", args=[made.number, 1]))
    assert client.post(url, {"reason": "Again"}).status_code == 409
    assert url not in client.get(reverse("orders:lines", args=[order.number])).text
    assert Contract.objects.get(pk=order.contract_id).state == "active"
