"""Rule rows: the mappings of a rule as rows of a form, read from what was posted and written as people type them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog import configuration, rulebook, soundness, wording
from catalog.mapping import Known
from catalog.models import Characteristic, DecompositionRule, Specification

PARTS = ("to", "how", "where", "from", "value")
HOW = (("same", "the same as"), ("fixed", "always"), ("table", "by a table"), ("expression", "calculated"))
LONGEST = 2000
MOST = 60
_NAME = re.compile(r"mappings-(\d{1,3})-to")


@dataclass
class FormRow:
    """One row as the form shows it; what was typed stays, right or wrong."""

    to: str = ""
    how: str = "same"
    where: str = "parent"
    source: str = ""
    value: str = ""
    problems: dict[str, list[str]] = field(default_factory=dict)
    offered: list[tuple[str, str]] = field(default_factory=list)


def of(rule: DecompositionRule | None) -> list[FormRow]:
    """The rows of a stored rule."""
    return [
        FormRow(
            str(entry.get("to", "")), str(entry.get("how", "same")), str(entry.get("where") or "parent"),
            str(entry.get("from") or ""), _typed(entry),
        )
        for entry in (rule.mappings if rule else [])
    ]  # fmt: skip


def posted(data: Mapping[str, Any]) -> list[FormRow]:
    """The rows that a form sent, in their order on the page, after its own buttons were pressed (add, remove)."""
    numbers = [int(match[1]) for name in data if (match := _NAME.fullmatch(name))][:MOST]
    removed = str(data.get("remove", ""))
    rows = [_posted(data, number) for number in numbers if str(number) != removed]
    return [*rows, FormRow()] if "add" in data else rows


def _posted(data: Mapping[str, Any], number: int) -> FormRow:
    to, how, where, source, value = (str(data.get(f"mappings-{number}-{part}", ""))[:LONGEST].strip() for part in PARTS)
    return FormRow(to, how or "same", where or "parent", source, value)


def entries(rows: Iterable[FormRow], target: Specification | None) -> list[dict[str, Any]]:
    """Mappings as a rule keeps them; a row without anything typed is left out."""
    known = soundness.characteristics(target) if target else {}
    return [_entry(row, known.get(row.to)) for row in filled(rows)]


def filled(rows: Iterable[FormRow]) -> list[FormRow]:
    """Rows in which something was typed."""
    return [row for row in rows if row.to or row.source or row.value]


def offer(rows: Iterable[FormRow], source: Specification | None) -> None:
    """Put on each row the names that it may take its value from."""
    keys = {row.where.partition(":")[2] for row in rows} - {""}
    others = {s.key: soundness.characteristics(s) for s in Specification.objects.filter(key__in=keys, state="active")}
    own = soundness.characteristics(source) if source else {}
    for row in rows:
        known: Known = own if row.where == "parent" else others.get(row.where.partition(":")[2], {})
        row.offered = [(c.key, c.name) for c in known.values()]
        if row.where == "parent":
            row.offered += list(rulebook.ASKABLE.items())


def places(source: Specification | None) -> list[tuple[str, list[tuple[str, str]]]]:
    """Nodes that a row may read, in groups: its parent, what stands beside it, anything related."""
    near = [rule for rule in rulebook.newest() if source and rule.source.key == source.key]
    beside = [(f"sibling:{rule.target.key}", rule.target.name) for rule in near]
    kinds = (Specification.Kind.CFS, Specification.Kind.RFS, Specification.Kind.RESOURCE, Specification.Kind.PRODUCT)
    active = Specification.objects.filter(state="active", kind__in=kinds).order_by("name")
    return [
        ("Above it", [("parent", source.name if source else "its parent")]),
        ("Beside it", sorted(set(beside), key=lambda pair: pair[1])),
        ("Nearest in the line, site or order", [(f"related:{s.key}", s.name) for s in active]),
    ]


def _typed(entry: dict[str, Any]) -> str:
    value = entry.get("value")
    if entry.get("how") == "expression":
        return str(value or entry.get("from") or "")
    if isinstance(value, dict):
        return "\n".join(f"{key} = {_word(given)}" for key, given in wording.others_last(value))
    return "" if value is None else _word(value)


def _word(value: Any) -> str:
    return configuration.plain_value(value) if isinstance(value, bool) else str(value)


def _entry(row: FormRow, target: Characteristic | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"to": row.to, "how": row.how or "same", "where": row.where or "parent"}
    if row.how in ("same", "table"):
        entry["from"] = row.source or row.to
    if row.how == "fixed":
        entry["value"] = _value(row.value, target)
    elif row.how == "expression":
        entry["value"] = row.value
    elif row.how == "table":
        entry["value"] = _table(row.value, target)
    return entry


def _value(text: str, target: Characteristic | None) -> Any:
    return configuration.parse(target, text) if target and text else text


def _table(text: str, target: Characteristic | None) -> Any:
    """Lines such as “100 = low” are a table of its own, a single word is the key of a decision table."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) == 1 and "=" not in lines[0]:
        return lines[0]
    pairs = [line.partition("=") for line in lines]
    return {key.strip(): _value(value.strip(), target) for key, _, value in pairs}
