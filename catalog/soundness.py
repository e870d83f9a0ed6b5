"""Soundness: what is wrong with a rule of decomposition before anybody relies on it, each problem at its place.

Places are the rule's fields (source, condition, count_from, …) and `mappings-<n>-<part>` for row n of its mappings.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from catalog import configuration, mapping, rulebook
from catalog.models import Characteristic, DecompositionRule, Specification
from kernel import decisions
from kernel.models import DecisionTable

Problems = dict[str, list[str]]
Known = mapping.Known
Type = Characteristic.Type
Place = tuple[str, str]  # specification key, characteristic key
HOW = ("same", "fixed", "table", "expression")
ENTRY = frozenset({"to", "how", "from", "value", "where"})


@dataclass(frozen=True)
class _Sides:
    """What a rule's mappings may speak of."""

    source: Known
    target: Known
    rule: DecompositionRule


def of(rule: DecompositionRule, rules: Iterable[DecompositionRule]) -> Problems:
    """Everything that is wrong with a rule: by itself, else among the others."""
    return problems(rule) or circles(rules, rule)


def problems(rule: DecompositionRule) -> Problems:
    """What is wrong with one rule by itself: names, types, tables, expressions, numbers."""
    found: Problems = defaultdict(list)
    if getattr(rule, "starts_on", None) is None:
        found["starts_on"].append("Say from which day this version is in force.")
    for side in ("source", "target"):
        if getattr(rule, f"{side}_id") is None:
            found[side].append("There is no such specification.")
    if found:
        return dict(found)
    sides = _Sides(characteristics(rule.source), characteristics(rule.target), rule)
    _condition(sides, found)
    _counting(sides, found)
    if not isinstance(rule.mappings, list):
        found["mappings"].append("The mappings are a list of rows.")
        return dict(found)
    taken: set[str] = set()
    for number, entry in enumerate(rule.mappings):
        for part, text in _entry(sides, entry, taken):
            found[f"mappings-{number}-{part}"].append(text)
    return dict(found)


def circles(rules: Iterable[DecompositionRule], rule: DecompositionRule) -> Problems:
    """What is wrong with a rule among the others: circles of specifications or values, siblings that nobody makes."""
    book = [other for other in rules if other.key != rule.key and _makes(other)]
    if not _makes(rule):
        return {}
    found: Problems = {}
    if way := _way(book, rule.target.key, rule.source.key):
        text = " → ".join([rule.source.key, *way])
        found["target"] = [f"This would go in a circle: {text}."]
        return found
    _siblings(book, rule, found)
    _rings([*book, rule], rule, found)
    return found


def characteristics(specification: Specification) -> Known:
    """Characteristics by key."""
    return {c.key: c for c in specification.characteristics.all()}


def _makes(rule: DecompositionRule) -> bool:
    return rule.kind != DecompositionRule.Kind.COMPOSED_OF


def _condition(sides: _Sides, found: Problems) -> None:
    if text := _expression(sides.rule.condition, sides.source, sides.rule.source):
        found["condition"].append(text)


def _expression(expression: str, known: Known, owner: Specification) -> str:
    """The first mistake in an expression over a specification's characteristics, "" when it can be read."""
    if wrong := decisions.mistake(expression):
        return wrong
    if unknown := [name for name in mapping.names(expression) if name not in known and name not in rulebook.ASKABLE]:
        return f"{owner.name} has no characteristic “{unknown[0]}”."
    return ""


def _counting(sides: _Sides, found: Problems) -> None:
    rule, cardinality = sides.rule, DecompositionRule.Cardinality
    if rule.cardinality != cardinality.PER_CHARACTERISTIC:
        if rule.count_from:
            found["count_from"].append("Only a rule that counts by a characteristic names one.")
        return
    if not rule.count_from:
        found["count_from"].append("Name the characteristic that holds the number.")
    elif rule.count_from not in sides.source:
        found["count_from"].append(f"{rule.source.name} has no characteristic “{rule.count_from}”.")
    elif text := _not_whole(sides.source[rule.count_from]):
        found["count_from"].append(text)


def _not_whole(characteristic: Characteristic) -> str:
    """Why a characteristic cannot count instances, "" when it can."""
    if characteristic.type == Type.CHOICE:
        offered: list[Any] = [value for value, _ in configuration.choices(characteristic)]
    elif characteristic.type == Type.NUMBER:
        offered = [characteristic.minimum, characteristic.maximum, characteristic.default]
    else:
        return f"{characteristic.name} is not a whole number; it is {characteristic.get_type_display().lower()}."
    odd = [value for value in offered if value is not None and mapping.whole(value) is None]
    return f"{characteristic.name} is not a whole number; it may be {configuration.plain_value(odd[0])}." if odd else ""


