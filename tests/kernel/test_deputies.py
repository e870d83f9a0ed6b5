"""Deputies: an approval is handed over, decided for somebody who is away, and reminded of."""

import datetime as dt

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from kernel import approvals, deputies
from kernel.approvals import Ask
from kernel.models import Absence, ApprovalRequest, ApprovalStep, AuditEntry, Notification, User
from kernel.refusal import Conflict, NotPermitted, Refusal
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def asker() -> User:
    return UserFactory(role="sales_agent")


@pytest.fixture
def manager() -> User:
    return UserFactory(role="sales_manager")


@pytest.fixture
def colleague() -> User:
    return UserFactory(role="order_agent")


def asked(asker: User, *asks: Ask) -> ApprovalRequest:
    wanted = asks or (Ask("sales_manager", "Discount over 15 %"),)
    return approvals.request(asker, wanted, by=asker, url="/x/", content_hash="h")


def only(made: ApprovalRequest) -> ApprovalStep:
    return made.steps.get()


def away(person: User, deputy: User, days: int = 3) -> Absence:
    today = timezone.localdate()
    return deputies.be_away(person=person, deputy=deputy, starts_on=today, ends_on=today + dt.timedelta(days=days))


def test_a_step_that_was_handed_over_is_the_colleagues(asker: User, manager: User, colleague: User) -> None:
    step = only(asked(asker))
    deputies.delegate(step_id=step.pk, to=colleague, by=manager, reason="You know them")
    assert step.pk in approvals.waiting_for(colleague).values_list("pk", flat=True)
    assert not approvals.waiting_for(manager).exists()
    with pytest.raises(NotPermitted, match=str(colleague)):
        approvals.decide(step.pk, by=manager, approve=True)
    assert approvals.decide(step.pk, by=colleague, approve=True).state == ApprovalRequest.State.GRANTED
    assert AuditEntry.objects.filter(action="approval delegated", actor=manager).exists()


def test_it_is_handed_to_nobody_who_may_not_have_it(asker: User, manager: User, colleague: User) -> None:
    step = only(asked(asker))
    for to in (asker, manager, UserFactory(role="customer"), UserFactory(role="finance", is_active=False)):
        with pytest.raises(Refusal) as refused:
            deputies.delegate(step_id=step.pk, to=to, by=manager)
        assert set(refused.value.problems) == {"to"}
    for by in (colleague, asker):
        with pytest.raises(NotPermitted):
            deputies.delegate(step_id=step.pk, to=manager, by=by)
    approvals.decide(step.pk, by=manager, approve=True)
    with pytest.raises(Conflict):
        deputies.delegate(step_id=step.pk, to=colleague, by=manager)


def test_a_deputy_decides_while_somebody_is_away_and_not_after(asker: User, manager: User, colleague: User) -> None:
    away(manager, colleague)
    step = only(made := asked(asker))
    assert Notification.objects.filter(user=colleague, text__contains="asks for your approval").exists()
    with time_machine.travel(timezone.now() + dt.timedelta(days=5), tick=False):
        assert not approvals.waiting_for(colleague).exists()
        with pytest.raises(NotPermitted):
            approvals.decide(step.pk, by=colleague, approve=True)
    approvals.decide(step.pk, by=colleague, approve=True)
    assert only(made).decided_for == manager


def test_nobody_approves_their_own_through_a_deputy(manager: User, colleague: User) -> None:
    away(manager, colleague)
    step = only(asked(manager))
    assert not approvals.waiting_for(colleague).exists()
    with pytest.raises(NotPermitted):
        approvals.decide(step.pk, by=colleague, approve=True)


def test_teams_and_persons_are_asked_as_well(asker: User, colleague: User) -> None:
    pricing = UserFactory(role="order_agent", teams=["Pricing desk"])
    made = asked(asker, Ask("", "Value", team="Pricing desk"), Ask("", "Term", person=colleague))
    assert set(approvals.deciders(made)) == {pricing, colleague}
    with pytest.raises(NotPermitted, match="team Pricing desk"):
        approvals.decide(made.steps.get(team="Pricing desk").pk, by=colleague, approve=True)
    for step, by in zip(made.steps.all(), (pricing, colleague), strict=True):
        approvals.decide(step.pk, by=by, approve=True)
    assert ApprovalRequest.objects.get(pk=made.pk).state == ApprovalRequest.State.GRANTED


