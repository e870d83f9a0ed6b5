"""Pages: who sees what, refusals at their fields, the same number of queries however many sites."""

import datetime as dt
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crm.models import BillingProfile
from fulfillment import maintenance
from fulfillment.models import Task
from kernel import approvals, lifecycle
from kernel.models import User
from orders import enrichment, jeopardy, outline, outlook, progress
from orders.models import DomainOrder, Order
from orders.views import page
from tests.factories.crm import AccountFactory, ContactFactory
from tests.factories.orders import Shop, finish, fresh, table
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url(name: str, order: Order, *more: Any) -> str:
    return reverse(f"orders:{name}", args=[order.number, *more])


def test_every_page_of_an_order_at_work_opens() -> None:
    shop = Shop()
    order = shop.running(sites=2)
    finish()
    client = browser(shop.manager)
    for name in ("order", "tree", "graph", "timeline", "lines", "values"):
        assert client.get(url(name, order)).status_code == 200
    assert client.get(f"{url('graph', order)}?level=tasks&site={order.lines.first().site_id}").status_code == 200
    assert client.get(f"{url('timeline', order)}?scale=day&site={order.lines.first().site_id}").status_code == 200
    assert client.get(f"{url('graph', order)}?site=abc&level=x").status_code == 200


def test_the_tree_shows_sites_nodes_tasks_and_the_rule_that_made_them() -> None:
    shop = Shop()
    order = shop.running()
    finish()
    page = browser(shop.manager).get(url("order", order)).content.decode()
    site = order.lines.get().site
    for text in (site.name, "Internet access", "Dig", "rule t-access-t-fibre", "needs pop found", order.number):
        assert text in page
    assert "made by rule t-internet-t-access version 1" in page


def test_an_order_at_work_says_why_nothing_starts_while_the_engine_is_paused() -> None:
    shop = Shop()
    order = shop.running()
    maintenance.pause(by=None, reason="New disks")
    assert [(item.strong, item.text) for item in outlook.blocked_by(order, [], shop.agent)][:1] == [
        ("The engine is paused.", "“New disks” Nothing new starts until it is resumed.")
    ]


def test_a_failed_task_is_shown_everywhere_it_matters() -> None:
    shop = Shop()
    order = shop.running(sites=2)
    from fulfillment import trouble

    task = Task.objects.filter(key="dig").first()
    from kernel import lifecycle

    lifecycle.move_many(Task.objects.filter(pk=task.pk), Task.start, by=None)
    trouble.fall_out({task.pk: trouble.Trouble("data", "VLAN in use", "VLAN 100 is in use")})
    page = browser(shop.manager).get(url("order", order)).content.decode()
    assert "1 in fallout" in page
    assert "VLAN 100 is in use" in page
    assert page.index(task.flow.site.name) < page.index(order.lines.exclude(site=task.flow.site).get().site.name)
    assert "Fallout desk" in browser(shop.manager).get(reverse("orders:order_list")).content.decode()


def test_a_changed_state_reloads_the_live_page() -> None:
    shop = Shop()
    order = shop.running()
    client = browser(shop.manager)
    same = client.get(f"{url('tree', order)}?state=in_progress", headers={"HX-Request": "true"})
    assert b'id="order-strip" hx-swap-oob="true"' in same.content
    assert b"<html" not in same.content
    changed = client.get(f"{url('tree', order)}?state=approved", headers={"HX-Request": "true"})
    assert changed.headers["HX-Refresh"] == "true"


def test_tree_and_list_take_the_same_number_of_queries_at_2_and_20_sites() -> None:
    shop = Shop()
    client = browser(shop.manager)
    orders = [shop.running(sites=sites) for sites in (2, 20)]
    for name in ("order", "lines", "graph", "timeline"):
        counts = []
        for order in orders:
            client.get(url(name, order))
            with CaptureQueriesContext(connection) as captured:
                assert client.get(url(name, order)).status_code == 200
            counts.append(len(captured))
        assert counts[1] <= counts[0], name
    with CaptureQueriesContext(connection) as two:
        client.get(reverse("orders:order_list"))
    shop.draft()
    with CaptureQueriesContext(connection) as three:
        client.get(reverse("orders:order_list"))
    assert len(three) <= len(two)


