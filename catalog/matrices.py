"""Matrices: what the heads and cells of a price grid mean, which cell speaks of a line, how two versions differ."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from catalog import configuration
from catalog.models import Characteristic, Offering, PriceMatrix
from kernel.money import plain
from kernel.refusal import Refusal

ANY = "*"
MOST_ROWS, MOST_COLUMNS = 500, 40
# What a head may ask beside the characteristics of the offering; True for numbers.
ASKABLE = {"region": False, "country": False, "term": True, "sites": True, "quantity": True}
USUAL = {
    "region": ("metro", "regional", "remote"), "term": ("1..11", "12..23", "24..35", "36.."),
    "sites": ("1..9", "10..49", "50.."), "quantity": ("1..9", "10..99", "100.."),
}  # fmt: skip
LIMITS = {
    PriceMatrix.How.AMOUNT: (Decimal(0), Decimal(10) ** 9, "A price is 0 or more."),
    PriceMatrix.How.PERCENT: (Decimal(-100), Decimal(1000), "A change is −100 % to 1,000 %."),
    PriceMatrix.How.FACTOR: (Decimal(0), Decimal(1000), "A factor is 0 to 1,000."),
}
_RANGE = re.compile(r"(-?\d+(?:\.\d+)?)?\s*\.\.\s*(-?\d+(?:\.\d+)?)?")
_AT_LEAST = re.compile(r"(?:>=|≥)\s*(-?\d+(?:\.\d+)?)")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")

Head = tuple[str, ...]


class BadCell(Refusal):
    """A head or a cell cannot be read; the message says why."""


@dataclass(frozen=True)
class Fit:
    """What one part of a head lets pass: numbers from `low` to `high`, or one word; anything when all are None."""

    low: Decimal | None = None
    high: Decimal | None = None
    word: str | None = None

    def fits(self, value: Any) -> bool:
        """Whether a line's value passes."""
        if self.word is not None:
            said = ("yes" if value else "no") if isinstance(value, bool) else str(value)
            return value is not None and said.lower() == self.word
        if self.low is None and self.high is None:
            return True
        number = _decimal(str(value))
        if number is None or isinstance(value, bool):
            return False
        return (self.low is None or number >= self.low) and (self.high is None or number <= self.high)

    def meets(self, other: "Fit") -> bool:
        """Whether some value passes both."""
        if self.word is not None and other.word is not None:
            return self.word == other.word
        if self.word is not None or other.word is not None:
            words, numbers = (self, other) if self.word is not None else (other, self)
            return numbers.fits(words.word)
        lows = [low for low in (self.low, other.low) if low is not None]
        highs = [high for high in (self.high, other.high) if high is not None]
        return not lows or not highs or max(lows) <= min(highs)


@dataclass(frozen=True)
class Found:
    """The cell that speaks of a line."""

    value: Decimal
    row: Head
    column: Head


class Grid:
    """One version of a matrix, read for asking."""

    def __init__(self, matrix: PriceMatrix) -> None:
        self.matrix = matrix
        self.rows = _tests(matrix.rows)
        self.columns = _tests(matrix.columns)

    def covers(self, charge: str, label: str) -> bool:
        """Whether it speaks of this price of its offering."""
        return self.matrix.charge == charge and self.matrix.label in ("", label)

    def cell(self, facts: dict[str, Any]) -> Found | None:
        """The cell for these facts; None when no row or column fits, or the cell is empty."""
        row = _place(self.matrix.rows, self.rows, facts)
        column = _place(self.matrix.columns, self.columns, facts)
        if row is None or column is None:
            return None
        text = self.matrix.cells[row][column]
        if text == "":
            return None
        heads = tuple(self.matrix.rows["heads"][row]), tuple(self.matrix.columns["heads"][column])
        return Found(Decimal(text), *heads)


@dataclass(frozen=True)
class Change:
    """One cell that differs between two versions; empty text where there is none."""

    row: Head
    column: Head
    old: str
    new: str

    @property
    def percent(self) -> Decimal | None:
        """By how much the price changes, where both are prices."""
        if not self.old or not self.new or not Decimal(self.old):
            return None
        return ((Decimal(self.new) - Decimal(self.old)) * 100 / Decimal(self.old)).quantize(Decimal("0.1"))


def axes(offering: Offering) -> dict[str, Characteristic | None]:
    """Names that heads may use: the characteristics chosen in the sale, then what every line has."""
    known: dict[str, Characteristic | None] = {}
    if offering.specification:
        for one in offering.specification.characteristics.all():
            if one.source == Characteristic.Source.CUSTOMER:
                known[one.key] = one
    return known | dict.fromkeys(ASKABLE)


def usual_heads(by: Sequence[str], known: dict[str, Characteristic | None]) -> list[list[str]]:
    """The heads that a new grid begins with: every combination of the values that there are."""
    found: list[list[str]] = [[]]
    for name in by:
        found = [[*before, value] for before in found for value in _usual(name, known.get(name))]
    return found


