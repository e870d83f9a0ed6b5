"""Made-up orders: as many as asked, legal and coherent, and only where nobody real works."""

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Count
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from config.demo import story, volume
from crm.models import Account
from fallout import watchdog
from fulfillment.models import Flow, Task
from kernel import finding
from kernel.models import AuditEntry, User
from orders import queries
from orders.models import Order, OrderForecast, OrderLine
from tests.factories.orders import Shop
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
WORD = "internet"  # in many titles
WORDS = {
    "order_words", "quote_words", "contact_words", "site_words", "product_words", "service_words", "resource_words",
}  # fmt: skip


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> User:
    """A small catalogue with plans instead of the demo's, and its two people."""
    Shop(plans=False).plan("t-access", "visit", kind="manual")
    UserFactory(username="mira", role="sales_agent")
    ingrid: User = UserFactory(username="ingrid", role="order_manager")
    monkeypatch.setattr(story, "provider", dict)
    return ingrid


@pytest.mark.slow
def test_orders_are_coherent_and_found(provider: User, client: Client) -> None:
    volume.make(400)

    states = dict(Order.objects.order_by().values_list("state").annotate(n=Count("pk")))
    running = Order.objects.filter(state__in=("in_progress", "on_hold", "awaiting_information"))
    assert sum(states.values()) == 400
    assert states["completed"] > 250
    assert {"in_progress", "draft", "cancelled"} <= set(states)
    assert not Order.objects.filter(lines=None).exists()
    assert not Order.objects.exclude(state="draft").filter(submitted_at=None).exists()
    assert not Order.objects.filter(state__in=queries.ENDED, ended_at=None).exists()
    assert OrderForecast.objects.count() == running.count()
    assert not OrderLine.objects.exclude(site__account=None).exclude(site__account_id__isnull=False).exists()
    begun = AuditEntry.objects.filter(subject_type="orders.order", action="begin")
    assert begun.count() == Order.objects.filter(started_at__isnull=False).count()
    assert Task.objects.filter(state="in_progress").count() == Flow.objects.count() > 0
    assert watchdog.standing(timezone.now()) == []
    _read(client, provider)


def _read(client: Client, ingrid: User) -> None:
    client.force_login(ingrid)
    newest = Order.objects.filter(state="in_progress").latest("pk")
    page = client.get(reverse("orders:order_list")).content.decode()
    assert page.count('<th scope="row"') == 50
    assert client.get(reverse("orders:order", args=[newest.number])).status_code == 200
    word = newest.account.name.split()[0]
    for typed, wanted in ((newest.number.lower(), newest.number), (f"{word} internet", ""), ("no such words", None)):
        found = [one.number for kind, rows in finding.find(ingrid, typed) for one in rows if kind.name == "Orders"]
        assert (found[:1] == [wanted]) if wanted else bool(found) == (wanted == ""), typed
        listed = client.get(reverse("orders:order_list"), {"q": typed}).content.decode()
        assert (wanted or "") in listed
        assert bool(found) == ('<th scope="row"' in listed), typed
    _by_promise(client)
    _by_index(ingrid)


def _by_promise(client: Client) -> None:
    """Sorted by promised date either way, by one index and without sorting the table."""
    for sort in ("promised_on", "-promised_on"):
        with CaptureQueriesContext(connection) as asked:
            client.get(reverse("orders:order_list"), {"sort": sort})
        plan = _plan(asked, '"promised_on" IS NOT NULL')
        assert "order_promised_on" in plan
        assert "task_problem" in plan  # fallen tasks are few among the orders' many
        assert not plan.lstrip().startswith("Sort")


def _plan(asked: CaptureQueriesContext, words: str, *, ordered: bool = True) -> str:
    """How the statement with these words is answered where a table is too long to be read or sorted as a whole; nor,
    where the order is no help, along its key until enough is found."""
    (statement,) = (one["sql"] for one in asked if words in one["sql"])
    others = ("bitmapscan", "sort") if ordered else ("indexscan", "indexonlyscan")
    ways = [f"enable_{way}" for way in ("seqscan", *others)]  # what the planner does for a few rows only
    with connection.cursor() as cursor:
        for way in ways:
            cursor.execute(f"SET LOCAL {way} = off")
        cursor.execute(f"EXPLAIN {statement}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
        for way in ways:
            cursor.execute(f"SET LOCAL {way} = on")
    return plan


def _by_index(ingrid: User) -> None:
    """The search asks once for all kinds, each by its index; the customers come in the order of one."""
    number = Order.objects.latest("pk").number
    for typed, served in ((WORD, WORDS), (number, {"flow_root_number", "task_number", "orders_order_number"})):
        with CaptureQueriesContext(connection) as asked:
            assert finding.find(ingrid, typed)
        plan = _plan(asked, "UNION ALL", ordered=False)
        assert {name for name in served if name not in plan} == set()
    with CaptureQueriesContext(connection) as asked:
        list(Account.objects.visible_to(ingrid).order_by("name", "pk")[:50])
    plan = _plan(asked, "ORDER BY")
    assert "account_in_order" in plan
    assert "Sort" not in plan


def test_it_refuses_where_real_people_work(provider: User, django_assert_num_queries: Any) -> None:
    UserFactory(username="real", email="somebody@provider.net")

    with pytest.raises(CommandError, match="1 people with a log-in are not the demo’s"):
        call_command("seed_volume", "--orders", "10")
    with pytest.raises(CommandError, match="from 1 to 1,000,000"):
        call_command("seed_volume", "--orders", "0")
    out = io.StringIO()
    call_command("seed_volume", "--orders", "10", "--anywhere", "--dry-run", stdout=out)

    assert out.getvalue() == "would make: 10 orders of 1 customers\n"
    assert not Order.objects.exists()