def test_who_may_not_see_orders_is_told_why_and_other_customers_find_nothing() -> None:
    shop = Shop()
    order = shop.draft()
    nobody = browser(UserFactory())
    assert nobody.get(url("order", order)).status_code == 403
    assert b"view order" in nobody.get(reverse("orders:order_list")).content
    assert Client().get(url("order", order)).status_code == 302
    customer = ContactFactory(account=AccountFactory(), portal_access=True).user
    assert browser(customer).get(url("order", order)).status_code in (403, 404)
    assert browser(shop.manager).get(reverse("orders:order", args=["ORD9999999"])).status_code == 404


def test_a_draft_lists_what_is_missing_and_submission_says_it_all() -> None:
    shop = Shop()
    order = shop.draft()
    Order.objects.filter(pk=order.pk).update(billing_profile=None, contact=None)
    client = browser(shop.agent)
    assert "no billing profile" in client.get(url("order", order)).content.decode()
    BillingProfile.objects.all().delete()
    add = reverse("crm:account_add_billing_profile", args=[order.account.number])
    assert f"{add}?back={order.get_absolute_url()}" in client.get(url("order", order)).content.decode()
    refused = client.post(url("submit", order))
    assert refused.status_code == 422
    page = refused.content.decode()
    assert "2 things keep the order from going on" in page
    assert 'href="#id_billing_profile"' in page
    assert fresh(order).state == "draft"


def test_a_complete_draft_is_submitted_once() -> None:
    shop = Shop()
    order = shop.draft()
    client = browser(shop.agent)
    assert client.post(url("submit", order)).status_code == 302
    assert fresh(order).state == "submitted"
    assert client.post(url("submit", order)).status_code == 409


def test_a_crafted_move_is_a_conflict_and_a_missing_right_is_403() -> None:
    shop = Shop()
    order = shop.draft()
    move = reverse("move", args=["orders.order", order.pk])
    assert browser(shop.manager).post(move, {"move": "complete"}).status_code == 409
    assert browser(shop.manager).post(move, {"move": "resume"}).status_code == 409
    assert browser(UserFactory(role="finance")).post(url("submit", order)).status_code == 403
    assert browser(UserFactory(role="finance")).post(url("edit", order), {"title": "x"}).status_code == 403
    assert fresh(order).state == "draft"


def edited(order: Order, **changes: Any) -> dict[str, Any]:
    values = {
        "title": order.title, "their_reference": "", "contact": order.contact_id, "requested_on": "",
        "billing_profile": order.billing_profile_id, "edition": fresh(order).edition,
    }  # fmt: skip
    return {**values, **changes}


def test_editing_keeps_what_was_typed_when_it_is_refused() -> None:
    shop = Shop()
    order = shop.draft()
    client = browser(shop.agent)
    refused = client.post(url("edit", order), edited(order, title="New title", requested_on="2020-01-01"))
    assert refused.status_code == 422
    page = refused.content.decode()
    assert "in the past" in page
    assert 'value="New title"' in page
    assert fresh(order).title != "New title"


def test_editing_stores_fields_of_lines_and_tells_a_second_editor() -> None:
    shop = Shop()
    order = shop.draft()
    line = order.lines.get()
    soon = timezone.localdate() + dt.timedelta(days=40)
    client = browser(shop.agent)
    sent = edited(order, **{f"line-{line.pk}-access_notes": "Gate 3", f"line-{line.pk}-requested_on": soon.isoformat()})
    assert client.post(url("edit", order), sent).status_code == 302
    assert (fresh(line).access_notes, fresh(line).requested_on) == ("Gate 3", soon)
    late = client.post(url("edit", order), {**sent, "title": "Mine"})
    assert late.status_code == 409
    assert 'value="Mine"' in late.content.decode()
    wrong = edited(order, **{f"line-{line.pk}-requested_on": "soon"})
    assert client.post(url("edit", order), wrong).status_code == 422
    crafted = edited(order, **{f"line-{line.pk}-quantity": "9"})
    assert client.post(url("edit", order), crafted).status_code == 422
    assert fresh(line).quantity == 1


