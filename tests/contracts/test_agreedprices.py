"""Fixed prices: agreed for a service or one configuration of it, charged in quotes, signed, proposed by both sides."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from catalog.models import Offering
from contracts import agreedprices, agreement, differences, proposals, quotepricing
from contracts.models import Agreement, QuoteLine
from contracts.negotiation import Closed, Unfit
from kernel import approvals, moving
from tests.factories import contracts as make
from tests.factories import contracts_quotes as quotes
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


def _fix(made: Agreement, amount: str, when: str = "") -> None:
    dia = Offering.objects.get(key="dia", state="active")
    label = next(one.label for one in agreedprices.listed(made) if (one.offering, one.charge) == (dia, "recurring"))
    agreedprices.add(
        agreement_id=made.pk, offering_id=dia.pk, charge="recurring", label=label, amount=Decimal(amount), by=None,
        when=when,
    )  # fmt: skip


def test_a_fixed_price_replaces_list_and_discount_where_it_holds() -> None:
    made = make.drafted()
    _fix(made, "400")
    _fix(made, "333.30", "bandwidth = 500M")
    moving.make(made, "negotiate", by=quotes.seller())
    agreement.submitted(agreement_id=made.pk, by=quotes.seller())
    asked = approvals.current(made)
    assert asked
    assert "finance" in {step.role for step in asked.steps.all()}
    for step in asked.steps.all():
        agreement.decide(agreement_id=made.pk, by=UserFactory(role=step.role), approve=True)
    row = agreement.send(agreement_id=made.pk, contact_id=make.signatory(made.account).pk, by=None)
    make.sign(row)
    quote = quotes.quote(made.account, agreement_id=made.pk)
    plain, special = (quotes.line(quote, quotes.site(made.account), bandwidth=speed) for speed in ("100M", "500M"))
    quotepricing.price_lines(quote, quotepricing.lines_of(quote))
    lines = QuoteLine.objects.in_bulk([plain.pk, special.pk])
    assert (lines[plain.pk].monthly, lines[special.pk].monthly) == (Decimal("400.00"), Decimal("333.30"))
    with pytest.raises(Closed):
        _fix(Agreement.objects.get(pk=made.pk), "1", "bandwidth = 1G")


def test_the_copy_the_hash_and_the_page_have_it(client: Client) -> None:
    made = make.drafted()
    before = agreement.fingerprint(made)
    _fix(made, "400")
    assert agreement.fingerprint(made) != before
    assert list(differences.content(made)["prices"].values()) == ["400.00"]
    client.force_login(quotes.seller())
    url = reverse("contracts:agreement_part", args=[made.number, made.version, "prices"])
    listed = agreedprices.sold(made.price_list_id)[0].pk
    said = client.post(url, {"listed": listed, "when": "speed = 1", "amount": "5"})
    assert said.status_code == 422
    assert "has no “speed”" in said.content.decode()
    assert client.post(url, {"remove": made.prices.get().pk}).status_code in (302, 204)
    assert not made.prices.exists()


def test_both_sides_propose_prices() -> None:
    made = make.drafted()
    moving.make(made, "negotiate", by=quotes.seller())
    key = next(one.key for one in proposals.items(made) if one.part == "price")
    wish = proposals.propose(agreement_id=made.pk, side="customer", part="price", key=key, wanted="350", by=None)
    assert wish.after == {"value": "350"}
    answer = proposals.counter(proposal_id=wish.pk, wanted="380.50", by=None)
    proposals.accept(proposal_id=answer.pk, by=None)
    assert made.prices.get().amount == Decimal("380.50")
    again = proposals.propose(
        agreement_id=made.pk, side="us", part="price", key=str(made.prices.get().pk), wanted="", by=None
    )
    assert (again.before, again.after) == ({"value": "380.5"}, None)
    proposals.accept(proposal_id=again.pk, by=None)
    assert not made.prices.exists()
    with pytest.raises(Unfit):
        proposals.propose(agreement_id=made.pk, side="us", part="price", key=key, wanted="-4", by=None)
