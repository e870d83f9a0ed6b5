"""The order at work as graph, timeline and table: depths, critical path, live parts, a fixed number of queries."""

import datetime as dt
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from fulfillment.models import Task, TaskDate
from kernel import lifecycle
from kernel.models import User
from orders import drawing, jeopardy, timeline
from orders.models import Order
from tests.factories.orders import Shop, fresh

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
LIVE = {"HX-Request": "true"}


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url(name: str, order: Order, *more: Any) -> str:
    return reverse(f"orders:{name}", args=[order.number, *more])


def shop_by_hand() -> Shop:
    shop = Shop(plans=False)
    shop.plan("t-fibre", "dig", kind="manual")
    shop.plan("t-access", "configure", "test", waits_for="t-fibre", kind="manual")
    return shop


def running(shop: Shop, sites: int = 2) -> Order:
    order = shop.running(sites=sites)
    jeopardy.assess(order_id=order.pk)
    return fresh(order)


def test_sites_stand_in_lanes_by_how_they_are() -> None:
    shop = shop_by_hand()
    order = running(shop, 3)
    digs = list(Task.objects.filter(flow__root_id=order.pk, key="dig").order_by("pk"))
    lifecycle.move_many(Task.objects.filter(pk=digs[0].pk), Task.start, by=None, started_at=timezone.now())
    Task.objects.filter(pk=digs[0].pk).update(problem="Locked gate", state="on_hold")
    late = timezone.localdate() + dt.timedelta(days=60)
    TaskDate.objects.create(task=digs[1], ends_on=late, reason="The ground is frozen")
    jeopardy.assess(order_id=order.pk)
    drawn = drawing.sites(order)
    lanes = {box.name: (box.lane, box.flag) for box in drawn.boxes}
    assert lanes[digs[0].flow.site.name][0] == "bad"
    assert lanes[digs[1].flow.site.name] == ("risk", "risk")
    assert lanes[digs[2].flow.site.name][0] == "run"
    assert [label.partition(",")[0] for label, _, _ in drawn.lanes] == [
        "Something failed", "In jeopardy", "Under way",
    ]  # fmt: skip
    page = browser(shop.manager).get(url("graph", order)).content.decode()
    assert "In jeopardy, 1" in page
    assert f"site={digs[1].flow.site_id}&amp;level=tasks" in page


def test_tasks_show_the_critical_path_and_fold_what_is_over() -> None:
    shop = shop_by_hand()
    order = running(shop, 1)
    site = order.lines.get().site_id
    drawn = drawing.tasks(order, site)
    assert [box.name for box in sorted(drawn.boxes, key=lambda box: box.x)] == ["Dig", "Configure", "Test"]
    assert {edge.css for edge in drawn.edges} == {"crit"}
    assert all(box.opens and box.critical for box in drawn.boxes)
    boxes = {box.pk: box for box in drawn.boxes}
    many = {n: drawing.Box(n, "service", f"Step {n}", "", "ok" if n < 30 else "wait", "x") for n in range(200)}
    kept = drawing._window(many, [(n, n + 1) for n in range(199)])
    assert len(kept) == drawing.MOST_TASKS
    assert 29 in kept or len(kept) == drawing.MOST_TASKS
    few = drawing._window({n: many[n] for n in range(40)}, [(n, n + 1) for n in range(39)])
    assert sorted(few) == list(range(29, 40))
    assert boxes


def test_the_timeline_has_the_critical_path_arrows_and_the_promise() -> None:
    shop = shop_by_hand()
    order = running(shop)
    made = timeline.of(order)
    assert [bar.name for bar in made.bars][:2] == [f"{order.number}, 2 sites", "Milestones"]
    assert made.bars[2].name.startswith("Critical path, ")
    assert not made.edges
    path = timeline.of(order, opened=timeline.PATH, scale="day")
    inside = [bar for bar in path.bars if bar.opens]
    assert {bar.name.partition(",")[0] for bar in inside} == {"Dig", "Configure", "Test"}
    assert all(bar.critical for bar in inside)
    assert {css for _, css in path.edges} == {"crit"}
    assert path.width >= timeline.of(order, scale="month").width
    assert any(word.startswith("Promised") for _, word, _ in path.milestones)
    assert timeline.of(order, scale="nonsense").scale == "week"


def test_live_parts_come_alone_and_a_crafted_query_is_harmless() -> None:
    shop = shop_by_hand()
    order = running(shop)
    client = browser(shop.manager)
    for name in ("graph", "timeline"):
        part = client.get(url(name, order), headers=LIVE).content.decode()
        assert "<html" not in part
        assert "<svg" in part
        assert client.get(f"{url(name, order)}?site=abc&level=x&scale=y&all=1").status_code == 200
        assert client.get(f"{url(name, order)}?site=0&level=tasks").status_code == 200
    assert client.get(f"{url('tasks', order)}?site=99999999999999999999").status_code == 200


def test_the_table_says_the_same_with_filters_and_opens_a_task() -> None:
    shop = shop_by_hand()
    order = running(shop)
    client = browser(shop.manager)
    page = client.get(url("tasks", order)).content.decode()
    task = Task.objects.filter(flow__root_id=order.pk, key="dig").first()
    assert page.count("Configure") >= 2
    assert url("task", order, task.number) in page
    assert "critical" in client.get(f"{url('tasks', order)}?path=critical").content.decode()
    one = client.get(f"{url('tasks', order)}?site={task.flow.site_id}").content.decode()
    assert f"at {task.flow.site.name}" in one
    assert "Nothing matches" in client.get(f"{url('tasks', order)}?level=critical").content.decode()


def test_the_number_of_queries_is_the_same_at_6_and_60_tasks() -> None:
    shop = shop_by_hand()
    client = browser(shop.manager)
    orders = [running(shop, sites) for sites in (2, 20)]
    for name, query in (
        ("graph", "?level=sites"), ("graph", "?level=tasks"), ("graph", "?level=nodes"), ("timeline", ""),
        ("timeline", "?site=path"), ("tasks", ""), ("order", ""),
    ):  # fmt: skip
        counts = []
        for order in orders:
            client.get(url(name, order) + query)
            cache.clear()  # counts of the navigation are kept for some seconds
            with CaptureQueriesContext(connection) as captured:
                assert client.get(url(name, order) + query).status_code == 200
            counts.append(len(captured))
        assert counts[1] <= counts[0], f"{name}{query}"  # a page that is not full looks for rows without a value too