def test_an_absence_names_a_colleague_and_days(manager: User) -> None:
    today = timezone.localdate()
    with pytest.raises(Refusal) as refused:
        deputies.be_away(person=manager, deputy=manager, starts_on=None, ends_on=today - dt.timedelta(days=1))
    assert set(refused.value.problems) == {"deputy", "starts_on", "ends_on"}


def test_reminders_by_hand_and_by_themselves(asker: User, manager: User) -> None:
    made = asked(asker)
    with pytest.raises(deputies.TooSoon):
        deputies.remind(request_id=made.pk, by=asker)
    with pytest.raises(NotPermitted):
        deputies.remind(request_id=made.pk, by=manager)
    assert deputies.remind_due() == 0
    with time_machine.travel(timezone.now() + dt.timedelta(hours=25), tick=False):
        assert deputies.remind_due() == 1
        assert deputies.remind_due() == 0
    with time_machine.travel(timezone.now() + dt.timedelta(hours=27), tick=False):
        deputies.remind(request_id=made.pk, by=asker)
    assert Notification.objects.filter(user=manager, text__contains="still waits").count() == 2


def test_many_are_approved_together_only_where_the_rules_let(client: Client, asker: User, manager: User) -> None:
    small = only(asked(asker, Ask("sales_manager", "Small", in_bulk=True)))
    other = UserFactory(role="sales_agent")
    large = only(asked(other, Ask("sales_manager", "Large")))
    client.force_login(manager)
    answer = client.post(reverse("approvals_many"), {"step": [small.pk, large.pk, "x"]}, follow=True)
    assert "1 approved. 1 left" in answer.content.decode()
    decisions = dict(ApprovalStep.objects.values_list("pk", "decision"))
    assert decisions == {small.pk: "approved", large.pk: "pending"}
    assert client.post(reverse("approvals_many"), {}).status_code == 422


def test_the_page_hands_over_names_a_deputy_and_reminds(
    client: Client, asker: User, manager: User, colleague: User
) -> None:
    step = only(made := asked(asker))
    client.force_login(manager)
    assert "Discount over 15 %" in client.get(reverse("approvals")).content.decode()
    delegate = reverse("approval_delegate", args=[step.pk])
    assert client.post(delegate, {"to": "x"}).status_code == 422
    refused = client.post(delegate, {"to": asker.pk})
    assert refused.status_code == 422
    said = refused.content.decode()
    assert f'<option value="{asker.pk}" selected>' in said
    assert f"{asker} asked for this approval and cannot give it." in said.split(f'id="d{step.pk}_error"')[1]
    rejected = client.post(reverse("approval_decide", args=[step.pk]), {"decision": "reject", "reason": " "})
    assert "Say why you reject it" in rejected.content.decode().split(f'id="r{step.pk}_error"')[1]
    client.force_login(asker)
    stranger = client.post(reverse("approval_decide", args=[step.pk]), {"decision": "reject", "reason": " "})
    assert "Say why you reject it" in stranger.content.decode()
    client.force_login(manager)
    assert client.post(delegate, {"to": colleague.pk}).status_code == 302
    page, today = reverse("approvals_away"), timezone.localdate().isoformat()
    assert client.post(page, {"deputy": colleague.pk, "starts_on": today}).status_code == 422
    assert client.post(page, {"deputy": colleague.pk, "starts_on": today, "ends_on": today}).status_code == 302
    absence = Absence.objects.get(person=manager)
    client.force_login(colleague)
    said = client.get(reverse("approvals")).content.decode()
    assert "You also decide for" in said
    assert f"Handed over by {manager}" in said
    assert client.post(page, {"back_again": absence.pk}).status_code == 404
    client.force_login(asker)
    assert "Asked by you" in client.get(reverse("approvals")).content.decode()
    assert client.post(reverse("approval_remind", args=[made.pk])).status_code == 409


def test_the_page_asks_the_same_number_of_questions(client: Client, manager: User) -> None:
    client.force_login(manager)

    def questions() -> int:
        with CaptureQueriesContext(connection) as found:
            client.get(reverse("approvals"))
        return len(found)

    asked(UserFactory(role="sales_agent"))
    questions()
    few = questions()
    for _ in range(4):
        asked(UserFactory(role="sales_agent"))
    assert questions() == few
