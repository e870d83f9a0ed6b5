"""Decomposition: an order becomes a tree of product, service and resource orders, by the rules of the catalogue."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Q

from catalog import configuration
from catalog.models import Specification
from kernel import audit, lifecycle, numbering
from orders import facts, installed, questions
from orders.models import DomainOrder, DomainOrderLink, Order, OrderLine
from orders.tree import Catalogue, Node, Tree

State = DomainOrder.State
BATCH = 1000


@dataclass
class Grown:
    """What one run did: numbers of new nodes, of nodes that wait for values, of those that no longer wait."""

    new: int = 0
    waiting: int = 0
    released: int = 0
    lines: set[int] = field(default_factory=set)


@transaction.atomic
def decompose(*, order_id: int, line_ids: Collection[int] | None = None) -> Grown:
    """Grow the tree of an order, or of some of its lines, and store what is not there yet.

    Deterministic and safe to repeat: the same order and catalogue give the same paths, so nothing is added twice, and
    values that a node has are never overwritten. Nodes that lack a value wait and name it.

    Raises:
        BrokenRule: a rule cannot be evaluated or rules go in a circle; nothing is stored.
    """
    order: Order = Order.objects.select_related("account").select_for_update(of=("self",)).get(pk=order_id)
    lines = _lines(order, line_ids)
    rows = _existing(order, line_ids)
    tree = Tree(
        Catalogue.load({line.specification_id for line in lines}),
        {path: row.characteristics for path, row in rows.items()},
    )
    about = facts.of_lines(order, lines)
    for line in lines:
        line.order = order
        tree.plant(line, about[line.pk])
    tree.grow()
    installed.compute_actions(order, tree, lines)
    return _store(order, tree, rows)


def know(*, order_id: int, specification_id: int, values: dict[str, Any], line_id: int | None = None) -> set[int]:
    """Put supplied values on the nodes of a specification where there are none. Keys of the lines touched."""
    rows = DomainOrder.objects.filter(order=order_id, specification=specification_id)
    if line_id is not None:
        rows = rows.filter(line=line_id)
    found = list(rows.order_by("pk").select_for_update(of=("self",)))
    return {row.line_id for row in _put(found, {row.pk: values for row in found})}


def know_at(*, values: Mapping[int, dict[str, Any]]) -> set[int]:
    """Put values that tasks supplied, by node, on their nodes. Keys of the lines that may go on because of them."""
    rows = list(DomainOrder.objects.filter(pk__in=values).order_by("pk").select_for_update(of=("self",)))
    changed = _put(rows, values)
    nodes = [row.pk for row in changed]
    touched = {row.line_id for row in changed}
    if nodes:
        touched |= set(DomainOrderLink.objects.filter(child__in=nodes).values_list("parent__line", flat=True))
        touched |= set(DomainOrderLink.objects.filter(parent__in=nodes).values_list("child__line", flat=True))
    return touched


def _put(rows: list[DomainOrder], values: Mapping[int, dict[str, Any]]) -> list[DomainOrder]:
    """Write values where there are none yet; the rows that changed."""
    changed = []
    for row in rows:
        known = row.characteristics
        new = {key: value for key, value in values[row.pk].items() if configuration.is_empty(known.get(key))}
        if new:
            row.characteristics = known | new
            changed.append(row)
    DomainOrder.objects.bulk_update(changed, ["characteristics"], batch_size=BATCH)
    return changed


def _lines(order: Order, line_ids: Collection[int] | None) -> list[OrderLine]:
    rows = order.lines.exclude(state__in=[OrderLine.State.CANCELLED, OrderLine.State.REJECTED])
    if line_ids is not None:
        rows = rows.filter(pk__in=line_ids)
    return list(
        rows.select_related("specification", "offering", "site", "quote_line", "parent").order_by("position", "id")
    )


def _existing(order: Order, line_ids: Collection[int] | None) -> dict[str, DomainOrder]:
    """Nodes there are, by path: those of the lines, and those that lines share."""
    rows = DomainOrder.objects.filter(order=order)
    if line_ids is not None:
        rows = rows.filter(Q(line__in=line_ids) | Q(path__startswith="~"))
    return {row.path: row for row in rows}


def _store(order: Order, tree: Tree, rows: dict[str, DomainOrder]) -> Grown:
    grown = Grown(lines={node.line.pk for node in tree.nodes.values()})
    fresh = [node for node in tree.nodes.values() if node.path not in rows]
    _create(order, fresh, rows)
    grown.new = len(fresh)
    _update(tree, rows)
    _link(tree, rows)
    _withdraw(tree, rows, grown.lines)
    grown.waiting = sum(bool(node.missing) for node in tree.nodes.values())
    able = [rows[path].pk for path, node in tree.nodes.items() if not node.missing]
    freed = DomainOrder.objects.filter(pk__in=able, state__in=[State.DRAFT, State.WAITING_DATA])
    grown.released = len(lifecycle.move_many(freed, DomainOrder.qualify, by=None))
    grown.released += sum(not node.missing for node in fresh)
    _ask(order, tree)
    if grown.new:
        audit.record("decomposed", order, by=None, changes={"domain orders": [len(rows) - grown.new, len(rows)]})
    return grown


def _create(order: Order, fresh: list[Node], rows: dict[str, DomainOrder]) -> None:
    """Insert new nodes level by level, so that each finds its parent's key."""
    levels: dict[int, list[Node]] = defaultdict(list)
    for node in fresh:
        levels[node.depth].append(node)
    numbers = iter(numbering.take_many(DomainOrder.PREFIX, len(fresh)) if fresh else [])
    for depth in sorted(levels):
        made = [_row(order, node, rows, next(numbers)) for node in levels[depth]]
        DomainOrder.objects.bulk_create(made, batch_size=BATCH)
        rows.update({row.path: row for row in made})


