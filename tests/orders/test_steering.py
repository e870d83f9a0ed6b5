"""Steering: hold and resume hold the engine too; cancelling works until something was started."""

import pytest

from cmdb.models import Product
from fulfillment.models import Flow
from kernel import approvals
from kernel.lifecycle import IllegalMove
from kernel.refusal import NotPermitted
from orders import progress, steering
from orders.models import DomainOrder
from tests.factories.orders import Shop, finish, fresh

pytestmark = pytest.mark.django_db


def test_a_held_order_starts_nothing_until_it_is_resumed() -> None:
    shop = Shop()
    order = shop.running()
    access = DomainOrder.objects.get(specification__key="t-access")
    progress.values_supplied(values={access.pk: {"pop_found": "R"}})
    steering.hold(order_id=order.pk, by=shop.manager, reason="Customer moves")
    finish()
    assert fresh(order).state == "on_hold"
    assert not Flow.objects.filter(state="completed").exists()
    steering.resume(order_id=order.pk, by=shop.manager)
    finish()
    assert fresh(order).state == "completed"


def test_holding_needs_a_reason_and_the_right() -> None:
    shop = Shop()
    order = shop.running()
    with pytest.raises(steering.ReasonNeeded):
        steering.hold(order_id=order.pk, by=shop.manager, reason=" ")
    with pytest.raises(NotPermitted):
        steering.hold(order_id=order.pk, by=shop.agent, reason="x")
    with pytest.raises(IllegalMove):
        steering.resume(order_id=order.pk, by=shop.manager)


def test_an_order_is_cancelled_before_its_start_only() -> None:
    shop = Shop(ask="finance")
    order = shop.approved()
    steering.cancel(order_id=order.pk, by=shop.manager, reason="Not wanted")
    assert fresh(order).state == "cancelled"
    assert order.lines.get().state == "cancelled"
    assert approvals.current(order).state == "void"
    assert not Product.objects.exists()


def test_a_running_order_is_not_simply_cancelled() -> None:
    shop = Shop()
    running = shop.running()
    with pytest.raises(IllegalMove):
        steering.cancel(order_id=running.pk, by=shop.manager, reason="Too late")
