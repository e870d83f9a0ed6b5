"""The tree: what an order comes to by the catalogue's rules, grown in memory; the same input grows the same tree."""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from catalog import configuration, mapping
from catalog.models import Characteristic, DecompositionRule, Specification
from catalog.rulebook import Catalogue
from kernel.decisions import BrokenRule
from orders.models import OrderLine

Merge = DecompositionRule.Merge
DEEPEST = 12
ROUNDS = 8
LONGEST = 300
WALKED = frozenset({"delete", "suspend", "resume"})  # these walk what is installed; rules do not run for them
ASKED = (Characteristic.Source.CUSTOMER, Characteristic.Source.ENRICHMENT)


@dataclass(eq=False, slots=True)
class Node:
    """One node: an instance of a specification with the values known so far and the names of those it waits for."""

    path: str
    line: OrderLine
    specification: Specification
    about: dict[str, Any]
    values: dict[str, Any] = field(default_factory=dict)
    parent: "Node | None" = None
    rule: DecompositionRule | None = None
    depth: int = 0
    site_id: int | None = None
    account_id: int = 0
    extras: dict[str, Any] = field(default_factory=dict)
    also: list[tuple["Node", DecompositionRule]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    questions: set[int] = field(default_factory=set)
    undecided: bool = False
    action: str = "add"
    installed: Any = None

    @property
    def facts(self) -> dict[str, Any]:
        """What rules at this node read: facts of the line below the node's own values."""
        own = {key: value for key, value in self.values.items() if not configuration.is_empty(value)}
        return {**self.about, **self.extras, **own}


class Tree:
    """Grows the nodes of an order. `kept` has the values of existing nodes by path; they are never overwritten."""

    def __init__(self, catalogue: Catalogue, kept: dict[str, dict[str, Any]]) -> None:
        self.catalogue = catalogue
        self.kept = kept
        self.nodes: dict[str, Node] = {}
        self.about: dict[int, dict[str, Any]] = {}  # facts of each line
        self._children: dict[str, list[Node]] = defaultdict(list)
        self._near: dict[tuple[str, object], list[Node]] = defaultdict(list)
        self._owners: dict[str, str] = {}

    def plant(self, line: OrderLine, about: dict[str, Any]) -> Node:
        """The product's own node, root of its line."""
        path = f"{line.key}/{line.specification.key}"
        known = self.catalogue.characteristics.get(line.specification_id, {})
        defaults = {
            c.key: c.default
            for c in known.values()
            if c.default is not None and configuration.shown(c, line.characteristics)
        }
        values = {**defaults, **self.kept.get(path, {}), **line.characteristics}
        node = Node(
            path, line, line.specification, about, values, site_id=line.site_id, account_id=line.account_id,
            action=line.action,
        )  # fmt: skip
        self._remember(node)
        return node

    def grow(self) -> None:
        """Expand every node that waits for nothing, until no value is added any more."""
        ready = deque(node for node in self.nodes.values() if node.action not in WALKED)
        for _ in range(ROUNDS):
            while ready:
                self._expand(ready.popleft(), ready)
            for node in [node for node in self.nodes.values() if node.rule and not node.undecided]:
                waited = bool(node.missing)
                before = len(node.values)
                self._fill(node)
                if not node.missing and (waited or len(node.values) > before):
                    ready.append(node)
            if not ready:
                return

    def children(self, node: Node) -> list[Node]:
        """Nodes whose first parent is this one."""
        return [child for child in self._children[node.path] if child.parent is node]

    def drop(self, node: Node) -> None:
        """Take a node out."""
        self.nodes.pop(node.path, None)
        if node.parent:
            self._children[node.parent.path].remove(node)

    def _expand(self, node: Node, ready: deque[Node]) -> None:
        if node.missing:
            return
        if node.depth >= DEEPEST:
            raise BrokenRule(f"The rules below {node.specification} go in a circle: {node.path}")
        self._forget_undecided(node)
        facts, known = node.facts, self.catalogue.characteristics.get(node.specification.pk, {})
        for rule in self.catalogue.rules.get(node.specification.pk, ()):
            holds, lacking = mapping.applies(rule, facts, known)
            if lacking:
                self._wait(node, rule, lacking)
                continue
            found, lacking = mapping.instances(rule, facts) if holds else ([], [])
            if lacking:
                self._wait(node, rule, lacking)
            for extras in found:
                self._beget(node, rule, extras, ready)

    def _beget(self, parent: Node, rule: DecompositionRule, extras: dict[str, Any], ready: deque[Node]) -> None:
        path = self._path(parent, rule, extras["index"])
        node = self.nodes.get(path)
        if node is not None and not node.undecided:
            if node.parent is not parent and all(other is not parent for other, _ in node.also):
                node.also.append((parent, rule))
                self._children[parent.path].append(node)
            return
        node = self._node(path, parent, rule, extras)
        self._fill(node)
        ready.append(node)

    def _wait(self, parent: Node, rule: DecompositionRule, lacking: list[str]) -> None:
        """A rule that cannot be decided leaves its node waiting for the parent's characteristics."""
        path = self._path(parent, rule, 1)
        if path in self.nodes:
            return
        node = self._node(path, parent, rule, {"index": 1})
        node.undecided, node.missing = True, lacking
        known = self.catalogue.characteristics.get(parent.specification.pk, {})
        node.questions = {known[name].pk for name in lacking if name in known and known[name].source in ASKED}

    def _node(self, path: str, parent: Node, rule: DecompositionRule, extras: dict[str, Any]) -> Node:
        alone = rule.merge in (Merge.ORDER, Merge.ACCOUNT)
        node = Node(
            path, parent.line, rule.target, parent.about, dict(self.kept.get(path, {})), parent, rule, parent.depth + 1,
            site_id=None if alone else parent.site_id, extras=extras,
            account_id=parent.line.order.account_id if alone else parent.account_id,
        )  # fmt: skip
        self._children[parent.path].append(node)
        self._remember(node)
        return node

    def _remember(self, node: Node) -> None:
        self.nodes[node.path] = node
        key = node.specification.key
        for scope in (("line", node.line.pk), ("site", node.site_id), "order"):
            self._near[key, scope].append(node)

    def _forget_undecided(self, parent: Node) -> None:
        """What waited for this node's values is looked at anew."""
        for child in [child for child in self._children[parent.path] if child.undecided]:
            self._children[parent.path].remove(child)
            self.nodes.pop(child.path, None)

    def _path(self, parent: Node, rule: DecompositionRule, index: int) -> str:
        head = _scope(parent, rule)
        many = rule.cardinality != DecompositionRule.Cardinality.ONE
        path = f"{head}/{rule.target.key}{f'#{index}' if many else ''}"
        if not rule.merge and self._owners.setdefault(path, rule.key) != rule.key:
            path = f"{path}@{rule.key}"
        if len(path) > LONGEST:
            raise BrokenRule(f"The rules below {parent.specification} go too deep: {path[:80]}…")
        return path

    def _fill(self, node: Node) -> None:
        """Values by the rules of all its parents, then defaults, then what is still missing."""
        if node.parent is None or node.rule is None:
            return
        for parent, rule in [(node.parent, node.rule), *node.also]:
            facts = {**parent.facts, **node.extras}
            for key, value in mapping.mapped(rule, facts, partial(self.find, parent), self.catalogue.tables).items():
                if configuration.is_empty(node.values.get(key)):
                    node.values[key] = value
        node.missing, node.questions = [], set()
        for key, characteristic in self.catalogue.characteristics.get(node.specification.pk, {}).items():
            if not configuration.is_empty(node.values.get(key)) or not configuration.shown(characteristic, node.values):
                continue
            if characteristic.default is not None:
                node.values[key] = characteristic.default
            elif characteristic.required and characteristic.source in ASKED:
                self._miss(node, node.parent, characteristic)

    def _miss(self, node: Node, parent: Node, characteristic: Characteristic) -> None:
        """Name the parent's characteristic if the value comes from there, else the node's own."""
        source = self.catalogue.characteristics.get(parent.specification.pk, {}).get(
            mapping.source_of(node.rule, characteristic.key)
        )
        lacking = source or characteristic
        node.missing.append(lacking.key)
        if lacking.source in ASKED:
            node.questions.add(lacking.pk)

    def find(self, parent: Node, where: str) -> dict[str, Any] | None:
        """Values of a sibling, or of the nearest related node: same line, then same site, then the whole order."""
        how, _, key = where.partition(":")
        if how == "sibling":
            found = [node for node in self._children[parent.path] if node.specification.key == key]
        else:
            near = (("line", parent.line.pk), ("site", parent.site_id), "order")
            found = [node for scope in near for node in self._near.get((key, scope), ())]
        found = [node for node in found if not node.undecided]
        return found[0].facts if found else None


def _scope(parent: Node, rule: DecompositionRule) -> str:
    line = parent.line
    if rule.merge == Merge.LINE:
        return f"~line-{line.key}"
    if rule.merge == Merge.BUNDLE:
        return f"~bundle-{line.parent.key if line.parent else line.key}"
    if rule.merge == Merge.SITE:
        return f"~site-{parent.site_id}"
    if rule.merge == Merge.ORDER:
        return "~order"
    if rule.merge == Merge.ACCOUNT:
        return f"~account-{line.order.account_id}"
    return parent.path
