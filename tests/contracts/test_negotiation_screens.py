"""Screens of a negotiation: proposals, prices that follow, discounts pushed back, the clause library; who gets in."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contracts import basis, clauses, negotiation, proposals, quoting, repricing
from contracts.models import Agreement, Clause, Proposal, Quote, RepriceProposal
from kernel import home, moving
from kernel.models import User
from tests.factories import contracts as make
from tests.factories import contracts_quotes as quotes
from tests.factories.crm import AccountFactory
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


def _as(client: Client, role: str) -> User:
    user: User = UserFactory(role=role)
    client.force_login(user)
    return user


def _talked() -> Agreement:
    by = quotes.seller()
    made = make.drafted(by=by)
    moving.make(made, "negotiate", by=by)
    return Agreement.objects.get(pk=made.pk)


def test_counsel_is_told_of_every_talk_in_which_the_customer_spoke_last_and_of_clauses_that_wait() -> None:
    made, counsel = _talked(), UserFactory(role="legal")
    draft = clauses.write(key=clauses.standard()[0].key, title="Law", text="German law.", by=counsel)
    negotiation.note_round(agreement_id=made.pk, side="customer", text="Two hours, please.", by=None)
    told = [(action.text, action.url) for action in home.actions_for(counsel)]
    assert ("Approve the clause “Law”", draft.get_absolute_url()) in told
    assert (f"Answer what the customer proposes: {made.title}", made.get_absolute_url()) in told
    assert [figure.value for figure in home.figures_for(counsel)] == ["1"]
    negotiation.note_round(agreement_id=made.pk, side="us", text="Three.", by=None)
    assert not any(action.text.startswith("Answer") for action in home.actions_for(counsel))


def test_a_proposal_is_noted_answered_and_accepted(client: Client) -> None:
    made = _talked()
    _as(client, "sales_agent")
    url, page = reverse("contracts:agreement_propose", args=[made.number, 1]), made.get_absolute_url()
    asked = {"side": "customer", "item": "level|repair_hours", "wanted": "2"}
    wrong = client.post(url, {**asked, "wanted": "9000"})
    assert wrong.status_code == 422
    assert "between 0.5 and 168" in wrong.content.decode()
    assert client.post(url, asked).status_code == 302
    assert client.post(url, asked).status_code == 409
    first = Proposal.objects.get()
    shown = client.get(page).content.decode()
    assert "<del>4</del>" in shown
    assert ">2</ins>" in shown
    answer = reverse("contracts:proposal", args=[first.pk])
    refused = client.post(answer, {"answer": "reject"})
    assert refused.status_code == 422
    assert "Say why" in refused.content.decode().split(f'id="r{first.pk}_error"')[1]
    for wanted, why in (("9000", "between 0.5 and 168"), ("2", "accept it, or say something else")):
        page = client.post(answer, {"answer": "counter", "wanted": wanted, "reason": "At hubs."}).content.decode()
        assert f">{wanted}</textarea>" in page
        assert 'value="At hubs."' in page
        assert why in page.split(f'id="w{first.pk}_error"')[1]
    assert client.post(answer, {"answer": "counter", "wanted": "3", "reason": "At hubs."}).status_code == 302
    second = Proposal.objects.get(state="open")
    assert client.post(reverse("contracts:proposal", args=[second.pk]), {"answer": "accept"}).status_code == 302
    assert client.post(reverse("contracts:proposal", args=[second.pk]), {"answer": "accept"}).status_code == 409
    assert client.post(answer, {"answer": "dance"}).status_code == 422
    assert made.slas.get(metric="repair_hours").value == 3
    assert client.post(reverse("contracts:proposal", args=[999_999]), {"answer": "accept"}).status_code == 404


def test_partners_and_periods_are_entered_on_the_page(client: Client) -> None:
    made, partner = _talked(), AccountFactory(kind="partner")
    _as(client, "sales_agent")
    url = reverse("contracts:agreement_part", args=[made.number, 1, "partners"])
    assert client.post(url, {"partner": made.account_id, "text": "x"}).status_code == 422
    assert client.post(url, {"partner": partner.pk, "text": "Repair in 8 hours."}).status_code == 302
    discounts = reverse("contracts:agreement_part", args=[made.number, 1, "discounts"])
    dia = quotes.catalog.offering("dia")
    values = {"charge": "recurring", "percent": "12", "category": dia.category_id, "commitment": "5000"}
    assert client.post(discounts, values).status_code == 302
    shown = client.get(made.get_absolute_url()).content.decode()
    assert "Repair in 8 hours." in shown
    assert "Committed to" in shown
    assert client.post(url, {"remove": made.partner_terms.get().pk}).status_code == 302


def test_prices_are_taken_from_the_page_and_from_the_quote(client: Client) -> None:
    agreed, by = make.in_force(), _as(client, "sales_agent")
    quote = quotes.quote(agreed.account, by=by, agreement_id=agreed.pk)
    quotes.line(quote, quotes.site(agreed.account))
    quoting.set_discount(quote_id=quote.pk, percent=Decimal(4), by=by)
    quote = Quote.objects.get(pk=quote.pk)
    row = RepriceProposal.objects.create(
        agreement=agreed, quote=quote, quote_edition=quote.edition, monthly_before=quote.monthly, monthly_after=1,
        one_time_before=0, one_time_after=0, lines_changed=1,
    )  # fmt: skip
    panel = reverse("contracts:quote_deal", args=[quote.number, 1])
    assert "Take the new prices" in client.get(panel).content.decode()
    assert "Take for 1 quote" in client.get(agreed.get_absolute_url()).content.decode()
    assert client.post(reverse("contracts:reprice", args=[row.pk]), {"answer": "accept"}).status_code == 302
    assert client.post(reverse("contracts:reprice", args=[row.pk]), {"answer": "accept"}).status_code == 409
    everything = reverse("contracts:reprice_all", args=[agreed.number, 1])
    assert client.post(everything, {"answer": "accept"}).status_code == 302
    assert "Propose it for the agreement" in client.get(panel).content.decode()
    assert client.post(reverse("contracts:quote_push", args=[quote.number, 1])).status_code == 302
    assert "is proposed for" in client.get(panel).content.decode()
    assert Agreement.objects.filter(number=agreed.number).count() == 2
    assert repricing.of_quote(quote) is None


def test_the_clause_library(client: Client) -> None:
    make.drafted()
    _as(client, "legal")
    assert client.get(reverse("contracts:clause_list")).status_code == 200
    old = Clause.objects.get(key="law", state="approved")
    edit = reverse("contracts:clause_edit", args=["law", "en", old.version])
    wrong = client.post(edit, {"title": "Law", "text": "{nobody} pays"})
    assert wrong.status_code == 422
    assert "Nothing fills in {nobody}" in wrong.content.decode()
    assert client.post(edit, {"title": "Law", "text": "Dutch law applies.", "standard": "on"}).status_code == 302
    draft = Clause.objects.get(key="law", state="draft")
    shown = client.get(draft.get_absolute_url()).content.decode()
    assert "Against version 1" in shown
    assert "No agreement has this version yet" in shown
    move = reverse("move", args=["contracts.clause", draft.pk])
    assert client.post(move, {"move": "approve"}).status_code == 302
    assert Clause.objects.get(pk=old.pk).state == "retired"
    new = reverse("contracts:clause_new")
    taken = client.post(new, {"key": "law", "language": "en", "title": "x", "text": "y"})
    assert "has this clause already" in taken.content.decode()
    german = {"key": "law", "language": "de", "title": "Recht", "text": "Es gilt deutsches Recht."}
    assert client.post(new, german).status_code == 302
    _as(client, "sales_agent")
    assert client.get(draft.get_absolute_url()).status_code == 200
    assert client.post(edit, {"title": "x", "text": "y"}).status_code == 403
    assert client.post(move, {"move": "retire", "reason": "x"}).status_code == 403
    _as(client, "technician")
    assert client.get(reverse("contracts:clause_list")).status_code == 403


def test_a_quote_says_which_contract_it_starts_from(client: Client) -> None:
    contract = make.live(sites=1)
    made = basis.start(contract_id=contract.pk, purpose="renewal", by=_as(client, "sales_agent"))
    assert contract.number in client.get(reverse("contracts:quote_deal", args=[made.number, 1])).content.decode()


def test_the_page_asks_the_same_of_few_and_many_proposals(client: Client) -> None:
    made = _talked()
    _as(client, "sales_agent")
    counts = []
    for metric, value in (("repair_hours", "2"), ("response_minutes", "5"), ("delivery_days", "9")):
        proposals.propose(agreement_id=made.pk, side="us", part="level", key=metric, wanted=value, by=None)
        negotiation.add_term(agreement_id=made.pk, title=metric, text="Own words", by=None)
        with CaptureQueriesContext(connection) as asked:
            assert client.get(made.get_absolute_url()).status_code == 200
        counts.append(len(asked))
    assert counts[1] == counts[2]
    assert len(clauses.deviations(made)) == 3