def test_missing_values_are_filled_in_by_the_generated_form() -> None:
    shop = Shop()
    table("enrichment:t-internet", "first", ["speed"], ["vlan"], [{"speed": "1000", "vlan": "100"}])
    order = enrichment.run(order_id=shop.submitted(sites=2).pk)
    asked = list(order.missing_values.order_by("pk"))
    client = browser(shop.filler)
    page = client.get(url("values", order)).content.decode()
    assert "2 to 4094" in page
    assert "Fill in</a>" in page
    assert "Fill in</a>" not in browser(shop.agent).get(url("values", order)).content.decode()
    assert client.post(url("supply", order), {}).status_code == 422
    wrong = client.post(url("supply", order), {f"missing-{asked[0].pk}": "9999"})
    assert wrong.status_code == 422
    assert 'value="9999"' in wrong.content.decode()
    assert client.post(url("supply", order), {f"missing-{one.pk}": "20" for one in asked}).status_code == 302
    assert fresh(order).state == "approved"
    assert browser(shop.agent).post(url("supply", order), {"missing-1": "2"}).status_code == 403


def test_an_order_by_hand_gets_its_lines() -> None:
    shop = Shop()
    client = browser(shop.agent)
    offering = shop.quote().lines.get()
    made = client.post(reverse("orders:new"), {"account": shop.account.pk, "title": "Third line"})
    assert made.status_code == 302
    order = Order.objects.get(title="Third line")
    line = {"offering": offering.offering_id, "site": offering.site_id, "quantity": 1}
    assert client.post(url("add_line", order), line).status_code == 302
    assert order.lines.get().characteristics == {"routing": "static", "access_pairs": 1}
    assert client.post(url("add_line", order), {**line, "quantity": 0}).status_code == 422
    ids = re.findall(r'(?:input|select|textarea)[^>]* id="([^"]+)"', client.get(url("lines", order)).content.decode())
    assert len(ids) == len(set(ids))
    configure = url("configure_line", order, order.lines.get().pk)
    assert b"Speed" in client.get(configure).content
    refused = client.post(configure, {"speed": "5", "routing": "BGP", "access_pairs": "1"})
    assert refused.status_code == 422
    assert b"At least 10" in refused.content
    assert client.post(configure, {"speed": "100", "routing": "BGP", "access_pairs": "1"}).status_code == 302
    assert order.lines.get().characteristics == {"speed": 100, "routing": "BGP", "access_pairs": 1}
    assert client.post(url("remove_line", order, order.lines.get().pk)).status_code == 302
    assert not order.lines.exists()
    assert client.post(reverse("orders:new"), {"title": ""}).status_code == 422


def test_a_quote_is_ordered_by_its_button() -> None:
    shop = Shop()
    quote = shop.quote()
    answer = browser(shop.agent).post(reverse("orders:from_quote", args=[quote.pk]))
    assert answer.status_code == 302
    assert answer.headers["Location"] == Order.objects.get(quote=quote).get_absolute_url()


def test_approvers_see_the_checks_and_decide_on_the_page() -> None:
    shop = Shop(ask="order_approver")
    order = shop.approved()
    boss = UserFactory(role="order_approver")
    client = browser(boss)
    page = client.get(url("order", order)).content.decode()
    assert "Exposure" in page
    step = approvals.current(order).steps.get()
    client.post(reverse("approval_decide", args=[step.pk]), {"decision": "approve", "back": url("order", order)})
    assert fresh(order).state == "approved"


