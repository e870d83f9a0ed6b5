"""Building: the access of a site is paid for once, whichever lines need it, and never again once it stands."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from catalog import pricing
from catalog.models import Offering
from contracts import basis, quoting
from contracts.models import Contract, Quote, QuoteLine
from tests.factories import contracts as make
from tests.factories import contracts_quotes as quotes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


def _far(quote: Quote) -> tuple[QuoteLine, QuoteLine]:
    """Internet and telephony at one site far away; both need access."""
    Offering.objects.filter(key="sip").update(needs_feasibility=True)
    far = quotes.site(quote.account.children.get(), quotes.FAR)
    first, second = quotes.line(quote, far, bandwidth="100M"), quotes.line(quote, far, "sip")
    assert first.feasibility is not None
    assert second.feasibility is not None
    assert first.feasibility.build_cost == second.feasibility.build_cost > 40_000
    return first, second


def _paid(line: QuoteLine) -> Decimal:
    """What a line pays for building, with what it costs us."""
    found = line.prices.filter(label=pricing.BUILD).first()
    assert found is None or found.amount == found.cost
    return found.amount if found else Decimal(0)


def test_one_of_two_lines_pays_and_the_other_takes_over(client: Client) -> None:
    quote = quotes.quote()
    first, second = _far(quote)
    build = first.feasibility.build_cost  # type: ignore[union-attr]
    assert (_paid(first), _paid(second)) == (build, Decimal(0))
    client.force_login(quote.owner)  # type: ignore[arg-type]
    page = client.get(reverse("contracts:quote", args=[quote.number, 1])).content.decode()
    assert page.count(" build</") == 1
    assert "Built with Dedicated internet" in page
    quoting.remove_lines(quote_id=quote.pk, line_ids=[first.pk], by=None)
    assert _paid(second) == build
    assert first.site is not None
    again = quotes.line(quote, first.site, bandwidth="100M")
    assert (_paid(second), _paid(again)) == (build, Decimal(0))
    assert Quote.objects.get(pk=quote.pk).one_time_cost < 2 * build


def test_what_was_built_is_not_paid_for_again() -> None:
    contract = _delivered()
    assert contract.quote.one_time > 40_000
    more = basis.start(contract_id=contract.pk, purpose="new", by=quotes.seller())
    there = quotes.line(more, contract.lines.get().site, bandwidth="500M")
    assert there.feasibility is not None
    assert there.feasibility.result == "off_net"
    assert _paid(there) == 0
    quoting.cancel(quote_id=more.pk, by=quotes.seller(), reason="Not now")
    renewal = basis.start(contract_id=contract.pk, purpose="renewal", by=quotes.seller())
    quoting.set_terms(quote_id=renewal.pk, by=None, term_months=12)
    renewal = Quote.objects.get(pk=renewal.pk)
    assert renewal.one_time == renewal.one_time_cost == 0
    assert renewal.monthly > 0
    quoting.configure(line_id=renewal.lines.get().pk, values={"bandwidth": "500M", "routing": "static"}, by=None)
    assert 0 < Quote.objects.get(pk=renewal.pk).one_time < 40_000  # set up anew, on the access that stands


def _delivered() -> Contract:
    """A contract whose only site is far away, built and at work."""
    make.entitle()
    account, _ = quotes.customer(0)
    quote = quotes.quote(account)
    quotes.line(quote, quotes.site(account.children.get(), quotes.FAR), bandwidth="100M")
    signed = make.signed(quote)
    contract = Contract.objects.get(quote=signed, kind="sales")
    make.installed(contract)
    return contract
