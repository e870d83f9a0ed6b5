"""Progress: the engine's facts move domain orders, lines and the order; each takes the order's lock first."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from kernel import lifecycle
from orders import closure, decomposition, orchestration
from orders.models import DomainOrder, DomainOrderLink, Order, OrderLine

State = DomainOrder.State


@transaction.atomic
def flow_started(*, node_id: int) -> None:
    """Work on a node began: it, everything above it and its lines are in progress."""
    node = DomainOrder.objects.filter(pk=node_id).values("order_id", "line_id").first()
    if node is None:
        return
    Order.objects.locked(node["order_id"])
    nodes, lines = _above(node_id)
    lifecycle.move_many(OrderLine.objects.filter(pk__in=lines), OrderLine.start, by=None)
    rows = DomainOrder.objects.filter(pk__in=nodes, state=State.SCHEDULED)
    lifecycle.move_many(rows, DomainOrder.start, by=None, started_at=timezone.now())


@transaction.atomic
def flow_completed(*, node_id: int) -> None:
    """A node's own work is done: close what can be closed from there up."""
    node = DomainOrder.objects.filter(pk=node_id).values("order_id", "line_id").first()
    if node is None:
        return
    order = Order.objects.select_related("account").select_for_update(of=("self",)).get(pk=node["order_id"])
    _, lines = _above(node_id)
    closure.roll_up(order, lines | {node["line_id"]})


@transaction.atomic
def values_supplied(*, node_id: int, values: dict[str, Any]) -> None:
    """A task put out values: they are the node's now, and what waited for them goes on."""
    order_id = DomainOrder.objects.filter(pk=node_id).values_list("order", flat=True).first()
    if order_id is None or not values:
        return
    Order.objects.locked(order_id)
    touched = decomposition.know_at(node_id=node_id, values=values)
    if touched and DomainOrder.objects.filter(order=order_id, line__in=touched, state=State.WAITING_DATA).exists():
        orchestration.go_on(order_id=order_id, line_ids=touched)


def _above(node_id: int) -> tuple[set[int], set[int]]:
    """A node with all nodes above it, through merged nodes too, and their lines; a query per level."""
    nodes: set[int] = set()
    lines: set[int] = set()
    level = {node_id}
    while level:
        nodes |= level
        rows = list(DomainOrder.objects.filter(pk__in=level).values_list("parent", "line"))
        lines |= {line for _, line in rows}
        linked = DomainOrderLink.objects.filter(child__in=level).values_list("parent", flat=True)
        above = [*(parent for parent, _ in rows), *linked]
        level = {parent for parent in above if parent is not None} - nodes
    return nodes, lines
