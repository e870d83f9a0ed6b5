"""Explanation: how an order came to its tree, node by node, and whether it would come to the same again."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from catalog import configuration, mapping, rulebook
from catalog.mapping import Traced
from catalog.models import Characteristic, DecompositionRule
from orders import decomposition, queries, rehearsal, supplying
from orders.models import DomainOrder, Order, OrderLine
from orders.rehearsal import Difference
from orders.supplying import Supply
from orders.tree import Node, Tree

CLOSED = (DomainOrder.State.CLOSED_COMPLETE, DomainOrder.State.FAILED, DomainOrder.State.CANCELLED)


@dataclass(frozen=True)
class Reason:
    """Why one node is there: the rule, what its condition saw, how many it made, where each value came from."""

    node: DomainOrder
    rule: DecompositionRule | None
    text: str
    seen: dict[str, Any] = field(default_factory=dict)
    instance: str = ""
    values: list[Traced] = field(default_factory=list)
    also: list[str] = field(default_factory=list)
    waits: list[Supply] = field(default_factory=list)


@dataclass(frozen=True)
class Explained:
    """The reasons in order of the tree, and the tree compared: grown again, and grown by today's rules."""

    moment: dt.datetime | None
    reasons: list[Reason]
    again: Difference
    today: Difference


def explain(order: Order) -> Explained:
    """Explain the whole tree; nothing is stored.

    Raises:
        BrokenRule: a rule cannot be evaluated any more, in words.
    """
    rows = _rows(order)
    moment = decomposition.moment_of(order)
    tree = _grow(order, rows, moment, None)
    own, now = _fresh(order, rows, rulebook.in_force(moment)), _fresh(order, rows, rulebook.in_force())
    return Explained(moment, _reasons(order, rows, tree), _again(order, rows, tree), rehearsal.compare(own, now))


def explain_node(order: Order, node: DomainOrder) -> Reason:
    """Why this one node is there; only its line is grown again."""
    lines = {node.line_id, *node.linked_from.values_list("parent__line", flat=True)}
    rows = _rows(order, lines)
    tree = _grow(order, rows, decomposition.moment_of(order), lines)
    return next(reason for reason in _reasons(order, rows, tree) if reason.node.pk == node.pk)


def _rows(order: Order, line_ids: Collection[int] | None = None) -> list[DomainOrder]:
    rows = DomainOrder.objects.filter(order=order)
    if line_ids is not None:
        rows = rows.filter(line__in=line_ids)
    return list(rows.select_related("rule", "line__site", "site", "specification", "parent").order_by("line", "path"))


def _grow(order: Order, rows: list[DomainOrder], moment: dt.datetime | None, lines: Collection[int] | None) -> Tree:
    """The tree as it stands, with the values that its nodes have."""
    kept = {row.path: row.characteristics for row in rows}
    return decomposition.grow(order, decomposition.lines_of(order, lines), rulebook.in_force(moment), kept)


def _fresh(order: Order, rows: list[DomainOrder], rules: list[DecompositionRule]) -> Tree:
    """The tree from what was ordered and what tasks and people supplied alone, so that every mapping speaks anew."""
    kept = supplied(order, rows)
    return decomposition.grow(order, decomposition.lines_of(order), rules, kept)


def supplied(order: Order, rows: list[DomainOrder]) -> dict[str, dict[str, Any]]:
    """Path → values that no rule gave: put out by tasks, or answered by people."""
    from_tasks = Characteristic.objects.filter(specification__made_by__isnull=False, source="task")
    keys: dict[int, set[str]] = defaultdict(set)
    for specification, key in from_tasks.values_list("specification", "key"):
        keys[specification].add(key)
    answered = order.missing_values.filter(filled_at__isnull=False)
    for specification, key in answered.values_list("characteristic__specification", "characteristic__key"):
        keys[specification].add(key)
    found = {}
    for row in rows:
        own = {key: row.characteristics[key] for key in keys[row.specification_id] & row.characteristics.keys()}
        if own:
            found[row.path] = own
    return found


def _reasons(order: Order, rows: list[DomainOrder], tree: Tree) -> list[Reason]:
    waits = supplying.of(order, rows)
    return [_reason(row, tree.nodes.get(row.path), tree, waits.get(row.pk, [])) for row in rows]


def _reason(row: DomainOrder, node: Node | None, tree: Tree, waits: list[Supply]) -> Reason:
    if row.rule is None:
        text = "The product of its order line." if row.depth == 0 else "Found in the inventory below the product."
        return Reason(row, None, text, waits=waits)
    text = f"Made by rule {row.rule.key} version {row.rule_version}"
    if node is None or node.parent is None:
        return Reason(row, row.rule, f"{text}, which would not make it again.", waits=waits)
    facts = node.parent.facts
    known = tree.catalogue.characteristics.get(node.parent.specification.pk, {})
    seen = {name: facts.get(name) for name in mapping.names(row.rule.condition)}
    if row.rule.count_from:
        seen[row.rule.count_from] = facts.get(row.rule.count_from)
    find = partial(tree.find, node.parent)
    traced = mapping.traced(row.rule, {**facts, **node.extras}, find, tree.catalogue.tables)
    holds, lacking = mapping.applies(row.rule, facts, known)
    verdict = "cannot be decided yet" if lacking else "holds" if holds else "does not hold any more"
    text += f": its condition {verdict}." if row.rule.condition else ", always."
    also = sorted(str(parent.line.position) for parent, _ in node.also if parent.line.pk != row.line_id)
    many = row.rule.cardinality != DecompositionRule.Cardinality.ONE
    instance = f"number {node.extras.get('index')}" if many else ""
    return Reason(row, row.rule, text, seen, instance, _told(row, traced), also, waits)


def _told(row: DomainOrder, traced: list[Traced]) -> list[Traced]:
    """The values as the node has them; one that somebody supplied before the rule could is told as such."""
    found = []
    for one in traced:
        stored = row.characteristics.get(one.to)
        if one.value != stored and not configuration.is_empty(stored):
            found.append(Traced(one.to, "kept", "", one.seen, stored))
        else:
            found.append(one)
    mapped = {one.to for one in traced}
    rest = sorted(key for key in row.characteristics if key not in mapped)
    return [*found, *(Traced(key, "supplied", "", {}, row.characteristics[key]) for key in rest)]


def _again(order: Order, rows: list[DomainOrder], tree: Tree) -> Difference:
    """The stored tree against the one grown again by its own rules.

    Once an order has ended, the inventory holds what it built: changes of installed products are left out then, and so
    are nodes that were cancelled because nobody wanted them.
    """
    ended = order.state in queries.ENDED
    stored = {row.path: row for row in rows if row.state != DomainOrder.State.CANCELLED and _counts(row.line, ended)}
    grown = {path: node for path, node in tree.nodes.items() if _counts(node.line, ended)}
    steps = [
        rehearsal.Step("gone", path, row.name, str(row.site or ""), row.line.position, {})
        for path, row in stored.items() if path not in grown
    ]  # fmt: skip
    steps += [rehearsal.step("added", node, {}) for path, node in grown.items() if path not in stored]
    for path, row in stored.items():
        node = grown.get(path)
        if node is not None and row.state not in CLOSED and node.values != row.characteristics:
            steps.append(rehearsal.step("changed", node, rehearsal.differing(row.characteristics, node.values)))
    return Difference(len(stored), len(grown), sorted(steps, key=lambda one: (one.line, one.path)))


def _counts(line: OrderLine, ended: bool) -> bool:
    return not ended or line.action == "add"
