"""Filling: the steps of enrichment flows for one line, evaluated in memory, each with what it looked at and gave."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from catalog import configuration
from catalog.mapping import tidy
from catalog.models import Characteristic, Specification
from kernel import decisions
from orders.models import EnrichmentFlow, OrderLine

Source = Characteristic.Source
Values = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One table to ask, under a condition; `flow` is what it belongs to, None for the table of the specification."""

    table: str
    condition: str = ""
    flow: EnrichmentFlow | None = None


@dataclass(frozen=True)
class Given:
    """One answer of a step: taken into the line, or why not."""

    key: str
    value: Any
    why_not: str = ""


@dataclass(frozen=True)
class Done:
    """One step as it went: the facts it looked at, the rows hit (from 1), its answers, or why it was left out."""

    step: Step
    asked: Values = field(default_factory=dict)
    rows: tuple[int, ...] = ()
    given: tuple[Given, ...] = ()
    left_out: str = ""
    broken: bool = False


def wanted_of(specification: Specification) -> dict[str, Characteristic]:
    """Characteristics that enrichment fills, by key."""
    return {c.key: c for c in specification.characteristics.all() if c.source == Source.ENRICHMENT}


def steps_of(line: OrderLine, flows: Iterable[EnrichmentFlow]) -> list[Step]:
    """The steps for a line: flows for all products first, then its product's; without one its product's own table."""
    key = line.specification.key
    fits = [f for f in flows if f.specification in ("", key) and f.action in ("", line.action)]
    fits.sort(key=lambda flow: (bool(flow.specification), bool(flow.action), flow.key))
    found = [Step(str(s.get("table", "")), str(s.get("condition", "")), flow) for flow in fits for s in flow.steps]
    return found if any(flow.specification for flow in fits) else [*found, Step(table_of(key))]


def table_of(specification: str) -> str:
    """The key of the table that fills a specification without a flow."""
    return f"enrichment:{specification}"


def walk(
    steps: list[Step],
    about: Values,
    values: Values,
    wanted: dict[str, Characteristic],
    tables: dict[str, decisions.Judge],
) -> tuple[Values, list[Done]]:
    """The values after every step, and how each step went. No value is overwritten, none out of its range is taken.

    A table that cannot be evaluated fills nothing: what it would have filled is asked of a person.
    """
    now: Values = dict(values)
    trail: list[Done] = []
    for step in steps:
        done = _one(step, {**about, **now}, now, wanted, tables)
        now |= {one.key: one.value for one in done.given if not one.why_not}
        trail.append(done)
    for key, characteristic in wanted.items():
        if characteristic.default is not None and configuration.is_empty(now.get(key)):
            now[key] = characteristic.default
    return now, trail


def _one(
    step: Step, facts: Values, values: Values, wanted: dict[str, Characteristic], tables: dict[str, decisions.Judge]
) -> Done:
    ask = tables.get(step.table)
    if ask is None:
        return Done(step, left_out="There is no such table in force.")
    try:
        if not decisions.holds(step.condition, facts):
            return Done(step, left_out=f"Its condition does not hold: {step.condition}")
        hits = ask(facts)
    except decisions.BrokenRule as error:
        return Done(step, left_out=str(error), broken=True)
    given: list[Given] = []
    for hit in hits:
        for key, raw in answers(hit.outputs):
            taken = {one.key for one in given if not one.why_not}
            given.append(_judged(key, tidy(raw), values, wanted, taken))
    return Done(step, facts, tuple(hit.row + 1 for hit in hits), tuple(one for one in given if one.value is not None))


def answers(outputs: Values) -> list[tuple[str, Any]]:
    """Pairs of characteristic and value; a row has a column for each, or the two columns characteristic and value."""
    if set(outputs) == {"characteristic", "value"}:
        return [(str(outputs["characteristic"]), outputs["value"])]
    return list(outputs.items())


def _judged(key: str, value: Any, values: Values, wanted: dict[str, Characteristic], taken: set[str]) -> Given:
    if configuration.is_empty(value):
        return Given(key, None)
    if key not in wanted:
        return Given(key, value, "not a characteristic that enrichment fills")
    if problems := configuration.check(wanted[key], value):
        return Given(key, value, problems[0])
    if key in taken or not configuration.is_empty(values.get(key)):
        return Given(key, value, "there is a value already")
    return Given(key, value)


def lacking(line: OrderLine, values: Values) -> list[Characteristic]:
    """Required characteristics that nothing has filled; a line that ends or pauses a product needs none."""
    if line.action in ("delete", "suspend", "resume"):
        return []
    return [
        c
        for c in line.specification.characteristics.all()
        if c.source == Source.ENRICHMENT and c.required and configuration.is_empty(values.get(c.key))
        and configuration.shown(c, values)
    ]  # fmt: skip
