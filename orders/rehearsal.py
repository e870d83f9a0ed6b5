"""Rehearsal: what a draft rule would make of an order, told as nodes added, gone and changed; nothing is stored."""

from dataclasses import dataclass
from typing import Any

from catalog import configuration, rulebook
from catalog.models import DecompositionRule
from orders import decomposition
from orders.models import Order
from orders.tree import Node, Tree


@dataclass(frozen=True)
class Step:
    """One node that would differ: where it stands, what it is, and field → (now, then)."""

    what: str  # added | gone | changed
    path: str
    name: str
    site: str
    line: int
    changes: dict[str, tuple[str, str]]


@dataclass(frozen=True)
class Difference:
    """Two trees of one order side by side."""

    before: int
    after: int
    steps: list[Step]

    def count(self, what: str) -> int:
        """How many nodes were added, are gone or changed."""
        return sum(step.what == what for step in self.steps)


def rehearse(order: Order, rule: DecompositionRule) -> Difference:
    """Grow the order's tree by today's rules, and again with this version in the place of its rule's other versions.

    Raises:
        BrokenRule: a rule cannot be evaluated, in words.
    """
    book = rulebook.in_force()
    changed = [other for other in book if other.key != rule.key]
    if rule.state != DecompositionRule.State.RETIRED:
        changed.append(rule)
    changed.sort(key=lambda one: (one.position, one.pk))
    return compare(_grown(order, book), _grown(order, changed))


def compare(before: Tree, after: Tree) -> Difference:
    """Nodes that are in one tree only, and those whose action, values or wait differ."""
    steps = []
    for path, node in before.nodes.items():
        if path not in after.nodes:
            steps.append(step("gone", node, {}))
        elif changes := _changes(node, after.nodes[path]):
            steps.append(step("changed", after.nodes[path], changes))
    steps += [step("added", node, _new(node)) for path, node in after.nodes.items() if path not in before.nodes]
    steps.sort(key=lambda step: (step.line, step.path))
    return Difference(len(before.nodes), len(after.nodes), steps)


def _grown(order: Order, rules: list[DecompositionRule]) -> Tree:
    """The tree of the whole order from what was ordered alone, with the values that its roots have."""
    return decomposition.grow(order, decomposition.lines_of(order), rules, {})


def step(what: str, node: Node, changes: dict[str, tuple[str, str]]) -> Step:
    """One node of a difference."""
    site = str(node.line.site.name) if node.site_id and node.line.site else ""
    return Step(what, node.path, str(node.specification.name), site, node.line.position, changes)


def _changes(old: Node, new: Node) -> dict[str, tuple[str, str]]:
    about = [
        {"action": node.action, "waits for": ", ".join(node.missing), **node.values} for node in (old, new)
    ]  # fmt: skip
    return differing(*about)


def differing(old: dict[str, Any], new: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Names whose values differ, as (before, after) in words."""
    names = list(dict.fromkeys([*old, *new]))
    return {name: (_said(old.get(name)), _said(new.get(name))) for name in names if old.get(name) != new.get(name)}


def _new(node: Node) -> dict[str, tuple[str, str]]:
    return {key: ("", _said(value)) for key, value in sorted(node.values.items())}


def _said(value: Any) -> str:
    return "" if configuration.is_empty(value) else configuration.plain_value(value)
