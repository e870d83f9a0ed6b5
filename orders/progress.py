"""Progress: the engine's facts move domain orders, lines and the order; each takes the orders' locks first."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from catalog import rulebook
from fulfillment import rowwise
from fulfillment.models import Task
from kernel import lifecycle
from orders import closure, decomposition, orchestration
from orders.models import DomainOrder, Order, OrderLine

State = DomainOrder.State


@transaction.atomic
def flows_started(*, node_ids: Collection[int]) -> None:
    """Work on these nodes began: they, everything above them and their lines are in progress."""
    own, orders = _locked(node_ids)
    if not orders:
        return
    above = _above(own)
    lines = OrderLine.objects.filter(pk__in=set(above.values()))
    lifecycle.move_many(lines, OrderLine.start, by=None)
    rows = DomainOrder.objects.filter(pk__in=above, state=State.SCHEDULED)
    lifecycle.move_many(rows, DomainOrder.start, by=None, started_at=timezone.now())


@transaction.atomic
def flows_completed(*, node_ids: Collection[int]) -> None:
    """The nodes' own work is done: close what can be closed from there up."""
    own, orders = _locked(node_ids)
    if orders:
        closure.roll_up_all(orders, _above(own).values())


@transaction.atomic
def papers_came(*, order_ids: Collection[int]) -> None:
    """Orders have files that their end may have waited for."""
    closure.roll_up_all(Order.objects.filter(pk__in=order_ids).order_by("pk").select_for_update(of=("self",)))


@transaction.atomic
def values_supplied(*, values: Mapping[int, dict[str, Any]]) -> None:
    """Tasks put out values, by node: they are the node's now, and what waited for them goes on."""
    own, orders = _locked(values)
    if not orders:
        return
    touched = decomposition.know_at(values={node: values[node] for node in own})
    names = {name for node in own for name in values[node]}
    if waiting := _waiting(touched, names):
        orchestration.go_on_all(lines=waiting)


def _locked(node_ids: Collection[int]) -> tuple[list[int], list[Order]]:
    """Those of the nodes that there are, and their orders, locked by key."""
    found = dict(DomainOrder.objects.filter(pk__in=node_ids).order_by("pk").values_list("pk", "order"))
    rows = Order.objects.select_related("account", "contact__user").filter(pk__in=set(found.values()))
    return list(found), list(rows.order_by("pk").select_for_update(of=("self",))) if found else []


def _waiting(lines: set[int], names: set[str]) -> dict[int, set[int]]:
    """Order → those of the lines, where a node waits for something that values of these names could lead to."""
    rows = DomainOrder.objects.filter(line__in=lines, state=State.WAITING_DATA).values_list("order", "missing")
    missing: dict[int, set[str]] = defaultdict(set)
    for order_id, lacking in rows if lines else ():
        missing[order_id].update(lacking)
    behind = rulebook.leading_to(set().union(*missing.values())) if missing else set()
    if not (behind is None or names & behind):
        return {}
    found: dict[int, set[int]] = defaultdict(set)
    for order_id, pk in (
        OrderLine.objects.filter(pk__in=lines, order__in=missing).order_by("order").values_list("order", "pk")
    ):
        found[order_id].add(pk)
    return found


_ABOVE = """
WITH RECURSIVE up (id) AS (
    SELECT unnest(%s::bigint[])
  UNION
    SELECT above.id FROM up CROSS JOIN LATERAL (
        SELECT parent_id FROM orders_domainorder WHERE id = up.id
        UNION ALL SELECT parent_id FROM orders_domainorderlink WHERE child_id = up.id
    ) above (id) WHERE above.id IS NOT NULL
)
SELECT node.id, node.line_id FROM up JOIN orders_domainorder node ON node.id = up.id
"""


def _above(node_ids: Iterable[int]) -> dict[int, int]:
    """Nodes with all nodes above them, through merged nodes too; node → line."""
    with connection.cursor() as cursor:
        cursor.execute(_ABOVE, [rowwise.keys(node_ids)])
        return dict(cursor.fetchall())


def orders_of(task_ids: Iterable[int]) -> set[int]:
    """The orders that these tasks are work for."""
    rows = Task.objects.filter(pk__in=list(task_ids), flow__root_type=Order._meta.label_lower)
    return set(rows.values_list("flow__root_id", flat=True))
