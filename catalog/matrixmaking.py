"""Matrixmaking: a version of a price matrix is drafted, filled, brought into force from a day on, and then stays."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.text import slugify

from catalog import matrices
from catalog.matrices import BadCell, Head
from catalog.models import PriceMatrix
from kernel import audit, editing, lifecycle
from kernel.models import User
from kernel.refusal import Conflict, Refusal

State = PriceMatrix.State
COPIED = ("name", "price_list", "offering", "charge", "label", "how", "rows", "columns", "cells")
SIDES = ("rows", "columns")


class Unsound(Refusal):
    """The matrix cannot be kept like this; problems at cell-0-1, rows-0-0 (head, part), columns-2-0, or a field."""


class NotADraft(Conflict):
    """Only a draft can be changed; a published version stays as the quotes that it priced know it."""


@transaction.atomic
def draft(*, by: User, values: dict[str, Any], rows_by: Sequence[str], columns_by: Sequence[str]) -> PriceMatrix:
    """A new matrix whose heads are every combination of the values that there are, its cells empty.

    Raises:
        Unsound: a name that lines do not have, the same one on both sides, or too many heads; at rows_by, columns_by.
    """
    matrix = PriceMatrix(key=_free_key(values["name"]), **values)
    _lay_out(matrix, rows_by, columns_by)
    matrix.save()
    audit.record("drafted", matrix, by=by, changes={"offering": [None, matrix.offering.name]})
    return matrix


@transaction.atomic
def next_version(*, pk: int, by: User) -> PriceMatrix:
    """A draft that begins as a copy of this version; the draft that there is already, if so."""
    source: PriceMatrix = PriceMatrix.objects.locked(pk)
    open_one: PriceMatrix | None = PriceMatrix.objects.filter(key=source.key, state=State.DRAFT).first()
    if open_one is not None:
        return open_one
    last = PriceMatrix.objects.filter(key=source.key).aggregate(last=Max("version"))["last"]
    made = PriceMatrix(key=source.key, version=last + 1, **{name: getattr(source, name) for name in COPIED})
    made.save()
    audit.record("drafted", made, by=by, changes={"version": [source.version, made.version]})
    return made


@transaction.atomic
def change(
    *, pk: int, edition: int, rows: Sequence[Sequence[str]], columns: Sequence[Sequence[str]],
    cells: Sequence[Sequence[str]], by: User, note: str | None = None,
) -> PriceMatrix:  # fmt: skip
    """Keep the heads and cells of a draft that was shown at `edition`, as they were typed.

    Raises:
        NotADraft: it is published or retired.
        Unsound: with every problem at its head or cell; nothing is stored.
        editing.Changed: somebody else saved it meanwhile.
    """
    matrix = _draft(pk)
    values = read(matrix, rows, columns, cells)
    if note is not None:
        values["note"] = note.strip()[:200]
    return editing.edit(PriceMatrix, pk, edition=edition, values=values, by=by)


def read(
    matrix: PriceMatrix, rows: Sequence[Sequence[str]], columns: Sequence[Sequence[str]], cells: Sequence[Sequence[str]]
) -> dict[str, Any]:  # fmt: skip
    """What was typed in its one form: rows, columns and cells. Raises Unsound."""
    problems: dict[str, list[str]] = {}
    known = matrices.axes(matrix.offering)
    heads = {}
    for side, typed in zip(SIDES, (rows, columns), strict=True):
        by = getattr(matrix, side)["by"]
        heads[side] = [_head(side, place, by, parts, known, problems) for place, parts in enumerate(typed)]
        if not problems:
            _distinct(side, heads[side], problems)
    _sized(len(rows), len(columns), problems)
    found = [
        [_cell(f"cell-{r}-{c}", text, matrix.how, problems) for c, text in enumerate(texts)]
        for r, texts in enumerate(cells)
    ]
    if problems:
        raise Unsound(problems=problems)
    return {side: {"by": getattr(matrix, side)["by"], "heads": [list(h) for h in heads[side]]} for side in SIDES} | {
        "cells": found
    }


@transaction.atomic
def publish(*, pk: int, starts_on: dt.date | None, by: User | None) -> PriceMatrix:
    """Bring a draft into force from a day on; the version before it ends when that day is today.

    Raises:
        Unsound: a day that is over, or not one cell is filled.
        IllegalMove, NotPermitted: as the lifecycle says.
    """
    matrix: PriceMatrix = PriceMatrix.objects.locked(pk)
    if matrix.state == State.DRAFT:
        if starts_on is None or starts_on < timezone.localdate():
            said = "That day is over. Choose today or later." if starts_on else "Say from which day it is in force."
            raise Unsound(problems={"starts_on": [said]})
        if not matrices.cells_of(matrix):
            raise Unsound(problems={"cells": ["Not one cell is filled, so it would change no price."]})
        matrix.starts_on, matrix.published_at = starts_on, timezone.now()
    lifecycle.move(matrix, PriceMatrix.publish, by=by)
    begun = PriceMatrix.objects.filter(key=matrix.key, state=State.ACTIVE, starts_on__lte=timezone.localdate())
    rows = begun.order_by("-starts_on", "-version")
    for older in PriceMatrix.objects.locked_all([row.pk for row in rows[1:]]):
        older.retired_at = timezone.now()
        lifecycle.move(older, PriceMatrix.retire, by=by, reason=f"Replaced by version {matrix.version}")
    return matrix


@transaction.atomic
def retire(*, pk: int, reason: str, by: User) -> PriceMatrix:
    """Take a version out of force at once; quotes keep the prices that it made. Raises IllegalMove, NotPermitted."""
    matrix: PriceMatrix = PriceMatrix.objects.locked(pk)
    if not reason.strip():
        raise Refusal(problems={"reason": ["Say why it is taken out of force."]})
    matrix.retired_at = timezone.now()
    lifecycle.move(matrix, PriceMatrix.retire, by=by, reason=reason.strip())
    return matrix


@transaction.atomic
def discard(*, pk: int, by: User) -> None:
    """Delete a draft that nobody wants. Raises NotADraft."""
    matrix = _draft(pk)
    audit.record("discarded", matrix, by=by)
    matrix.delete()


def in_force(key: str, on: dt.date | None = None) -> PriceMatrix | None:
    """The version that prices follow on a day (today)."""
    rows = PriceMatrix.objects.filter(key=key, state=State.ACTIVE, starts_on__lte=on or timezone.localdate())
    return rows.select_related("offering").order_by("-starts_on", "-version").first()


def _draft(pk: int) -> PriceMatrix:
    rows = PriceMatrix.objects.select_related("offering__specification").select_for_update(of=("self",))
    matrix: PriceMatrix = rows.get(pk=pk)
    if matrix.state != State.DRAFT:
        raise NotADraft(f"{matrix} is {matrix.get_state_display().lower()} and stays as it is. Make a new version.")
    return matrix


def _lay_out(matrix: PriceMatrix, rows_by: Sequence[str], columns_by: Sequence[str]) -> None:
    known = matrices.axes(matrix.offering)
    problems: dict[str, list[str]] = {}
    for field, by in (("rows_by", rows_by), ("columns_by", columns_by)):
        if not by:
            problems[field] = ["Choose at least one."]
        elif strange := [name for name in by if name not in known]:
            problems[field] = [f"{matrix.offering.name} has no “{strange[0]}”."]
        elif len(set(by)) < len(by):
            problems[field] = ["The same one twice says nothing more."]
    if both := sorted({*rows_by} & {*columns_by}):
        problems.setdefault("columns_by", []).append(f"{both[0].capitalize()} stands on the rows already.")
    if problems:
        raise Unsound(problems=problems)
    matrix.rows = {"by": list(rows_by), "heads": matrices.usual_heads(rows_by, known)}
    matrix.columns = {"by": list(columns_by), "heads": matrices.usual_heads(columns_by, known)}
    numbers = len(matrix.rows["heads"]), len(matrix.columns["heads"])
    matrix.cells = [[""] * numbers[1] for _ in range(numbers[0])]
    _sized(*numbers, problems)
    if problems:
        raise Unsound(problems={"rows_by" if "rows" in problems else "columns_by": next(iter(problems.values()))})


def _sized(rows: int, columns: int, problems: dict[str, list[str]]) -> None:
    for side, number, most in (("rows", rows, matrices.MOST_ROWS), ("columns", columns, matrices.MOST_COLUMNS)):
        if number > most:
            problems[side] = [f"{number} {side} are too many; a matrix has at most {most}. Split it."]
        elif not number:
            problems[side] = [f"A matrix needs at least one of the {side}."]


def _head(
    side: str, place: int, by: Sequence[str], typed: Sequence[str], known: dict[str, Any],
    problems: dict[str, list[str]],
) -> Head:  # fmt: skip
    found = []
    for part, (name, text) in enumerate(zip(by, typed, strict=True)):
        try:
            found.append(matrices.read_head(name, text, known.get(name)))
        except BadCell as error:
            problems[f"{side}-{place}-{part}"] = [str(error)]
            found.append(text)
    return tuple(found)


def _distinct(side: str, heads: Sequence[Head], problems: dict[str, list[str]]) -> None:
    for first, second in matrices.overlaps(heads):
        text = f"A line can fit both this and “{matrices.said(heads[first])}”, so its price would not be clear."
        problems.setdefault(f"{side}-{second}-0", []).append(text)


def _cell(place: str, typed: str, how: str, problems: dict[str, list[str]]) -> str:
    try:
        return matrices.read_cell(typed, how)
    except BadCell as error:
        problems[place] = [str(error)]
        return typed


def _free_key(name: str) -> str:
    stem = slugify(name)[:74] or "matrix"
    taken = set(PriceMatrix.objects.filter(key__startswith=stem).values_list("key", flat=True))
    return next(key for key in (stem, *(f"{stem}-{n}" for n in range(2, 10_000))) if key not in taken)
