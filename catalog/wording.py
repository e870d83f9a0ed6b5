"""Wording: a rule of decomposition in words that a person reads without knowing its keys."""

import re
from dataclasses import dataclass
from typing import Any

from catalog import configuration, mapping, rulebook, soundness
from catalog.models import DecompositionRule, Specification

_CLAUSE = re.compile(r"\s*([A-Za-z_]\w*)\s*(==|!=|>=|<=|>|<)\s*('[^']*'|\"[^\"]*\"|-?\d+(?:\.\d+)?|true|false)\s*")
_JOINT = re.compile(r"\s+(and|or)\s+")
_VERBS = {
    "==": "is", "!=": "is not", ">": "is more than", ">=": "is at least", "<": "is less than", "<=": "is at most",
}  # fmt: skip
_YES = {"true": "yes", "false": "no"}
MERGED = {
    "line": "one for the whole line", "bundle": "one for the whole bundle", "site": "one for the site",
    "order": "one for the whole order", "account": "one for the customer",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One mapping: what is filled, in words from where, and the raw expression where there is one."""

    to: str
    text: str
    code: str = ""


def condition(rule: DecompositionRule) -> str:
    """The condition in words, the expression itself where words do not reach."""
    if not rule.condition.strip():
        return "always"
    return said(rule.condition, soundness.characteristics(rule.source))


def said(expression: str, known: mapping.Known) -> str:
    """An expression over characteristics in words, "" where words do not reach."""
    parts = _JOINT.split(expression.strip())
    words = [part if part in ("and", "or") else _clause(part, known) for part in parts]
    return "" if "" in words else f"when {' '.join(words)}"


def number(rule: DecompositionRule) -> str:
    """How many are made, in words."""
    cardinality = DecompositionRule.Cardinality
    known = soundness.characteristics(rule.source)
    if rule.cardinality == cardinality.PER_QUANTITY:
        return "one for each of the line’s quantity"
    if rule.cardinality == cardinality.PER_CHARACTERISTIC:
        return f"as many as {name(rule.count_from, known)} says"
    return MERGED.get(rule.merge, "one")


def mappings(rule: DecompositionRule) -> list[Row]:
    """The mappings in words."""
    target = soundness.characteristics(rule.target)
    keys = {str(entry.get("where") or "").partition(":")[2] for entry in rule.mappings} - {""}
    others = {s.key: s for s in Specification.objects.filter(key__in=keys, state="active")}
    return [_row(entry, rule, target, others) for entry in rule.mappings]


def name(key: str, known: mapping.Known) -> str:
    """A characteristic's name, or what else may be asked in words."""
    if key in known:
        return str(known[key].name)
    return rulebook.ASKABLE.get(key, key.replace("_", " "))


def others_last(table: dict[str, Any]) -> list[tuple[str, Any]]:
    """The pairs of a table with “any other” at the end; the database keeps keys in an order of its own."""
    return sorted(table.items(), key=lambda pair: (pair[0] == "*", pair[0]))


def _clause(text: str, known: mapping.Known) -> str:
    found = _CLAUSE.fullmatch(text)
    if found is None:
        return ""
    key, verb, literal = found.groups()
    value = _YES.get(literal, literal.strip("'\""))
    characteristic = known.get(key)
    told = configuration.told(characteristic, value) if characteristic and literal not in _YES else value
    return f"{name(key, known)} {_VERBS[verb]} {told or 'empty'}"


def _row(
    entry: dict[str, Any], rule: DecompositionRule, target: mapping.Known, others: dict[str, Specification]
) -> Row:
    to, how = name(str(entry["to"]), target), entry.get("how", "same")
    kind, _, key = str(entry.get("where") or "parent").partition(":")
    owner = rule.source if kind == "parent" else others.get(key)
    whose = _whose(kind, owner.name if owner else key)
    source = name(str(entry.get("from") or entry["to"]), soundness.characteristics(owner) if owner else {})
    value = entry.get("value")
    if how == "fixed":
        return Row(to, f"always {configuration.plain_value(value)}")
    if how == "expression":
        return Row(to, f"calculated from {whose}", mapping.expression_of(entry))
    if how == "table" and isinstance(value, str):
        return Row(to, f"by the decision table {value}, asked with what is known of {whose}")
    if how == "table":
        pairs = [
            f"{'any other' if k == '*' else k} → {configuration.plain_value(v)}" for k, v in others_last(value or {})
        ]
        return Row(to, f"by {source} of {whose}: {', '.join(pairs)}")
    return Row(to, f"the same as {source} of {whose}")


def _whose(kind: str, said: str) -> str:
    return {"sibling": f"the {said} beside it", "related": f"the nearest {said}"}.get(kind, said)
