"""Moves of a lead: the listed ones, by those who may, and no other."""

import pytest

from crm import qualification
from crm.models import Lead
from kernel import moving
from kernel.lifecycle import IllegalMove
from kernel.models.trail import AuditEntry
from kernel.refusal import NotPermitted
from tests.factories.crm import LeadFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def test_the_road_from_new_to_qualified_leaves_a_trail() -> None:
    mira = UserFactory(role="sales_agent")
    lead = LeadFactory(state="qualified", by=mira)
    assert lead.state == "qualified"
    trail = AuditEntry.objects.filter(subject_type="crm.lead", subject_id=lead.pk).order_by("id")
    assert [(e.action, e.changes["state"]) for e in trail] == [
        ("captured", [None, "new"]),
        ("contact", ["new", "contacted"]),
        ("nurture", ["contacted", "nurturing"]),
        ("qualify", ["nurturing", "qualified"]),
    ]
    assert {e.actor for e in trail} == {mira}


def test_putting_aside_wants_a_reason_and_can_be_taken_back() -> None:
    lead = LeadFactory()
    with pytest.raises(qualification.ReasonMissing) as refused:
        qualification.disqualify(lead_id=lead.pk, because="  ", by=None)
    assert list(refused.value.problems) == ["reason"]
    aside = qualification.disqualify(lead_id=lead.pk, because="No budget before 2028", by=None)
    assert (aside.state, aside.disqualified_because) == ("disqualified", "No budget before 2028")
    again = qualification.reopen(lead_id=lead.pk, by=None)
    assert (again.state, again.disqualified_because) == ("new", "")


@pytest.mark.parametrize(
    ("state", "move"),
    [
        ("new", "qualify"), ("new", "nurture"), ("new", "reopen"), ("contacted", "contact"), ("contacted", "qualify"),
        ("qualified", "disqualify"), ("qualified", "nurture"), ("disqualified", "qualify"), ("converted", "reopen"),
        ("converted", "disqualify"),
    ],
)  # fmt: skip
def test_no_other_move_exists(state: str, move: str) -> None:
    lead = LeadFactory(state=state)
    with pytest.raises(IllegalMove):
        moving.make(lead, move, by=UserFactory(role="sales_agent"), reason="because")
    assert Lead.objects.get(pk=lead.pk).state == state


def test_a_person_without_the_right_moves_nothing() -> None:
    lead = LeadFactory()
    with pytest.raises(NotPermitted, match="contacted"):
        qualification.contact(lead_id=lead.pk, by=UserFactory(role="technician"))
    assert Lead.objects.get(pk=lead.pk).state == "new"


def test_the_machines_own_move_is_not_made_by_hand() -> None:
    with pytest.raises(IllegalMove, match="system"):
        moving.make(LeadFactory(state="qualified"), "convert", by=UserFactory(role="sales_agent"))
