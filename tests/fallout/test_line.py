"""Cancelling the line of a record: from the record, from its page, for many at once."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from fallout import batch, previewing, resolution
from fallout.models import Fallout
from fulfillment.models import PlanItem, Task
from fulfillment.trouble import Trouble, fall_out
from kernel import lifecycle, many, outbox
from kernel.refusal import Conflict, NotPermitted
from orders.models import Order
from tests.factories.orders import Shop, fresh
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def fallen(sites: int = 2) -> tuple[Order, list[Fallout]]:
    """A running order whose first task fell out at every site."""
    shop = Shop(plans=False)
    shop.plan("t-fibre", "dig", kind="manual")
    shop.plan("t-access", "configure", kind="manual")
    order = shop.running(sites=sites)
    for task in Task.objects.filter(key="dig").order_by("pk"):
        lifecycle.move(Task.objects.locked(task.pk), Task.start, by=None)
        fall_out({task.pk: Trouble("site_access", "The duct is full", "No way in")})
    outbox.drain()
    return order, list(Fallout.objects.order_by("pk"))


def test_the_line_ends_and_so_do_its_other_records() -> None:
    order, (first, second) = fallen()
    other = Task.objects.filter(key="configure", flow__line_key=first.task.flow.line_key).get()
    lifecycle.move(Task.objects.locked(other.pk), Task.start, by=None)
    fall_out({other.pk: Trouble("data", "No value")})
    outbox.drain()
    agent = UserFactory(role="fallout_agent")
    resolution.cancel_line(fallout_id=first.pk, by=agent, reason="No duct", ends_as="cancelled")
    outbox.drain()
    assert (fresh(first).state, fresh(first).resolution) == ("closed", "cancel_line")
    assert Fallout.objects.get(task=other).state == "cancelled"
    assert fresh(second).state == "open"
    assert sorted(order.lines.values_list("state", flat=True)) == ["cancelled", "scheduled"]


def test_a_hard_point_of_no_return_is_shown_before_and_refused() -> None:
    _, (first, _) = fallen()
    PlanItem.objects.filter(key="configure").update(no_return="hard")
    done = Task.objects.locked(Task.objects.get(key="configure", flow__line_key=first.task.flow.line_key).pk)
    for move in (Task.start, Task.complete):
        lifecycle.move(done, move, by=None)
    agent = UserFactory(role="fallout_agent")
    with pytest.raises(Conflict, match="point of no return"):
        resolution.cancel_line(fallout_id=first.pk, by=agent, reason="No duct")
    assert fresh(first).state == "open"
    seen = previewing.preview(Fallout.objects.all(), "cancel", agent)
    assert (seen.count, seen.lines) == (1, 1)
    assert any("point of no return" in why for why in seen.left_out)


def test_the_page_says_what_it_would_touch(client: Client) -> None:
    _, (first, _) = fallen()
    client.force_login(UserFactory(role="fallout_agent"))
    page = client.get(reverse("fallout:line_scope", args=[first.number]))
    assert "Dedicated internet" in page.content.decode()
    assert "2 open tasks are cancelled" in page.content.decode()
    url = reverse("fallout:fallout_move", args=[first.number, "cancel"])
    assert client.post(url, {"ends_as": "failed"}).status_code == 422
    assert client.post(url, {"ends_as": "failed", "reason": "No duct"}).status_code == 302
    assert client.post(url, {"ends_as": "failed", "reason": "No duct"}).status_code == 409


def test_many_lines_are_cancelled_at_once(django_assert_max_num_queries: Any) -> None:
    order, records = fallen(3)
    agent = UserFactory(role="fallout_agent")
    with django_assert_max_num_queries(25):
        seen = previewing.preview(Fallout.objects.all(), "cancel", agent)
    assert (seen.count, seen.lines) == (3, 3)
    made = batch.start(seen.token, agent, note="No duct", ends_as="failed")
    assert many.work(made.pk) == 3
    outbox.drain()
    assert many.progress(made)["done"] == 3
    assert fresh(order).state == "failed"
    assert {fresh(record).state for record in records} == {"closed"}


def test_the_right_is_asked() -> None:
    _, (first, _) = fallen()
    with pytest.raises(NotPermitted):
        resolution.cancel_line(fallout_id=first.pk, by=UserFactory(role="technician"), reason="No duct")
