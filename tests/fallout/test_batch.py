"""Many at once: previewed, frozen, done in the background, answered one by one; and escalation."""

import datetime as dt
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from fallout import batch, escalation, previewing, resolution
from fallout.models import Fallout
from fulfillment import execution
from kernel import many
from kernel.models import AuditEntry, Many, Notification
from kernel.refusal import Conflict, NotPermitted, Refusal
from tests.factories import fallout as made
from tests.factories.crm import SiteFactory
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def token(by: Any, act: str = "retry") -> str:
    return previewing.preview(Fallout.objects.all(), act, by).token


def answers(found: Many) -> dict[str, tuple[str, str]]:
    return {item.name.split()[0]: (item.answer, item.why) for item in found.items.all()}


def test_the_preview_says_which_are_left_out_and_moves_nothing() -> None:
    agent, other = UserFactory(role="fallout_agent"), UserFactory(role="fallout_agent")
    site = SiteFactory()
    records = [made.fallout(site) for _ in range(4)]
    resolution.take(fallout_id=records[0].pk, by=other)
    resolution.take(fallout_id=records[1].pk, by=agent)
    resolution.hold(fallout_id=records[1].pk, by=agent, reason="Tomorrow")
    seen = previewing.preview(Fallout.objects.all(), "retry", agent)
    assert {one.pk for one in seen.ready} == {records[2].pk, records[3].pk}
    assert {why: len(rows) for why, rows in seen.left_out.items()} == {
        "somebody else is at it": 1, "on hold or waiting for information": 1,
    }  # fmt: skip
    assert seen.systems == ["provisioning port.create (2)"]
    assert not Fallout.objects.filter(state="resolved").exists()


def test_a_batch_takes_the_frozen_records_and_tells_of_each() -> None:
    agent, site = UserFactory(role="fallout_agent"), SiteFactory()
    first, second = made.fallout(site), made.fallout(site)
    seen = token(agent)
    later = made.fallout(site)
    resolution.retry(fallout_id=second.pk, by=UserFactory(role="fallout_agent"))
    started = batch.start(seen, agent)
    assert (started.ended_at, started.total, started.about) == (None, 2, first.cause)
    assert many.work(started.pk) == 2
    told = answers(started)
    assert told[first.number] == ("done", "")
    assert "somebody was first" in told[second.number][1]
    assert later.number not in told
    assert Many.objects.get().ended_at
    assert Fallout.objects.get(pk=later.pk).state == "open"


def test_pressing_twice_starts_one_batch() -> None:
    agent, _ = UserFactory(role="fallout_agent"), made.fallout()
    seen = token(agent)
    assert batch.start(seen, agent) == batch.start(seen, agent)
    many.work(Many.objects.get().pk)
    assert many.work(Many.objects.get().pk) == 0
    assert AuditEntry.objects.filter(subject_type="fulfillment.task", action="resume").count() == 1


def test_a_batch_that_was_cut_off_goes_on_where_it_stopped() -> None:
    agent, site = UserFactory(role="fallout_agent"), SiteFactory()
    for _ in range(3):
        made.fallout(site)
    started = batch.start(token(agent), agent)
    many.work(started.pk, limit=1)
    assert many.progress(started) == {"": 2, "done": 1, "refused": 0, "left": 0}
    assert many.sweep() == 1
    assert many.work(started.pk) == 2
    assert Many.objects.get().ended_at
    assert many.sweep() == 0


def test_a_batch_is_stopped_by_its_owner_or_a_manager() -> None:
    agent, site = UserFactory(role="fallout_agent"), SiteFactory()
    records = [made.fallout(site) for _ in range(2)]
    started = batch.start(token(agent), agent)
    many.work(started.pk, limit=1)
    assert Many.objects.visible_to(UserFactory(role="fallout_agent")).get() == started  # everybody on the desk sees it
    assert not Many.objects.visible_to(UserFactory(role="sales_agent")).exists()
    with pytest.raises(NotPermitted):
        many.stop(many_id=started.pk, by=UserFactory(role="fallout_agent"))
    many.stop(many_id=started.pk, by=UserFactory(role="fallout_manager"))
    assert sorted(answer for answer, _ in answers(started).values()) == ["done", "left"]
    assert many.work(started.pk) == 0
    assert Fallout.objects.filter(pk__in=[one.pk for one in records], state="open").count() == 1


def test_each_gets_the_value_suggested_for_it() -> None:
    agent, site = UserFactory(role="fallout_agent"), SiteFactory()
    first, second = made.fallout(site, suggestion={"vlan": 2131}), made.fallout(site, suggestion={"vlan": 2140})
    bare = made.fallout(site, suggestion={})
    seen = previewing.preview(Fallout.objects.all(), "suggested", agent)
    assert [one.what for one in seen.sends] == ["VLAN 2114 → 2131", "VLAN 2114 → 2140"]
    assert seen.left_out["nothing is suggested for them"] == [bare]
    many.work(batch.start(seen.token, agent).pk)
    values = [Fallout.objects.get(pk=one.pk).task.flow.data["vlan"] for one in (first, second)]
    assert values == [2131, 2140]


