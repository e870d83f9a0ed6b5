"""Drafts of decision tables: a new version is written cell by cell; what is in force never changes."""

import re
import uuid
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from kernel import audit, cells, tablefit, tableuse
from kernel.models.base import Record
from kernel.models.decisions import DecisionTable
from kernel.models.people import User
from kernel.refusal import Conflict, NotPermitted, Refusal

NOTE, PRIORITY, ID = "_note", "_priority", "_id"
SIDES = {"in": "inputs", "out": "outputs"}
MOST_ROWS, MOST_COLUMNS = 2000, 40
_KEY = re.compile(r"[a-z][a-z0-9_:-]*")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*")


class NoDraft(Conflict):
    """A version that is or was in force never changes."""


class CellChanged(Conflict):
    """Somebody else changed the cell since it was shown; `stored` is what stands there now."""

    def __init__(self, stored: str) -> None:
        self.stored = stored
        super().__init__(f"Somebody changed this cell to “{stored or 'any'}” meanwhile. Type it again to keep yours.")


def require(by: User) -> None:
    """Raises NotPermitted for people who may not edit decision tables."""
    if not by.has_perm("kernel.change_decisiontable"):
        raise NotPermitted("Your roles do not include the right to change decision tables.")


@transaction.atomic
def create(*, key: str, title: str, hit: str, by: User) -> DecisionTable:
    """A first draft, with the columns that whoever asks such a table knows. Raises Refusal at its field."""
    require(by)
    problems: dict[str, list[str]] = {}
    if not _KEY.fullmatch(key) or len(key) > 80:
        problems["key"] = ["Small letters, digits, _ : and - only, a letter first."]
    elif DecisionTable.objects.filter(key=key).exists():
        problems["key"] = ["There is a table of that key already; make a new version of it."]
    if not title.strip():
        problems["title"] = ["Say in a few words what it decides."]
    if problems:
        raise Refusal(problems=problems)
    asked_by = tableuse.of(key)
    table = DecisionTable(
        key=key, title=title.strip()[:120], hit=hit if hit in DecisionTable.Hit.values else "first", state="draft",
        valid_from=None, purpose=asked_by[0].purpose if asked_by else "",
        outputs=[fact.column() for fact in tableuse.answers_for(key)[:MOST_COLUMNS]],
    )  # fmt: skip
    insert(table)
    audit.record("drafted", table, by=by)
    return table


def insert(record: Record) -> None:
    """Store a first version. Raises Refusal at the key when somebody else has just taken it."""
    try:
        with transaction.atomic():
            record.save(force_insert=True)
    except IntegrityError as error:
        raise Refusal(problems={"key": ["Somebody has just made one of that key."]}) from error


@transaction.atomic
def revise(*, table_id: int, by: User) -> DecisionTable:
    """A draft of the next version, beginning as a copy of this one.

    Raises:
        Conflict: there is a draft already; two would overwrite each other.
    """
    require(by)
    source: DecisionTable = DecisionTable.objects.locked(table_id)
    if DecisionTable.objects.filter(key=source.key, state="draft").exists():
        raise Conflict("There is a draft of this table already. Go on with it, or discard it.")
    last = DecisionTable.objects.filter(key=source.key).aggregate(last=Max("version"))["last"]
    inputs, outputs = cells.typed(source)
    made = DecisionTable.objects.create(
        key=source.key, version=last + 1, state="draft", valid_from=None, title=source.title, hit=source.hit,
        purpose=source.purpose, inputs=inputs, outputs=outputs, tests=[_named(row) for row in source.tests],
        rows=[_named(row) for row in source.rows],
    )  # fmt: skip
    audit.record("drafted", made, by=by, changes={"copied from version": [None, source.version]})
    return made


@transaction.atomic
def discard(*, table_id: int, by: User) -> None:
    """Throw a draft away. Raises NoDraft for any other version."""
    table = _draft(table_id, by)
    audit.record("discarded", table, by=by)
    table.delete()


@transaction.atomic
def describe(*, table_id: int, title: str, purpose: str, hit: str, by: User) -> DecisionTable:
    """Title, purpose and which rows count. Raises Refusal at its field."""
    table = _draft(table_id, by)
    if not title.strip():
        raise Refusal(problems={"title": ["Say in a few words what it decides."]})
    if hit not in DecisionTable.Hit.values:
        raise Refusal(problems={"hit": ["Choose which rows count."]})
    values = {"title": title.strip()[:120], "purpose": purpose.strip()[:300], "hit": hit}
    changes = audit.difference({name: getattr(table, name) for name in values}, values)
    for name, value in values.items():
        setattr(table, name, value)
    return _keep(table, "described", by, changes) if changes else table


