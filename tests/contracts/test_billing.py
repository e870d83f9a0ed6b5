"""Billing starts with the service, once, to whoever pays."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cmdb import activation, reservation
from cmdb.models import Product
from cmdb.reservation import NewProduct
from contracts import billing
from contracts.billing import NoProfile, NotActive
from contracts.models import BillingStart, Contract, Quote
from kernel.models import OutboxEvent
from tests.factories import contracts as make
from tests.factories.crm import BillingProfileFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


def _products(quote: Quote, order: str = "ORD0000001") -> list[Product]:
    """What an approved order of the quote reserves."""
    return reservation.reserve_products(
        [
            NewProduct(
                order_number=order, order_line_key=str(line.key), name=line.offering.name, offering_id=line.offering_id,
                specification_id=line.offering.specification_id, account_id=line.site.account_id, site_id=line.site_id,
                monthly=line.monthly, one_time=line.one_time,
            )
            for line in quote.lines.select_related("offering", "site")
        ],
        None,
    )  # fmt: skip


def _active(quote: Quote) -> list[int]:
    keys = [product.pk for product in _products(quote)]
    activation.activate_products(keys, at=timezone.now(), by=None)
    return keys


def test_a_started_product_is_billed_by_its_contract_line() -> None:
    quote = make.accepted(sites=2)
    profile = BillingProfileFactory(account=quote.account)
    keys, today = _active(quote), timezone.localdate()
    made = billing.start(product_ids=keys, on=today, by=None)
    assert {row.product_id for row in made} == set(keys)
    for row in BillingStart.objects.select_related("contract_line__contract", "product"):
        assert row.billing_profile == profile  # the legal entity's, as the child has none
        assert row.contract_line.contract.site_id == row.site_id
        assert (row.monthly, row.starts_on) == (row.contract_line.monthly, today)
    assert OutboxEvent.objects.filter(kind="contracts.BillingStarted").count() == 2
    sales = Contract.objects.get(quote=quote, kind="sales")
    assert len(billing.of_contract(sales)) == 2
    assert len(billing.of_contract(sales.service_contracts.first())) == 1


def test_a_second_call_starts_nothing() -> None:
    quote = make.accepted(sites=1)
    BillingProfileFactory(account=quote.account)
    keys = _active(quote)
    assert len(billing.start(product_ids=keys, on=timezone.localdate(), by=None)) == 1
    assert billing.start(product_ids=keys, on=timezone.localdate(), by=None) == []
    assert BillingStart.objects.count() == 1


def test_nothing_is_billed_before_it_is_active() -> None:
    quote = make.accepted(sites=2)
    BillingProfileFactory(account=quote.account)
    first, second = _products(quote)
    activation.activate_products([first.pk], at=timezone.now(), by=None)
    with pytest.raises(NotActive, match=second.number):
        billing.start(product_ids=[first.pk, second.pk], on=timezone.localdate(), by=None)
    with pytest.raises(NotActive, match="Active only after"):
        billing.start(product_ids=[first.pk], on=timezone.localdate() - dt.timedelta(days=2), by=None)
    assert not BillingStart.objects.exists()


def test_somebody_has_to_pay() -> None:
    quote = make.accepted(sites=1)
    keys = _active(quote)
    with pytest.raises(NoProfile) as refused:
        billing.start(product_ids=keys, on=timezone.localdate(), by=None)
    assert quote.lines.get().site.account.name in refused.value.problems["billing_profile"][0]


def test_the_childs_own_profile_goes_first() -> None:
    quote = make.accepted(sites=1)
    BillingProfileFactory(account=quote.account)
    own = BillingProfileFactory(account=quote.lines.get().site.account)
    (made,) = billing.start(product_ids=_active(quote), on=timezone.localdate(), by=None)
    assert made.billing_profile == own


def test_many_take_as_many_queries_as_few() -> None:
    counts = []
    for sites in (1, 8):
        quote = make.accepted(sites=sites)
        BillingProfileFactory(account=quote.account)
        keys = [product.pk for product in _products(quote, f"ORD000000{sites}")]
        activation.activate_products(keys, at=timezone.now(), by=None)
        with CaptureQueriesContext(connection) as asked:
            billing.start(product_ids=keys, on=timezone.localdate(), by=None)
        counts.append(len(asked))
    assert counts[0] == counts[1]
