"""Billing follows the contract: changed prices from their day, prorated; nothing after the end; ramps step by step."""

import csv
import datetime as dt
import io
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from catalog.models import ProrationRule
from cmdb.models import Product
from contracts import (
    basis,
    billing,
    chargefeed,
    earlytermination,
    periods,
    quoting,
    rebilling,
    renewing,
)
from contracts.models import BillingChange, BillingStart, Contract, ContractCharge, ContractLine
from kernel import outbox
from kernel.money import rounded
from tests.factories import contracts as make
from tests.factories import contracts_quotes as quotes
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


def _month(contract: Contract, first: dt.date) -> list[chargefeed.Item]:
    return chargefeed.of_month(billing.under(contract), first, billing.charges_under(contract))


def _begin(months_ago: int) -> dt.date:
    return periods.first_of(timezone.localdate().replace(day=1), -months_ago)


def test_a_changed_price_is_billed_from_the_day_the_change_works() -> None:
    start = _begin(2)
    contract = make.live(sites=2, on=start)
    changed, kept = make.billed(contract, start)
    change = basis.start(contract_id=contract.pk, purpose="amendment", by=quotes.seller())
    line = change.lines.get(key=changed.order_line_key)
    quoting.configure(line_id=line.pk, values=line.characteristics | {"bandwidth": "500M"}, by=None)
    before, old = BillingStart.objects.get(product=changed), changed.monthly
    make.signed(change)
    outbox.drain()
    assert not BillingChange.objects.exists()  # the site still has what it had
    month = _begin(1)
    day = month + dt.timedelta(days=10)
    (made,) = rebilling.delivered({changed.pk: old, kept.pk: old}, on=day, because="Order")
    new = Contract.objects.get(parent=contract, site=changed.site_id).monthly
    assert (made.billing_start, made.on, made.monthly) == (before, day, new)
    assert new != old
    assert Product.objects.get(pk=changed.pk).monthly == new
    assert rebilling.delivered({changed.pk: old}, on=day, because="Order") == []
    mine = [one for one in _month(contract, month) if one.product == changed.number and one.kind == "recurring"]
    days = (periods.first_of(month, 1) - month).days
    assert [(one.first, one.last) for one in mine] == [
        (month, day - periods.DAY), (day, month + dt.timedelta(days=days - 1)),
    ]  # fmt: skip
    assert mine[0].amount == (old * 10 / days).quantize(Decimal("0.01"))
    assert abs(mine[1].amount - new * (days - 10) / days) <= Decimal("0.01")
    (whole,) = [one for one in _month(contract, month) if one.product == kept.number]
    assert whole.amount == kept.monthly


def test_whole_months_are_charged_once() -> None:
    start = _begin(1)
    contract = make.live(sites=1, on=start)
    (product,) = make.billed(contract, start)
    ProrationRule.objects.create(rule=ProrationRule.Rule.WHOLE, valid_from=dt.date(2020, 1, 1))
    BillingChange.objects.create(
        billing_start=BillingStart.objects.get(), on=start + dt.timedelta(days=9), monthly=1, because="Cheaper"
    )
    (item,) = [one for one in _month(contract, start) if one.kind == "recurring"]
    assert item.amount == product.monthly


def test_a_renewal_is_billed_at_its_price_from_its_first_day() -> None:
    contract = make.live(sites=1)
    (product,) = make.billed(contract)
    renewal = make.signed(basis.start(contract_id=contract.pk, purpose="renewal", by=quotes.seller()))
    follows = Contract.objects.get(quote=renewal, kind="sales")
    ContractLine.objects.filter(contract__quote=renewal).update(monthly=Decimal("123.45"))
    renewing.run(follows.starts_on)
    (made,) = BillingChange.objects.all()
    assert (made.on, made.monthly, made.ends) == (follows.starts_on, Decimal("123.45"), False)
    outbox.drain()  # the contract before is over, but the renewal carries its services on
    assert BillingChange.objects.count() == 1
    assert [one.product for one in billing.of_contract(follows)] == [product]


