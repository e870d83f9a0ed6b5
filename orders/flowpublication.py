"""Publication of enrichment flows: every step must find its table, its inputs and characteristics to fill."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from catalog import configuration
from catalog.models import Characteristic, Specification
from kernel import cells, decisions, lifecycle, tablepublication
from kernel.models import DecisionTable, User
from orders import facts
from orders.models import EnrichmentFlow

Source = Characteristic.Source


class NotReady(tablepublication.NotReady):
    """The flow cannot come into force; every reason is said."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with a step, counted from 1; 0 is the whole flow."""

    step: int
    text: str


@dataclass
class _Seen:
    """What the checks of one flow know."""

    name: str
    known: set[str]
    wanted: dict[str, list[Characteristic]]
    others: dict[str, str]


@transaction.atomic
def publish(*, flow_id: int, valid_from: dt.date | None, by: User) -> EnrichmentFlow:
    """Bring a draft into force on a day, today or later; what it replaces today is retired.

    Raises:
        NotReady: no start date or one in the past, or steps that cannot work.
        IllegalMove, NotPermitted: it is no draft, or the person may not publish.
    """
    flow: EnrichmentFlow = EnrichmentFlow.objects.locked(flow_id)
    others = EnrichmentFlow.objects.locked_all(
        EnrichmentFlow.objects.filter(key=flow.key, state="active").values_list("pk", flat=True)
    )
    if flow.state == EnrichmentFlow.State.DRAFT:
        found = tablepublication.day_problems(valid_from)
        if wrong := [problem.text for problem in problems(flow, valid_from)]:
            found[""] = wrong
        if found:
            raise NotReady(problems=found)
    tablepublication.bring_into_force(flow, others, valid_from, by=by)
    return flow


@transaction.atomic
def retire(*, flow_id: int, by: User, reason: str = "") -> EnrichmentFlow:
    """Take a version out of force. Raises IllegalMove, NotPermitted."""
    flow: EnrichmentFlow = EnrichmentFlow.objects.locked(flow_id)
    return lifecycle.move(flow, EnrichmentFlow.retire, by=by, reason=reason.strip()[:500])  # type: ignore[no-any-return]


def of_condition(flow: EnrichmentFlow, condition: str) -> str:
    """What is wrong with the condition of a step, wherever it stands in its flow; "" when nothing is."""
    if wrong := decisions.mistake(condition):
        return wrong
    seen = _seen(flow, specifications) if (specifications := _products(flow)) else None
    names = decisions.names_in(condition) if seen else []
    unknown = next((name for name in names if seen and name not in seen.known and name not in seen.wanted), "")
    return f"Nobody knows “{unknown}” when {seen.name} is filled." if unknown and seen else ""


def _products(flow: EnrichmentFlow) -> list[Specification]:
    """The product that the flow is for, or all."""
    named = {"key": flow.specification} if flow.specification else {}
    rows = Specification.objects.filter(state="active", kind="product", **named)
    return list(rows.prefetch_related("characteristics"))


def problems(flow: EnrichmentFlow, on: dt.date | None = None) -> list[Problem]:
    """Everything that keeps the steps from working, in their order; two queries whatever their number."""
    specifications = _products(flow)
    if flow.specification and not specifications:
        return [Problem(0, f"There is no active product specification “{flow.specification}”.")]
    if not flow.steps:
        return [Problem(0, "The flow has no steps, so it fills nothing.")]
    keys = {step.get("table", "") for step in flow.steps}
    tables = {table.key: table for table in DecisionTable.objects.in_force(on).filter(key__in=keys)}
    seen = _seen(flow, specifications)
    found: list[Problem] = []
    for number, step in enumerate(flow.steps, 1):
        table = tables.get(step.get("table", ""))
        if table is None:
            when = f" on {on:%-d %b %Y}" if on else ""
            found.append(Problem(number, f"Step {number}: there is no table “{step.get('table')}” in force{when}."))
            continue
        found += [Problem(number, f"Step {number}: {text}") for text in _of_outputs(table, seen)]
        found += _of_condition(number, step)
    return found + _of_order(flow, tables, seen)


