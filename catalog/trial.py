"""Trial: what a rule makes of values that somebody types in, and whether its test rows still come out."""

from dataclasses import dataclass, field
from typing import Any

from catalog import configuration, mapping, rulebook, soundness
from catalog.mapping import Traced
from catalog.models import DecompositionRule
from kernel.decisions import BrokenRule


@dataclass(frozen=True)
class Trial:
    """The outcome: does it hold, what is missing to say so, how many it makes, what each gets, and why not at all."""

    holds: bool
    count: int = 0
    lacking: list[str] = field(default_factory=list)
    gives: dict[str, Any] = field(default_factory=dict)
    traced: list[Traced] = field(default_factory=list)
    problem: str = ""


@dataclass(frozen=True)
class Verdict:
    """One test row with what comes out now."""

    name: str
    values: dict[str, Any]
    expected: str
    found: str
    passed: bool


def inputs(rule: DecompositionRule) -> list[str]:
    """Names that the rule reads, in order; those of another node as <specification>.<characteristic>."""
    names = list(mapping.names(rule.condition))
    if rule.cardinality == DecompositionRule.Cardinality.PER_CHARACTERISTIC:
        names.append(rule.count_from)
    if rule.cardinality == DecompositionRule.Cardinality.PER_QUANTITY:
        names.append("quantity")
    for entry in rule.mappings:
        where = str(entry.get("where") or "parent")
        prefix = "" if where == "parent" else f"{where.partition(':')[2]}."
        names += [prefix + name for name in mapping.reads(entry)]
    return list(dict.fromkeys(name for name in names if name))


def run(rule: DecompositionRule, values: dict[str, Any]) -> Trial:
    """Apply one rule to values as `inputs` names them; nothing is stored."""
    known = soundness.characteristics(rule.source)
    own = {name: value for name, value in values.items() if not configuration.is_empty(value)}

    def find(where: str) -> dict[str, Any] | None:
        prefix = f"{where.partition(':')[2]}."
        return {name.removeprefix(prefix): value for name, value in own.items() if name.startswith(prefix)} or None

    try:
        holds, lacking = mapping.applies(rule, own, known)
        instances, uncounted = mapping.instances(rule, own) if holds else ([], [])
        if lacking or uncounted or not instances:
            return Trial(holds and not lacking, len(instances), [*lacking, *uncounted])
        facts, tables = {**own, **instances[0]}, rulebook.tables([rule])
        gives = mapping.mapped(rule, facts, find, tables)
        return Trial(True, len(instances), [], gives, mapping.traced(rule, facts, find, tables))
    except BrokenRule as error:
        return Trial(False, problem=str(error))


def check(rule: DecompositionRule, test: dict[str, Any]) -> Verdict:
    """Whether a test row comes out as it was kept."""
    made = run(rule, test.get("values", {}))
    expected = (bool(test.get("holds")), int(test.get("count", 0)), test.get("gives", {}))
    found = (made.holds, made.count, made.gives)
    return Verdict(
        str(test.get("name", "")), test.get("values", {}), _said(*expected), made.problem or _said(*found),
        expected == found,
    )  # fmt: skip


def _said(holds: bool, count: int, gives: dict[str, Any]) -> str:
    if not holds or not count:
        return "nothing is made"
    values = ", ".join(f"{name} {configuration.plain_value(value)}" for name, value in sorted(gives.items()))
    return f"{count} made" + (f" with {values}" if values else "")
