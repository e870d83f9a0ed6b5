"""Currencies without digits after the point go through prices, offers, contracts and bills; those with three do not."""

import datetime as dt
import io
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from pypdf import PdfReader

from catalog import pricelists
from catalog.models import CurrencyRule, ExchangeRate, PriceList
from contracts import agreedprices, documents, quotepayments, quoteramps, quoting
from contracts.models import Agreement, ContractLine, Quote
from crm import accounts
from kernel.refusal import Refusal
from tests.factories import contracts as deals
from tests.factories import contracts_quotes as make
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


def test_a_currency_with_three_digits_is_refused_where_it_is_configured() -> None:
    finance = UserFactory(role="finance")
    head = {"name": "Kuwait", "currency": "KWD", "valid_from": dt.date(2026, 1, 1), "segment": ""}
    with pytest.raises(Refusal, match="KWD has 3 digits after the point"):
        pricelists.keep(by=finance, values=head)
    with pytest.raises(Refusal, match="Use another currency, such as USD"):
        accounts.open_account(name="Gulf Trading", by=None, currency="BHD")
    day = dt.date(2026, 1, 1)
    for row in (
        PriceList(key="k", **head), ExchangeRate(source="EUR", target="TND", rate=3, valid_from=day),
        CurrencyRule(currency="OMR", smallest=Decimal("0.01"), valid_from=day),
    ):  # fmt: skip
        with pytest.raises(ValidationError, match="digits after the point"):
            row.full_clean()
    client = Client()
    client.force_login(finance)
    data = {"source": "EUR", "target": "KWD", "rate": "0.33", "valid_from": "2026-01-01"}
    answer = client.post(reverse("catalog:money_add", args=["rate"]), data)
    assert answer.status_code == 422
    assert "KWD has 3 digits after the point" in answer.text
    assert not ExchangeRate.objects.exists()


@pytest.fixture
def yen() -> Quote:
    """A quote in yen of two sites, whose first line rises in steps."""
    ExchangeRate.objects.create(source="EUR", target="JPY", valid_from="2026-01-01", rate=Decimal("161.37"))
    sip, listed = make.catalog.offering("sip"), PriceList.objects.get(key="eur-test")
    sip.prices.create(price_list=listed, charge="recurring", label="Licence", amount=Decimal("100.10"), period=12)
    account, sites = make.customer(2)
    type(account).objects.update(currency="JPY")
    quote = make.quote(account)
    first, _ = make.line(quote, sites[0]), make.line(quote, sites[1], "sip", channels=7)
    quoting.set_discount(quote_id=quote.pk, percent=Decimal("7.77"), by=None)
    quoteramps.set_ramp(quote_id=quote.pk, line_ids=[first.pk], steps=[{"until": "5", "percent": "33.33"}], by=None)
    return Quote.objects.get(pk=quote.pk)


def whole(*amounts: Decimal) -> bool:
    return all(amount == amount.to_integral_value() for amount in amounts)


@pytest.mark.slow
def test_yen_stay_whole_from_the_price_to_the_bill(yen: Quote) -> None:
    for line in yen.lines.all():
        assert line.monthly
        assert whole(line.monthly, line.one_time, line.monthly_list, line.monthly_agreed, line.ramp_off)
        assert whole(*(price.amount for price in line.prices.exclude(charge="usage")))
    assert whole(yen.monthly, yen.value, yen.over_term)
    paid = quotepayments.of(yen)
    assert whole(*(phase.monthly for phase in paid.phases))
    assert sum(year.total for year in paid.years) == yen.value
    client = Client()
    client.force_login(yen.owner or make.seller())
    said = client.get(yen.get_absolute_url()).text
    assert f"JPY\u00a0{yen.monthly:,.0f}<" in said
    paper = "".join(page.extract_text() for page in PdfReader(io.BytesIO(documents.quote_bytes(yen))).pages)
    assert f"{yen.monthly:,.0f}" in paper
    assert f"{yen.monthly:,.2f}" not in paper
    deals.entitle("dia", "sip")
    accepted = deals.signed(yen)
    contract = accepted.contracts.get(kind="sales")
    assert (contract.currency, contract.monthly) == ("JPY", yen.monthly)
    assert {tuple(step.items()) for row in ContractLine.objects.all() for step in row.ramp} == {
        tuple(step.items()) for line in yen.lines.all() for step in line.ramp
    }


def test_an_agreed_price_in_yen_has_no_digits_after_the_point() -> None:
    agreement = deals.drafted()
    Agreement.objects.filter(pk=agreement.pk).update(currency="JPY")
    with pytest.raises(Refusal, match="An amount in JPY has no digits after the point"):
        agreedprices.add(
            agreement_id=agreement.pk, offering_id=make.catalog.offering("dia").pk, charge="recurring",
            label="Monthly", amount=Decimal("100.5"), by=agreement.owner,
        )  # fmt: skip