def fills(table: DecisionTable) -> set[str]:
    """Characteristics that a table can fill."""
    names = {str(column["name"]) for column in table.outputs}
    if names == {"characteristic", "value"}:
        return {str(cells.constant(row.get("characteristic"))) for row in table.rows} - {"None"}
    return names


def _seen(flow: EnrichmentFlow, specifications: list[Specification]) -> _Seen:
    wanted: dict[str, list[Characteristic]] = {}
    others: dict[str, str] = {}
    for specification in specifications:
        for characteristic in specification.characteristics.all():
            if characteristic.source == Source.ENRICHMENT:
                wanted.setdefault(characteristic.key, []).append(characteristic)
            else:
                others[characteristic.key] = characteristic.source
    name = specifications[0].name if flow.specification else "any product"
    known = {fact.name for fact in facts.KNOWN} | {key for key, source in others.items() if source == Source.CUSTOMER}
    return _Seen(name, known, wanted, others)


def _of_outputs(table: DecisionTable, seen: _Seen) -> list[str]:
    found = []
    for name in sorted(fills(table)):
        if name in seen.wanted:
            continue
        if name in seen.others:
            how = "chosen in the sale" if seen.others[name] == Source.CUSTOMER else "comes out of a task"
            found.append(f"“{table.title}” fills {name}, which is {how}.")
        else:
            found.append(f"“{table.title}” fills {name}, which is no characteristic of {seen.name}.")
    paired = {str(column["name"]) for column in table.outputs} == {"characteristic", "value"}
    for number, row in enumerate(table.rows, 1):
        pairs = [(str(cells.constant(row.get("characteristic"))), row.get("value"))] if paired else list(row.items())
        found += [
            f"“{table.title}”, row {number}: {cells.plain(value)} does not fit {characteristic.name}. {wrong[0]}"
            for name, cell in pairs
            if name in seen.wanted and (value := cells.constant(cell)) is not None
            for characteristic in seen.wanted[name]
            if (wrong := configuration.check(characteristic, value))
        ]
    return found


def _of_condition(number: int, step: dict[str, Any]) -> list[Problem]:
    wrong = decisions.mistake(str(step.get("condition", "")))
    return [Problem(number, f"Step {number}, condition: {wrong}")] if wrong else []


def _of_order(flow: EnrichmentFlow, tables: dict[str, DecisionTable], seen: _Seen) -> list[Problem]:
    """Inputs that nobody knows, that only a later step fills, or for which steps wait in a circle."""
    steps = [tables.get(step.get("table", "")) for step in flow.steps]
    looks = [
        set(decisions.mentioned(table)) | set(decisions.names_in(str(step.get("condition", "")))) if table else set()
        for table, step in zip(steps, flow.steps, strict=True)
    ]
    gives = [fills(table) if table else set() for table in steps]
    found = []
    for at, table in enumerate(steps):
        for name in sorted(looks[at] - seen.known):
            if table is None or any(name in gives[before] for before in range(at)):
                continue
            later = next((after for after in range(at, len(steps)) if name in gives[after]), None)
            place = f"Step {at + 1}, “{table.title}”, looks at {name}"
            if later is None:
                why = "which no step fills" if name in seen.wanted else "which nobody knows"
                found.append(Problem(at + 1, f"{place}, {why}."))
            elif later == at:
                found.append(Problem(at + 1, f"{place}, which it fills itself: it would wait for itself."))
            elif at in _leads_to(later, looks, gives):
                why = f"which step {later + 1} fills, and that one needs step {at + 1}: they wait in a circle."
                found.append(Problem(at + 1, f"{place}, {why}"))
            else:
                found.append(
                    Problem(at + 1, f"{place}, which only step {later + 1} fills. Move step {later + 1} above it.")
                )
    return found


def _leads_to(start: int, looks: list[set[str]], gives: list[set[str]]) -> set[int]:
    """Steps that a step waits for, directly or through others."""
    seen: set[int] = set()
    ahead = [start]
    while ahead:
        at = ahead.pop()
        for other in range(len(gives)):
            if other != at and other not in seen and looks[at] & gives[other]:
                seen.add(other)
                ahead.append(other)
    return seen
