"""Enrichment: decision tables fill technical values before decomposition; what they cannot fill, a person is asked."""

from collections import defaultdict
from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog import answering, configuration
from kernel import audit, decisions, lifecycle
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal
from orders import approval, decomposition, facts, filling, orchestration, questions
from orders.models import EnrichmentFlow, MissingValue, Order, OrderLine


class NotAnAnswer(Refusal):
    """A supplied value does not fit; the problem stands at its field."""


@transaction.atomic
def run(*, order_id: int) -> Order:
    """Fill what the tables know, ask for the rest, and go on to approval when nothing is missing.

    Safe to repeat; an order that is past enrichment is left alone.
    """
    order: Order = Order.objects.select_related("account").select_for_update(of=("self",)).get(pk=order_id)
    if order.state == Order.State.SUBMITTED:
        lifecycle.move(order, Order.enrich, by=None)
    if order.state not in (Order.State.ENRICHMENT_IN_PROGRESS, Order.State.ENRICHMENT_ON_HOLD):
        return order
    lines = list(
        order.lines.select_related("specification", "offering", "site", "quote_line")
        .prefetch_related("specification__characteristics")
        .order_by("position", "id")
    )
    _fill(order, lines)
    questions.ask(
        order,
        [(line.pk, c.pk) for line in lines for c in filling.lacking(line, line.characteristics)],
        needed_for=questions.ENRICHMENT,
    )
    return _go_on(order)


@transaction.atomic
def supply(*, missing_id: int, value: Any, by: User) -> Order:
    """Give one value that was asked for; see `supply_all`."""
    order_id = MissingValue.objects.values_list("order", flat=True).get(pk=missing_id)
    return supply_all(order_id=order_id, values={missing_id: value}, by=by)


@transaction.atomic
def supply_all(*, order_id: int, values: dict[int, Any], by: User) -> Order:
    """Give values that were asked for, missing key → value or form text; what was waiting for them goes on by itself.

    Raises:
        NotAnAnswer: a value does not fit its characteristic; nothing is stored.
        Conflict: somebody has answered already.
        NotPermitted: the person may not enrich orders.
    """
    if not by.has_perm("orders.enrich_order"):
        raise NotPermitted("Your roles do not include the right to fill technical data.")
    order: Order = Order.objects.select_related("account").select_for_update(of=("self",)).get(pk=order_id)
    rows = {
        row.pk: row
        for row in order.missing_values.select_related("characteristic", "line")
        .select_for_update(of=("self",)).order_by("pk").filter(pk__in=values)
    }  # fmt: skip
    read = _read(values, rows, order.account_id)
    for row in rows.values():
        row.value, row.filled_by, row.filled_at = read[row.pk], by, timezone.now()
    MissingValue.objects.bulk_update(rows.values(), ["value", "filled_by", "filled_at"])
    changes = {
        f"{row.characteristic.name}, line {row.line.position if row.line else '–'}": [
            None,
            configuration.told(row.characteristic, row.value),
        ]
        for row in rows.values()
    }
    audit.record("values supplied", order, by=by, changes=changes)
    _put_on_lines([row for row in rows.values() if row.needed_for == questions.ENRICHMENT])
    touched: set[int] = set()
    for row in (row for row in rows.values() if row.needed_for == questions.RULE):
        about, value = row.characteristic, {row.characteristic.key: row.value}
        touched |= decomposition.know(
            order_id=order.pk, specification_id=about.specification_id, values=value, line_id=row.line_id
        )  # fmt: skip
    if touched:
        orchestration.go_on(order_id=order.pk, line_ids=touched)
    return _go_on(order)


def _read(values: dict[int, Any], rows: dict[int, MissingValue], account_id: int) -> dict[int, Any]:
    """The values as typed. Raises for unknown and answered questions and for values that do not fit."""
    if unknown := set(values) - set(rows):
        raise Conflict(f"{len(unknown)} of these values are not asked for in this order.")
    if any(row.filled_at for row in rows.values()):
        raise Conflict("Somebody has supplied this value already.")
    read, problems = {}, {}
    for pk, raw in values.items():
        characteristic = rows[pk].characteristic
        read[pk], found = answering.one(characteristic, raw, account_id)
        if found or read[pk] is None:
            problems[f"missing-{pk}"] = found or [configuration.missing(characteristic)]
    if problems:
        raise NotAnAnswer(problems=problems)
    return read


def _fill(order: Order, lines: list[OrderLine]) -> None:
    """Walk each line through the steps of its flows; one query for the flows, one for all their tables."""
    flows = list(EnrichmentFlow.objects.in_force())
    steps = {line.pk: filling.steps_of(line, flows) for line in lines}
    tables = decisions.judges(step.table for of_line in steps.values() for step in of_line)
    about = facts.of_lines(order, lines)
    changed, broken = [], set()
    for line in lines:
        wanted = filling.wanted_of(line.specification)
        if not wanted:
            continue
        values, trail = filling.walk(steps[line.pk], about[line.pk], line.characteristics, wanted, tables)
        broken |= {done.left_out for done in trail if done.broken}
        if values != line.characteristics:
            line.characteristics = values
            changed.append(line)
    OrderLine.objects.bulk_update(changed, ["characteristics"])
    if changed:
        audit.record("enriched", order, by=None, changes={"lines": [None, f"{len(changed)} filled by decision tables"]})
    for said in sorted(broken):
        audit.record("enrichment step left out", order, by=None, reason=said[:500])


def _put_on_lines(rows: list[MissingValue]) -> None:
    by_line: dict[int, dict[str, Any]] = defaultdict(dict)
    for row in rows:
        by_line[row.line_id or 0][row.characteristic.key] = row.value
    lines = OrderLine.objects.locked_all(pk for pk in by_line if pk)
    for line in lines:
        line.characteristics = line.characteristics | by_line[line.pk]
    OrderLine.objects.bulk_update(lines, ["characteristics"])


def _go_on(order: Order) -> Order:
    """Hold while an answer is missing; else ask for approval."""
    open_ones = order.missing_values.filter(needed_for=questions.ENRICHMENT, filled_at__isnull=True).exists()
    if open_ones and order.state == Order.State.ENRICHMENT_IN_PROGRESS:
        lifecycle.move(order, Order.lack_data, by=None)
    elif not open_ones and order.state == Order.State.ENRICHMENT_ON_HOLD:
        lifecycle.move(order, Order.have_data, by=None)
    if not open_ones and order.state == Order.State.ENRICHMENT_IN_PROGRESS:
        approval.request(order)
    return order
