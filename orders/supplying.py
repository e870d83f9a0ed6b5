"""Supplying: who or what gives the values that domain orders wait for: a task, an answer from outside, or a person."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse

from catalog import configuration, telling
from fulfillment import drawing
from fulfillment.models import PlanItem, Task
from orders import questions
from orders.models import DomainOrder, Order

ROOT = Order._meta.label_lower
FROM_OUTSIDE = frozenset({"api_call", "wait_event"})


@dataclass(frozen=True)
class Supply:
    """One value that a node waits for, in words who gives it, and the page where that stands."""

    key: str
    name: str
    who: str
    url: str = ""


def of(order: Order, nodes: Iterable[DomainOrder]) -> dict[int, list[Supply]]:
    """Node → what it waits for, each with its source; the same number of queries whatever the number of nodes."""
    waiting = [node for node in nodes if node.missing]
    if not waiting:
        return {}
    asked = {(row.line_id, row.characteristic.key) for row in questions.waiting(order)}
    keys = {key for node in waiting for key in node.missing}
    tasks, known = _tasks(order, keys), telling.of(keys)
    said = {key: configuration.within(known.name(key)) for key in keys}
    return {node.pk: [_one(order, node, key, said[key], asked, tasks) for key in node.missing] for node in waiting}


def _tasks(order: Order, wanted: set[str]) -> dict[str, dict[str, Task]]:
    """Name → line key → the open task that puts it out; only steps that give such a name are read."""
    rows = Task.objects.filter(flow__root_type=ROOT, flow__root_id=order.pk).exclude(state__in=Task.CLOSED)
    items = PlanItem.objects.filter(pk__in=rows.values("item")).only("outputs", "form")
    giving = {item.pk: names for item in items if (names := wanted & _given(item))}
    found: dict[str, dict[str, Task]] = defaultdict(dict)
    for task in rows.filter(item__in=giving).select_related("item", "flow", "assignee").order_by("-position", "-pk"):
        for name in giving[task.item_id]:
            found[name][task.flow.line_key] = task
    return found


def _given(item: PlanItem) -> set[str]:
    """Names of the values that a step puts out; an output may be marked with ? or carry its expression."""
    return {drawing.key(output) for output in item.outputs} | {str(field.get("key", "")) for field in item.form}


def _one(
    order: Order, node: DomainOrder, key: str, name: str, asked: set[tuple[int | None, str]],
    tasks: dict[str, dict[str, Task]],
) -> Supply:  # fmt: skip
    if (node.line_id, key) in asked:
        return Supply(key, name, "asked of the fulfilment agents", reverse("orders:values", args=[order.number]))
    task = tasks.get(key, {}).get(str(node.line.key))
    if task is None:
        return Supply(key, name, "a task that is not planned yet")
    whose = task.item.adapter if task.kind in FROM_OUTSIDE else str(task.assignee or "") or task.team
    if task.kind in FROM_OUTSIDE:
        return Supply(key, name, f"the answer of {whose or 'another system'} to “{task.name}”", task.get_absolute_url())
    return Supply(key, name, f"task “{task.name}”{f', {whose}' if whose else ''}", task.get_absolute_url())
