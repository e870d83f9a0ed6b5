"""Terms of single lines, ramps and limits of discounts: what the whole quote comes to, by month and by year."""

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from contracts import documents, quoteapproval, quotecells, quotepayments, quoteramps, quoting
from contracts.models import Quote, QuoteLine
from kernel.models import DecisionTable
from kernel.refusal import Refusal
from tests.factories import contracts_quotes as make
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]
HTMX = {"HX-Request": "true"}


def fresh(quote: Quote) -> Quote:
    return Quote.objects.get(pk=quote.pk)


def test_a_line_has_its_own_term_price_and_place_in_the_totals() -> None:
    quote, (first, second) = make.filled(sites=2)
    before = fresh(quote)
    assert not before.terms_differ
    was = quoteapproval.fingerprint(before)
    quoting.configure(line_id=first.pk, values=first.characteristics, fields={"term_months": 12}, by=None)
    shorter, longer = QuoteLine.objects.get(pk=first.pk), QuoteLine.objects.get(pk=second.pk)
    assert shorter.monthly > longer.monthly  # a year costs more a month than three
    after = fresh(quote)
    assert after.over_term == shorter.monthly * 12 + longer.monthly * 36
    assert quoteapproval.figures(after).value == after.value == after.over_term + after.one_time
    assert quoteapproval.fingerprint(after) != was
    made = quotepayments.of(after)
    assert [(one.first, one.last) for one in made.phases] == [(1, 12), (13, 36)]
    assert made.phases[1].monthly == longer.monthly
    assert sum(year.total for year in made.years) == after.value
    with pytest.raises(Refusal) as refused:
        quoting.set_terms(quote_id=quote.pk, term_months=6, by=None)
    assert "1 line runs longer" in refused.value.problems["term_months"][0]


@pytest.mark.slow
def test_ramps_show_in_months_years_and_on_paper() -> None:
    quote, (first, second) = make.filled(sites=2)
    steps = [{"until": "3", "percent": "0"}, {"until": "12", "percent": "50"}]
    quoteramps.set_ramp(quote_id=quote.pk, line_ids=[first.pk], steps=steps, by=None)
    quoting.configure(line_id=second.pk, values=second.characteristics, quantity=4, by=None)
    quoteramps.set_ramp(quote_id=quote.pk, line_ids=[second.pk], steps=[{"until": "6", "quantity": "1"}], by=None)
    quote = fresh(quote)
    made = quotepayments.of(quote)
    assert [(one.first, one.last) for one in made.phases] == [(1, 3), (4, 6), (7, 12), (13, 36)]
    assert made.phases[-1].monthly == quote.monthly
    assert sum(one.monthly * (one.last - one.first + 1) for one in made.phases) + quote.one_time == quote.value
    assert sum(year.total for year in made.years) == quote.value
    client = Client()
    client.force_login(make.seller())
    said = client.get(reverse("contracts:quote_payments", args=[quote.number, quote.version])).text
    assert "Months 1–3: 0 % of the price" in said
    assert f"{made.years[0].total:,.2f}" in said
    assert "What is paid when" in client.get(quote.get_absolute_url()).text
    pages = PdfReader(io.BytesIO(documents.quote_bytes(quote))).pages
    paper = " ".join(" ".join(page.extract_text() for page in pages).split())
    assert "What you pay when" in paper
    assert "Months 1–3: 0 % of the price" in paper
    assert f"{quote.value:,.2f}" in paper


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("term_months", "48", "give the quote the longer term"), ("term_months", "0", "greater than or equal to 1"),
        ("requested_on", "2020-01-01", "This day is over"), ("requested_on", "soon", "valid date"),
        ("quantity", "0", "at least one"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_said_at_its_field_and_the_rest_is_kept(field: str, value: str, says: str) -> None:
    quote, (line,) = make.filled(sites=1)
    client = Client()
    client.force_login(make.seller())
    data = {"edition": str(line.edition), "c-bandwidth": "500M", "quantity": "1", "term_months": "", "requested_on": ""}
    address = reverse("contracts:quote_configure", args=[quote.number, quote.version, line.pk])
    answer = client.post(address, data | {field: value}, headers=HTMX)
    assert answer.status_code == 200
    place = answer.text.index(f'id="m-{field}"')
    assert says in answer.text[place : place + 600]
    line = QuoteLine.objects.get(pk=line.pk)
    assert line.characteristics["bandwidth"] == "500M"
    assert (line.quantity, line.term_months, line.requested_on) == (1, None, None)


def test_the_requested_date_goes_from_the_panel_to_the_line() -> None:
    quote, (line,) = make.filled(sites=1)
    client = Client()
    client.force_login(make.seller())
    day = timezone.localdate() + dt.timedelta(days=90)
    data = {"edition": str(line.edition), "c-bandwidth": "1G", "term_months": "24", "requested_on": f"{day}"}
    address = reverse("contracts:quote_configure", args=[quote.number, quote.version, line.pk])
    assert client.post(address, data, headers=HTMX).status_code == 200
    line = QuoteLine.objects.get(pk=line.pk)
    assert (line.requested_on, line.term_months) == (day, 24)


@pytest.fixture
def limits() -> None:
    """Sales agents to 40 %, their managers to 60 %."""
    DecisionTable.objects.create(
        key="discount_limit", title="Limits", state="active", hit="first", inputs=[{"name": "role"}],
        outputs=[{"name": "most"}],
        rows=[{"role": "'sales_agent'", "most": "40"}, {"role": "'sales_manager'", "most": "60"}],
    )  # fmt: skip


@pytest.mark.usefixtures("limits")
def test_a_discount_beyond_the_role_is_refused_at_its_field_with_who_can() -> None:
    agent, manager = make.seller(), UserFactory(role="sales_manager")
    quote, (line,) = make.filled(sites=1, by=agent)
    with pytest.raises(Refusal) as refused:
        quoting.set_discount(quote_id=quote.pk, percent=Decimal("40.01"), by=agent)
    assert refused.value.problems == {
        "manual_discount": ["Your role may give up to 40 %. The role sales manager may give up to 60 %."]
    }
    fields: dict[str, Any] = {"manual_discount": Decimal(61)}
    with pytest.raises(Refusal) as refused:
        quotecells.edit_together(
            quote_id=quote.pk, editions={line.pk: line.edition}, values={}, fields=fields, by=manager
        )
    assert refused.value.problems == {"manual_discount": ["Your role may give up to 60 %."]}
    client = Client()
    client.force_login(agent)
    address = reverse("contracts:quote_discount", args=[quote.number, quote.version])
    answer = client.post(address, {"percent": "55"}, headers=HTMX)
    assert answer.status_code == 422
    assert "may give up to 40 %" in answer.text
    assert 'value="55"' in answer.text
    assert fresh(quote).manual_discount == 0
    quoting.set_discount(quote_id=quote.pk, percent=Decimal(40), by=agent)
    assert fresh(quote).manual_discount == 40
