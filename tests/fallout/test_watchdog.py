"""The watchdog: what stands still falls out once, and is closed when it moves again."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from fallout import resolution, watchdog
from fallout.models import Fallout
from fulfillment.models import Flow, Task
from kernel import lifecycle
from kernel.models import OutboxEvent
from kernel.refusal import Conflict
from orders import nudging
from orders.models import DomainOrder, MissingValue, Order
from tests.factories.orders import Shop, fresh
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def later() -> dt.datetime:
    return timezone.now() + watchdog.QUIET + dt.timedelta(minutes=1)


def shop(kind: str = "manual") -> Shop:
    made = Shop(plans=False)
    made.plan("t-fibre", "dig", kind=kind)
    return made


def still(order: Order) -> Order:
    """Nobody is asked anything any more, and its only task waits for something that never comes."""
    MissingValue.objects.filter(order=order).delete()
    Task.objects.filter(flow__root_id=order.pk).update(waits_for=1)
    task = Task.objects.locked(Task.objects.get(flow__root_id=order.pk).pk)
    for move in (Task.start, Task.fail, Task.retry, Task.cancel):
        lifecycle.move(task, move, by=None)
    return order


def staff(order: Order, team: str = "Civil works") -> None:
    Task.objects.filter(flow__root_id=order.pk).update(team=team)
    UserFactory(teams=[team])


def test_an_order_that_nobody_moves_falls_out_once_and_says_why() -> None:
    manager = UserFactory(role="fallout_agent", teams=["Fallout desk"])
    order = still(shop().running())
    assert watchdog.look(later())["opened"] == 1
    assert watchdog.look(later())["opened"] == 0
    record = Fallout.objects.get()
    assert (record.cause, record.type, record.order, record.task) == (watchdog.STILL, "standstill", order, None)
    assert "nobody has a task of it" in record.detail
    assert manager.notifications.filter(text__contains=record.number).exists()


def test_an_order_that_has_just_moved_is_left_alone() -> None:
    still(shop().running())
    assert watchdog.look()["opened"] == 0


@pytest.mark.parametrize("why", ["taken", "team", "held task", "held flow", "held order", "timer", "question"])
def test_what_is_somebodys_does_not_fall_out(why: str) -> None:
    order = shop().running()
    task = Task.objects.locked(Task.objects.get(flow__root_id=order.pk).pk)
    MissingValue.objects.filter(order=order).exclude(order=order if why == "question" else None).delete()
    if why == "taken":
        Task.objects.filter(pk=task.pk).update(assignee=UserFactory())
    elif why == "team":
        staff(order)
    elif why == "held task":
        lifecycle.move(task, Task.start, by=None)
        lifecycle.move(task, Task.hold, by=None, because="Tomorrow")
    elif why == "held flow":
        staff(order)
        lifecycle.move(Flow.objects.locked(task.flow_id), Flow.hold, by=None)
    elif why == "held order":
        lifecycle.move(Order.objects.locked(order.pk), Order.hold, by=None)
    elif why == "timer":
        lifecycle.move(task, Task.fail, by=None)
        Task.objects.filter(pk=task.pk).update(due_at=later())
    else:
        staff(order)
    assert watchdog.look(later())["opened"] == 0


def test_a_ready_step_of_a_team_without_people_falls_out_and_closes_when_somebody_has_it() -> None:
    order = shop().running()
    Task.objects.update(team="Nobody’s team")
    assert watchdog.look(later())["opened"] == 1
    record = Fallout.objects.get()
    assert record.cause == watchdog.UNOWNED
    assert "“Nobody’s team”, in which there is nobody" in record.detail
    Task.objects.filter(flow__root_id=order.pk).update(assignee=UserFactory())
    assert watchdog.look(later())["closed"] == 1
    again = Fallout.objects.get()
    assert (again.state, again.resolution) == ("closed", "moved")


def test_looking_again_releases_what_waits_for_nothing() -> None:
    agent = UserFactory(role="fallout_agent")
    made = Shop(plans=False)
    made.plan("t-fibre", "dig", "fill", kind="manual")
    order = made.running()
    staff(order)
    dig, fill = Task.objects.order_by("position")
    locked = Task.objects.locked(dig.pk)
    for move in (Task.start, Task.complete):
        lifecycle.move(locked, move, by=None)  # and nobody told those who waited
    Task.objects.filter(pk=dig.pk).update(started_at=timezone.now(), ended_at=timezone.now())
    assert watchdog.look(later())["opened"] == 1
    record = Fallout.objects.get()
    resolution.look_again(fallout_id=record.pk, by=agent)
    assert fresh(fill).state == "ready"
    assert watchdog.look(later())["closed"] == 1
    assert (fresh(record).state, fresh(record).resolution) == ("closed", "looked_again")


def test_looking_again_in_vain_says_so() -> None:
    order = still(shop().running())
    nudging.nudge(order_id=order.pk, by=None)  # closes what is done; a part still waits for a value
    watchdog.look(later())
    with pytest.raises(Conflict, match="Nothing moved"):
        resolution.look_again(fallout_id=Fallout.objects.get().pk, by=UserFactory(role="fallout_agent"))
    with pytest.raises(Conflict, match="whole order"):
        resolution.retry(fallout_id=Fallout.objects.get().pk, by=UserFactory(role="fallout_agent"))


def test_an_approved_order_that_cannot_be_launched_falls_out_with_the_reason() -> None:
    order = shop().approved()
    OutboxEvent.objects.filter(kind="orders.OrderApproved").update(error="launch: BrokenRule: The rule has no target.")
    assert watchdog.look(later())["opened"] == 1
    record = Fallout.objects.get()
    assert record.cause == watchdog.EARLY
    assert "The rule has no target." in record.detail
    resolution.look_again(fallout_id=record.pk, by=UserFactory(role="fallout_agent"))
    assert Order.objects.get(pk=order.pk).state == "in_progress"


def test_an_order_whose_turn_is_still_to_come_does_not_stand_still() -> None:
    shop().submitted()
    assert watchdog.look(later())["opened"] == 0
    OutboxEvent.objects.update(created_at=timezone.now() - watchdog.TURN)
    assert watchdog.look(later())["opened"] == 1
    assert Fallout.objects.get().cause == watchdog.EARLY


def test_a_failure_without_a_record_gets_one() -> None:
    order = shop().running()
    staff(order)
    task = Task.objects.locked(Task.objects.get(flow__root_id=order.pk).pk)
    lifecycle.move(task, Task.start, by=None)
    lifecycle.move(task, Task.hold, by=None, because="In fallout")
    Task.objects.filter(pk=task.pk).update(problem="No duct", fell_out_at=timezone.now())
    assert watchdog.look()["found"] == 0
    assert watchdog.look(later())["found"] == 1
    assert Fallout.objects.get().task_id == task.pk


@pytest.mark.parametrize("count", [1, 4])
def test_looking_asks_the_same_number_of_questions_when_all_is_well(count: int, django_assert_num_queries: Any) -> None:
    made = shop()
    for _ in range(count):
        order = made.running()
        staff(order)
    assert DomainOrder.objects.exists()
    with django_assert_num_queries(6):
        watchdog.look(later())
