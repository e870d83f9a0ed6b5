"""Why this price: explained to each role, cost and margin hidden; ramps and currencies of quotes."""

import datetime as dt
import json
import re
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from catalog import ramps
from catalog.models import ExchangeRate, MarginFloor, PriceList
from contracts import documents, quoteapproval, quotepricing, quoteramps, quoteversions, quoting
from contracts.models import LinePrice, Quote, QuoteLine
from kernel.models import AuditEntry
from kernel.refusal import Refusal
from tests.factories import contracts as deals
from tests.factories import contracts_quotes as make
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]
FINGERPRINT = re.compile(r"\?v=[0-9a-f]+")
SECRET = ("430", "65.6", "54.1")  # cost of 1G, its margins at list and at 36 months


@pytest.fixture
def line() -> QuoteLine:
    return make.filled(sites=1)[1][0]


def address(line: QuoteLine, name: str = "quote_price") -> str:
    return reverse(f"contracts:{name}", args=[line.quote.number, line.quote.version, line.pk])


def asked(role: str, line: QuoteLine, form: str = "") -> str:
    client = Client()
    client.force_login(UserFactory(role=role))
    answer = client.get(address(line), {"as": form} if form else {})
    assert answer.status_code == 200
    return FINGERPRINT.sub("", str(answer.content.decode()))  # fingerprints of files may hold any digits


def stored(line: QuoteLine) -> Quote:
    return Quote.objects.get(pk=line.quote_id)


def test_every_role_reads_the_steps(line: QuoteLine) -> None:
    for role in ("sales_agent", "finance"):
        said = asked(role, line)
        assert "36 months, − 25 %" in said
        assert "937.50" in said
        assert "Term 36" in said
        assert reverse("catalog:price_book", args=["eur-test", "dia"]) in said


@pytest.mark.parametrize("form", ["", "json", "csv"])
def test_cost_and_margin_are_for_those_with_the_right(line: QuoteLine, form: str) -> None:
    seen, hidden = asked("finance", line, form), asked("sales_agent", line, form)
    assert "430.00" in seen
    assert "54.1" in seen
    assert not [secret for secret in SECRET if secret in hidden.partition("<main")[2] or (form and secret in hidden)]
    if form == "json":
        assert not {"cost", "margin"} & {name for charge in json.loads(hidden)["charges"] for name in charge}
    if form == "csv":
        assert "margin" not in hidden.splitlines()[0]


def test_neither_audit_nor_document_tells_what_things_cost(line: QuoteLine) -> None:
    quote = stored(line)
    quoting.set_discount(quote_id=quote.pk, percent=Decimal(100), by=quote.owner)  # down to the floor
    told = [json.dumps([entry.changes, entry.reason], default=str) for entry in AuditEntry.objects.all()]
    assert not [text for text in told if '"430' in text or "cost" in text or "margin" in text]
    content = documents.quote_bytes(Quote.objects.select_related("account", "price_list").get(pk=quote.pk))
    assert content.startswith(b"%PDF")
    for price in LinePrice.objects.filter(line=line):
        assert "430" not in json.dumps(price.steps)


def test_another_customers_line_is_not_there(line: QuoteLine) -> None:
    other = make.filled(sites=1)[1][0]
    client = Client()
    client.force_login(UserFactory(role="sales_agent"))
    wrong = reverse("contracts:quote_price", args=[line.quote.number, line.quote.version, other.pk])
    assert client.get(wrong).status_code == 404
    client.force_login(UserFactory(role="technician"))
    assert client.get(address(line)).status_code == 403


# Ramps