def test_panel_home_and_search_show_orders() -> None:
    shop = Shop()
    order = shop.draft()
    client = browser(shop.agent)
    assert order.number in client.get(reverse("orders:of_account", args=[shop.account.number])).content.decode()
    assert order.number in client.get(reverse("orders:mine")).content.decode()
    assert order.title in client.get(reverse("home")).content.decode()
    from kernel import finding

    assert [found.number for kind, rows in finding.find(shop.agent, order.number) for found in rows] == [order.number]
    assert client.get(f"{reverse('orders:order_list')}?state=draft&needs=values&export=csv").status_code == 200


def test_a_customer_follows_nothing_here_but_values_reach_the_nodes() -> None:
    shop = Shop()
    order = shop.running()
    access = DomainOrder.objects.get(order=order, specification__key="t-access")
    progress.values_supplied(values={access.pk: {"pop_found": "RTM2"}})
    assert "needs pop found" not in browser(shop.manager).get(url("order", order)).content.decode()


def test_a_large_order_shows_the_same_sums_without_reading_every_task(monkeypatch: pytest.MonkeyPatch) -> None:
    order = Shop().running(sites=3)
    task = Task.objects.filter(flow__root_id=order.pk, key="dig").order_by("pk").first()
    assert task
    lifecycle.move_many(Task.objects.filter(pk=task.pk), Task.start, by=None, started_at=timezone.now())
    Task.objects.filter(pk=task.pk).update(problem="No duct", state="on_hold")
    jeopardy.assess(order_id=order.pk)
    whole = outline.of(fresh(order))
    monkeypatch.setattr(outline, "MANY", 0)
    summed = outline.of(fresh(order))

    def sites(found: outline.Outline) -> list[tuple[object, ...]]:
        rows = [row for row in found.rows if row.level == 1]
        return [(r.name, r.word, r.done, r.total, r.fallen, r.due, r.level_of, r.days_late) for r in rows]

    assert sites(summed) == sites(whole)
    assert (summed.done, summed.total, summed.fallen) == (whole.done, whole.total, whole.fallen)
    assert all(row.level <= 1 for row in summed.rows)
    opened = outline.of(fresh(order), opened=f"s{task.flow.site_id}")
    inside = [row.id for row in opened.rows if row.level > 1]
    assert f"t{task.pk}" in inside
    monkeypatch.setattr(outline, "SHOWN", 1)
    few = outline.of(fresh(order))
    assert (len([row for row in few.rows if row.level == 1]), few.left) == (1, 2)
    page = browser(UserFactory(role="order_manager")).get(url("order", order)).content.decode()
    assert "2 more sites follow" in page
    assert (
        "2 more sites follow"
        not in browser(UserFactory(role="order_manager")).get(url("order", order), {"all": "1"}).content.decode()
    )


def test_many_lines_stand_on_pages_and_problems_lead_to_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop()
    order = shop.draft(sites=3)
    monkeypatch.setattr(page, "LINES", 2)
    client = browser(shop.agent)
    first = client.get(url("lines", order)).content.decode()
    second = client.get(url("lines", order), {"page": "2"}).content.decode()
    lines = list(order.lines.order_by("position"))
    assert [f'id="line-{line.pk}"' in first for line in lines] == [True, True, False]
    assert [f'id="line-{line.pk}"' in second for line in lines] == [False, False, True]
    assert client.get(url("lines", order), {"page": "99"}).content.decode().count('id="line-') == 1
    assert client.get(url("lines", order), {"page": "x"}).status_code == 200
    refused = {f"line-{lines[2].pk}-requested_on": "soon", "edition": str(order.edition)}
    told = client.post(url("edit", order), refused).content.decode()
    assert f"{url('lines', order)}?page=2#line-{lines[2].pk}" in told
    saved = client.post(f"{url('edit', order)}?page=2", edited(order))
    assert saved["Location"].endswith("?page=2")
