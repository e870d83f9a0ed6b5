"""Trials of an enrichment flow: what a draft would fill in the lines of a real order, step by step, storing nothing."""

from dataclasses import dataclass, replace
from typing import Any

from catalog import configuration
from catalog.models import Characteristic
from kernel import decisions
from orders import facts, filling
from orders.models import EnrichmentFlow, Order, OrderLine

LINES = 30  # lines of a large order that are looked at


@dataclass(frozen=True)
class Filled:
    """One characteristic after the trial, and what stands in the order's line."""

    name: str
    value: str
    now: str

    @property
    def differs(self) -> bool:
        """Whether the order's line says something else."""
        return self.value != self.now


@dataclass(frozen=True)
class Walked:
    """One line: every step as it went, what is filled, and what a person would be asked."""

    line: OrderLine
    trail: list[filling.Done]
    filled: list[Filled]
    missing: list[Characteristic]

    @property
    def needs_eyes(self) -> bool:
        """Whether something is missing, was not taken, or could not be asked."""
        return bool(self.missing) or any(done.broken or any(g.why_not for g in done.given) for done in self.trail)


def try_on(flow: EnrichmentFlow, order: Order) -> tuple[list[Walked], int]:
    """Walk the order's lines as if nothing had been filled, with this version in place of the one in force.

    Returns the lines that the flow is for, at most LINES, those that need eyes first, and how many there are.
    """
    lines = list(
        order.lines.select_related("specification", "offering", "site", "quote_line")
        .prefetch_related("specification__characteristics").order_by("position", "id")
    )  # fmt: skip
    lines = [line for line in lines if meant(flow, line)]
    flows = [*(other for other in EnrichmentFlow.objects.in_force() if other.key != flow.key), flow]
    shown = lines[:LINES]
    steps = {line.pk: filling.steps_of(line, flows) for line in shown}
    tables = decisions.judges(step.table for of_line in steps.values() for step in of_line)
    about = facts.of_lines(order, lines)
    walked = [_walk(line, steps[line.pk], about[line.pk], tables) for line in shown]
    return sorted(walked, key=lambda one: not one.needs_eyes), len(lines)


def meant(flow: EnrichmentFlow, line: OrderLine) -> bool:
    """Whether the flow is for that line."""
    return flow.specification in ("", line.specification.key) and flow.action in ("", line.action)


def _walk(
    line: OrderLine, steps: list[filling.Step], about: dict[str, Any], tables: dict[str, decisions.Judge]
) -> Walked:
    wanted = filling.wanted_of(line.specification)
    start = {key: value for key, value in line.characteristics.items() if key not in wanted}
    values, trail = filling.walk(steps, about, start, wanted, tables)
    filled = [
        Filled(c.name, _told(c, values.get(key)), _told(c, line.characteristics.get(key)))
        for key, c in wanted.items()
        if not (configuration.is_empty(values.get(key)) and configuration.is_empty(line.characteristics.get(key)))
    ]
    return Walked(line, [_short(done, tables) for done in trail], filled, filling.lacking(line, values))


def _told(characteristic: Characteristic, value: Any) -> str:
    return "" if configuration.is_empty(value) else configuration.told(characteristic, value)


def _short(done: filling.Done, tables: dict[str, decisions.Judge]) -> filling.Done:
    """The step with those facts only that its table looks at."""
    table = tables.get(done.step.table)
    asked = {name: done.asked[name] for name in (table.mentioned if table else ()) if name in done.asked}
    return replace(done, asked=asked)