def test_one_value_for_all_is_checked_before_anything_starts() -> None:
    agent, site = UserFactory(role="fallout_agent"), SiteFactory()
    records = [made.fallout(site) for _ in range(2)]
    seen = previewing.preview(Fallout.objects.all(), "edit", agent)
    assert [value.key for value in seen.asks] == ["vlan", "bandwidth"]
    assert seen.now["vlan"] == "2114 × 2"
    with pytest.raises(Refusal) as refused:
        batch.start(seen.token, agent, values={"vlan": "9999", "bandwidth": ""})
    assert "At most 4094" in refused.value.problems["vlan"][0]
    assert not Many.objects.exists()
    many.work(batch.start(seen.token, agent, values={"vlan": "2200", "bandwidth": ""}).pk)
    assert {Fallout.objects.get(pk=one.pk).task.flow.data["vlan"] for one in records} == {2200}


def test_completing_by_hand_asks_for_what_the_steps_put_out() -> None:
    agent, _ = UserFactory(role="fallout_agent"), made.fallout()
    seen = previewing.preview(Fallout.objects.all(), "hand", agent)
    with pytest.raises(Refusal) as refused:
        batch.start(seen.token, agent, values={"pe_port": ""})
    assert set(refused.value.problems) == {"reason", "pe_port"}
    many.work(batch.start(seen.token, agent, values={"pe_port": "xe-1"}, note="On the router").pk)
    assert Fallout.objects.get().task.state == "completed"


def test_a_preview_of_skipping_says_what_would_be_missing() -> None:
    agent, _ = UserFactory(role="fallout_agent"), made.fallout()
    seen = previewing.preview(Fallout.objects.all(), "skip", agent)
    assert seen.count == 0
    assert "Later tasks need the pe port" in next(iter(seen.left_out))
    with pytest.raises(Refusal, match="Nothing is left"):
        batch.start(seen.token, agent, note="Not needed")


def test_a_made_up_or_borrowed_token_is_a_conflict() -> None:
    agent, _ = UserFactory(role="fallout_agent"), made.fallout()
    with pytest.raises(Conflict):
        batch.start("made-up", agent)
    with pytest.raises(Conflict):
        batch.start(token(agent), UserFactory(role="fallout_agent"))
    with pytest.raises(Refusal):
        previewing.preview(Fallout.objects.all(), "delete", agent)


def test_many_are_assigned_by_a_manager() -> None:
    manager, agent = UserFactory(role="fallout_manager"), UserFactory(role="fallout_agent")
    record = made.fallout()
    with pytest.raises(Refusal) as refused:
        batch.start(token(manager, "assign"), manager, owner=UserFactory(role="sales_agent"))
    assert "owner" in refused.value.problems
    many.work(batch.start(token(manager, "assign"), manager, owner=agent).pk)
    assert Fallout.objects.get(pk=record.pk).owner == agent


@pytest.mark.parametrize("act", ["retry", "suggested", "edit", "skip"])
def test_a_preview_asks_the_same_number_of_questions(act: str, django_assert_max_num_queries: Any) -> None:
    agent, site = UserFactory(role="fallout_agent"), SiteFactory()
    root = {"root_id": 77, "root_type": "test.root"}
    for _ in range(3):
        made.fallout(site, **root)
    with django_assert_max_num_queries(9) as few:
        previewing.preview(Fallout.objects.all(), act, agent)
    for _ in range(5):
        made.fallout(site, **root)
    with django_assert_max_num_queries(len(few)):
        previewing.preview(Fallout.objects.all(), act, agent)


def test_a_task_that_goes_on_meanwhile_is_named() -> None:
    agent, record = UserFactory(role="fallout_agent"), made.fallout()
    seen = token(agent)
    execution.retry(record.task_id, None)
    started = batch.start(seen, agent)
    many.work(started.pk)
    assert answers(started)[record.number][0] == "refused"


def test_overdue_records_are_told_to_managers_once(django_capture_on_commit_callbacks: Any) -> None:
    manager, record = UserFactory(role="fallout_manager"), made.fallout()
    with django_capture_on_commit_callbacks(execute=True):
        assert escalation.escalate_overdue(timezone.now() + dt.timedelta(hours=9)) == 1
    assert escalation.escalate_overdue(timezone.now() + dt.timedelta(hours=9)) == 0
    assert record.number in Notification.objects.get(user=manager).text
    assert any(manager.email in message.to for message in mail.outbox)
    assert escalation.escalate_overdue(timezone.now()) == 0
