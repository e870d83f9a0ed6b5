"""Races: two connections at once, a worker that comes late, a worker that is gone."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from fulfillment import adapters, calling, execution, planning, release, scheduling
from fulfillment.adapters import Answer
from fulfillment.adapters.provisioning.fake import Fake as Provisioning
from fulfillment.models import Attempt, Flow, Task
from kernel import lifecycle, outbox
from kernel.models import OutboxEvent
from tests.factories import fulfillment as make
from tests.factories.crm import SiteFactory

API: dict[str, Any] = {"kind": "api_call", "adapter": "provisioning", "operation": "port.create"}


def beside(act: Callable[[], Any]) -> threading.Thread:
    """Run an act on a connection of its own."""

    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@transaction.atomic
def begin(flow: Flow, *keys: str) -> None:
    moved = lifecycle.move_many(Task.objects.filter(flow=flow, key__in=keys), Task.start, by=None)
    release.begun(moved)


def close(flow: Flow, key: str) -> None:
    task = Task.objects.locked(make.task(flow, key).pk)
    lifecycle.move(task, Task.complete, by=None)
    release.closed([task.pk])


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_the_last_two_predecessors_finish_at_once_and_the_successor_is_released_once() -> None:
    flow = make.flow(
        "race", {"key": "a", "kind": "manual"}, {"key": "b", "kind": "manual"},
        {"key": "c", "kind": "manual", "after": ["a", "b"]},
    )  # fmt: skip
    begin(flow, "a", "b")

    def second() -> None:
        with transaction.atomic():
            close(flow, "b")

    with transaction.atomic():
        close(flow, "a")
        rival = beside(second)
        rival.join(0.3)
        assert rival.is_alive()  # it waits for our lock instead of reading an old counter
    rival.join()
    task = make.task(flow, "c")
    assert (task.state, task.waits_for) == ("ready", 0)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_the_last_two_tasks_finish_at_once_and_the_flow_completes_once() -> None:
    flow = make.flow("race", {"key": "a", "kind": "manual"}, {"key": "b", "kind": "manual"})
    begin(flow, "a", "b")

    def second() -> None:
        with transaction.atomic():
            close(flow, "b")

    with transaction.atomic():
        close(flow, "a")
        rival = beside(second)
        rival.join(0.3)
    rival.join()
    assert Flow.objects.get(pk=flow.pk).state == "completed"
    assert OutboxEvent.objects.filter(kind="fulfillment.FlowCompleted").count() == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_workers_never_take_the_same_task() -> None:
    flow = make.flow("many", {"key": "first", "kind": "manual"}, *[{"key": f"t{n}", **API} for n in range(10)])
    begin(flow, "first")  # a flow that has started is locked by nobody who merely claims
    taken: list[int] = []
    with transaction.atomic():
        mine = [claim.task_id for claim in calling.take(6)]
        rival = beside(lambda: taken.extend(claim.task_id for claim in calling.take(10)))
        rival.join(20)
    assert (len(mine), len(taken)) == (6, 4)
    assert not set(mine) & set(taken)
    assert Task.objects.filter(flow=flow, state="in_progress", kind="api_call").count() == 10


def expire(task_id: int) -> None:
    """The holder has been silent for longer than its lease."""
    Task.objects.filter(pk=task_id).update(lease_until=timezone.now() - calling.LEASE)


@pytest.mark.django_db
def test_a_lease_that_has_not_expired_is_respected() -> None:
    make.flow("one", {"key": "create", **API})
    assert len(calling.take()) == 1
    assert calling.take() == []


@pytest.mark.django_db
def test_the_late_answer_of_a_worker_that_lost_its_lease_moves_nothing() -> None:
    flow = make.flow("one", {"key": "create", **API, "outputs": ["pe_port"]})
    stale = calling.take()[0]
    expire(stale.task_id)
    fresh = calling.take()[0]
    assert (fresh.fence, fresh.ask_first) == (stale.fence + 1, True)
    calling.settle([(stale, Answer("done", outputs={"pe_port": "stale"}))])
    assert make.states(flow) == {"create": "in_progress"}
    calling.settle([(fresh, Answer("done", outputs={"pe_port": "fresh"}))])
    calling.settle([(stale, Answer("rejected", cause="too late"))])
    task = make.task(flow, "create")
    assert (task.state, task.result) == ("completed", {"pe_port": "fresh"})
    assert Flow.objects.get(pk=flow.pk).data == {"pe_port": "fresh"}
    assert list(Attempt.objects.filter(task=task).values_list("number", flat=True)) == [1, 2]


@pytest.mark.django_db
@pytest.mark.parametrize("called", [False, True])
def test_a_worker_killed_before_or_after_its_call_loses_and_doubles_nothing(called: bool) -> None:
    flow = make.flow("one", {"key": "create", **API})
    fake = Provisioning()
    with adapters.replaced(fake):
        claim = calling.take()[0]
        if called:
            fake.do(claim.call)  # and then the process ends, before it can write the answer
        expire(claim.task_id)
        execution.run_ready()
    assert make.states(flow) == {"create": "completed"}
    assert list(fake.effects.values()) == [1]
    assert {call.key for call in fake.calls} == {make.task(flow, "create").idempotency_key}


@pytest.mark.django_db
def test_a_batch_that_breaks_off_leaves_nothing_half_done() -> None:
    flow = make.flow("auto", {"key": "a"}, {"key": "b", "after": ["a"]})

    @transaction.atomic
    def broken_off() -> None:
        execution.run_local()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert make.states(flow) == {"a": "ready", "b": "planned"}
    execution.run_ready()
    assert set(make.states(flow).values()) == {"completed"}


def late_flow(root: int) -> tuple[Flow, Any]:
    """A running flow of a root, and a request for another one that waits for it and that it waits for."""
    make.plan(
        "base",
        {"key": "early", "kind": "manual"},
        {"key": "late", "kind": "manual", "after": ["early", {"specification": "extra", "scope": "order"}]},
    )
    make.plan(
        "extra",
        {"key": "more", "kind": "manual", "after": [{"specification": "base", "item": "early", "scope": "order"}]},
    )
    site = SiteFactory()
    asked = make.request("base", site, root=root)
    flow = Flow.objects.get(pk=planning.plan([asked])[asked.owner_id])
    execution.start("test.root", root)
    begin(flow, "early")
    return flow, make.request("extra", site, root=root)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_planner_waits_for_no_task_while_it_holds_what_the_engine_wants() -> None:
    flow, asked = late_flow(701)
    with transaction.atomic():  # the engine: it holds a task and then wants its flow and what follows
        task = Task.objects.locked(make.task(flow, "early").pk)
        lifecycle.move(task, Task.complete, by=None)
        rival = beside(lambda: planning.plan([asked]))
        rival.join(0.4)
        assert rival.is_alive()
        release.closed([task.pk])  # would be a deadlock if the planner held the successor meanwhile
    rival.join()
    extra = Flow.objects.get(specification_key="extra")
    assert make.states(flow) == {"early": "completed", "late": "ready"} or make.task(flow, "late").waits_for == 1
    assert make.task(extra, "more").waits_for == 0  # it saw that the first was done


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_dates_of_tasks_that_are_held_follow_when_they_are_free() -> None:
    flow, _ = late_flow(702)
    start = timezone.localdate()
    with transaction.atomic():
        Task.objects.locked(make.task(flow, "late").pk)
        rival = beside(lambda: scheduling.schedule("test.root", 702, start=start))
        rival.join(20)
        assert not rival.is_alive()  # it did not wait for us
    assert make.task(flow, "early").planned_end is not None
    assert make.task(flow, "late").planned_end is None
    assert OutboxEvent.objects.filter(kind="fulfillment.DatesLeft", done_at__isnull=True).count() == 1
    outbox.drain()
    assert make.task(flow, "late").planned_end is not None
