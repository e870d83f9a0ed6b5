"""Many at once: previewed, frozen, answered one by one; and escalation."""

import datetime as dt
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from fallout import batch, escalation, resolution
from fallout.models import Fallout
from kernel.models import AuditEntry, Notification
from kernel.refusal import Conflict, Refusal
from tests.factories import fallout as made
from tests.factories.crm import SiteFactory
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def test_the_preview_says_which_are_left_out_and_moves_nothing() -> None:
    agent, other = UserFactory(role="fallout_agent"), UserFactory(role="fallout_agent")
    site = SiteFactory()
    records = [made.fallout(site) for _ in range(4)]
    resolution.take(fallout_id=records[0].pk, by=other)
    resolution.take(fallout_id=records[1].pk, by=agent)
    resolution.hold(fallout_id=records[1].pk, by=agent, reason="Tomorrow")
    seen = batch.preview(Fallout.objects.all(), "retry", agent)
    assert {one.pk for one in seen.ready} == {records[2].pk, records[3].pk}
    assert {why: len(rows) for why, rows in seen.left_out.items()} == {
        "somebody else is at it": 1, "on hold or waiting for information": 1,
    }  # fmt: skip
    assert not Fallout.objects.filter(state="resolved").exists()


def test_running_takes_the_frozen_records_and_tells_of_each() -> None:
    agent, site = UserFactory(role="fallout_agent"), SiteFactory()
    first, second = made.fallout(site), made.fallout(site)
    seen = batch.preview(Fallout.objects.all(), "retry", agent)
    later = made.fallout(site)
    resolution.retry(fallout_id=second.pk, by=UserFactory(role="fallout_agent"))
    outcomes = {one.number: one.why for one in batch.run(seen.token, agent)}
    assert outcomes[first.number] == ""
    assert "somebody was first" in outcomes[second.number]
    assert later.number not in outcomes
    assert Fallout.objects.get(pk=later.pk).state == "open"


def test_pressing_twice_retries_once() -> None:
    agent, _ = UserFactory(role="fallout_agent"), made.fallout()
    token = batch.preview(Fallout.objects.all(), "retry", agent).token
    assert [one.why for one in batch.run(token, agent)] == [""]
    assert "somebody was first" in batch.run(token, agent)[0].why
    assert AuditEntry.objects.filter(subject_type="fulfillment.task", action="resume").count() == 1


def test_a_made_up_or_borrowed_token_is_a_conflict() -> None:
    agent, _ = UserFactory(role="fallout_agent"), made.fallout()
    token = batch.preview(Fallout.objects.all(), "retry", agent).token
    with pytest.raises(Conflict):
        batch.run("made-up", agent)
    with pytest.raises(Conflict):
        batch.run(token, UserFactory(role="fallout_agent"))
    with pytest.raises(Refusal):
        batch.preview(Fallout.objects.all(), "delete", agent)


def test_many_are_assigned_by_a_manager() -> None:
    manager, agent = UserFactory(role="fallout_manager"), UserFactory(role="fallout_agent")
    record = made.fallout()
    token = batch.preview(Fallout.objects.all(), "assign", manager).token
    batch.run(token, manager, owner=agent)
    assert Fallout.objects.get(pk=record.pk).owner == agent


@pytest.mark.parametrize("count", [2, 8])
def test_a_preview_asks_the_same_number_of_questions(count: int, django_assert_num_queries: Any) -> None:
    agent, site = UserFactory(role="fallout_agent"), SiteFactory()
    for _ in range(count):
        made.fallout(site)
    with django_assert_num_queries(1):
        batch.preview(Fallout.objects.all(), "retry", agent)


def test_overdue_records_are_told_to_managers_once(django_capture_on_commit_callbacks: Any) -> None:
    manager, record = UserFactory(role="fallout_manager"), made.fallout()
    with django_capture_on_commit_callbacks(execute=True):
        assert escalation.escalate_overdue(timezone.now() + dt.timedelta(hours=9)) == 1
    assert escalation.escalate_overdue(timezone.now() + dt.timedelta(hours=9)) == 0
    assert record.number in Notification.objects.get(user=manager).text
    assert any(manager.email in message.to for message in mail.outbox)
    assert escalation.escalate_overdue(timezone.now()) == 0
