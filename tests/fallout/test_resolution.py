"""Mending: retry, edit and retry, by hand, skip; two people at once; who may."""

import pytest

from fallout import resolution
from fallout.models import Fallout
from fulfillment.models import Task
from kernel import lifecycle, outbox
from kernel.models import AuditEntry
from kernel.refusal import Conflict, NotPermitted, Refusal
from tests.factories import fallout as made
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def agent() -> object:
    return UserFactory(role="fallout_agent")


def again(record: Fallout) -> Fallout:
    return Fallout.objects.select_related("task__flow").get(pk=record.pk)


def test_taking_makes_it_ones_own(agent: object) -> None:
    record = made.fallout()
    resolution.take(fallout_id=record.pk, by=agent)
    assert again(record).state == "in_progress"
    assert again(record).owner == agent
    with pytest.raises(Conflict):
        resolution.take(fallout_id=record.pk, by=agent)


def test_a_retry_puts_the_task_to_work_again(agent: object) -> None:
    record = made.fallout()
    resolution.retry(fallout_id=record.pk, by=agent)
    assert again(record).state == "resolved"
    assert again(record).resolution == "retry"
    assert again(record).owner == agent
    assert again(record).task.state == "in_progress"


def test_the_second_of_two_people_is_told(agent: object) -> None:
    record = made.fallout()
    resolution.retry(fallout_id=record.pk, by=agent)
    with pytest.raises(Conflict, match="somebody was first"):
        resolution.retry(fallout_id=record.pk, by=UserFactory(role="fallout_agent"))
    assert AuditEntry.objects.filter(subject_type="fulfillment.task", action="resume").count() == 1


def test_edited_values_reach_the_flow_as_their_type(agent: object) -> None:
    record = made.fallout()
    resolution.edit_and_retry(fallout_id=record.pk, by=agent, raw={"vlan": "2131"})
    assert again(record).task.flow.data["vlan"] == 2131
    assert again(record).resolution == "edit_and_retry"
    entry = AuditEntry.objects.get(subject_type="fallout.fallout", subject_id=record.pk, action="edited")
    assert entry.changes == {"vlan": [2114, 2131]}


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({"vlan": "5000"}, "vlan"),
        ({"vlan": "many"}, "vlan"),
        ({"vlan": ""}, "vlan"),
        ({"price": "1"}, "price"),
        ({"vlan": "2114"}, ""),
    ],
)
def test_a_wrong_value_is_refused_at_its_field_and_nothing_moves(
    agent: object, raw: dict[str, str], field: str
) -> None:
    record = made.fallout()
    with pytest.raises(Refusal) as refused:
        resolution.edit_and_retry(fallout_id=record.pk, by=agent, raw=raw)
    assert field in refused.value.problems
    assert again(record).state == "open"
    assert again(record).task.flow.data["vlan"] == 2114


def test_by_hand_supplies_what_the_task_puts_out_and_closes_the_record(agent: object) -> None:
    record = made.fallout()
    with pytest.raises(Refusal) as refused:
        resolution.complete_by_hand(fallout_id=record.pk, by=agent, values={}, reason="Done on the router")
    assert "pe_port" in refused.value.problems
    resolution.complete_by_hand(
        fallout_id=record.pk, by=agent, values={"pe_port": "xe-1/0/14"}, reason="Done on the router"
    )
    outbox.drain()
    assert again(record).state == "closed"
    assert again(record).task.state == "completed"
    assert again(record).task.flow.data["pe_port"] == "xe-1/0/14"
    assert Task.objects.get(flow=again(record).task.flow, key="test").state == "ready"


def test_a_task_whose_output_is_needed_cannot_be_skipped(agent: object) -> None:
    record = made.fallout()
    with pytest.raises(Conflict, match="Later tasks need the pe port"):
        resolution.skip(fallout_id=record.pk, by=agent, reason="Not needed")
    assert again(record).state == "open"


def test_a_task_whose_output_is_there_can_be_skipped(agent: object) -> None:
    record = made.fallout(data={"vlan": 2114, "pe_port": "xe-1/0/9"})
    with pytest.raises(Refusal) as refused:
        resolution.skip(fallout_id=record.pk, by=agent, reason=" ")
    assert "reason" in refused.value.problems
    resolution.skip(fallout_id=record.pk, by=agent, reason="The port is there already")
    outbox.drain()
    assert again(record).state == "closed"
    assert again(record).task.state == "skipped"


def test_a_paused_record_is_resumed_before_it_is_mended(agent: object) -> None:
    record = made.fallout()
    resolution.take(fallout_id=record.pk, by=agent)
    resolution.await_information(fallout_id=record.pk, by=agent, reason="The carrier looks into it")
    with pytest.raises(Conflict, match="Resume it first"):
        resolution.retry(fallout_id=record.pk, by=agent)
    resolution.resume(fallout_id=record.pk, by=agent)
    resolution.hold(fallout_id=record.pk, by=agent, reason="Tomorrow")
    resolution.resume(fallout_id=record.pk, by=agent)
    resolution.retry(fallout_id=record.pk, by=agent)
    assert again(record).state == "resolved"


def test_others_may_look_but_not_mend() -> None:
    record, other = made.fallout(), UserFactory(role="order_manager")
    for act in (resolution.take, resolution.retry):
        with pytest.raises(NotPermitted):
            act(fallout_id=record.pk, by=other)
    assert again(record).state == "open"


def test_only_managers_assign_and_only_to_those_who_may_mend(agent: object) -> None:
    record, manager = made.fallout(), UserFactory(role="fallout_manager")
    with pytest.raises(NotPermitted):
        resolution.assign(fallout_id=record.pk, to=agent, by=agent)
    with pytest.raises(Refusal, match="may not resolve"):
        resolution.assign(fallout_id=record.pk, to=UserFactory(role="sales_agent"), by=manager)
    resolution.assign(fallout_id=record.pk, to=agent, by=manager)
    assert again(record).owner == agent


def test_a_task_mended_elsewhere_closes_its_record() -> None:
    from fulfillment import execution

    record = made.fallout()
    execution.complete_by_hand(record.task_id, None, {"pe_port": "xe-0"}, "Seen on the router")
    outbox.drain()
    assert again(record).state == "closed"


def test_falling_again_opens_a_second_record_and_both_close(agent: object) -> None:
    from fulfillment import trouble

    record = made.fallout()
    resolution.retry(fallout_id=record.pk, by=agent)
    trouble.fall_out({record.task_id: trouble.Trouble("provisioning", "VLAN already in use", "Still")})
    outbox.drain()
    second = Fallout.objects.get(state="open")
    assert second.pk != record.pk
    resolution.complete_by_hand(fallout_id=second.pk, by=agent, values={"pe_port": "xe-1"}, reason="By hand")
    outbox.drain()
    assert set(Fallout.objects.values_list("state", flat=True)) == {"closed"}


def test_the_database_refuses_a_move_that_is_not_declared() -> None:
    record = Fallout.objects.locked(made.fallout().pk)
    with pytest.raises(lifecycle.IllegalMove):
        lifecycle.move(record, Fallout.close, by=None)
