"""Jeopardy of orders: roll-up, alerts, pauses, the list, and steering by date and priority."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from fulfillment import release, trouble
from fulfillment.jeopardy import Judge
from fulfillment.models import Flow, LearnedDuration, Level, Recheck, Task, TaskDate, TaskForecast
from kernel import lifecycle
from kernel.models import AuditEntry, BusinessCalendar, Notification, User
from kernel.refusal import Conflict, NotPermitted, Refusal
from orders import jeopardy, jeopardyrules, orchestration, prioritising, promising, redating, steering
from orders.models import LineForecast, Order, OrderForecast, PromiseChange
from tests.factories.orders import Shop, fresh
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
Code = PromiseChange.Code


@pytest.fixture(autouse=True)
def every_day_counts() -> None:
    """So that no weekend moves what a test reckons."""
    BusinessCalendar.objects.create(name="All", is_default=True, weekdays=list(range(7)))


def today(days: int = 0) -> dt.date:
    return timezone.localdate() + dt.timedelta(days=days)


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def at_work(shop: Shop, sites: int = 2, days: int = 20) -> Order:
    """An order of manual work, promised in so many days."""
    order = shop.running(sites=sites)
    Order.objects.filter(pk=order.pk).update(promised_on=today(days), first_promised_on=today(days))
    order.lines.update(promised_on=today(days))
    return fresh(order)


def shop_by_hand() -> Shop:
    shop = Shop(plans=False)
    shop.plan("t-fibre", "dig", kind="manual")
    shop.plan("t-access", "configure", waits_for="t-fibre", kind="manual")
    return shop


def late_task(order: Order, days: int) -> Task:
    """One site's digging takes until so many days from now."""
    task: Task = Task.objects.filter(flow__root_id=order.pk, key="dig").order_by("pk").first()
    TaskDate.objects.create(task=task, ends_on=today(days), reason="The ground is frozen")
    return task


def look(order: Order, **values: Any) -> OrderForecast:
    found = jeopardy.assess(order_id=order.pk, **values)
    assert found is not None
    return found


def test_an_order_on_its_way_is_in_no_danger() -> None:
    order = at_work(shop_by_hand())
    found = look(order)
    assert (found.level, found.reason, found.expected_on) == (Level.NONE, "", today(1))
    assert found.slip_days == -19
    assert LineForecast.objects.filter(line__order=order, level=Level.NONE).count() == 2


def test_a_late_task_rolls_up_to_its_line_and_the_order_and_says_why() -> None:
    order = at_work(shop_by_hand())
    task = late_task(order, 24)
    found = look(order)
    assert found.level == Level.HIGH
    assert found.expected_on == today(25)
    assert found.reason.startswith(f"Dig at {task.flow.site.name} is expected on ")
    assert "and is on the critical path; the order is now expected on" in found.reason
    assert found.reason.endswith("5 working days after the promise.")
    assert found.cause_id == task.pk
    lines = dict(LineForecast.objects.values_list("line__key", "level"))
    assert sorted(lines.values()) == [Level.NONE, Level.HIGH]
    assert TaskForecast.objects.get(task=task).critical


def test_a_rise_is_told_to_the_manager_and_noted_once() -> None:
    shop = shop_by_hand()
    order = at_work(shop)
    Order.objects.filter(pk=order.pk).update(manager=shop.manager)
    look(order)
    late_task(order, 22)
    look(order)
    look(order)
    told = Notification.objects.get(user=shop.manager, text__contains="jeopardy")
    assert told.text.startswith(f"{order.number}, high jeopardy: Dig at")
    assert told.url == order.get_absolute_url()
    noted = AuditEntry.objects.filter(action="jeopardy_raised", subject_id=order.pk)
    assert [row.changes for row in noted] == [{"jeopardy": ["None", "High"]}]
    TaskDate.objects.update(ends_on=today(31))
    look(order)
    assert Notification.objects.filter(user=shop.manager, text__contains="critical jeopardy").count() == 1
    TaskDate.objects.all().delete()
    assert look(order).level == Level.NONE
    assert AuditEntry.objects.filter(action="jeopardy_lowered", subject_id=order.pk).count() == 1
    assert Notification.objects.filter(text__contains="jeopardy").count() == 2


def test_nothing_rises_while_the_order_is_held_and_it_is_planned_anew_after() -> None:
    shop = shop_by_hand()
    order = at_work(shop, days=4)
    Task.objects.filter(flow__root_id=order.pk).update(planned_start=today(-6), planned_end=today(-5))
    look(order)
    before = fresh(order).forecast.level
    steering.hold(order_id=order.pk, by=shop.manager, reason="The customer moves house")
    late_task(order, 40)
    held = look(order)
    assert (held.level, held.paused) == (before, True)
    TaskDate.objects.all().delete()
    orchestration.plan_anew(Order.objects.locked(order.pk), "x")  # as resume does for an order held overnight
    steering.resume(order_id=order.pk, by=shop.manager)
    assert not Task.objects.filter(flow__root_id=order.pk, planned_end__lt=today()).exists()
    found = look(order)
    assert (found.level, found.paused) == (Level.NONE, False)


