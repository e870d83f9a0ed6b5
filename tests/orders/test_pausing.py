"""Pausing: one part of an order is held with what is below it, and goes on; the rest of the order runs."""

import pytest
from django.test import Client
from django.urls import reverse

from fallout import watchdog
from fulfillment.models import Flow, Task
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal
from orders import orchestration, pausing, steering
from orders.models import DomainOrder, Order
from tests.factories.orders import Shop, finish, fresh
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
State = DomainOrder.State


@pytest.fixture
def manager() -> User:
    return UserFactory(role="order_manager")


def part(order: Order, specification: str = "t-access", nth: int = 0) -> DomainOrder:
    return list(order.domain_orders.filter(specification__key=specification).order_by("pk"))[nth]


def flow_states(order: Order) -> list[str]:
    """How the work on the accesses stands, line by line."""
    rows = order.domain_orders.filter(specification__key="t-access").order_by("pk")
    return [str(state) for state in rows.values_list("flow__state", flat=True)]


def test_a_held_part_stands_still_with_what_is_below_it_and_goes_on(manager: User) -> None:
    order = Shop().running(sites=2)
    held = part(order)
    assert pausing.hold(node_id=held.pk, by=manager, reason="The customer moves in later.") >= 2
    finish()
    assert flow_states(order) == ["on_hold", "completed"]
    assert not Task.objects.filter(flow=held.flow_id).exclude(state__in=["planned", "ready"]).exists()
    why = pausing.why(DomainOrder.objects.get(pk=held.pk))
    assert why is not None
    assert (why.reason, why.by) == ("The customer moves in later.", manager)
    below = DomainOrder.objects.filter(parent=held).first()
    assert below
    assert (pausing.why(below) or why).reason == "The customer moves in later."
    assert pausing.resume(node_id=held.pk, by=manager) >= 2
    finish()
    assert flow_states(order) == ["completed", "completed"]


def test_its_own_tasks_alone_may_be_held(manager: User) -> None:
    order = Shop().running()
    access = part(order)
    assert pausing.hold(node_id=access.pk, by=manager, reason="Later", below=False) == 1
    assert part(order, "t-fibre").state != State.ON_HOLD
    assert Flow.objects.get(pk=access.flow_id).state == "on_hold"


def test_a_part_stays_held_when_the_whole_order_is_held_and_resumed(manager: User) -> None:
    order = Shop().running(sites=2)
    held, other = part(order), part(order, nth=1)
    pausing.hold(node_id=held.pk, by=manager, reason="Later")
    steering.hold(order_id=order.pk, by=manager, reason="Credit")
    client = Client()
    client.force_login(manager)
    assert "“Credit” Nothing new starts until it is resumed." in client.get(order.get_absolute_url()).content.decode()
    with pytest.raises(Conflict, match="Resume the order first"):
        pausing.resume(node_id=held.pk, by=manager)
    steering.resume(order_id=order.pk, by=manager)
    assert Flow.objects.get(pk=held.flow_id).state == "on_hold"
    assert Flow.objects.get(pk=other.flow_id).state != "on_hold"
    assert not watchdog.standing(fresh(order).updated_at)


def test_what_comes_to_be_below_a_held_part_is_held_as_well(manager: User) -> None:
    order = Shop().running()
    access = part(order)
    pausing.hold(node_id=access.pk, by=manager, reason="Later", below=False)
    pausing.keep_held(order)
    assert part(order, "t-fibre").state == State.ON_HOLD
    orchestration.go_on(order_id=order.pk, line_ids=[access.line_id])


def test_refusals_name_the_reason(manager: User) -> None:
    order = Shop().running()
    node = part(order)
    with pytest.raises(NotPermitted, match="managers"):
        pausing.hold(node_id=node.pk, by=UserFactory(role="order_agent"), reason="x")
    with pytest.raises(Refusal) as refusal:
        pausing.hold(node_id=node.pk, by=manager, reason="  ")
    assert "reason" in refusal.value.problems
    with pytest.raises(Conflict, match="not on hold"):
        pausing.resume(node_id=node.pk, by=manager)
    pausing.hold(node_id=node.pk, by=manager, reason="Later")
    with pytest.raises(Conflict, match="on hold"):
        pausing.hold(node_id=node.pk, by=manager, reason="Later")


def test_the_panel_offers_it_to_whoever_may_and_tells_others_why(manager: User) -> None:
    order = Shop().running()
    node = part(order)
    client, agent = Client(), Client()
    client.force_login(manager)
    agent.force_login(UserFactory(role="order_agent"))
    why, hold = reverse("orders:why", args=[node.number]), reverse("orders:hold_part", args=[node.number])
    assert "Hold this part" in client.get(why).content.decode()
    assert "Hold this part" not in agent.get(why).content.decode()
    assert agent.get(hold).status_code == agent.post(hold, {"reason": "x"}).status_code == 403
    assert "Say why" in client.post(hold, {"reason": ""}).content.decode()
    assert client.post(hold, {"reason": "Later", "below": "on"}).status_code in (204, 302)
    assert "Order and fulfilment managers resume it" in agent.get(why).content.decode()
    assert "Later" in client.get(why).content.decode()
    assert client.post(hold, {"reason": "Again"}).status_code == 409
    assert client.post(reverse("orders:resume_part", args=[node.number])).status_code in (204, 302)
    assert client.post(reverse("orders:resume_part", args=[node.number])).status_code == 409
    assert client.get(reverse("orders:hold_part", args=["DOM9999999"])).status_code == 404
