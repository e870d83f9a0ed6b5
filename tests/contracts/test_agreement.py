"""Agreements: drafted from the library, negotiated, approved, signed into force, amended, ended."""

import datetime as dt
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone

from catalog.models import PriceList
from contracts import agreement as acts
from contracts import clauses, negotiation, signature
from contracts.agreement import Changed, Incomplete
from contracts.models import Agreement, AgreementTerm, Clause
from contracts.negotiation import Closed, Unfit
from kernel import approvals, editing, lifecycle, moving
from kernel.models import AuditEntry, OutboxEvent
from kernel.refusal import Conflict, NotPermitted, Refusal
from tests.factories import contracts as make
from tests.factories import contracts_quotes as quotes
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


def test_a_draft_has_the_standard_clauses_in_its_own_words() -> None:
    made = make.drafted()
    assert [term.clause.key for term in made.terms.select_related("clause")][:2] == ["scope", "term"]
    assert made.account.name in made.terms.first().text
    assert not any(clauses.unfilled(term.text) for term in made.terms.all())
    assert (made.number[:3], made.version, made.state) == ("AGR", 1, "draft")


def test_wrong_input_is_refused_at_every_field_at_once() -> None:
    entity, sites = quotes.customer()
    today = timezone.localdate()
    with pytest.raises(Unfit) as refused:
        negotiation.draft(
            account_id=sites[0].account_id, title=" ", price_list_id=PriceList.objects.get(key="eur-test").pk,
            starts_on=today, ends_on=today, term_months=0, by=None,
        )  # fmt: skip
    assert set(refused.value.problems) == {"account", "title", "ends_on", "term_months"}
    assert entity.name in refused.value.problems["account"][0]
    assert not Agreement.objects.exists()


@pytest.mark.parametrize(
    ("metric", "value"),
    [("availability", "89.9"), ("availability", "100.1"), ("repair_hours", "0"), ("repair_hours", "999")],
)
def test_service_levels_have_ranges(metric: str, value: str) -> None:
    made = make.drafted()
    with pytest.raises(Unfit) as refused:
        negotiation.set_sla(agreement_id=made.pk, metric=metric, value=Decimal(value), by=None)
    assert "between" in refused.value.problems["value"][0]


def test_a_second_discount_of_a_kind_and_odd_percents_are_refused() -> None:
    made = make.drafted()
    with pytest.raises(Unfit) as refused:
        negotiation.add_discount(agreement_id=made.pk, percent=Decimal(5), by=None)
    assert "already" in refused.value.problems["offering"][0]
    for percent in (Decimal(0), Decimal("100.01"), Decimal(-3)):
        with pytest.raises(Unfit):
            negotiation.add_discount(agreement_id=made.pk, percent=percent, charge="one_time", by=None)
    assert made.discounts.count() == 1


def test_a_clause_comes_once_and_a_retired_one_not_at_all() -> None:
    made = make.drafted()
    law = Clause.objects.get(key="law", state="approved")
    with pytest.raises(Unfit, match="already"):
        negotiation.add_clause(agreement_id=made.pk, clause_id=law.pk, by=None)
    newer = clauses.revise(key="law", title="Law", text="The law of the Netherlands applies.", by=None)
    assert (newer.version, Clause.objects.filter(key="law", state="approved").get()) == (2, newer)
    negotiation.remove_term(agreement_id=made.pk, term_id=made.terms.get(clause__key="law").pk, by=None)
    with pytest.raises(Unfit, match="newer version"):
        negotiation.add_clause(agreement_id=made.pk, clause_id=law.pk, by=None)
    assert negotiation.add_clause(agreement_id=made.pk, clause_id=newer.pk, by=None).text.endswith(
        "Netherlands applies."
    )


def test_rounds_keep_what_changed_between_them() -> None:
    made = make.drafted()
    negotiation.note_round(agreement_id=made.pk, side="us", text="Our proposal.", by=None)
    negotiation.set_sla(agreement_id=made.pk, metric="repair_hours", value=Decimal(2), by=None)
    term = made.terms.get(clause__key="law")
    negotiation.remove_term(agreement_id=made.pk, term_id=term.pk, by=None)
    second = negotiation.note_round(agreement_id=made.pk, side="customer", text="Repair in 2 hours.", by=None)
    told = {(c["name"], c["old"], c["new"]) for c in second.changes["differences"]}
    assert ("Time to repair, hours", "4", "2") in told
    assert (term.title, term.text, "") in told
    assert (second.number, len(told)) == (2, 2)


def test_a_second_editor_is_told() -> None:
    made = make.drafted()
    negotiation.change(agreement_id=made.pk, edition=made.edition, title="First", by=None)
    with pytest.raises(editing.Changed) as told:
        negotiation.change(agreement_id=made.pk, edition=made.edition, title="Second", by=None)
    assert [(d.stored, d.typed) for d in told.value.differences] == [("First", "Second")]
    assert Agreement.objects.get(pk=made.pk).title == "First"


def test_submitting_lists_all_that_is_missing() -> None:
    by = quotes.seller()
    made = make.drafted(by=by)
    AgreementTerm.objects.filter(agreement=made).delete()
    made.slas.all().delete()
    moving.make(made, "negotiate", by=by)
    with pytest.raises(Incomplete) as refused:
        acts.submit(agreement_id=made.pk, by=by)
    assert set(refused.value.problems) == {"terms", "slas"}
    assert Agreement.objects.get(pk=made.pk).state == "negotiation"


def test_what_is_submitted_no_longer_changes() -> None:
    made = make.in_review()
    with pytest.raises(Closed):
        negotiation.set_sla(agreement_id=made.pk, metric="repair_hours", value=Decimal(2), by=None)
    with pytest.raises(Closed):
        negotiation.add_term(agreement_id=made.pk, title="More", text="More", by=None)


