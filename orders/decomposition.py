"""Decomposition: an order becomes a tree of product, service and resource orders, by the rules of the catalogue."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Min, Q
from django.utils import timezone

from catalog import configuration, rulebook
from catalog.models import DecompositionRule
from kernel import audit, copying, lifecycle, numbering
from orders import facts, installed, questions
from orders.models import DomainOrder, DomainOrderLink, Order, OrderLine
from orders.tree import Node, Tree

State = DomainOrder.State
BATCH = 1000
COLUMNS = (
    "id", "number", "order_id", "line_id", "state", "parent_id", "account_id", "site_id", "kind", "specification_id",
    "name", "action", "path", "depth", "rule_id", "rule_version", "characteristics", "missing", "product_id",
    "service_id", "resource_id",
)  # fmt: skip


@dataclass
class Grown:
    """What one run did: numbers of new nodes, of nodes that wait for values, of those that no longer wait."""

    new: int = 0
    waiting: int = 0
    released: int = 0
    lines: set[int] = field(default_factory=set)
    about: dict[int, dict[str, Any]] = field(default_factory=dict)  # facts of the lines that were looked at


@dataclass(slots=True)
class Stored:
    """A node as the database has it."""

    path: str
    pk: int
    parent_id: int | None
    line_id: int
    state: str
    characteristics: dict[str, Any]
    missing: list[str]


@transaction.atomic
def decompose(*, order_id: int, line_ids: Collection[int] | None = None) -> Grown:
    """Grow the tree of an order, or of some of its lines, and store what is not there yet.

    Deterministic and safe to repeat: the same order and rules give the same paths, so nothing is added twice, and
    values that a node has are never overwritten. An order keeps to the rules that were in force when it was first
    decomposed. Nodes that lack a value wait and name it.

    Raises:
        BrokenRule: a rule cannot be evaluated or rules go in a circle; nothing is stored.
    """
    order: Order = Order.objects.select_related("account").select_for_update(of=("self",)).get(pk=order_id)
    return decompose_locked(order, line_ids)


def decompose_locked(order: Order, line_ids: Collection[int] | None = None) -> Grown:
    """The same for an order that the caller has locked in its transaction. Raises BrokenRule."""
    rows = _existing(order, line_ids)
    moment = moment_of(order) or timezone.now()
    tree = grow(order, lines_of(order, line_ids), rulebook.in_force(moment), _kept(rows))
    return _store(order, tree, rows, moment)


def moment_of(order: Order) -> dt.datetime | None:
    """When an order was first decomposed, which says the versions of rules that it keeps to; None before that."""
    found = DomainOrder.objects.filter(order=order).aggregate(first=Min("created_at"))["first"]
    return found if isinstance(found, dt.datetime) else None


def grow(
    order: Order, lines: list[OrderLine], rules: Iterable[DecompositionRule], kept: dict[str, dict[str, Any]]
) -> Tree:
    """The tree that these lines come to by these rules, in memory; nothing is stored. `kept` has values by path."""
    tree = target(order, lines, rules, kept)
    installed.compute_actions(order, tree, lines)
    return tree


def target(
    order: Order, lines: list[OrderLine], rules: Iterable[DecompositionRule], kept: dict[str, dict[str, Any]]
) -> Tree:
    """The tree that these lines ask for, before it is held against what is installed."""
    tree = Tree(rulebook.read({line.specification_id for line in lines}, rules), kept)
    tree.about = facts.of_lines(order, lines)
    for line in lines:
        line.order = order
        tree.plant(line, tree.about[line.pk])
    tree.grow()
    return tree


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


def lines_of(order: Order, line_ids: Collection[int] | None = None) -> list[OrderLine]:
    """The lines that decomposition looks at, with all that it reads of them."""
    rows = order.lines.exclude(state__in=[OrderLine.State.CANCELLED, OrderLine.State.REJECTED])
    if line_ids is not None:
        rows = rows.filter(pk__in=line_ids)
    return list(
        rows.select_related("specification", "offering", "site", "quote_line", "parent", "service").order_by(
            "position", "id"
        )
    )


def _existing(order: Order, line_ids: Collection[int] | None) -> dict[str, Stored]:
    """Nodes there are, by path: those of the lines, and those that lines share."""
    rows = DomainOrder.objects.filter(order=order)
    if line_ids is not None:
        rows = rows.filter(Q(line__in=line_ids) | Q(path__startswith="~"))
    names = ("path", "pk", "parent_id", "line_id", "state", "characteristics", "missing")
    return {row[0]: Stored(*row) for row in rows.values_list(*names)}


def _kept(rows: dict[str, Stored]) -> dict[str, dict[str, Any]]:
    return {path: row.characteristics for path, row in rows.items()}


def _store(order: Order, tree: Tree, rows: dict[str, Stored], moment: dt.datetime) -> Grown:
    grown = Grown(lines={node.line.pk for node in tree.nodes.values()}, about=tree.about)
    before = list(rows.values())
    fresh = [node for node in tree.nodes.values() if node.path not in rows]
    _create(order, fresh, rows, moment)
    grown.new = len(fresh)
    _update(tree, before)
    _link(tree, rows)
    _withdraw(tree, rows, grown.lines)
    grown.waiting = sum(bool(node.missing) for node in tree.nodes.values())
    grown.released = _release(tree, before) + sum(not node.missing for node in fresh)
    _ask(order, tree)
    if grown.new:
        audit.record("decomposed", order, by=None, changes={"domain orders": [len(rows) - grown.new, len(rows)]})
    return grown


def _create(order: Order, fresh: list[Node], rows: dict[str, Stored], moment: dt.datetime) -> None:
    """Insert the new nodes in one statement, the keys taken first so that each finds its parent's."""
    if not fresh:
        return
    fresh.sort(key=lambda node: node.depth)
    keys = copying.keys(DomainOrder, len(fresh))
    for node, key in zip(fresh, keys, strict=True):
        parent = rows[node.parent.path].pk if node.parent else None
        state = State.WAITING_DATA if node.missing else State.QUALIFIED
        rows[node.path] = Stored(node.path, key, parent, node.line.pk, state, node.values, node.missing)
    numbers = numbering.take_many(DomainOrder.PREFIX, len(fresh))
    made = (_row(order, node, rows[node.path], number) for node, number in zip(fresh, numbers, strict=True))
    copying.copy(DomainOrder, COLUMNS, made, created_at=moment)


