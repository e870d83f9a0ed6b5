"""Mapping: what a decomposition rule says about a node: whether, how many, which values, and what it lacks."""

import itertools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from catalog import configuration
from catalog.models import Characteristic, DecompositionRule
from kernel import decisions
from kernel.decisions import BrokenRule

Values = dict[Any, Any]
Known = dict[str, Characteristic]
Find = Callable[[str], Values | None]
Tables = dict[str, Callable[[Values], list[Values]]]  # decision tables by key, read once
MOST = 500  # instances that one rule makes at one node
COMBINATIONS = 32  # of unknown values tried before a condition counts as open

_TEXT = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*\b(?!\s*\()")
_WORDS = {"and", "or", "not", "in", "true", "false", "null"}


@dataclass(frozen=True)
class Traced:
    """Where one value of a node comes from: how, from which node (parent, sibling:…, related:…), from what there."""

    to: str
    how: str
    where: str
    seen: Values
    value: Any


@lru_cache(maxsize=4096)
def names(expression: str) -> tuple[str, ...]:
    """Names that an expression reads, in order."""
    found = _NAME.findall(_TEXT.sub(" ", expression))
    return tuple(dict.fromkeys(name for name in found if name not in _WORDS))


def unknown(expression: str, facts: Values, known: Known) -> list[str]:
    """Characteristics that the expression reads, that apply, and that nobody has given a value yet."""
    return [
        name
        for name in names(expression)
        if name in known and configuration.is_empty(facts.get(name)) and configuration.shown(known[name], facts)
    ]


def applies(rule: DecompositionRule, facts: Values, known: Known) -> tuple[bool, list[str]]:
    """Whether the rule's condition holds, and what is missing to say so.

    A condition that comes out the same for every value that the missing characteristics may have is decided already.
    """
    lacking = unknown(rule.condition, facts, known)
    if not lacking:
        return holds(rule.condition, facts), []
    ranges = [_range(known[name]) for name in lacking]
    if all(ranges) and _product(ranges) <= COMBINATIONS:
        tried = {
            holds(rule.condition, {**facts, **dict(zip(lacking, values, strict=True))})
            for values in itertools.product(*ranges)
        }
        if len(tried) == 1:
            return tried.pop(), []
    return False, lacking


def holds(condition: str, facts: Values) -> bool:
    """Whether a condition holds; a comparison with a missing value does not. Raises BrokenRule for a mistake."""
    try:
        return decisions.holds(condition, facts)
    except BrokenRule:
        decisions.check(condition)
        if all(name in facts for name in names(condition)):
            raise
        return False


def instances(rule: DecompositionRule, facts: Values) -> tuple[list[Values], list[str]]:
    """What tells the rule's instances apart, one entry for each, and what is missing to count them.

    Raises:
        BrokenRule: the number is none, or more than can be meant.
    """
    cardinality = DecompositionRule.Cardinality
    if rule.cardinality == cardinality.ONE:
        return [{"index": 1}], []
    counted: Any = facts.get("quantity", 1)
    if rule.cardinality == cardinality.PER_CHARACTERISTIC:
        counted = facts.get(rule.count_from)
        if configuration.is_empty(counted):
            return [], [rule.count_from]
    if isinstance(counted, list):
        return [{"index": n, "item": item} for n, item in enumerate(counted[:MOST], 1)], []
    count = whole(counted)
    if count is None:
        raise BrokenRule(f"Rule {rule}: “{counted}” is not a whole number of instances.")
    if not 0 <= count <= MOST:
        raise BrokenRule(f"Rule {rule} would make {count} instances; {MOST} is the most.")
    return [{"index": n} for n in range(1, count + 1)], []


def whole(value: Any) -> int | None:
    """A value as a whole number, None when it is none."""
    try:
        number = float(value) if not isinstance(value, bool) else float("nan")
    except (TypeError, ValueError):
        return None
    return int(number) if number.is_integer() else None


def mapped(rule: DecompositionRule, facts: Values, find: Find, tables: Tables) -> Values:
    """Target characteristic → value, as far as the sources are known.

    `find` gives the values of another node named as sibling:<specification> or related:<specification>.
    """
    found: Values = {}
    for entry in rule.mappings:
        where = entry.get("where", "parent")
        source = facts if where == "parent" else find(where)
        if source is None:
            continue
        value = _HOW[entry.get("how", "same")](entry, source, tables)
        if not configuration.is_empty(value):
            found[entry["to"]] = tidy(value)
    return found


def traced(rule: DecompositionRule, facts: Values, find: Find, tables: Tables) -> list[Traced]:
    """What `mapped` does, entry by entry, with the values that each looks at."""
    found = []
    for entry in rule.mappings:
        where, how = entry.get("where", "parent"), entry.get("how", "same")
        source = facts if where == "parent" else find(where)
        value = None if source is None else _HOW[how](entry, source, tables)
        seen = {name: (source or {}).get(name) for name in reads(entry)}
        found.append(Traced(entry["to"], how, where, seen, tidy(value)))
    return found


def reads(entry: Values) -> tuple[str, ...]:
    """Names that one mapping looks at in its source; a decision table names its own columns."""
    how = entry.get("how", "same")
    if how == "expression":
        return names(expression_of(entry))
    if how == "fixed" or (how == "table" and isinstance(entry.get("value"), str)):
        return ()
    return (str(entry.get("from") or entry["to"]),)


def expression_of(entry: Values) -> str:
    """The expression of a mapping."""
    return str(entry.get("value") or entry.get("from") or "")


def source_of(rule: DecompositionRule | None, target: str) -> str:
    """The parent's characteristic that a target takes its value from, "" when it takes it from elsewhere."""
    for entry in rule.mappings if rule else ():
        if (
            entry["to"] == target
            and entry.get("where", "parent") == "parent"
            and entry.get("how", "same") in ("same", "table")
        ):
            return str(entry.get("from") or target)
    return ""


def tidy(value: Any) -> Any:
    """Whole numbers come out of expressions as floats; they are kept as whole numbers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _same(entry: Values, source: Values, tables: Tables) -> Any:
    return source.get(entry.get("from") or entry["to"])


def _fixed(entry: Values, source: Values, tables: Tables) -> Any:
    return entry.get("value")


def _table(entry: Values, source: Values, tables: Tables) -> Any:
    table = entry.get("value") or {}
    if isinstance(table, str):
        return _decided(table, str(entry["to"]), source, tables)
    raw = source.get(entry.get("from") or entry["to"])
    if configuration.is_empty(raw):
        return None
    key = str(raw).lower() if isinstance(raw, bool) else str(tidy(raw))
    return table.get(key, table.get("*"))


def _decided(key: str, column: str, source: Values, tables: Tables) -> Any:
    if key not in tables:
        raise BrokenRule(f"There is no active decision table “{key}”.")
    rows = tables[key](source)
    return rows[0].get(column) if rows else None


def _expression(entry: Values, source: Values, tables: Tables) -> Any:
    expression = expression_of(entry)
    if any(configuration.is_empty(source.get(name)) for name in names(expression)):
        return None
    return decisions.calculate(expression, source)


_HOW: dict[str, Callable[[Values, Values, Tables], Any]] = {
    "same": _same, "fixed": _fixed, "table": _table, "expression": _expression,
}  # fmt: skip


def _range(characteristic: Characteristic) -> list[Any]:
    if characteristic.type == Characteristic.Type.BOOLEAN:
        return [True, False]
    if characteristic.type == Characteristic.Type.CHOICE:
        return [value for value, _ in configuration.choices(characteristic)]
    return []


def _product(ranges: Iterable[list[Any]]) -> int:
    total = 1
    for values in ranges:
        total *= len(values)
    return total
