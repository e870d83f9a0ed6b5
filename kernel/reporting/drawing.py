"""Drawing: a report's chart as plain bars for paper, in the same tones as on the screen."""

from dataclasses import dataclass
from typing import Any

from kernel.reporting.table import Table

TONES = {
    "accent": "#0f6b6e", "ok": "#177344", "run": "#2457c5", "wait": "#b08a16", "risk": "#d9730d", "bad": "#b42318",
    "idle": "#8a94a6",
}  # fmt: skip
WIDTH = 60.0  # millimetres of the longest bar


@dataclass(frozen=True)
class Piece:
    """One stretch of a bar: where it begins and how long it is, in millimetres."""

    at: str
    width: str
    colour: str
    text: str


@dataclass(frozen=True)
class Bar:
    """One bar, or one part of a line's group: its name (of the first only) and its pieces."""

    label: str
    pieces: list[Piece]
    text: str


@dataclass(frozen=True)
class Bars:
    """The chart: bars with what their colours mean."""

    rows: list[Bar]
    legend: list[tuple[str, str]]


def bars(table: Table) -> Bars | None:
    """The chart of a report as lying bars; none where it has no chart or nothing to draw."""
    drawn: dict[str, Any] = table.drawn()
    series = drawn.get("series", [])
    numbers = [[max(number or 0, 0) for number in one["data"]] for one in series]
    if not numbers or not any(map(any, numbers)):
        return None
    stacked = drawn["stacked"]
    longest = max(map(sum, zip(*numbers, strict=True))) if stacked else max(map(max, numbers))
    rows = []
    for place, label in enumerate(drawn["labels"]):
        pieces, at = [], 0.0
        for one, found in zip(series, numbers, strict=True):
            width = WIDTH * found[place] / longest
            pieces.append(Piece(_mm(at if stacked else 0), _mm(width), TONES[one["tones"][place]], one["texts"][place]))
            at += width
        if stacked:
            rows.append(Bar(label, pieces, " / ".join(piece.text for piece in pieces)))
        else:
            rows += [Bar(label if n == 0 else "", [piece], piece.text) for n, piece in enumerate(pieces)]
    legend = [(one["label"], TONES[one["tone"]]) for one in series] if len(series) > 1 else []
    return Bars(rows, legend)


def _mm(length: float) -> str:
    return f"{length:.2f}"