def _row(order: Order, node: Node, row: Stored, number: str) -> tuple[Any, ...]:
    """A new node as COLUMNS say, qualified from the start unless it has to wait for values."""
    found = node.installed
    service = found if found is not None and hasattr(found, "stands_on") else None
    return (
        row.pk, number, order.pk, row.line_id, row.state, row.parent_id, node.account_id, node.site_id,
        node.specification.kind, node.specification.pk, str(node.specification.name)[:120], node.action, node.path,
        node.depth, node.rule.pk if node.rule else None, node.rule.version if node.rule else None, node.values,
        node.missing, node.line.product_id if node.depth == 0 else None, service.pk if service else None,
        found.pk if found is not None and service is None else None,
    )  # fmt: skip


def _update(tree: Tree, before: list[Stored]) -> None:
    """Values that became known and names of what is still missing, on nodes that were there before."""
    changed = []
    for row in before:
        node = tree.nodes.get(row.path)
        if node is None or row.state in (State.CLOSED_COMPLETE, State.FAILED, State.CANCELLED):
            continue
        if row.characteristics != node.values or row.missing != node.missing:
            changed.append(DomainOrder(pk=row.pk, characteristics=node.values, missing=node.missing))
    DomainOrder.objects.bulk_update(changed, ["characteristics", "missing"], batch_size=BATCH)


def _release(tree: Tree, before: list[Stored]) -> int:
    """Nodes that waited and wait no longer."""
    able = [
        row.pk for row in before
        if row.state in (State.DRAFT, State.WAITING_DATA) and row.path in tree.nodes
        and not tree.nodes[row.path].missing
    ]  # fmt: skip
    return len(lifecycle.move_many(DomainOrder.objects.filter(pk__in=able), DomainOrder.qualify, by=None))


def _link(tree: Tree, rows: dict[str, Stored]) -> None:
    """Merged nodes know their further parents."""
    wanted = [
        DomainOrderLink(parent_id=rows[parent.path].pk, child_id=rows[node.path].pk, rule=rule)
        for node in tree.nodes.values()
        for parent, rule in [*node.also, *_first(node)]
        if rows[node.path].parent_id != rows[parent.path].pk
    ]
    DomainOrderLink.objects.bulk_create(wanted, ignore_conflicts=True, batch_size=BATCH)


def _first(node: Node) -> list[tuple[Node, Any]]:
    """The first parent of this run, which is a further one when an earlier run made the node below another."""
    return [(node.parent, node.rule)] if node.parent and node.rule else []


def _withdraw(tree: Tree, rows: dict[str, Stored], lines: set[int]) -> None:
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
