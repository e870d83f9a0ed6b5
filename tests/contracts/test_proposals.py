"""Proposals: asked, answered and overtaken, one by one; quotes and agreements that teach each other prices."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from contracts import agreement as acts
from contracts import clauses, differences, negotiation, proposals, pushing, quoteapproval, quoting, repricing
from contracts.models import (
    Agreement,
    AgreementSla,
    AgreementTerm,
    Clause,
    PartnerTerm,
    Proposal,
    Quote,
    RepriceProposal,
)
from contracts.negotiation import Closed, Unfit
from kernel import approvals, lifecycle, moving, outbox
from kernel.refusal import Conflict, NotPermitted
from tests.factories import contracts as make
from tests.factories import contracts_quotes as quotes
from tests.factories.crm import AccountFactory
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


def _talked(**values: object) -> Agreement:
    """Under negotiation."""
    by = quotes.seller()
    made = make.drafted(by=by, **values)
    moving.make(made, "negotiate", by=by)
    return Agreement.objects.get(pk=made.pk)


def _propose(made: Agreement, part: str, key: str, wanted: str, side: str = "customer", **more: str) -> Proposal:
    return proposals.propose(agreement_id=made.pk, side=side, part=part, key=key, wanted=wanted, by=None, **more)


def test_each_kind_of_proposal_changes_the_agreement_when_accepted() -> None:
    made = _talked()
    discount, law = made.discounts.get(), made.terms.get(clause__key="law")
    asked = [
        _propose(made, "discount", str(discount.pk), "12,5"),
        _propose(made, "discount", "offering:dia", "20"),
        _propose(made, "level", "repair_hours", "2"),
        _propose(made, "level", "response_minutes", "15"),
        _propose(made, "head", "term_months", "24"),
        _propose(made, "term", str(law.pk), "Dutch law applies."),
        _propose(made, "term", "new", "Fuel for generators is ours.", title="Generators"),
    ]
    for one in asked:
        proposals.accept(proposal_id=one.pk, by=None)
    now = Agreement.objects.get(pk=made.pk)
    assert {(d.offering and d.offering.key, d.percent) for d in now.discounts.select_related("offering")} == {
        (None, Decimal("12.5")), ("dia", Decimal(20)),
    }  # fmt: skip
    assert dict(now.slas.values_list("metric", "value"))["repair_hours"] == 2
    assert (now.term_months, now.terms.get(pk=law.pk).text, now.terms.last().title) == (
        24, "Dutch law applies.", "Generators",
    )  # fmt: skip
    assert now.rounds.count() == 1


def test_countering_goes_to_and_fro_and_keeps_the_history() -> None:
    made = _talked()
    key = str(made.discounts.get().pk)
    first = _propose(made, "discount", key, "20", reason="A rival gives it.")
    second = proposals.counter(proposal_id=first.pk, wanted="14", by=None, reason="For three years.")
    third = proposals.counter(proposal_id=second.pk, wanted="16", by=None)
    proposals.accept(proposal_id=third.pk, by=None)
    assert [(p.side, p.state) for p in made.proposals.all()] == [
        ("customer", "countered"), ("us", "countered"), ("customer", "accepted"),
    ]  # fmt: skip
    assert (second.answers, third.answers) == (first, second)
    assert made.discounts.get().percent == 16
    assert [r.side for r in made.rounds.all()] == ["customer", "us", "customer"]
    with pytest.raises(lifecycle.IllegalMove):
        proposals.reject(proposal_id=first.pk, by=None, reason="No")


def test_a_proposal_about_what_changed_meanwhile_is_not_applied() -> None:
    made = _talked()
    asked = _propose(made, "level", "repair_hours", "2")
    negotiation.set_sla(agreement_id=made.pk, metric="repair_hours", value=Decimal(3), by=None)
    with pytest.raises(proposals.Overtaken):
        proposals.accept(proposal_id=asked.pk, by=None)
    assert made.slas.get(metric="repair_hours").value == 3
    proposals.withdraw(proposal_id=asked.pk, by=None)


@pytest.mark.parametrize(
    ("part", "key", "wanted", "field"),
    [("discount", "offering:dia", "150", "wanted"), ("discount", "offering:dia", "much", "wanted"),
     ("level", "repair_hours", "900", "wanted"), ("level", "smile", "1", "item"), ("head", "ends_on", "soon", "wanted"),
     ("head", "number", "1", "item"), ("head", "term_months", "0", "wanted"), ("term", "new", "", "wanted"),
     ("term", "new", "Words", "title"), ("weather", "x", "1", "item"), ("level", "repair_hours", "4", "wanted"),
     ("discount", "99999999", "5", "item")],
)  # fmt: skip
def test_wrong_proposals_are_refused_at_their_field(part: str, key: str, wanted: str, field: str) -> None:
    made = _talked()
    with pytest.raises(Unfit) as refused:
        _propose(made, part, key, wanted)
    assert set(refused.value.problems) == {field}
    assert not Proposal.objects.exists()


def test_open_proposals_hold_up_the_review_and_one_item_has_one() -> None:
    made, by = _talked(), quotes.seller()
    asked = _propose(made, "level", "repair_hours", "2")
    with pytest.raises(Conflict, match="open already"):
        _propose(made, "level", "repair_hours", "1")
    with pytest.raises(acts.Incomplete) as refused:
        acts.submit(agreement_id=made.pk, by=by)
    assert "proposals" in refused.value.problems
    with pytest.raises(Unfit):
        proposals.reject(proposal_id=asked.pk, by=by, reason=" ")
    proposals.reject(proposal_id=asked.pk, by=by, reason="Too dear.")
    acts.submit(agreement_id=made.pk, by=by)
    with pytest.raises(Closed):
        _propose(made, "level", "repair_hours", "2")
    with pytest.raises(NotPermitted):
        proposals.withdraw(proposal_id=asked.pk, by=UserFactory(role="finance"))


def test_words_differ_word_by_word() -> None:
    pieces = differences.words("repair within 4 hours at every site", "repair within 2 hours at hub sites")
    assert [(p.kind, p.text.strip()) for p in pieces if p.kind != "same"] == [
        ("out", "4"), ("in", "2"), ("out", "every site"), ("in", "hub sites"),
    ]  # fmt: skip


def test_terms_that_differ_from_the_library_need_legal() -> None:
    by = quotes.seller()
    made = make.drafted(by=by)
    term = made.terms.get(clause__key="law")
    negotiation.reword_term(agreement_id=made.pk, term_id=term.pk, title=term.title, text="Our law.", by=by)
    moving.make(made, "negotiate", by=by)
    request = acts.submit(agreement_id=made.pk, by=by)
    assert {step.role for step in request.steps.all()} == {"sales_manager", "legal"}
    assert acts.decide(agreement_id=made.pk, by=make.manager(), approve=True).state == "in_review"
    assert acts.decide(agreement_id=made.pk, by=UserFactory(role="legal"), approve=True).state == "approved"
    assert [t.title for t, _ in clauses.deviations(made)] == [term.title]


def test_the_library_goes_from_draft_to_approved_to_retired() -> None:
    make.drafted()
    old = Clause.objects.get(key="law", state="approved")
    lawyer = UserFactory(role="legal")
    draft = clauses.write(key="law", title="Law", text="Dutch law applies to {customer}.", by=lawyer)
    assert (draft.version, draft.state) == (old.version + 1, "draft")
    assert clauses.write(key="law", title="Law", text="Dutch law.", by=lawyer).pk == draft.pk
    with pytest.raises(clauses.Unfit) as refused:
        clauses.write(key="La w", title="", text="{whoever} pays", by=lawyer, language="xx")
    assert set(refused.value.problems) == {"key", "title", "text", "language"}
    with pytest.raises(NotPermitted):
        moving.make(draft, "approve", by=quotes.seller())
    moving.make(draft, "approve", by=lawyer)
    assert Clause.objects.get(pk=old.pk).state == "retired"
    assert make.drafted().terms.get(clause__key="law").clause_id == draft.pk
    assert clauses.used_in(old).count() == 1


def test_what_is_signed_changes_by_amendment_only() -> None:
    made = make.in_force()
    for rows, values in (
        (AgreementTerm.objects.filter(agreement=made), {"text": "x"}),
        (AgreementSla.objects.filter(agreement=made), {"value": 95}),
        (made.discounts.all(), {"percent": 50}), (Agreement.objects.filter(pk=made.pk), {"term_months": 1}),
    ):  # fmt: skip
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**values)
    with pytest.raises(DatabaseError), transaction.atomic():
        AgreementTerm.objects.filter(agreement=made).delete()


def test_discounts_of_categories_dates_and_partners() -> None:
    made = make.drafted()
    today = made.starts_on
    dia = quotes.catalog.offering("dia")
    add = {"agreement_id": made.pk, "by": None}
    negotiation.add_discount(**add, percent=Decimal(15), category_id=dia.category_id, commitment=Decimal(9000))
    with pytest.raises(Unfit) as refused:
        negotiation.add_discount(
            **add, percent=Decimal(5), category_id=dia.category_id, offering_id=dia.pk, commitment=Decimal(0),
            valid_from=made.ends_on, valid_until=today,
        )  # fmt: skip
    assert set(refused.value.problems) == {"category", "valid_until", "commitment"}
    from contracts import agreeddiscounts

    nearest = {n.offering_id: n.percent for n in agreeddiscounts.of(made.pk, today)}
    assert (nearest[dia.pk], nearest[None]) == (15, 10)
    later = made.ends_on
    negotiation.add_discount(**add, percent=Decimal(30), offering_id=dia.pk, valid_from=later)
    assert {n.offering_id: n.percent for n in agreeddiscounts.of(made.pk, today)}[dia.pk] == 15
    assert {n.offering_id: n.percent for n in agreeddiscounts.of(made.pk, later)}[dia.pk] == 30
    with pytest.raises(Unfit, match="customer"):
        negotiation.set_partner_term(agreement_id=made.pk, partner_id=made.account_id, text="x", by=None)
    partner = AccountFactory(kind="partner")
    negotiation.set_partner_term(agreement_id=made.pk, partner_id=partner.pk, text="Repair in 8 hours.", by=None)
    assert PartnerTerm.objects.get(agreement=made).partner == partner


def _under(agreement: Agreement, by: object, discount: int = 0) -> Quote:
    made = quotes.quote(agreement.account, by=by, agreement_id=agreement.pk)  # type: ignore[arg-type]
    quotes.line(made, quotes.site(agreement.account))
    if discount:
        quoting.set_discount(quote_id=made.pk, percent=Decimal(discount), by=None)
    return Quote.objects.get(pk=made.pk)


def _next_version(made: Agreement, percent: int) -> Agreement:
    """Amended, approved and signed into force."""
    by = quotes.seller()
    newer = acts.new_version(agreement_id=made.pk, by=by)
    negotiation.change_discount(
        agreement_id=newer.pk, discount_id=newer.discounts.get().pk, percent=Decimal(percent), by=by
    )
    moving.make(newer, "negotiate", by=by)
    acts.submit(agreement_id=newer.pk, by=by)
    acts.decide(agreement_id=newer.pk, by=make.manager(), approve=True)
    make.sign(acts.send(agreement_id=newer.pk, contact_id=make.signatory(made.account).pk, by=None))
    outbox.drain()
    return Agreement.objects.get(pk=newer.pk)


def test_a_new_version_proposes_prices_for_open_quotes() -> None:
    made, by = make.in_force(), quotes.seller()
    draft = _under(made, by)
    sent = quoteapproval.submit(quote_id=_under(made, by).pk, by=by)
    newer = _next_version(made, 20)
    rows = {row.quote_id: row for row in RepriceProposal.objects.filter(agreement=newer)}
    assert set(rows) == {draft.pk, sent.pk}
    one = rows[draft.pk]
    assert one.monthly_before == draft.monthly > one.monthly_after
    assert Quote.objects.get(pk=draft.pk).monthly == draft.monthly
    done, refused = repricing.accept_all(agreement_id=newer.pk, by=by)
    assert not refused
    assert {(q.number, q.version, q.agreement) for q in done} == {(draft.number, 1, newer), (sent.number, 2, newer)}
    assert Quote.objects.get(pk=draft.pk).monthly == one.monthly_after
    with pytest.raises(lifecycle.IllegalMove):
        repricing.accept(proposal_id=one.pk, by=by)
    assert repricing.offer(newer.pk) == []


def test_prices_worked_out_for_another_content_are_overtaken() -> None:
    made, by = make.in_force(), quotes.seller()
    draft, other = _under(made, by), _under(made, by)
    newer = _next_version(made, 20)
    quoting.set_discount(quote_id=draft.pk, percent=Decimal(3), by=by)
    with pytest.raises(repricing.Overtaken):
        repricing.accept(proposal_id=RepriceProposal.objects.get(quote=draft).pk, by=by)
    done, refused = repricing.accept_all(agreement_id=newer.pk, by=by)
    assert ([q.pk for q in done], [q.pk for q, _ in refused]) == ([other.pk], [draft.pk])
    again = repricing.offer(newer.pk)
    assert [row.quote_id for row in again] == [draft.pk]
    assert RepriceProposal.objects.filter(quote=draft, state="stale").count() == 1
    with pytest.raises(NotPermitted):
        repricing.reject(proposal_id=again[0].pk, by=UserFactory(role="finance"))
    assert repricing.reject(proposal_id=again[0].pk, by=by).state == "rejected"


def test_a_quote_pushes_its_discount_into_the_agreement() -> None:
    made, by = make.in_force(), quotes.seller()
    quote = _under(made, by, discount=10)
    (asked,) = pushing.push(quote_id=quote.pk, by=by)
    assert (asked.quote, asked.agreement.version, asked.after) == (quote, 2, {"percent": "19"})  # 10 % on 90 %
    with pytest.raises(Conflict, match="already"):
        pushing.push(quote_id=quote.pk, by=by)
    proposals.accept(proposal_id=asked.pk, by=by)
    assert asked.agreement.discounts.get(offering__key="dia").percent == 19
    with pytest.raises(Unfit):
        pushing.push(quote_id=_under(made, by).pk, by=by)
    assert approvals.current(quote) is None
