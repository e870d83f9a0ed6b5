"""Progress: the engine's facts move domain orders, lines and the order; each takes the order's lock first."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from fulfillment.models import Task
from kernel import lifecycle
from orders import closure, decomposition, orchestration
from orders.models import DomainOrder, DomainOrderLink, Order, OrderLine

State = DomainOrder.State


@transaction.atomic
def flows_started(*, node_ids: Collection[int]) -> None:
    """Work on these nodes began: they, everything above them and their lines are in progress."""
    for order_id, own in _by_order(node_ids).items():
        Order.objects.locked(order_id)
        nodes, lines = _above(set(own))
        lifecycle.move_many(OrderLine.objects.filter(pk__in=lines), OrderLine.start, by=None)
        rows = DomainOrder.objects.filter(pk__in=nodes, state=State.SCHEDULED)
        lifecycle.move_many(rows, DomainOrder.start, by=None, started_at=timezone.now())


@transaction.atomic
def flows_completed(*, node_ids: Collection[int]) -> None:
    """The nodes' own work is done: close what can be closed from there up."""
    for order_id, own in _by_order(node_ids).items():
        order = Order.objects.select_related("account").select_for_update(of=("self",)).get(pk=order_id)
        _, lines = _above(set(own))
        closure.roll_up(order, lines)


@transaction.atomic
def values_supplied(*, values: Mapping[int, dict[str, Any]]) -> None:
    """Tasks put out values, by node: they are the node's now, and what waited for them goes on."""
    for order_id, own in _by_order(values).items():
        Order.objects.locked(order_id)
        touched = decomposition.know_at(values={node: values[node] for node in own})
        if touched and DomainOrder.objects.filter(order=order_id, line__in=touched, state=State.WAITING_DATA).exists():
            orchestration.go_on(order_id=order_id, line_ids=touched)


def _by_order(node_ids: Collection[int]) -> dict[int, list[int]]:
    """Nodes by order, orders by key, so that whoever locks several locks them in one order."""
    found: dict[int, list[int]] = defaultdict(list)
    for order_id, pk in DomainOrder.objects.filter(pk__in=node_ids).order_by("order", "pk").values_list("order", "pk"):
        found[order_id].append(pk)
    return found


def _above(node_ids: set[int]) -> tuple[set[int], set[int]]:
    """Nodes with all nodes above them, through merged nodes too, and their lines; a query per level."""
    nodes: set[int] = set()
    lines: set[int] = set()
    level = node_ids
    while level:
        nodes |= level
        rows = list(DomainOrder.objects.filter(pk__in=level).values_list("parent", "line"))
        lines |= {line for _, line in rows}
        linked = DomainOrderLink.objects.filter(child__in=level).values_list("parent", flat=True)
        above = [*(parent for parent, _ in rows), *linked]
        level = {parent for parent in above if parent is not None} - nodes
    return nodes, lines


def orders_of(task_ids: Iterable[int]) -> set[int]:
    """The orders that these tasks are work for."""
    rows = Task.objects.filter(pk__in=list(task_ids), flow__root_type=Order._meta.label_lower)
    return set(rows.values_list("flow__root_id", flat=True))