def test_a_ramp_takes_off_what_it_charges_less(line: QuoteLine) -> None:
    quoteramps.set_ramp(
        quote_id=line.quote_id, line_ids=[line.pk], steps=[{"until": "6", "percent": "50"}], by=make.seller()
    )
    quote = stored(line)
    assert quote.monthly == Decimal("937.50")
    assert quote.ramp_off == 6 * (Decimal("937.50") - Decimal("468.75"))
    figures = quoteapproval.figures(quote)
    assert figures.value == quote.monthly * 36 - quote.ramp_off
    assert figures.discount == Decimal("8.33")  # a ramp is a discount, and approved like one
    assert AuditEntry.objects.filter(action="ramped").count() == 1
    changed = quoting.configure(line_id=line.pk, values={"bandwidth": "500M", "routing": "static"}, by=None)
    assert changed.ramp_off == 6 * Decimal("318.75")
    quoting.set_terms(quote_id=quote.pk, term_months=3, by=None)
    assert stored(line).ramp_off == 3 * Decimal("425.00")


def test_a_ramp_of_pieces_is_priced_by_their_number() -> None:
    account, sites = make.customer(1)
    quote = make.quote(account)
    line = make.line(quote, sites[0], "sip", channels=10)
    quoting.configure(line_id=line.pk, values={"channels": 10}, quantity=5, by=None)
    steps = [{"until": "12", "quantity": "2"}]
    quoteramps.set_ramp(quote_id=quote.pk, line_ids=[line.pk], steps=steps, by=None)
    found = QuoteLine.objects.get(pk=line.pk)
    assert (found.monthly, found.ramp_off) == (Decimal("225.00"), 12 * Decimal("135.00"))
    with pytest.raises(ramps.BadRamp, match="The line has 5"):
        quoteramps.set_ramp(quote_id=quote.pk, line_ids=[line.pk], steps=[{"until": "1", "quantity": "6"}], by=None)


def test_a_ramp_is_part_of_what_is_approved_and_goes_into_the_next_version(line: QuoteLine) -> None:
    quote = stored(line)
    before = quoteapproval.fingerprint(quote)
    quoteramps.set_ramp(quote_id=quote.pk, line_ids=[line.pk], steps=[{"until": "1", "percent": "99"}], by=None)
    quote = stored(line)
    assert quoteapproval.fingerprint(quote) != before
    quoteapproval.submit(quote_id=quote.pk, by=make.seller())
    with pytest.raises(quoting.Frozen):
        quoteramps.set_ramp(quote_id=quote.pk, line_ids=[line.pk], steps=[], by=None)
    made = quoteversions.new_version(quote_id=quote.pk, by=None)
    assert made.lines.get().ramp == [{"until": 1, "percent": "99", "monthly": "928.13"}]
    assert Quote.objects.get(pk=made.pk).ramp_off == quote.ramp_off


def test_the_contract_keeps_the_ramp(line: QuoteLine) -> None:
    deals.entitle()
    quoteramps.set_ramp(quote_id=line.quote_id, line_ids=[line.pk], steps=[{"until": "1", "percent": "90"}], by=None)
    quote = quoteapproval.submit(quote_id=line.quote_id, by=make.seller())
    accepted = deals.accepted(quote)
    for contract in accepted.contracts.all():
        assert [one.ramp for one in contract.lines.all()] == [[{"until": 1, "percent": "90", "monthly": "843.75"}]]


def test_the_form_of_a_ramp_refuses_at_its_field(line: QuoteLine) -> None:
    client = Client()
    client.force_login(UserFactory(role="sales_agent"))
    bad = client.post(address(line, "quote_ramp"), {"ramp-0-until": "40", "ramp-1-until": "x", "ramp-1-percent": "150"})
    said = bad.content.decode()
    assert bad.status_code == 422
    assert "Choose a month from 1 to 36" in said
    assert "A step charges 0 to 100 %" in said
    assert 'value="150"' in said  # what was typed is kept
    assert client.post(address(line, "quote_ramp"), {"ramp-0-until": "6", "ramp-0-percent": "50"}).status_code == 302
    assert "Months 1–6: 50 % of the price" in client.get(address(line)).content.decode()
    client.post(address(line, "quote_ramp"), {})
    assert stored(line).ramp_off == 0
    client.force_login(UserFactory(role="finance"))
    assert client.post(address(line, "quote_ramp"), {}).status_code == 403