@transaction.atomic
def write_cell(*, table_id: int, row: str, name: str, typed: str, was: str | None, by: User) -> str:
    """Store one cell and return it as it is shown. `was` is what the person saw there, None to write regardless.

    Raises:
        cells.CellRefused: it cannot be read.
        CellChanged: somebody else changed the cell.
        NoDraft, NotPermitted: the version or the person may not.
    """
    table = _draft(table_id, by)
    line = _row(table.rows, row)
    column, output = column_of(table, name)
    before = shown(column, line.get(name), output=output)
    if was is not None and was != before and typed.strip() != before:
        raise CellChanged(before)
    stored = _read(column, typed, output=output)
    if name not in (NOTE, PRIORITY) and (wrong := tablefit.Fit(table.key).cell(name, stored, output=output)):
        raise cells.CellRefused(wrong)
    line[name] = stored
    now = shown(column, stored, output=output)
    if now != before:
        place = f"row {table.rows.index(line) + 1}, {column['label'].lower()}"
        _keep(table, "cell changed", by, {place: [before or "any", now or "any"]})
    return now


@transaction.atomic
def add_row(*, table_id: int, after: str = "", by: User, copy: bool = False) -> str:
    """A new row behind another one, or last; with `copy` it says the same. Returns its id."""
    table = _draft(table_id, by)
    if len(table.rows) >= MOST_ROWS:
        raise Refusal(f"A table has at most {MOST_ROWS} rows.")
    at = table.rows.index(_row(table.rows, after)) + 1 if after else len(table.rows)
    made = _named(dict(table.rows[at - 1]) if copy and after else {})
    table.rows.insert(at, made)
    _keep(table, "row added", by, {"row": [None, at + 1]})
    return str(made[ID])


@transaction.atomic
def remove_row(*, table_id: int, row: str, by: User) -> None:
    """Take a row out."""
    table = _draft(table_id, by)
    line = _row(table.rows, row)
    at = table.rows.index(line)
    table.rows.remove(line)
    said = "; ".join(f"{name}: {cells.plain(value)}" for name, value in line.items() if value and name != ID)
    _keep(table, "row removed", by, {f"row {at + 1}": [said[:500], None]})


@transaction.atomic
def move_row(*, table_id: int, row: str, by: User, steps: int) -> None:
    """Move a row up (negative) or down; at the end it stays."""
    table = _draft(table_id, by)
    line = _row(table.rows, row)
    at = table.rows.index(line)
    to = min(max(0, at + steps), len(table.rows) - 1)
    if to != at:
        table.rows.insert(to, table.rows.pop(at))
        _keep(table, "row moved", by, {"row": [at + 1, to + 1]})


@transaction.atomic
def write_column(
    *, table_id: int, side: str, name: str, label: str, kind: str, values: list[str], by: User, old: str = ""
) -> None:
    """Add a column, or with `old` change that one; cells stay. Raises Refusal at its field."""
    table = _draft(table_id, by)
    columns: list[dict[str, Any]] = getattr(table, SIDES[side])
    taken = {c["name"] for c in [*table.inputs, *table.outputs]} - {old}
    problems: dict[str, list[str]] = {}
    if not _NAME.fullmatch(name) or len(name) > 60:
        problems["name"] = ["Letters, digits and _ only, a letter first, as in distance_m."]
    elif name in taken:
        problems["name"] = ["There is a column of that name."]
    if kind not in cells.TYPES:
        problems["type"] = ["Choose what the column holds."]
    if side == "in" and not problems and (unknown := tablefit.Fit(table.key).unknown(name)):
        problems["name"] = [unknown]
    if not old and len(taken) >= MOST_COLUMNS:
        problems["name"] = [f"A table has at most {MOST_COLUMNS} columns."]
    if problems:
        raise Refusal(problems=problems)
    made = {"name": name, "label": label.strip()[:80] or cells.said(name), "type": kind,
            "values": [value.strip() for value in values if value.strip()]}  # fmt: skip
    if not old:
        columns.append(made)
        _keep(table, "column added", by, {"column": [None, made["label"]]})
        return
    at = next((n for n, c in enumerate(columns) if c["name"] == old), None)
    if at is None:
        raise Conflict("This column is gone; reload the page.")
    columns[at] = made
    _rename(table, old, name)
    _keep(table, "column changed", by, {"column": [old, made["label"]]})