def _entry(sides: _Sides, entry: Any, taken: set[str]) -> Iterable[tuple[str, str]]:
    if not isinstance(entry, dict) or not entry.get("to") or set(entry) - ENTRY:
        yield "to", "Say which characteristic gets the value."
        return
    to, how = str(entry["to"]), entry.get("how", "same")
    if to not in sides.target:
        yield "to", f"{sides.rule.target.name} has no characteristic “{to}”."
        return
    if to in taken:
        yield "to", f"{sides.target[to].name} gets its value from another row already."
    taken.add(to)
    if how not in HOW:
        yield "how", f"“{how}” is no way to map; it is one of {', '.join(HOW)}."
        return
    known, owner, text = _source(sides, str(entry.get("where") or "parent"))
    if text or owner is None:
        yield "where", text
        return
    yield from _value(sides.target[to], how, entry, known, owner)


def _source(sides: _Sides, where: str) -> tuple[Known, Specification | None, str]:
    """The characteristics that a row may read, whose they are, and what is wrong with the place named."""
    if where == "parent":
        return sides.source, sides.rule.source, ""
    kind, _, key = where.partition(":")
    if kind not in ("sibling", "related") or not key:
        return {}, None, f"“{where}” is neither the parent, nor sibling:…, nor related:…"
    owner = Specification.objects.filter(key=key, state="active").first()
    if owner is None:
        return {}, None, f"There is no specification “{key}”."
    return characteristics(owner), owner, ""


def _value(
    target: Characteristic, how: str, entry: dict[str, Any], known: Known, owner: Specification
) -> Iterable[tuple[str, str]]:
    value = entry.get("value")
    if how == "fixed":
        wrong = ["Say the value."] if configuration.is_empty(value) else configuration.check(target, value)
        yield from (("value", text) for text in wrong)
    elif how == "expression":
        expression = mapping.expression_of(entry)
        text = _expression(expression, known, owner) if expression.strip() else "Write the expression."
        if text:
            yield "value", text
    elif how == "table" and isinstance(value, str):
        yield from _decision_table(value, target)
    else:
        name = str(entry.get("from") or entry["to"])
        if name not in known and name not in rulebook.ASKABLE:
            yield "from", f"{owner.name} has no characteristic “{name}”."
        if how == "table":
            yield from _inline(value, target)


def _decision_table(key: str, target: Characteristic) -> Iterable[tuple[str, str]]:
    table = DecisionTable.objects.filter(key=key, state=DecisionTable.State.ACTIVE).first() if key else None
    if table is None:
        yield "value", f"There is no active decision table “{key}”." if key else "Write the table."
    elif target.key not in {column["name"] for column in table.outputs}:
        yield "value", f"Decision table “{key}” has no column “{target.key}”."


def _inline(value: Any, target: Characteristic) -> Iterable[tuple[str, str]]:
    if not isinstance(value, dict) or not value:
        yield "value", "Write the table."
        return
    for given in value.values():
        for text in configuration.check(target, given):
            yield "value", text


def _way(book: list[DecompositionRule], start: str, goal: str) -> list[str]:
    """Keys of specifications on a way from one down to another, [] when there is none."""
    below: dict[str, list[str]] = defaultdict(list)
    for other in book:
        below[other.source.key].append(other.target.key)
    ways: list[list[str]] = [[start]]
    seen = {start}
    while ways:
        way = ways.pop(0)
        if way[-1] == goal:
            return way
        for key in below[way[-1]]:
            if key not in seen:
                seen.add(key)
                ways.append([*way, key])
    return []


def _siblings(book: list[DecompositionRule], rule: DecompositionRule, found: Problems) -> None:
    beside = {other.target.key for other in book if other.source.key == rule.source.key} | {rule.target.key}
    for number, entry in enumerate(rule.mappings):
        kind, _, key = str(entry.get("where") or "parent").partition(":")
        if kind == "sibling" and key not in beside:
            found[f"mappings-{number}-where"] = [f"No rule makes “{key}” beside {rule.target.name}."]


def _rings(book: list[DecompositionRule], rule: DecompositionRule, found: Problems) -> None:
    """Values that wait for each other: a row of the rule that leads back to its own target."""
    reads: dict[Place, set[Place]] = defaultdict(set)
    for other in book:
        for to, source in (pair for entry in other.mappings for pair in _edges(other, entry)):
            reads[to].add(source)
    for number, entry in enumerate(rule.mappings):
        for to, source in _edges(rule, entry):
            if ring := _ring(reads, source, to):
                said = " → ".join(f"{spec}.{key}" for spec, key in [to, *ring])
                found.setdefault(f"mappings-{number}-from", []).append(f"The values would wait for each other: {said}.")
                return


def _edges(rule: DecompositionRule, entry: dict[str, Any]) -> list[tuple[Place, Place]]:
    where = str(entry.get("where") or "parent")
    owner = rule.source.key if where == "parent" else where.partition(":")[2]
    to = (rule.target.key, str(entry.get("to", "")))
    return [(to, (owner, name)) for name in mapping.reads(entry)]


def _ring(reads: dict[Place, set[Place]], start: Place, goal: Place) -> list[Place]:
    ways, seen = [[start]], {start}
    while ways:
        way = ways.pop(0)
        if way[-1] == goal:
            return way
        for place in sorted(reads.get(way[-1], ())):
            if place not in seen:
                seen.add(place)
                ways.append([*way, place])
    return []