def test_what_has_no_monthly_price_is_not_ramped() -> None:
    account, sites = make.customer(1)
    quote = make.quote(account)
    line = make.line(quote, sites[0], "firewall", tier="premium")
    with pytest.raises(Refusal, match="no monthly price"):
        quoteramps.set_ramp(quote_id=quote.pk, line_ids=[line.pk], steps=[{"until": "1", "percent": "9"}], by=None)


# Currencies and floors


def test_a_customer_in_another_currency_is_quoted_by_a_stored_rate() -> None:
    account, sites = make.customer(1)
    type(account).objects.filter(pk=account.pk).update(currency="CHF")
    with pytest.raises(quoting.NotQuotable, match="no exchange rate from EUR to CHF") as error:
        make.quote(account)
    assert list(error.value.problems) == ["account"]
    ExchangeRate.objects.create(source="EUR", target="CHF", valid_from="2026-01-01", rate=Decimal("0.94"))
    quote = make.quote(account)
    assert (quote.currency, quote.exchange_rate, quote.rate_on) == ("CHF", Decimal("0.94"), dt.date(2026, 1, 1))
    line = make.line(quote, sites[0])
    assert line.monthly == Decimal("881.25")
    ExchangeRate.objects.create(source="EUR", target="CHF", valid_from="2026-02-01", rate=Decimal(2))
    assert quotepricing.reprice(quote_id=quote.pk).monthly == Decimal("881.25")  # the stored rate stays
    assert "1 EUR = 0.94 CHF" in asked("sales_agent", line)
    assert "881.25" in asked("sales_agent", line)


def test_a_list_in_another_currency_is_never_taken_for_the_quotes() -> None:
    quote = stored(make.filled(sites=1)[1][0])
    Quote.objects.filter(pk=quote.pk).update(currency="CHF")
    with pytest.raises(Refusal, match="CHF needs an exchange rate"):
        quotepricing.reprice(quote_id=quote.pk)


def test_the_cost_of_building_is_converted_to_a_list_of_its_own() -> None:
    account, _ = make.customer(0)
    PriceList.objects.create(key="chf", name="CHF", currency="CHF", valid_from="2026-01-01")
    type(account).objects.filter(pk=account.pk).update(currency="CHF")
    quote = make.quote(account)
    assert quote.exchange_rate is None
    with pytest.raises(Refusal, match="EUR to CHF"):
        quotepricing.build_rate(quote)
    ExchangeRate.objects.create(source="EUR", target="CHF", valid_from="2026-01-01", rate=Decimal("0.94"))
    rate = quotepricing.build_rate(quote)
    assert rate is not None
    assert rate.rate == Decimal("0.94")


def test_the_floor_is_the_owners(line: QuoteLine) -> None:
    MarginFloor.objects.create(role="sales_agent", segment="", percent=50)
    quoting.set_discount(quote_id=line.quote_id, percent=Decimal(90), by=None)
    assert stored(line).monthly == Decimal("860.00")


def test_yearly_and_usage_prices_stand_with_the_line() -> None:
    price_list, sip = PriceList.objects.get(key="eur-test"), make.catalog.offering("sip")
    common = {"price_list": price_list, "offering": sip}
    sip.prices.create(**common | {"charge": "recurring", "label": "Licence", "amount": 120, "period": 12})
    sip.prices.create(**common | {"charge": "usage", "label": "Calls", "amount": Decimal("0.0125"), "unit": "minute"})
    account, sites = make.customer(1)
    quote = make.quote(account)
    line = make.line(quote, sites[0], "sip", channels=10)
    assert line.monthly == Decimal("45.00") + Decimal("7.50")  # a twelfth of 90 a year
    prices = {price.label: price for price in line.prices.all()}
    assert (prices["Licence"].period, prices["Licence"].amount) == (12, 90)
    assert prices["Calls"].amount == Decimal("0.0125")
    assert prices["Calls"].usage["unit"] == "minute"
    said = asked("sales_agent", line)
    assert "a year" in said
    assert "for each minute" in said
