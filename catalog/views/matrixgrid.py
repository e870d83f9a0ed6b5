"""The grid of a matrix as its page draws it, and as the browser sends it back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from catalog import configuration, matrices
from catalog.matrices import Change, Head
from catalog.models import PriceMatrix

MOST = 600  # heads that one post may carry


@dataclass
class Cell:
    """One cell: its name in the form, its text, what is wrong with it, and what the version in force says."""

    name: str
    text: str
    problems: list[str] = field(default_factory=list)
    was: str | None = None


@dataclass
class Drawn:
    """Heads and cells as texts, drawn row by row."""

    matrix: PriceMatrix
    rows: list[list[str]]
    columns: list[list[str]]
    texts: list[list[str]]
    problems: dict[str, list[str]] = field(default_factory=dict)
    changed: dict[tuple[Head, Head], Change] = field(default_factory=dict)
    redrawn: bool = False

    def mark(self, changes: Sequence[Change]) -> None:
        """Note which cells differ from the version in force."""
        self.changed = {(change.row, change.column): change for change in changes}

    @property
    def row_names(self) -> list[str]:
        """What stands on the rows."""
        return [said(name) for name in self.matrix.rows["by"]]

    @property
    def column_names(self) -> list[str]:
        """What stands on the columns."""
        return [said(name) for name in self.matrix.columns["by"]]

    @property
    def column_heads(self) -> list[tuple[int, list[Cell]]]:
        """Each column's head, part by part."""
        return [(place, self._head("columns", place, parts)) for place, parts in enumerate(self.columns)]

    @property
    def lines(self) -> list[tuple[int, list[Cell], list[Cell]]]:
        """Each row: its place, its head part by part, its cells."""
        return [
            (
                place,
                self._head("rows", place, parts),
                [self._cell(place, c, t) for c, t in enumerate(self.texts[place])],
            )
            for place, parts in enumerate(self.rows)
        ]

    def _head(self, side: str, place: int, parts: Sequence[str]) -> list[Cell]:
        names = [f"{side}-{place}-{part}" for part in range(len(parts))]
        return [Cell(name, text, self.problems.get(name, [])) for name, text in zip(names, parts, strict=True)]

    def _cell(self, row: int, column: int, text: str) -> Cell:
        name = f"cell-{row}-{column}"
        change = self.changed.get((tuple(self.rows[row]), tuple(self.columns[column])))
        return Cell(name, text, self.problems.get(name, []), change.old or "–" if change else None)


def of(matrix: PriceMatrix) -> Drawn:
    """The stored grid."""
    return Drawn(matrix, matrix.rows["heads"], matrix.columns["heads"], matrix.cells)


def posted(matrix: PriceMatrix, data: QueryDict) -> Drawn:
    """The grid as typed; with `add` (rows or columns) or `drop` (rows-3, columns-0) it is redrawn, not to be kept."""
    rows = _heads(data, "rows", len(matrix.rows["by"]))
    columns = _heads(data, "columns", len(matrix.columns["by"]))
    texts = [[data.get(f"cell-{r}-{c}", "")[:60] for c in range(len(columns))] for r in range(len(rows))]
    drawn = Drawn(matrix, rows, columns, texts)
    side = data.get("add", "")
    if side in ("rows", "columns"):
        _add(drawn, side)
    elif drop := data.get("drop", ""):
        _drop(drawn, *drop.partition("-")[::2])
    return drawn


def choices(matrix: PriceMatrix) -> dict[str, list[str]]:
    """Values that a head may have, by its name, to choose from while typing."""
    known = matrices.axes(matrix.offering)
    names = [*matrix.rows["by"], *matrix.columns["by"]]
    found = {}
    for name in names:
        one = known.get(name)
        found[name] = [str(v) for v, _ in configuration.choices(one)] if one and one.choices else []
    return found


def said(name: str) -> str:
    """A name in words."""
    return name.replace("_", " ").capitalize()


def _heads(data: QueryDict, side: str, parts: int) -> list[list[str]]:
    found: list[list[str]] = []
    while len(found) < MOST and f"{side}-{len(found)}-0" in data:
        found.append([data.get(f"{side}-{len(found)}-{part}", "")[:60] for part in range(parts)])
    return found


def _add(drawn: Drawn, side: str) -> None:
    drawn.redrawn = True
    if side == "rows":
        drawn.rows = [*drawn.rows, [""] * len(drawn.matrix.rows["by"])]
        drawn.texts = [*drawn.texts, [""] * len(drawn.columns)]
    else:
        drawn.columns = [*drawn.columns, [""] * len(drawn.matrix.columns["by"])]
        drawn.texts = [[*texts, ""] for texts in drawn.texts]


def _drop(drawn: Drawn, side: str, place: str) -> None:
    drawn.redrawn = True
    heads: Any = drawn.rows if side == "rows" else drawn.columns
    if not place.isdecimal() or int(place) >= len(heads) or len(heads) == 1:
        return
    heads.pop(int(place))
    if side == "rows":
        drawn.texts.pop(int(place))
    else:
        for texts in drawn.texts:
            texts.pop(int(place))
