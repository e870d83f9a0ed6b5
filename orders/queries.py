"""Questions about orders: lists with what their columns need, in one query each."""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from django.db import models
from django.db.models import Count, Exists, F, IntegerField, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from crm.finding import customers, of_customers
from fulfillment.models import Level, Task
from kernel import words
from kernel.finding import Sought
from kernel.models import AuditEntry, User
from orders.models import MissingValue, Order, OrderLine
from orders.models.orders import WORDS

ROOT = Order._meta.label_lower
NUMBER = re.compile(r"ORD\d*", re.ASCII | re.IGNORECASE)
ENDED = (
    Order.State.COMPLETED, Order.State.PARTIAL, Order.State.FAILED, Order.State.CANCELLED, Order.State.REJECTED,
)  # fmt: skip


def listed(user: User) -> Any:
    """Orders that a person may see, each with its milestones and what it waits for."""
    return _told().visible_to(user)


@cache
def _told() -> Any:
    """All orders with what a list tells of each; put together once, as that costs more than asking."""
    return Order.objects.select_related("account", "forecast", "manager").annotate(**_milestones())


def _milestones() -> dict[str, Any]:
    lines = OrderLine.objects.filter(order=OuterRef("pk")).order_by().values("order")
    open_sites = Exists(
        OrderLine.objects.filter(order=OuterRef("order"), site=OuterRef("site")).exclude(
            state__in=["completed", "cancelled"]
        )
    )
    done = OrderLine.objects.filter(order=OuterRef("pk")).filter(~open_sites).order_by().values("order")
    moved = AuditEntry.objects.filter(subject_type=ROOT, subject_id=OuterRef("pk")).order_by("id")
    tasks = Task.objects.filter(flow__root_type=ROOT, flow__root_id=OuterRef("pk"))
    return {
        "sites": _number(lines.annotate(n=Count("site", distinct=True)).values("n")),
        "live": _number(done.annotate(n=Count("site", distinct=True)).values("n")),
        "approval_asked_at": Subquery(moved.filter(action="ask_approval").values("at")[:1]),
        "approved_at": Subquery(moved.filter(action="approve").values("at")[:1]),
        "fallen": Exists(tasks.filter(state=Task.State.ON_HOLD).exclude(problem="")),
        "asked": Exists(MissingValue.objects.filter(order=OuterRef("pk"), filled_at__isnull=True)),
    }


def _number(counted: models.QuerySet[Any]) -> Any:
    return Coalesce(Subquery(counted[:1], output_field=IntegerField()), 0)


def in_jeopardy(user: User, least: int = Level.LOW) -> Any:
    """Orders that a person may see whose date is in danger, worst first."""
    rows = Order.objects.visible_to(user).filter(forecast__level__gte=least)
    related = rows.select_related("account", "manager", "forecast__cause__flow__site")
    return related.order_by("-forecast__level", "-forecast__slip_days", "pk")


def open_orders(user: User) -> Any:
    """Orders that have not ended."""
    return Order.objects.visible_to(user).exclude(state__in=ENDED)


def _called(text: str) -> Q:
    """Orders whose number, title or the customer's reference is as typed."""
    return Q(number__startswith=text.upper()) if NUMBER.fullmatch(text) else Q(words.match(text, *WORDS))


def matching(rows: Any, user: User, text: str) -> Any:
    """Of these orders, those of a number, title, reference or customer as typed; keys first, as each has its index."""
    called = Order.objects.filter(_called(text)).order_by().values("pk")
    theirs = Order.objects.filter(account__in=customers(Sought(user, text))).order_by().values("pk")
    return rows.filter(pk__in=called.union(theirs))


def found(rows: Any, sought: Sought) -> Iterable[Any]:
    """Orders by number, title, the customer's own reference or name."""
    called = rows.filter(_called(sought.text))
    if not NUMBER.fullmatch(sought.text):
        # sorted by a sum, as the order of the keys would tempt the database to read every row for a rare word
        called = called.annotate(_place=F("pk") + 0).order_by("-_place")
    yield called
    yield from of_customers(rows, sought)
