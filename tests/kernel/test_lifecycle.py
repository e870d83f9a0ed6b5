"""Lifecycles: every undeclared move is refused, by the product with 409 and by the database as well."""

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from crm import qualification
from crm.models import Lead
from kernel import lifecycle, moving, records
from kernel.models import AuditEntry, User
from kernel.refusal import NotPermitted, Refusal
from tests.factories.crm import LeadFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent() -> User:
    return UserFactory(role="sales_agent")


@pytest.fixture
def lead() -> Lead:
    return LeadFactory()


def post(client: Client, lead: Lead, **data: str) -> int:
    return client.post(reverse("move", args=["crm.lead", lead.pk]), data, headers={"HX-Request": "true"}).status_code


def state_of(lead: Lead) -> str:
    return str(Lead.objects.values_list("state", flat=True).get(pk=lead.pk))


def test_a_move_writes_its_audit_row_and_counts_the_edition(lead: Lead, agent: User) -> None:
    edition = lead.edition
    moved = moving.make(lead, "contact", by=agent)
    assert moved.state == "contacted"
    assert moved.edition == edition + 1
    row = AuditEntry.objects.filter(subject_id=lead.pk, action="contact").get()
    assert row.changes == {"state": ["new", "contacted"]}
    assert row.actor == agent


def test_the_audit_trail_cannot_be_changed(lead: Lead, agent: User) -> None:
    moving.make(lead, "contact", by=agent)
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditEntry.objects.update(action="nothing")
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditEntry.objects.all().delete()


def test_the_database_refuses_what_no_transition_declares(lead: Lead) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        Lead.objects.filter(pk=lead.pk).update(state="converted")
    assert state_of(lead) == "new"


@pytest.mark.parametrize(
    "move", ["reopen", "convert", "save", "delete", "__class__", "", "nothing", "contact\x00", "_meta"]
)
def test_a_crafted_move_is_a_conflict_and_changes_nothing(client: Client, lead: Lead, agent: User, move: str) -> None:
    client.force_login(agent)
    assert post(client, lead, move=move) == 409
    assert state_of(lead) == "new"


def test_pressing_twice_moves_once(client: Client, lead: Lead, agent: User) -> None:
    client.force_login(agent)
    assert [post(client, lead, move="contact"), post(client, lead, move="contact")] == [200, 409]
    assert AuditEntry.objects.filter(subject_id=lead.pk, action="contact").count() == 1


def test_a_move_that_needs_a_reason_is_refused_without_one(client: Client, lead: Lead, agent: User) -> None:
    client.force_login(agent)
    assert post(client, lead, move="disqualify", reason="  ") == 422
    with pytest.raises(Refusal):
        moving.make(lead, "disqualify", by=agent)
    assert state_of(lead) == "new"


def test_who_lacks_the_right_is_told_so(client: Client, lead: Lead) -> None:
    finance = UserFactory(role="finance")
    with pytest.raises(NotPermitted):
        moving.make(lead, "contact", by=finance)
    client.force_login(UserFactory(role="customer"))
    assert post(client, lead, move="contact") == 403
    client.force_login(UserFactory())
    assert post(client, lead, move="contact") == 403
    assert state_of(lead) == "new"


def test_offered_moves_say_why_not(lead: Lead, agent: User) -> None:
    offered = {move.name: move for move in lifecycle.moves(lead, agent)}
    assert offered["contact"].why_not == ""
    assert offered["disqualify"].needs_reason
    assert "convert" not in offered
    refused = {move.name: move.why_not for move in lifecycle.moves(lead, UserFactory(role="finance"))}
    assert "roles" in refused["contact"]


def test_stages_tell_what_was_reached_and_when(lead: Lead, agent: User) -> None:
    kinds = [stage.kind for stage in records.stages(lead)]
    assert kinds == ["now", "", "", "", ""]
    moved = moving.make(lead, "contact", by=agent)
    bar = records.stages(moved)
    assert [stage.kind for stage in bar] == ["done", "now", "", "", ""]
    assert bar[1].at is not None


def test_a_state_beside_the_road_stands_where_the_record_left_it(lead: Lead, agent: User) -> None:
    moved = moving.make(lead, "contact", by=agent)
    gone = qualification.disqualify(lead_id=moved.pk, by=agent, because="No budget")
    bar = [(stage.word, stage.kind) for stage in records.stages(gone)]
    assert bar[:3] == [("New", "done"), ("Contacted", "done"), ("Disqualified", "off")]