def test_a_manager_approves_and_whoever_asked_cannot() -> None:
    both = UserFactory(roles=["sales_agent", "sales_manager"])
    made = make.in_review(by=both)
    with pytest.raises(NotPermitted):
        acts.decide(agreement_id=made.pk, by=both, approve=True)
    with pytest.raises(NotPermitted):
        acts.decide(agreement_id=made.pk, by=quotes.seller(), approve=True)
    assert acts.decide(agreement_id=made.pk, by=make.manager(), approve=True).state == "approved"


def test_a_large_discount_needs_finance_as_well() -> None:
    by = quotes.seller()
    made = make.drafted(by=by)
    negotiation.add_discount(agreement_id=made.pk, percent=Decimal("25.5"), charge="one_time", by=by)
    moving.make(made, "negotiate", by=by)
    asked = acts.submit(agreement_id=made.pk, by=by)
    assert list(asked.steps.values_list("role", flat=True)) == ["sales_manager", "finance"]
    assert acts.decide(agreement_id=made.pk, by=make.manager(), approve=True).state == "in_review"
    assert acts.decide(agreement_id=made.pk, by=UserFactory(role="finance"), approve=True).state == "approved"


def test_a_rejection_has_its_reason_and_leads_back_to_the_draft() -> None:
    made, by = make.in_review(), make.manager()
    with pytest.raises(Refusal, match="reject"):
        acts.decide(agreement_id=made.pk, by=by, approve=False)
    rejected = acts.decide(agreement_id=made.pk, by=by, approve=False, reason="Too cheap")
    assert rejected.state == "rejected"
    assert AuditEntry.objects.get(action="reject", subject_id=made.pk).reason == "Too cheap"
    assert moving.make(rejected, "rework", by=by).state == "draft"


def test_an_approval_from_the_inbox_counts_the_same_and_is_bound_to_the_content() -> None:
    made, by = make.in_review(), make.manager()
    step = approvals.waiting_for(by).get(request__subject_id=made.pk)
    made.terms.filter(clause__key="law").update(text="Something else")  # past all acts
    with pytest.raises(Changed):
        approvals.decide(step.pk, by=by, approve=True)
    assert Agreement.objects.get(pk=made.pk).state == "in_review"


def test_signing_brings_it_into_force() -> None:
    made = make.in_force()
    assert made.state == "active"
    assert (
        OutboxEvent.objects.filter(kind="contracts.AgreementActivated", payload={"agreement_id": made.pk}).count() == 1
    )
    steps = AuditEntry.objects.filter(subject_type="contracts.agreement", subject_id=made.pk).order_by("id")
    assert [row.action for row in steps if "state" in row.changes] == [
        "negotiate", "submit", "approve", "sign", "activate",
    ]  # fmt: skip


def test_one_that_begins_later_waits_for_its_day() -> None:
    today = timezone.localdate()
    made = make.in_force(starts_on=today + dt.timedelta(days=10))
    assert made.state == "signed"
    assert acts.activate_due(today + dt.timedelta(days=9)) == 0
    assert acts.activate_due(today + dt.timedelta(days=10)) == 1
    assert Agreement.objects.get(pk=made.pk).state == "active"
    assert acts.activate_due(made.ends_on + dt.timedelta(days=1)) == 1
    assert Agreement.objects.get(pk=made.pk).state == "expired"


def test_an_amendment_replaces_its_predecessor_when_signed() -> None:
    first, by = make.in_force(), quotes.seller()
    second = acts.new_version(agreement_id=first.pk, by=by)
    assert (second.number, second.version, second.state) == (first.number, 2, "draft")
    assert second.terms.count() == first.terms.count()
    assert [d.percent for d in second.discounts.all()] == [Decimal(10)]
    with pytest.raises(Conflict, match="under way"):
        acts.new_version(agreement_id=first.pk, by=by)
    moving.make(second, "negotiate", by=by)
    acts.submit(agreement_id=second.pk, by=by)
    acts.decide(agreement_id=second.pk, by=make.manager(), approve=True)
    asked = acts.send(agreement_id=second.pk, contact_id=make.signatory(first.account).pk, by=by)
    make.sign(asked)
    assert [a.state for a in Agreement.objects.filter(number=first.number).order_by("version")] == [
        "terminated",
        "active",
    ]


def test_only_an_approved_one_is_sent_and_only_to_its_own_customer() -> None:
    made = make.in_review()
    with pytest.raises(lifecycle.IllegalMove):
        acts.send(agreement_id=made.pk, contact_id=make.signatory(made.account).pk, by=None)
    acts.decide(agreement_id=made.pk, by=make.manager(), approve=True)
    stranger = make.signatory(quotes.customer()[0])
    with pytest.raises(signature.Unfit):
        acts.send(agreement_id=made.pk, contact_id=stranger.pk, by=None)


def test_rights_are_asked() -> None:
    made, finance = make.drafted(), UserFactory(role="finance")
    with pytest.raises(NotPermitted):
        negotiation.add_term(agreement_id=made.pk, title="T", text="T", by=finance)
    with pytest.raises(NotPermitted):
        moving.make(made, "negotiate", by=finance)


@pytest.mark.parametrize("name", ["sign", "activate", "expire"])
def test_what_the_machine_does_cannot_be_pressed(name: str) -> None:
    made = make.approved()
    with pytest.raises(lifecycle.IllegalMove):
        moving.make(made, name, by=make.manager())


def test_a_period_that_is_over_is_not_drafted() -> None:
    with time_machine.travel("2026-12-01 09:00", tick=False), pytest.raises(Unfit, match="over already"):
        make.drafted(starts_on=dt.date(2025, 1, 1), ends_on=dt.date(2026, 11, 30))
