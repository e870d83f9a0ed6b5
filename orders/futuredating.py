"""Future dating: what only rests, goes on or ends waits for its day; what is replaced ends after what replaces it."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from cmdb import termination
from orders.models import Order, OrderLine
from orders.tree import WALKED


def waiting(orders: Iterable[Order]) -> set[int]:
    """Keys of the approved orders whose day is still to come: all their lines suspend, resume or disconnect."""
    today = timezone.localdate()
    later = [
        order.pk
        for order in orders
        if order.state == Order.State.APPROVED and order.requested_on and order.requested_on > today
    ]
    return switching(later)


def due() -> list[int]:
    """Approved orders whose day has come."""
    rows = Order.objects.filter(state=Order.State.APPROVED, requested_on__lte=timezone.localdate())
    return list(_switching(rows.values("pk")).order_by("pk").values_list("pk", flat=True)[:200])


def lines_now(order: Order) -> Collection[int] | None:
    """The lines that go to work with the order, None for all: what is replaced waits for what replaces it."""
    lines = list(order.lines.values_list("pk", "replaced_by"))
    now = {pk for pk, replaced_by in lines if replaced_by is None}
    return now if len(now) < len(lines) else None


@transaction.atomic
def free(lines: Iterable[int]) -> dict[int, set[int]]:
    """Lines by order that may end their products now, because the lines that take their place are completed."""
    rows = OrderLine.objects.filter(replaced_by__in=list(lines), state=OrderLine.State.SCHEDULED)
    found: dict[int, set[int]] = defaultdict(set)
    products = []
    for order, line, product in rows.order_by("pk").values_list("order", "pk", "product"):
        found[order].add(line)
        products.append(product)
    termination.expect_end(products, None)
    return dict(found)


def switching(keys: Collection[int]) -> set[int]:
    """Those of the orders that bring and change nothing: all their lines suspend, resume or disconnect."""
    return set(_switching(keys).values_list("pk", flat=True)) if keys else set()


def _switching(keys: Any) -> QuerySet[Order]:
    others = OrderLine.objects.filter(order=OuterRef("pk")).exclude(action__in=WALKED)
    rows: QuerySet[Order] = Order.objects.filter(pk__in=keys).filter(~Exists(others))
    return rows
