"""Table: a report as one reader sees it: cells in words with the list behind each, the chart's numbers, the file."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse

from kernel.reporting import figures
from kernel.reporting.asking import Asked, inside
from kernel.reporting.shelf import Column, Report, Row
from kernel.saying import said
from kernel.templatetags.trunkline import money_text, number_text

SHOWN = 12  # lines that a chart has room for


@dataclass(frozen=True)
class Cell:
    """One number: as it is, in words, and the list that it opens."""

    raw: Any
    text: str
    url: str = ""


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    label: str
    cells: list[Cell]
    tone: str = ""


@dataclass(frozen=True)
class Table:
    """The whole of it; `total` is the last line, `headline` the number at the head of a tile with its column."""

    report: Report
    asked: Asked
    columns: list[Column]
    lines: list[Line]
    total: Line | None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to count."""
        return not any(cell.raw for line in self.lines for cell in line.cells)

    @property
    def headline(self) -> tuple[Column, Cell] | None:
        """The one number that a tile says first."""
        line = self.total
        found = zip(self.columns, line.cells, strict=True) if line else ()
        return next((pair for pair in found if pair[0].key == self.report.headline), None)

    @property
    def summary(self) -> str:
        """What the headline is, in words that go on after the number."""
        head = self.report.says or (self.headline[0].label if self.headline else "")
        words = (inside(head), "" if self.report.says else inside(self.asked.words))
        return ", ".join(filter(None, words))

    @property
    def told_lines(self) -> list[tuple[str, list[tuple[Column, Cell]]]]:
        """Lines with their columns, for a text without a table."""
        return [(line.label, list(zip(self.columns, line.cells, strict=True))) for line in self.lines]

    @property
    def url(self) -> str:
        """The page of the report with these filters."""
        query = urlencode(self.asked.values)
        return reverse("report", args=[self.report.key]) + (f"?{query}" if query else "")

    def drawn(self) -> dict[str, Any]:
        """The chart's numbers, for the script and for paper."""
        chart = self.report.chart
        if chart is None:
            return {}
        at = {column.key: place for place, column in enumerate(self.columns)}
        lines = self.lines[:SHOWN] if chart.across else self.lines
        series = [
            {
                "label": said(self.columns[at[key]].label), "tone": tone,
                "tones": [line.tone or tone for line in lines],
                "data": [_plain(line.cells[at[key]].raw) for line in lines],
                "texts": [said(line.cells[at[key]].text) for line in lines],
                "urls": [line.cells[at[key]].url for line in lines],
            }
            for key, tone in chart.series if key in at
        ]  # fmt: skip
        return {
            "kind": chart.kind, "stacked": chart.stacked, "across": chart.across,
            "labels": [_short(line.label) if self.report.months else said(line.label) for line in lines],
            "series": series,
        }  # fmt: skip

    @property
    def told(self) -> str:
        """The chart's numbers as an attribute carries them."""
        return json.dumps(self.drawn(), ensure_ascii=False)

    def file(self) -> Iterator[list[Any]]:
        """Head, lines and total as the cells of a file."""
        units = {"days": " (days)", "hours": " (hours)", "percent": " (%)"}
        currency = _currency(self.report, self.asked)
        yield [
            self.report.head or "What",
            *(
                one.label + (f" ({currency})" if one.kind == "money" else units.get(one.kind, ""))
                for one in self.columns
            ),
        ]
        for line in [*self.lines, *([self.total] if self.total else [])]:
            yield [line.label, *(_plain(cell.raw) for cell in line.cells)]


def made(report: Report, asked: Asked) -> Table:
    """Work a report out: its one aggregate, percents from their sums, totals, and the list behind every number."""
    columns, rows = report.columns_for(asked.user), report.rows(asked)
    lines = [Line(row.label, _cells(report, asked, columns, row.key, row.values), row.tone) for row in rows]
    parts = {name for one in report.columns if one.summed for name in (one.of if one.of[0] else (one.key,))}
    sums = {name: _sum(rows, name) for name in parts}
    total = None
    if any(one.summed for one in columns) and len(rows) > 1:
        total = Line("In all", _cells(report, asked, columns, "", sums | report.total(asked, rows)))
    return Table(report, asked, columns, lines, total)


def _sum(rows: Sequence[Row], key: str) -> Any:
    return sum((row.values.get(key) or 0 for row in rows), start=Decimal(0)) if rows else 0


def _cells(report: Report, asked: Asked, columns: Sequence[Column], row: str, values: dict[str, Any]) -> list[Cell]:
    found = []
    for one in columns:
        raw = _percent(values, one) if one.of[0] and one.key not in values else values.get(one.key)
        raw = 0 if raw is None and one.kind in ("count", "money") else raw
        found.append(Cell(raw, _text(report, asked, one, raw), _url(report, asked, one, row) if raw else ""))
    return found


def _percent(values: dict[str, Any], column: Column) -> float | None:
    part, whole = (values.get(name) or 0 for name in column.of)
    return float(100 * part / whole) if whole else None


def _currency(report: Report, asked: Asked) -> str:
    return asked.get(report.currency) if report.currency else str(settings.HOME_CURRENCY)


def _text(report: Report, asked: Asked, column: Column, raw: Any) -> str:
    if raw is None:
        return "–"
    if column.kind == "money":
        return money_text(raw, _currency(report, asked), whole=True)
    if column.kind == "percent":
        return f"{number_text(float(raw), 0 if raw in (0, 100) else 1)} %"
    if column.kind in ("days", "hours"):
        return number_text(float(raw), 1)
    return number_text(int(raw))


def _url(report: Report, asked: Asked, column: Column, row: str) -> str:
    address = column.records or report.records
    if not address:
        return ""
    query = urlencode({"figure": figures.token(report, asked, row, column.opens)})
    return f"{reverse(address)}?{query}{'&' if column.query else ''}{column.query}"


def _short(month: str) -> str:
    """December 2025 → Dec 2025."""
    name, _, year = said(month).rpartition(" ")
    return f"{name[:3]} {year}"


def _plain(raw: Any) -> Any:
    """A number as files and scripts take it."""
    if isinstance(raw, Decimal):
        return int(raw) if raw == raw.to_integral_value() else float(round(raw, 2))
    return round(raw, 2) if isinstance(raw, float) else raw
