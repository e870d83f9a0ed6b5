"""Withdrawal: lines of a running order are given up; what depends on them goes too, what others need stays."""

from typing import Any

import pytest
from django.utils import timezone

from cmdb.models import Product
from fulfillment import cancelling, release
from fulfillment.models import Flow, PlanItem, Task, TaskDependency
from kernel import lifecycle
from kernel.models import OutboxEvent
from kernel.refusal import Conflict, NotPermitted, Refusal
from orders import progress, withdrawal
from orders.models import DomainOrder, Order, OrderLine
from tests.factories.orders import Shop, finish, fresh
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
BOTH = ("t-internet", "t-sdwan")


def by_hand_shop() -> Shop:
    """A shop whose steps are done by people, so that nothing is over before the test looks."""
    shop = Shop(plans=False)
    shop.plan("t-fibre", "dig", kind="manual")
    shop.plan("t-access", "configure", waits_for="t-fibre", kind="manual")
    shop.plan("t-tenant", "make", kind="manual")
    return shop


def line(order: Order, key: str, at: int = 0) -> OrderLine:
    return list(order.lines.filter(specification__key=key).order_by("position"))[at]


def give_up(order: Order, *lines: OrderLine, by: Any = None, ends_as: str = "failed") -> list[int]:
    return withdrawal.withdraw(
        order_id=order.pk, line_ids=[one.pk for one in lines], by=by, reason="No duct", ends_as=ends_as
    )


def complete_all() -> None:
    for node in DomainOrder.objects.filter(specification__key="t-access", state__in=["scheduled", "in_progress"]):
        progress.values_supplied(values={node.pk: {"pop_found": "RTM2"}})
    while tasks := list(Task.objects.filter(kind="manual", state="ready").order_by("pk")):
        for task in tasks:
            locked = Task.objects.locked(task.pk)
            lifecycle.move(locked, Task.start, by=None)
            release.begun([task.pk])
            release.finish(Task.objects.filter(pk=task.pk), {})
        finish()


def test_a_line_that_fails_ends_and_the_rest_goes_on_to_partial() -> None:
    order = by_hand_shop().running(sites=2)
    first, second = line(order, "t-internet"), line(order, "t-internet", 1)
    assert give_up(order, first) == [first.pk]
    assert (fresh(first).state, fresh(second).state) == ("failed", "scheduled")
    nodes = DomainOrder.objects.filter(line=first)
    assert set(nodes.filter(depth=0).values_list("state", flat=True)) == {"failed"}
    assert set(nodes.exclude(depth=0).values_list("state", flat=True)) == {"cancelled"}
    assert set(Task.objects.filter(flow__domain_order__line=first).values_list("state", flat=True)) == {"cancelled"}
    assert set(Flow.objects.filter(domain_order__line=first).values_list("state", flat=True)) == {"cancelled"}
    assert Product.objects.get(order_lines=first).state == "aborted"
    assert OutboxEvent.objects.filter(kind="orders.OrderLinesWithdrawn").count() == 1
    complete_all()
    assert fresh(order).state == "partial"
    assert Product.objects.get(order_lines=second).state == "active"


@pytest.mark.parametrize(("ends_as", "product"), [("failed", "aborted"), ("cancelled", "cancelled")])
def test_the_order_ends_as_its_only_line_does(ends_as: str, product: str) -> None:
    order = by_hand_shop().running()
    give_up(order, line(order, "t-internet"), ends_as=ends_as)
    assert fresh(order).state == ends_as
    assert Product.objects.get().state == product


def test_cancelled_lines_do_not_count_when_the_rest_completes() -> None:
    order = by_hand_shop().running(sites=2)
    give_up(order, line(order, "t-internet"), ends_as="cancelled")
    complete_all()
    assert fresh(order).state == "completed"


def test_what_requires_it_goes_too_and_what_another_line_needs_stays() -> None:
    order = by_hand_shop().running(sites=2, offerings=BOTH)
    found = withdrawal.scope(order, [line(order, "t-internet").pk])
    assert [one.pk for one, _ in found.also] == [line(order, "t-sdwan").pk]
    assert "SD-WAN site needs Dedicated internet at the same site." in found.also[0][1]
    assert found.shared == ["Controller tenant"]
    give_up(order, line(order, "t-internet"))
    assert fresh(line(order, "t-sdwan")).state == "failed"
    tenant = DomainOrder.objects.get(specification__key="t-tenant")
    assert tenant.state == "scheduled"
    assert tenant.line_id == line(order, "t-sdwan").pk
    complete_all()
    assert fresh(tenant).state == "closed_complete"
    assert fresh(order).state == "partial"
    assert set(order.lines.filter(site=line(order, "t-internet", 1).site).values_list("state", flat=True)) == {
        "completed"
    }


