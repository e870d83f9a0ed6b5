"""Sampling: sample orders of the test bench decomposed by the same tree as real orders; nothing is stored."""

from types import SimpleNamespace
from typing import Any, cast

from catalog import configuration, rulebook, testbench
from catalog.models import DecompositionRule
from orders.models import OrderLine
from orders.tree import Node, Tree


def grow(lines: list[testbench.Line], rules: list[DecompositionRule]) -> list[testbench.Node]:
    """The nodes that these lines come to by these rules, in the order of their paths.

    Raises:
        BrokenRule: a rule cannot be evaluated, in words.
    """
    tree = Tree(rulebook.read({line.specification.pk for line in lines}, rules), {})
    places = {code: n for n, code in enumerate(dict.fromkeys(str(line.site.get("code", "")) for line in lines), 1)}
    order = SimpleNamespace(account_id=0)
    for number, line in enumerate(lines, 1):
        stand_in = SimpleNamespace(
            pk=number, key=line.key, specification=line.specification, specification_id=line.specification.pk,
            characteristics=line.values, site_id=places[str(line.site.get("code", ""))] if line.site else None,
            account_id=0, action="add", order=order, parent=None, offering=line.offering,
        )  # fmt: skip
        tree.plant(cast(OrderLine, stand_in), _about(line))
    tree.grow()
    return [_told(node, tree) for node in sorted(tree.nodes.values(), key=lambda node: node.path)]


def _told(node: Node, tree: Tree) -> testbench.Node:
    """A node in words: names and labels instead of keys and values."""
    known = tree.catalogue.characteristics.get(node.specification.pk, {})
    values = {
        known[key].name if key in known else key.replace("_", " "): configuration.told(known[key], value)
        if key in known else configuration.plain_value(value)
        for key, value in sorted(node.values.items(), key=lambda pair: _place(known, pair[0]))
        if not configuration.is_empty(value)
    }  # fmt: skip
    waits = [known[key].name if key in known else key.replace("_", " ") for key in node.missing]
    kind = node.specification.get_kind_display()
    return testbench.Node(node.path, node.specification.name, kind, node.depth, values, tuple(waits))


def _place(known: dict[str, Any], key: str) -> tuple[int, str]:
    return (known[key].position if key in known else 999, key)


def _about(line: testbench.Line) -> dict[str, Any]:
    """What rules may ask of a line, as far as a sample knows it."""
    site = line.site
    return {
        "tier": "standard", "segment": "business", "channel": "sample", "term": line.term, "currency": line.currency,
        "sites": line.sites, "action": "add", "quantity": line.quantity, "position": line.position,
        "offering": line.offering.key, "monthly": float(line.monthly), "country": site.get("country", ""),
        "region": site.get("region", ""), "city": site.get("city", ""), "site_code": site.get("code", ""),
        "site_name": site.get("name", ""),
    }  # fmt: skip


testbench.register(grow)