def test_an_early_end_bills_the_month_that_had_begun_and_no_more() -> None:
    start = _begin(3)
    contract = make.live(sites=1, on=start)
    make.billed(contract, start)
    made = make.ended(contract, timezone.localdate())
    outbox.drain()
    (end,) = BillingChange.objects.all()
    this = timezone.localdate().replace(day=1)
    assert (end.ends, end.on) == (True, periods.first_of(this, 1))
    last = [one for one in _month(contract, this) if one.kind == "recurring"]
    assert [one.amount for one in last] == [one.monthly for one in last]
    assert sum(one.amount for one in _month(contract, made.on.replace(day=1)) if one.kind == "early_termination") == (
        ContractCharge.objects.get().amount
    )
    assert _month(contract, periods.first_of(this, 1)) == []
    assert rebilling.stop(Contract.objects.get(pk=contract.pk)) == []


def test_a_ramp_counts_in_the_charge_and_on_the_bill() -> None:
    start = _begin(2)
    contract = make.live(sites=1, on=start)
    make.billed(contract, start)
    ContractLine.objects.update(ramp=[{"until": 3, "percent": "50"}, {"until": 6, "percent": "80"}])
    service = contract.service_contracts.get()
    price = service.monthly
    found = earlytermination.preview(service, periods.after(start, 2))
    (line,) = found.lines
    half, most = (rounded(price * part / 10, "EUR") for part in (5, 8))
    assert [(one.first, one.last, one.monthly, one.percent) for one in line.steps] == [
        (3, 3, half, 100), (4, 6, most, 100), (7, 12, price, 100), (13, 36, price, 50),
    ]  # fmt: skip
    assert found.total == half + 3 * most + 6 * price + 12 * price
    bills = {}
    for month in (2, 3, 6):
        day = periods.first_of(start, month)
        bills[month] = sum(one.amount for one in _month(contract, day) if one.kind == "recurring")
    assert bills == {2: half, 3: most, 6: price}


def test_finance_sees_the_charges_of_every_customer_and_takes_them_as_a_file() -> None:
    start = _begin(2)
    contracts = [make.live(sites=sites, on=start) for sites in (2, 1)]
    for contract in contracts:
        make.billed(contract, start)
    make.ended(contracts[1], timezone.localdate())
    outbox.drain()
    jonas, month = Client(), timezone.localdate().replace(day=1)
    jonas.force_login(UserFactory(role="finance"))
    url = f"{reverse('contracts:charge_list')}?month={month:%Y-%m}"
    jonas.get(url)
    with CaptureQueriesContext(connection) as many:
        said = jonas.get(url).text
    expected = {contract: chargefeed.total(_month(contract, month)) for contract in contracts}
    for contract, owed in expected.items():
        assert contract.account.name in said
        assert f"{owed:,.2f}" in said
    assert f"{sum(expected.values()):,.2f}" in said
    with CaptureQueriesContext(connection) as few:
        assert contracts[1].account.name not in jonas.get(f"{url}&q={contracts[0].account.name}").text
    assert len(many) == len(few), [q["sql"][:150] for q in many.captured_queries]
    rows = list(csv.DictReader(io.StringIO(_file(jonas, f"{url}&as=csv").removeprefix("\ufeff"))))
    assert sum(Decimal(row["amount"]) for row in rows) == sum(expected.values())
    assert {row["kind"] for row in rows} == {"recurring", "early_termination"}
    assert all(row["contract"] and row["invoice_email"] for row in rows)
    one = reverse("contracts:charge_customer", args=[contracts[0].account.number])
    assert f"{expected[contracts[0]]:,.2f}" in jonas.get(f"{one}?month={month:%Y-%m}").text
    mine = csv.DictReader(io.StringIO(_file(jonas, f"{one}?month={month:%Y-%m}&as=csv").removeprefix("\ufeff")))
    assert {row["customer"] for row in mine} == {contracts[0].account.number}
    assert "Nothing is charged" in jonas.get(f"{reverse('contracts:charge_list')}?month=2001-01").text
    assert "No customer with" in jonas.get(f"{url}&q=nobody").text
    assert jonas.get(reverse("contracts:charge_customer", args=["ACC9999999"])).status_code == 404
    jonas.force_login(UserFactory(role="sales_agent"))
    assert jonas.get(url).status_code == 403


def _file(client: Client, url: str) -> str:
    return b"".join(client.get(url).streaming_content).decode()  # type: ignore[attr-defined]