def test_a_pause_that_breaks_the_promise_moves_it_with_its_reason() -> None:
    shop = shop_by_hand()
    order = at_work(shop, days=4)
    order.promised_on = order.first_promised_on = today(-1)
    order.save()
    orchestration.plan_anew(Order.objects.locked(order.pk), "From 1 March to 9 March")
    order = fresh(order)
    assert order.promised_on == today(1)
    change = PromiseChange.objects.get(order=order)
    assert (change.code, change.days) == (Code.HOLD, 2)
    assert order.slip_reason == "The order was on hold. From 1 March to 9 March"


def test_facts_leave_marks_and_one_sweep_looks_at_each_order_once() -> None:
    shop = shop_by_hand()
    order = at_work(shop)
    jeopardy.look_again([order.pk])
    jeopardy.look_again([order.pk])
    assert Recheck.objects.count() == 2
    assert jeopardy.sweep() == 1
    assert not Recheck.objects.exists()
    assert jeopardy.sweep() == 0
    task = Task.objects.filter(flow__root_id=order.pk, key="dig").first()
    lifecycle.move_many(Task.objects.filter(pk=task.pk), Task.start, by=None, started_at=timezone.now())
    assert jeopardy.with_news(9) == [order.pk]
    trouble.fall_out({task.pk: trouble.Trouble("data", "VLAN in use", "VLAN 100 is in use")})
    from kernel import outbox

    outbox.drain()
    assert Recheck.objects.filter(root_id=order.pk).exists()
    assert jeopardy.sweep() == 1
    assert "has failed" in TaskForecast.objects.get(task=task).reason or fresh(order).forecast.level == Level.NONE


def test_a_step_that_ends_reaches_the_forecast_with_the_next_sweep() -> None:
    order = at_work(shop_by_hand())
    late = late_task(order, 24)
    assert jeopardy.sweep() == 1
    assert fresh(order).forecast.expected_on == today(25)
    assert not marked()
    end(late)
    assert [row.urgent for row in Recheck.objects.all()] == [False]
    assert marked()
    assert jeopardy.sweep(everything=False) == 1
    assert fresh(order).forecast.expected_on == today(1)
    assert not TaskForecast.objects.filter(task=late).exists()
    assert not marked()


def test_an_order_that_is_dear_to_assess_is_left_alone_for_a_while_unless_asked() -> None:
    order = at_work(shop_by_hand())
    look(order)
    OrderForecast.objects.update(took=4.0)
    end(Task.objects.filter(flow__root_id=order.pk, key="dig").first())
    assert not marked()
    assert jeopardy.sweep(everything=False) == 0
    OrderForecast.objects.update(assessed_at=timezone.now() - dt.timedelta(seconds=41))
    assert marked()
    OrderForecast.objects.update(assessed_at=timezone.now())
    jeopardy.look_again([order.pk])
    assert marked()
    assert jeopardy.sweep(everything=False) == 1
    assert not Recheck.objects.exists()


def end(task: Task) -> None:
    """A person does it, now."""
    rows = Task.objects.filter(pk=task.pk)
    lifecycle.move_many(rows, Task.start, by=None, started_at=timezone.now())
    assert release.finish(rows, {}) == [task.pk]