def _row(order: Order, node: Node, rows: dict[str, DomainOrder], number: str) -> DomainOrder:
    """A new node, qualified from the start unless it has to wait for values."""
    found = node.installed
    service = found if found is not None and hasattr(found, "stands_on") else None
    return DomainOrder(
        number=number, order=order, line=node.line, state=State.WAITING_DATA if node.missing else State.QUALIFIED,
        parent=rows[node.parent.path] if node.parent else None,
        account_id=node.account_id, site_id=node.site_id, kind=node.specification.kind,
        specification=node.specification, name=_name(node.specification), action=node.action, path=node.path,
        depth=node.depth, rule=node.rule,
        rule_version=node.rule.version if node.rule else None, characteristics=node.values, missing=node.missing,
        product_id=node.line.product_id if node.depth == 0 else None, service=service,
        resource=found if found is not None and service is None else None,
    )  # fmt: skip


def _name(specification: Specification) -> str:
    return str(specification.name)[:120]


def _update(tree: Tree, rows: dict[str, DomainOrder]) -> None:
    """Values that became known and names of what is still missing, on nodes that were there before."""
    changed = []
    for path, node in tree.nodes.items():
        row = rows[path]
        if row.state in (State.CLOSED_COMPLETE, State.FAILED, State.CANCELLED):
            continue
        if row.characteristics != node.values or row.missing != node.missing:
            row.characteristics, row.missing = node.values, node.missing
            changed.append(row)
    DomainOrder.objects.bulk_update(changed, ["characteristics", "missing"], batch_size=BATCH)


def _link(tree: Tree, rows: dict[str, DomainOrder]) -> None:
    """Merged nodes know their further parents."""
    wanted = [
        DomainOrderLink(parent=rows[parent.path], child=rows[node.path], rule=rule)
        for node in tree.nodes.values()
        for parent, rule in [*node.also, *_first(node)]
        if rows[node.path].parent_id != rows[parent.path].pk
    ]
    DomainOrderLink.objects.bulk_create(wanted, ignore_conflicts=True, batch_size=BATCH)


def _first(node: Node) -> list[tuple[Node, Any]]:
    """The first parent of this run, which is a further one when an earlier run made the node below another."""
    return [(node.parent, node.rule)] if node.parent and node.rule else []


def _withdraw(tree: Tree, rows: dict[str, DomainOrder], lines: set[int]) -> None:
    """Nodes that waited to hear whether they are wanted, and are not."""
    gone = [
        row.pk for path, row in rows.items()
        if path not in tree.nodes and row.state == State.WAITING_DATA and row.line_id in lines
    ]  # fmt: skip
    if gone:
        unwanted = DomainOrder.objects.filter(pk__in=gone)
        lifecycle.move_many(unwanted, DomainOrder.start_cancellation, by=None)
        lifecycle.move_many(unwanted, DomainOrder.cancel, by=None)


def _ask(order: Order, tree: Tree) -> None:
    wanted = {(node.line.pk, question) for node in tree.nodes.values() for question in node.questions}
    questions.ask(order, wanted, needed_for=questions.RULE)