@transaction.atomic
def remove_column(*, table_id: int, name: str, by: User) -> None:
    """Take a column out with its cells."""
    table = _draft(table_id, by)
    column, output = column_of(table, name)
    side = "outputs" if output else "inputs"
    setattr(table, side, [c for c in getattr(table, side) if c["name"] != name])
    for line in table.rows:
        line.pop(name, None)
    for test in table.tests:
        test.get("given", {}).pop(name, None)
        test.get("expect", {}).pop(name, None)
    _keep(table, "column removed", by, {"column": [column["label"], None]})


@transaction.atomic
def replace_rows(*, table_id: int, rows: list[dict[str, Any]], by: User) -> None:
    """Put rows that were read from a file in place of all rows."""
    table = _draft(table_id, by)
    before = len(table.rows)
    table.rows = [_named(row) for row in rows]
    _keep(table, "rows imported", by, {"rows": [before, len(rows)]})


@transaction.atomic
def add_test(*, table_id: int, by: User, given: dict[str, str] | None = None) -> str:
    """A new test row, perhaps with the facts of a real case. Returns its id."""
    table = _draft(table_id, by)
    if len(table.tests) >= MOST_ROWS:
        raise Refusal(f"A table has at most {MOST_ROWS} test rows.")
    made = _named({"given": given or {}, "expect": {}})
    table.tests.append(made)
    _keep(table, "test row added", by, {})
    return str(made[ID])


@transaction.atomic
def write_test(*, table_id: int, row: str, part: str, name: str, typed: str, by: User) -> str:
    """Store one cell of a test row, `part` given, expect or note. Raises cells.CellRefused for what does not fit."""
    table = _draft(table_id, by)
    line = _row(table.tests, row)
    text = typed.replace("\x00", "").strip()[: cells.LONGEST]
    if part == "note":
        line[NOTE] = text
    else:
        if part == "given":
            column = next((c for c in cells.typed(table)[0] if c["name"] == name), {"name": name, "type": "any"})
            cells.value(column, text)
        line.setdefault("given" if part == "given" else "expect", {})[name] = text
    _keep(table, "test row changed", by, {})
    return text


@transaction.atomic
def remove_test(*, table_id: int, row: str, by: User) -> None:
    """Take a test row out."""
    table = _draft(table_id, by)
    table.tests.remove(_row(table.tests, row))
    _keep(table, "test row removed", by, {})


def column_of(table: DecisionTable, name: str) -> tuple[dict[str, Any], bool]:
    """A column by name, and whether it is an output. Raises Conflict when it is gone."""
    if name == NOTE:
        return {"name": NOTE, "label": "Why", "type": "note"}, False
    if name == PRIORITY:
        return {"name": PRIORITY, "label": "Priority", "type": "priority"}, False
    for columns, output in zip(cells.typed(table), (False, True), strict=True):
        for column in columns:
            if column["name"] == name:
                return column, output
    raise Conflict("This column is gone; reload the page.")


def shown(column: dict[str, Any], stored: Any, *, output: bool) -> str:
    """A cell, a note or a priority as it is shown."""
    if column["type"] in ("note", "priority"):
        return "" if stored in (None, "") else str(stored)
    return cells.show(column, stored, output=output)


def _read(column: dict[str, Any], typed: str, *, output: bool) -> Any:
    if column["type"] == "note":
        return typed.replace("\x00", "").strip()[:200]
    if column["type"] == "priority":
        text = typed.strip()
        if text and not re.fullmatch(r"\d{1,5}", text):
            raise cells.CellRefused(f"“{text}” is not a whole number from 0 to 99999; the highest wins.")
        return int(text) if text else 0
    return cells.read(column, typed, output=output)


def _draft(table_id: int, by: User) -> DecisionTable:
    require(by)
    table: DecisionTable = DecisionTable.objects.locked(table_id)
    if table.state != DecisionTable.State.DRAFT:
        raise NoDraft(f"Version {table.version} is {table.state}; it never changes. Make a new version.")
    return table


def _keep(table: DecisionTable, action: str, by: User, changes: dict[str, list[Any]]) -> DecisionTable:
    table.edition += 1
    table.save()
    audit.record(action, table, by=by, changes=changes)
    return table


def _row(rows: list[dict[str, Any]], wanted: str) -> dict[str, Any]:
    found = next((row for row in rows if row.get(ID) == wanted), None)
    if found is None:
        raise Conflict("This row is gone; reload the page.")
    return found


def _named(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, ID: uuid.uuid4().hex[:8]}


def _rename(table: DecisionTable, old: str, new: str) -> None:
    if old == new:
        return
    for line in [*table.rows, *(test.get(part, {}) for test in table.tests for part in ("given", "expect"))]:
        if old in line:
            line[new] = line.pop(old)
