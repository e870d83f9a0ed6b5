"""Switch-off: a contract that ends leads to one order that disconnects what nobody else carries on."""

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from contracts import basis, renewing
from contracts.models import BillingChange, Contract
from kernel import outbox
from orders import switchoff
from orders.models import Order
from tests.factories import contracts as make
from tests.factories import contracts_quotes as quotes
from tests.factories.orders import finish, fresh

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


def test_an_early_end_switches_everything_off_with_one_order() -> None:
    contract = make.live(sites=2)
    products = make.billed(contract)
    seen = switchoff.preview(contract)
    assert (seen.products, seen.running) == (products, [])
    make.ended(contract, timezone.localdate())
    finish()
    order = Order.objects.get()
    assert (order.channel, order.contract, order.state) == ("contract", contract, "completed")
    assert {(line.action, line.product) for line in order.lines.all()} == {("delete", one) for one in products}
    assert {fresh(one).state for one in products} == {"terminated"}
    assert BillingChange.objects.filter(ends=True).count() == 2
    assert switchoff.order_ends([contract.pk]) == []
    site = contract.service_contracts.first()
    assert switchoff.of(contract) == switchoff.of(site) == [order]


def test_one_site_that_leaves_takes_only_its_own() -> None:
    contract = make.live(sites=2)
    first, second = make.billed(contract)
    service = contract.service_contracts.get(site=first.site)
    assert switchoff.preview(service).products == [first]
    make.ended(service, timezone.localdate())
    finish()
    assert (fresh(first).state, fresh(second).state) == ("terminated", "active")


def test_what_a_renewal_carries_on_stays_and_what_it_left_out_ends() -> None:
    contract = make.live(sites=2)
    kept, dropped = make.billed(contract)
    renewal = basis.start(contract_id=contract.pk, purpose="renewal", by=quotes.seller())
    renewal.lines.get(key=dropped.order_line_key).delete()
    follows = Contract.objects.get(quote=make.signed(renewal), kind="sales")
    with time_machine.travel(dt.datetime.combine(follows.starts_on, dt.time(12), dt.UTC), tick=True):
        renewing.run(follows.starts_on)
        finish()
    assert (fresh(kept).state, fresh(dropped).state) == ("active", "terminated")


def test_without_somebody_who_pays_the_order_waits_as_a_draft() -> None:
    contract = make.live(sites=1)
    (product,) = make.installed(contract)
    make.ended(contract, timezone.localdate())
    outbox.drain()
    order = Order.objects.get()
    assert (order.state, fresh(product).state) == ("draft", "active")
    assert switchoff.order_ends([contract.pk]) == []