def marked() -> bool:
    """What the sweeper asks."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {jeopardy.MARKED}")
        return bool(cursor.fetchone()[0])


def test_an_ended_order_leaves_the_list() -> None:
    shop = shop_by_hand()
    order = at_work(shop)
    late_task(order, 30)
    assert look(order).level == Level.CRITICAL
    Order.objects.filter(pk=order.pk).update(state="failed", ended_at=timezone.now())
    assert jeopardy.with_news(9) == [order.pk]
    found = look(order)
    assert (found.level, found.reason) == (Level.NONE, "")
    assert not TaskForecast.objects.exists()


def test_the_list_shows_what_is_in_danger_with_reason_and_filters_by_level() -> None:
    shop = shop_by_hand()
    order = at_work(shop)
    client = browser(shop.manager)
    url = reverse("orders:jeopardy_list")
    assert "No promise is in danger" in client.get(url).content.decode()
    late_task(order, 24)
    look(order)
    page = client.get(url).content.decode()
    for text in (order.title, order.account.name, "pill-risk", "+5 days", "Dig at"):
        assert text in page
    assert order.title in client.get(f"{url}?level=high").content.decode()
    assert "Nothing matches" in client.get(f"{url}?level=low").content.decode()
    assert client.get(f"{url}?export=csv").status_code == 200
    assert browser(UserFactory(role="technician")).get(url).status_code == 403
    assert "pill-risk" in client.get(reverse("orders:order_list") + "?jeopardy=high").content.decode()
    assert "1 promise in danger" in client.get(
        reverse("orders:of_account", args=[order.account.number])
    ).content.decode()  # fmt: skip
    home = client.get("/").content.decode()
    assert "In jeopardy" in home
    page = client.get(order.get_absolute_url()).content.decode()
    assert "High jeopardy" in page
    assert "5 working days after the promise" in page


def test_a_promise_moves_only_by_right_with_a_reason_that_the_customer_reads() -> None:
    shop = shop_by_hand()
    order = at_work(shop)
    with pytest.raises(NotPermitted):
        promising.move(order_id=order.pk, day=today(30), code=Code.SUPPLIER, by=shop.agent)
    with pytest.raises(Refusal) as refused:
        promising.move(order_id=order.pk, day=today(-1), code="because", by=shop.manager)
    assert set(refused.value.problems) == {"day", "code"}
    promising.move(order_id=order.pk, day=today(30), code=Code.SUPPLIER, words="Routers come by sea.", by=shop.manager)
    order = fresh(order)
    assert order.promised_on == today(30)
    assert order.slip_reason == "A supplier delivers later. Routers come by sea"
    assert set(order.lines.values_list("promised_on", flat=True)) == {today(30)}
    page = browser(shop.manager).get(order.get_absolute_url()).content.decode()
    assert "A supplier delivers later" in page
    draft = shop.draft()
    with pytest.raises(Conflict):
        promising.move(order_id=draft.pk, day=today(30), code=Code.SUPPLIER, by=shop.manager)


def test_a_date_is_tried_out_before_it_counts() -> None:
    order = at_work(shop_by_hand())
    task = Task.objects.filter(flow__root_id=order.pk, key="dig").order_by("pk").first()
    tried = redating.preview(order, task, today(24))
    assert (tried.before, tried.after, tried.slip) == (today(1), today(25), 5)
    assert [(one.task.name, one.before, one.days) for one in tried.moved] == [("Configure", today(1), 24)]
    assert tried.level == Level.HIGH
    assert not TaskDate.objects.exists()
    lena = UserFactory(role="fulfilment_manager")
    redating.redate(order_id=order.pk, task_id=task.pk, day=today(24), reason="The owner is away", by=lena)
    assert fresh(order).forecast.level == Level.HIGH
    assert AuditEntry.objects.filter(action="dated", subject_id=task.pk).exists()
    with pytest.raises(NotPermitted):
        redating.redate(order_id=order.pk, task_id=task.pk, day=today(3), reason="x", by=UserFactory(role="technician"))
    with pytest.raises(Refusal):
        redating.redate(order_id=order.pk, task_id=task.pk, day=today(-3), reason="", by=lena)
    redating.redate(order_id=order.pk, task_id=task.pk, day=None, reason="", by=lena)
    assert fresh(order).forecast.level == Level.NONE


def test_priorities_reach_the_order_a_line_or_one_flow() -> None:
    shop = shop_by_hand()
    order = at_work(shop)
    line = order.lines.first()
    assert prioritising.prioritise(
        order_id=order.pk, rank="critical", line_key=str(line.key), reason="Opening day", by=shop.manager
    ) == 2  # fmt: skip
    assert set(Task.objects.filter(flow__line_key=str(line.key)).values_list("priority", flat=True)) == {90}
    assert fresh(order).priority == order.priority
    flow = Flow.objects.filter(root_id=order.pk).exclude(line_key=str(line.key)).first()
    assert prioritising.prioritise(
        order_id=order.pk, rank="low", flow_id=flow.pk, reason="Can wait", by=shop.manager
    ) == 1  # fmt: skip
    assert prioritising.prioritise(order_id=order.pk, rank="high", reason="All of it", by=shop.manager) == 4
    assert fresh(order).priority == 70
    assert set(Flow.objects.filter(root_id=order.pk).values_list("priority", flat=True)) == {70}
    with pytest.raises(NotPermitted):
        prioritising.prioritise(order_id=order.pk, rank="high", reason="x", by=shop.agent)
    with pytest.raises(Refusal) as refused:
        prioritising.prioritise(order_id=order.pk, rank="huge", reason=" ", by=shop.manager)
    assert set(refused.value.problems) == {"rank", "reason"}


def test_the_task_panel_says_what_blocks_and_what_is_next_and_acts() -> None:
    shop = shop_by_hand()
    order = at_work(shop)
    task = Task.objects.filter(flow__root_id=order.pk, key="configure").order_by("pk").first()
    dig = Task.objects.filter(flow__root_id=order.pk, key="dig", flow__site=task.flow.site).get()
    lena = UserFactory(role="fulfilment_manager")
    client = browser(lena)

    def url(one: Task) -> str:
        return reverse("orders:task", args=[order.number, one.number])

    page = client.get(url(task)).content.decode()
    assert "has to be finished" in page
    assert f"Dig, {task.flow.site.name}" in page
    assert "nothing open, another team" in client.get(url(dig)).content.decode(), "whom to give it to, and why"
    assert "After that: Configure" in client.get(url(dig)).content.decode()
    tried = client.post(url(dig), {"act": "preview", "day": today(24).isoformat(), "reason": ""})
    assert "The order would end later" in tried.content.decode()
    beside = client.post(url(dig), {"act": "preview", "day": today(24).isoformat()}, headers={"HX-Request": "true"})
    assert 'hx-include="#date-f"' in beside.content.decode(), "the button outside the form sends the form"
    assert not TaskDate.objects.exists()
    bad = client.post(url(dig), {"act": "date", "day": today(-2).isoformat(), "reason": "x"})
    assert (bad.status_code, "This day is over" in bad.content.decode()) == (422, True)
    assert client.post(url(dig), {"act": "date", "day": "9999-99-99", "reason": "x"}).status_code == 422
    assert client.post(url(dig), {"act": "date", "day": today(24).isoformat(), "reason": "Owner"}).status_code == 302
    assert client.post(url(dig), {"act": "assign", "assignee": "x"}).status_code == 422
    assert client.post(url(dig), {"act": "assign", "assignee": lena.pk}).status_code == 302
    assert fresh(dig).assignee == lena
    assert client.post(url(dig), {"act": "undate"}).status_code == 302
    agent = browser(shop.agent)
    assert agent.get(url(dig)).status_code == 200
    assert agent.post(url(dig), {"act": "date", "day": today(9).isoformat(), "reason": "x"}).status_code == 403
    assert agent.get(reverse("orders:redate", args=[order.number])).status_code == 403
    other = shop.running()
    assert client.get(reverse("orders:task", args=[other.number, dig.number])).status_code == 404


def test_the_panels_for_promise_and_priority_refuse_at_their_fields_and_act() -> None:
    shop = shop_by_hand()
    order = at_work(shop)
    client = browser(shop.manager)
    url = reverse("orders:redate", args=[order.number])
    assert "is promised for" in client.get(url).content.decode()
    assert client.post(url, {"day": today(-1).isoformat(), "code": "supplier"}).status_code == 422
    assert client.post(url, {"day": "soon", "code": "supplier"}).status_code == 422
    assert client.post(url, {"day": today(30).isoformat(), "code": "supplier", "words": ""}).status_code == 302
    assert fresh(order).promised_on == today(30)
    url = reverse("orders:prioritise", args=[order.number])
    assert client.get(f"{url}?flow=abc").status_code == 200
    assert client.post(url, {"scope": "order", "rank": "high"}).status_code == 422
    assert client.post(url, {"scope": "flow:1", "rank": "high", "reason": "x"}).status_code == 422
    assert client.post(url, {"scope": "order", "rank": "high", "reason": "Opening day"}).status_code == 302
    assert fresh(order).priority == 70


def test_rules_and_durations_are_seen_by_process_admins_and_tried_on_real_orders() -> None:
    shop = shop_by_hand()
    order = at_work(shop)
    late_task(order, 24)
    look(order)
    nils = UserFactory(role="process_admin")
    client = browser(nils)
    went = client.get(reverse("orders:jeopardy_rules"), follow=True)
    assert went.status_code == 200
    assert "When a date is in jeopardy" in went.content.decode()
    assert browser(shop.agent).get(reverse("orders:jeopardy_rules")).status_code == 403
    (case,) = jeopardyrules.USE.cases("jeopardy", 5, nils)
    assert case.facts["days_late"] == 5
    assert case.url == order.get_absolute_url()
    assert Judge().level("order", late=5, late_likely=5, length=20, critical=True) == Level.HIGH
    url = reverse("fulfillment:duration_list")
    assert "Nothing learned yet" in client.get(url).content.decode()
    task = Task.objects.filter(flow__root_id=order.pk, key="dig").select_related("flow").first()
    LearnedDuration.objects.create(
        specification_key=task.flow.specification_key, action="add", item_key="dig", samples=3, p50=2, p90=4,
        learned_at=timezone.now(),
    )  # fmt: skip
    page = client.get(url).content.decode()
    assert "2 more and 3 more days to count" in page
    assert browser(shop.agent).get(url).status_code == 403