def test_a_hard_point_of_no_return_is_named() -> None:
    order = by_hand_shop().running()
    PlanItem.objects.filter(key="dig").update(no_return="hard")
    task = Task.objects.locked(Task.objects.get(key="dig").pk)
    lifecycle.move(task, Task.start, by=None)
    with pytest.raises(withdrawal.PastNoReturn, match=r"Fibre access.*“Dig” is being done now"):
        give_up(order, line(order, "t-internet"))
    assert fresh(line(order, "t-internet")).state == "scheduled"
    assert Task.objects.get(key="dig").state == "in_progress"


def test_a_call_that_is_out_finishes_and_the_order_waits_for_it() -> None:
    shop = Shop(plans=False)
    shop.plan("t-fibre", "dig", kind="api_call")
    order = shop.running()
    task = Task.objects.locked(Task.objects.get(key="dig").pk)
    lifecycle.move(task, Task.start, by=None)
    assert withdrawal.scope(order, [line(order, "t-internet").pk]).calls_out == 1
    give_up(order, line(order, "t-internet"))
    fibre = DomainOrder.objects.get(specification__key="t-fibre")
    assert (fibre.state, fresh(order).state) == ("cancellation_in_progress", "in_progress")
    assert withdrawal.finish() == 0
    locked = Task.objects.locked(task.pk)
    lifecycle.move(locked, Task.fail, by=None)
    withdrawal.finish()
    assert (fresh(fibre).state, fresh(order).state) == ("cancelled", "failed")
    assert Task.objects.get(pk=task.pk).state == "cancelled"


def test_a_call_without_an_answer_is_not_waited_for_for_ever() -> None:
    shop = Shop(plans=False)
    shop.plan("t-fibre", "dig", kind="api_call")
    order = shop.running()
    task = Task.objects.locked(Task.objects.get(key="dig").pk)
    lifecycle.move(task, Task.start, by=None)
    give_up(order, line(order, "t-internet"))
    assert cancelling.tidy(timezone.now() + cancelling.PATIENCE) == 1
    withdrawal.finish()
    assert fresh(order).state == "failed"


def test_who_waited_for_a_cancelled_task_waits_no_longer() -> None:
    shop = Shop(plans=False)
    shop.plan("t-fibre", "dig", kind="manual")
    order = shop.running(sites=2)
    own, other = Task.objects.order_by("pk")
    Task.objects.filter(pk=other.pk).update(waits_for=1)
    TaskDependency.objects.create(after=other, before=own)
    give_up(order, line(order, "t-internet"))
    assert Task.objects.get(pk=other.pk).waits_for == 0


@pytest.mark.parametrize(("reason", "ends_as", "field"), [(" ", "failed", "reason"), ("No duct", "gone", "ends_as")])
def test_what_is_missing_is_refused_at_its_field(reason: str, ends_as: str, field: str) -> None:
    order = by_hand_shop().running()
    with pytest.raises(Refusal) as refused:
        withdrawal.withdraw(
            order_id=order.pk, line_ids=[line(order, "t-internet").pk], by=None, reason=reason, ends_as=ends_as
        )
    assert field in refused.value.problems


def test_rights_and_states_are_asked() -> None:
    order = by_hand_shop().running()
    with pytest.raises(NotPermitted):
        give_up(order, line(order, "t-internet"), by=UserFactory(role="technician"))
    lifecycle.move(Order.objects.locked(order.pk), Order.hold, by=None)
    with pytest.raises(Conflict, match="is on hold"):
        give_up(order, line(order, "t-internet"), by=UserFactory(role="order_manager"))


def test_giving_up_twice_is_a_conflict() -> None:
    order = by_hand_shop().running(sites=2)
    give_up(order, line(order, "t-internet"))
    with pytest.raises(Conflict, match="over already"):
        give_up(order, line(order, "t-internet"))
