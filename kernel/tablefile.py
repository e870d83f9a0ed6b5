"""Rows of a decision table as lines of a file, out and in again."""

from typing import Any

from kernel import cells, csvfile, sheets
from kernel.csvfile import Unreadable
from kernel.models.decisions import DecisionTable
from kernel.tabledrafts import MOST_ROWS, NOTE, PRIORITY

LARGEST = 2_000_000  # bytes
SHOWN = 20  # problems told at once


def lines(table: DecisionTable) -> list[list[str]]:
    """The heads and all rows, as they are shown."""
    columns = _columns(table)
    return [
        [name for name, _, _ in columns],
        *([_cell(row, c, output) for _, c, output in columns] for row in table.rows),
    ]


def _cell(row: dict[str, Any], column: dict[str, Any], output: bool) -> str:
    stored = row.get(column["name"])
    return cells.show(column, stored, output=output) if column["type"] else str(stored or "")


def read(table: DecisionTable, content: bytes) -> list[dict[str, Any]]:
    """Rows of a CSV or XLSX file whose heads are names or labels of the table's columns.

    Raises:
        Unreadable: with every cell that cannot be read.
    """
    if len(content) > LARGEST:
        raise Unreadable("The file is larger than 2 MB.")
    sheet = sheets.read(content, longest=sheets.LONGEST, guess=False)
    places = _places(table, sheet.columns)
    if len(sheet.rows) > MOST_ROWS:
        raise Unreadable(f"A table has at most {MOST_ROWS} rows; the file has {len(sheet.rows)}.")
    problems: list[str] = []
    rows = [_row(number, line, places, problems) for number, (_, line) in enumerate(sheet.rows, 1)]
    if problems:
        more = [f"… and {len(problems) - SHOWN} more."] if len(problems) > SHOWN else []
        raise Unreadable(*problems[:SHOWN], *more)
    return rows


def _columns(table: DecisionTable) -> list[tuple[str, dict[str, Any], bool]]:
    inputs, outputs = cells.typed(table)
    own = [{"name": NOTE, "label": "why", "type": ""}, {"name": PRIORITY, "label": "priority", "type": ""}]
    return [
        *((c["name"], c, False) for c in inputs),
        *((c["name"], c, True) for c in outputs),
        *((c["label"], c, False) for c in own if c["name"] != PRIORITY or table.hit == "priority"),
    ]


def _places(table: DecisionTable, heads: list[str]) -> list[tuple[dict[str, Any], bool]]:
    known = {}
    for name, column, output in _columns(table):
        known[name.lower()] = known[str(column["label"]).lower()] = (column, output)
    wanted = [csvfile.plain(head).strip().lower() for head in heads]
    if unknown := [head for head, name in zip(heads, wanted, strict=True) if name not in known]:
        offered = ", ".join(name for name, _, _ in _columns(table))
        raise Unreadable(f"There is no column “{unknown[0][:60]}”. The table has {offered}.")
    if len(set(wanted)) < len(wanted):
        raise Unreadable("A column stands in the file twice.")
    return [known[name] for name in wanted]


def _row(
    number: int, line: list[str], places: list[tuple[dict[str, Any], bool]], problems: list[str]
) -> dict[str, Any]:
    row: dict[str, Any] = {}
    if any(line[len(places) :]):
        problems.append(f"Row {number} has {len(line)} cells for {len(places)} columns.")
    for (column, output), raw in zip(places, line, strict=False):
        text = csvfile.plain(raw)
        try:
            row[column["name"]] = _value(column, text, output)
        except cells.CellRefused as error:
            problems.append(f"Row {number}, {column['label']}: {error}")
    return row


def _value(column: dict[str, Any], text: str, output: bool) -> Any:
    if column["name"] == NOTE:
        return text.strip()[:200]
    if column["name"] == PRIORITY:
        if text.strip() and not (text.strip().isdecimal() and len(text.strip()) < 10):
            raise cells.CellRefused(f"“{text}” is not a whole number.")
        return int(text.strip() or 0)
    return cells.read(column, text, output=output)
