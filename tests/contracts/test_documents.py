"""Documents: what the customer's PDF says, and what it never says."""

from decimal import Decimal
from typing import Any

import pytest

from contracts import documents, negotiation, press, printing
from contracts.models import Agreement, Quote
from kernel import documents as kept
from kernel.templatetags.trunkline import money_text
from tests.factories import contracts as make
from tests.factories import contracts_quotes as quotes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


@pytest.mark.slow
def test_a_quotes_pdf_has_every_site_and_price_and_no_cost() -> None:
    quote = make.approved_quote(sites=2, discount=5)
    said = make.words(documents.quote_pdf(quote))
    for line in quote.lines.select_related("site"):
        assert line.site.name in said
        assert line.site.postcode in said
        assert money_text(line.monthly).replace("\u00a0", " ") in said
    for amount in (quote.monthly, quote.one_time):
        assert money_text(amount).replace("\u00a0", " ") in said
    assert f"{quote.valid_until:%B %Y}" in said
    assert "Discount of this offer" in said
    assert quote.account.name in said
    assert quote.monthly_cost > 0
    for secret in (quote.monthly_cost, quote.one_time_cost, *quote.lines.values_list("monthly_cost", flat=True)):
        assert f"{secret:,.2f}" not in said
    assert "margin" not in said.lower()


@pytest.mark.slow
def test_an_agreements_pdf_has_its_terms_discounts_and_levels_and_no_notes() -> None:
    made = make.drafted(notes="They would pay more")
    negotiation.add_term(agreement_id=made.pk, title="Žluté dny", text="<b>Łódź</b> & co pay later.", by=None)
    said = make.words(documents.agreement_pdf(Agreement.objects.get(pk=made.pk)))
    for term in made.terms.all():
        assert term.title in said
    assert "<b>Łódź</b> & co pay later." in said
    assert "10 %" in said
    assert "99.9 % of every month" in said
    assert "within 4 hours" in said
    assert "pay more" not in said


@pytest.mark.slow
def test_the_steps_explain_the_price_to_the_cent() -> None:
    from contracts import quotecontent

    content = quotecontent.content(quote := make.approved_quote(sites=2, discount=5))
    assert content.base + sum((amount for _, amount in content.steps), Decimal(0)) == quote.monthly
    assert {label for label, _ in content.steps} == {"Term", "Discount of this offer"}
    assert content.term_value == quote.monthly * quote.term_months + quote.one_time


@pytest.mark.usefixtures("blank_pages")
def test_a_pdf_is_made_once() -> None:
    quote = make.approved_quote(sites=1)
    first = documents.quote_pdf(quote)
    assert documents.quote_pdf(quote) == first
    assert kept.of(quote).count() == 1
    assert first.customer_may_see


@pytest.mark.usefixtures("blank_pages")
def test_reading_the_parts_takes_the_same_queries_for_any_length(django_assert_num_queries: Any) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from contracts import quotecontent

    def asked(sites: int) -> int:
        quote = Quote.objects.select_related("account", "agreement").get(pk=make.approved_quote(sites=sites).pk)
        with CaptureQueriesContext(connection) as captured:
            quotecontent.content(quote)
        return len(captured)

    assert asked(2) == asked(9)


@pytest.mark.slow
@pytest.mark.parametrize("address", ["file:///etc/passwd", "http://127.0.0.1:1/x.png", "../../../manage.py"])
def test_nothing_is_fetched_for_a_document(address: str, caplog: pytest.LogCaptureFixture) -> None:
    from weasyprint import HTML

    html = HTML(string=f'<img src="{address}"><p>text</p>', base_url="/", url_fetcher=press.OnlyOurs(printing.FONTS))
    assert html.write_pdf().startswith(b"%PDF")
    assert "not printed" in caplog.text


def test_configuration_reads_as_a_sentence() -> None:
    from catalog.models import Characteristic
    from contracts.quotecontent import details

    rows = Characteristic.objects.filter(specification=quotes.catalog.offering("dia").specification).order_by(
        "position"
    )
    values = {"bandwidth": "1G", "routing": "BGP", "customer_asn": 64500, "diversity": False, "vlan": 7}
    assert details(values, list(rows)) == "Bandwidth 1G · Routing BGP · AS number 64500 · Vlan 7"
