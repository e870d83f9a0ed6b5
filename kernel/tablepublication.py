"""Publication of decision tables: a draft that reads, passes its test rows and has a start date comes into force."""

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils import timezone

from kernel import lifecycle, tablecheck, tableuse
from kernel.models.decisions import DecisionTable
from kernel.models.people import User
from kernel.refusal import Refusal


class NotReady(Refusal):
    """The draft cannot come into force; every reason is said."""


class InUse(Refusal):
    """Somebody asks the table and no other version would answer."""


@transaction.atomic
def publish(*, table_id: int, valid_from: dt.date | None, by: User) -> DecisionTable:
    """Bring a draft into force on a day, today or later; what it replaces today is retired.

    Raises:
        NotReady: no start date or one in the past, cells that cannot be read, failing test rows, contradictions.
        IllegalMove: it is no draft.
        NotPermitted: the person may not publish.
    """
    table: DecisionTable = DecisionTable.objects.locked(table_id)
    versions = DecisionTable.objects.locked_all(
        DecisionTable.objects.filter(key=table.key, state="active").values_list("pk", flat=True)
    )
    if table.state == DecisionTable.State.DRAFT and (problems := obstacles(table, valid_from)):
        raise NotReady(problems=problems)
    bring_into_force(table, versions, valid_from, by=by)
    return table


def bring_into_force(record: Any, others: list[Any], valid_from: dt.date | None, *, by: User | None) -> None:
    """Publish a draft of any dated version, and retire of its locked other versions those that never count again."""
    model = type(record)
    for other in others:
        if other.valid_from == valid_from:
            lifecycle.move(other, model.retire, by=by, reason=f"Version {record.version} starts the same day.")
    record.valid_from = valid_from
    lifecycle.move(record, model.publish, by=by)
    if valid_from and valid_from <= timezone.localdate():
        for other in others:
            if other.state == "active" and other.valid_from < valid_from:
                lifecycle.move(other, model.retire, by=by, reason=f"Replaced by version {record.version}.")


def day_problems(valid_from: dt.date | None) -> dict[str, list[str]]:
    """What is wrong with a start date, at its field."""
    if valid_from is None:
        return {"valid_from": ["Say from which day it counts."]}
    if valid_from < timezone.localdate():
        return {"valid_from": ["It cannot count from a day that is over. Choose today or later."]}
    return {}


@transaction.atomic
def retire(*, table_id: int, by: User, reason: str = "") -> DecisionTable:
    """Take a version out of force.

    Raises:
        InUse: the product asks the table and no other version would be in force.
        IllegalMove, NotPermitted: it is not active, or the person may not.
    """
    table: DecisionTable = DecisionTable.objects.locked(table_id)
    left = DecisionTable.objects.filter(key=table.key, state="active", valid_from__lte=timezone.localdate())
    stays = left.exclude(pk=table.pk).exists()
    if table.state == "active" and not stays and is_in_force(table) and (why := tableuse.needed(table.key)):
        raise InUse(" ".join([*why, "Publish a new version instead."]))
    lifecycle.move(table, DecisionTable.retire, by=by, reason=reason.strip()[:500])
    return table


def obstacles(table: DecisionTable, valid_from: dt.date | None) -> dict[str, list[str]]:
    """What keeps a draft from being published, by field ("" for the rows); {} when nothing does."""
    found = day_problems(valid_from)
    whole = [problem.text for problem in tablecheck.problems(table)[:8]]
    if not whole:
        failed = [n for n, result in enumerate(tablecheck.run(table), 1) if not result.ok]
        if failed:
            rows = ", ".join(str(n) for n in failed[:8])
            whole.append(
                f"{len(failed)} of {len(table.tests)} test rows fail: {'row' if len(failed) == 1 else 'rows'} {rows}."
            )
        whole += [hint.text for hint in tablecheck.hints(table) if hint.kind == "contradiction"]
    if whole:
        found[""] = whole
    return found


def is_in_force(table: DecisionTable, on: dt.date | None = None) -> bool:
    """Whether this version is the one that counts on a day (today)."""
    found = DecisionTable.objects.in_force(on).filter(key=table.key).values_list("pk", flat=True)
    return table.pk in found


def standing(table: Any, in_force: int | None) -> str:
    """How a version stands: draft, in_force, coming, replaced or retired; `in_force` is the key that counts now."""
    if table.state != "active":
        return str(table.state)
    if table.pk == in_force:
        return "in_force"
    return "coming" if table.valid_from and table.valid_from > timezone.localdate() else "replaced"