def read_head(name: str, typed: str, characteristic: Characteristic | None) -> str:
    """One part of a head in its one form. Raises BadCell."""
    text = typed.replace("\x00", "").replace("–", "..").strip()[:60]
    if text in ("", ANY):
        return ANY
    if ASKABLE.get(name) or (characteristic and characteristic.type == Characteristic.Type.NUMBER):
        return _range(text)
    if characteristic and characteristic.type == Characteristic.Type.BOOLEAN:
        if text.lower() not in ("yes", "no", "true", "false"):
            raise BadCell(f"“{text}” is neither yes nor no.")
        return "yes" if text.lower() in ("yes", "true") else "no"
    if characteristic and characteristic.type == Characteristic.Type.CHOICE:
        offered = [str(value) for value, _ in configuration.choices(characteristic)]
        for value in offered:
            if value.lower() == text.lower():
                return value
        raise BadCell(f"“{text}” is no {configuration.within(characteristic.name)}. There is {', '.join(offered)}.")
    return text.upper() if name == "country" else text


def read_cell(typed: str, how: str) -> str:
    """A cell in its one form, empty for none. Raises BadCell."""
    text = typed.replace("\x00", "").replace("−", "-").strip()
    text = re.sub(r"[\s\u00a0\u202f%€$£×]", "", text)
    if text in ("", "-", "–"):
        return ""
    number = _decimal(_dotted(text, typed))
    if number is None:
        raise BadCell(f"“{typed.strip()[:40]}” is not a number.")
    low, high, said = LIMITS[PriceMatrix.How(how)]
    if not low <= number <= high:
        raise BadCell(said)
    return plain(round(number, 6))


def overlaps(heads: Sequence[Head]) -> list[tuple[int, int]]:
    """Pairs of heads, by place, that one line could fit both; the cell would depend on their order."""
    tests = [[fit(part) for part in head] for head in heads]
    return [
        (first, second)
        for second in range(len(tests))
        for first in range(second)
        if all(a.meets(b) for a, b in zip(tests[first], tests[second], strict=True))
    ]


def fit(part: str) -> Fit:
    """What a part of a head, in its one form, lets pass."""
    if part == ANY:
        return Fit()
    if found := _RANGE.fullmatch(part):
        low, high = (None if end is None else Decimal(end) for end in found.groups())
        return Fit(low, high)
    number = _decimal(part)
    return Fit(word=part.lower()) if number is None else Fit(number, number)


def cells_of(matrix: PriceMatrix) -> dict[tuple[Head, Head], str]:
    """Every filled cell by its heads."""
    rows, columns = matrix.rows.get("heads", []), matrix.columns.get("heads", [])
    return {
        (tuple(row), tuple(column)): text
        for row, texts in zip(rows, matrix.cells, strict=True)
        for column, text in zip(columns, texts, strict=True)
        if text != ""
    }


def differences(old: PriceMatrix | None, new: PriceMatrix) -> list[Change]:
    """Cells that differ, in the order of the newer version, those that went away last."""
    before = cells_of(old) if old else {}
    after = cells_of(new)
    keys = [*after, *(key for key in before if key not in after)]
    return [Change(*key, before.get(key, ""), after.get(key, "")) for key in keys if before.get(key) != after.get(key)]


def said(head: Iterable[str]) -> str:
    """A head in one line."""
    return " | ".join(head)


def _tests(side: dict[str, Any]) -> list[list[Fit]]:
    return [[fit(part) for part in head] for head in side.get("heads", [])]


def _place(side: dict[str, Any], tests: list[list[Fit]], facts: dict[str, Any]) -> int | None:
    values = [facts.get(name) for name in side.get("by", [])]
    for place, parts in enumerate(tests):
        if all(part.fits(value) for part, value in zip(parts, values, strict=True)):
            return place
    return None


def _usual(name: str, characteristic: Characteristic | None) -> Sequence[str]:
    if characteristic is not None:
        if characteristic.type == Characteristic.Type.CHOICE:
            return [str(value) for value, _ in configuration.choices(characteristic)]
        return ("yes", "no") if characteristic.type == Characteristic.Type.BOOLEAN else (ANY,)
    return USUAL.get(name, (ANY,))


def _range(text: str) -> str:
    if at_least := _AT_LEAST.fullmatch(text):
        return f"{at_least.group(1)}.."
    found = _RANGE.fullmatch(text)
    if found is None and _decimal(text) is None:
        raise BadCell(f"“{text}” is neither a number nor a range such as 12..23 or 36.. .")
    if found is None:
        return text
    low, high = found.groups()
    if low is None and high is None:
        return ANY
    if low is not None and high is not None and Decimal(low) > Decimal(high):
        raise BadCell(f"The range “{text}” ends before it begins.")
    return f"{low or ''}..{high or ''}"


def _dotted(text: str, typed: str) -> str:
    """The number with a point before its decimals; which sign is which has to be clear."""
    if "," in text and "." in text:
        return text.replace(",", "") if text.rindex(".") > text.rindex(",") else text.replace(".", "").replace(",", ".")
    if _THOUSANDS.fullmatch(text.lstrip("-")):
        raise BadCell(f"“{typed.strip()}” can be read in two ways. Write {text.replace(',', '')} or {text}.00.")
    return text.replace(",", ".")


def _decimal(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
