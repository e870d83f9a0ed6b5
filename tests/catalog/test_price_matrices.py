"""Price matrices: what heads and cells may say, which overlap, how two versions differ."""

from decimal import Decimal
from typing import Any

import pytest

from catalog import matrices
from catalog.matrices import Fit
from catalog.models import Characteristic, Offering, PriceMatrix


def matrix(cells: list[list[str]]) -> PriceMatrix:
    return PriceMatrix(
        cells=cells, rows={"by": ["size"], "heads": [["S"], ["L"]]},
        columns={"by": ["term"], "heads": [["..11"], ["12.."]]},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("part", "value", "fits"),
    [
        ("*", None, True), ("*", "x", True), ("12..23", 12, True), ("12..23", 23, True), ("12..23", 24, False),
        ("12..23", 11, False), ("36..", 1000, True), ("36..", 35, False), ("..11", -5, True), ("..11", 12, False),
        ("12..23", "15", True), ("12..23", "x", False), ("12..23", None, False), ("12..23", True, False),
        ("36", 36, True), ("36", 37, False), ("36", "36", True), ("metro", "Metro", True), ("metro", "remote", False),
        ("metro", None, False), ("yes", True, True), ("yes", False, False), ("no", False, True), ("1.5..2", 1.75, True),
    ],
)  # fmt: skip
def test_what_a_head_lets_pass(part: str, value: Any, fits: bool) -> None:
    assert matrices.fit(part).fits(value) is fits


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("*", "metro", True), ("*", "1..2", True), ("metro", "metro", True), ("metro", "remote", False),
        ("1..11", "12..", False), ("1..12", "12..", True), ("..5", "6..", False), ("..6", "6..", True),
        ("5", "1..9", True),
        ("5", "6", False), ("metro", "1..9", False), ("1..9", "..", True), ("1..9", "10..20", False),
    ],
)  # fmt: skip
def test_heads_that_one_line_could_both_fit(one: str, other: str, meet: bool) -> None:
    for first, second in ((one, other), (other, one)):
        assert matrices.fit(first).meets(matrices.fit(second)) is meet


def test_overlaps_are_named_by_place() -> None:
    heads = [("S", "1..11"), ("S", "11.."), ("L", "1..11"), ("*", "30..")]
    assert matrices.overlaps(heads) == [(0, 1), (1, 3)]


def characteristic(kind: str, **values: Any) -> Characteristic:
    return Characteristic(key="x", name="Bandwidth", type=kind, **values)


@pytest.mark.parametrize(
    ("name", "typed", "kind", "kept"),
    [
        ("term", " 12 .. 23 ", None, "12..23"), ("term", ">= 36", None, "36.."), ("term", "≥36", None, "36.."),
        ("term", "12–23", None, "12..23"), ("term", "..", None, "*"), ("term", "", None, "*"), ("term", "*", None, "*"),
        ("sites", "..9", None, "..9"), ("quantity", "7", None, "7"), ("country", "nl", None, "NL"),
        ("region", "Metro", None, "Metro"), ("x", "1g", "choice", "1G"), ("x", "TRUE", "boolean", "yes"),
        ("x", "no", "boolean", "no"), ("x", "5..", "number", "5.."), ("x", "Any word", "text", "Any word"),
    ],
)  # fmt: skip
def test_heads_have_one_form(name: str, typed: str, kind: str | None, kept: str) -> None:
    known = characteristic(kind, choices=["100M", "1G"]) if kind else None
    assert matrices.read_head(name, typed, known) == kept


@pytest.mark.parametrize(
    ("name", "typed", "kind", "said"),
    [
        ("term", "long", None, "neither a number nor a range"), ("term", "23..12", None, "ends before it begins"),
        ("x", "2G", "choice", "“2G” is no bandwidth. There is 100M, 1G."),
        ("x", "maybe", "boolean", "neither yes nor no"),
        ("x", "word", "number", "neither a number"),
    ],
)  # fmt: skip
def test_heads_that_cannot_be_read_are_refused(name: str, typed: str, kind: str | None, said: str) -> None:
    known = characteristic(kind, choices=["100M", "1G"]) if kind else None
    with pytest.raises(matrices.BadCell, match=said):
        matrices.read_head(name, typed, known)


@pytest.mark.parametrize(
    ("typed", "how", "kept"),
    [
        ("", "amount", ""), ("-", "amount", ""), ("–", "amount", ""), (" 1 250 ", "amount", "1250"),
        ("€ 1,250.50", "amount", "1250.5"), ("1.250,50", "amount", "1250.5"), ("12,5", "amount", "12.5"),
        ("0", "amount", "0"), ("1000000000", "amount", "1000000000"), ("−25 %", "percent", "-25"),
        ("-100", "percent", "-100"), ("1000", "percent", "1000"), ("× 1.8", "factor", "1.8"), ("0", "factor", "0"),
        ("0.1234567", "amount", "0.123457"), ("1,250,000.5", "amount", "1250000.5"),
    ],
)  # fmt: skip
def test_cells_have_one_form(typed: str, how: str, kept: str) -> None:
    assert matrices.read_cell(typed, how) == kept


@pytest.mark.parametrize(
    ("typed", "how", "said"),
    [
        ("abc", "amount", "“abc” is not a number."), ("-1", "amount", "A price is 0 or more."),
        ("1000000001", "amount", "A price is"), ("-101", "percent", "−100 % to 1,000 %"),
        ("1001", "percent", "−100 % to"), ("-0.1", "factor", "0 to 1,000"), ("1001", "factor", "0 to 1,000"),
        ("1,250", "amount", "Write 1250 or 1,250.00."), ("-1,250", "percent", "two ways"),
        ("NaN", "amount", "not a number"),
    ],
)  # fmt: skip
def test_cells_that_cannot_be_read_are_refused(typed: str, how: str, said: str) -> None:
    with pytest.raises(matrices.BadCell) as error:
        matrices.read_cell(typed, how)
    assert said in str(error.value)


def test_what_differs_between_two_versions() -> None:
    old, new = matrix([["10", ""], ["30", "40"]]), matrix([["12", "5"], ["", "40"]])
    found = matrices.differences(old, new)
    assert [(c.row, c.column, c.old, c.new, c.percent) for c in found] == [
        (("S",), ("..11",), "10", "12", Decimal("20.0")), (("S",), ("12..",), "", "5", None),
        (("L",), ("..11",), "30", "", None),
    ]  # fmt: skip
    assert len(matrices.differences(None, new)) == 3
    assert matrices.Change(("S",), ("L",), "0", "5").percent is None


def test_usual_heads_are_every_combination_of_what_there_is() -> None:
    known = {
        "size": characteristic("choice", choices=["S", "L"]),
        "ha": characteristic("boolean"),
        "n": characteristic("number"),
    }
    assert matrices.usual_heads(["size", "ha"], known) == [["S", "yes"], ["S", "no"], ["L", "yes"], ["L", "no"]]
    assert matrices.usual_heads(["n", "country"], {**known, "country": None}) == [["*", "*"]]
    assert matrices.usual_heads(["region"], {"region": None}) == [["metro"], ["regional"], ["remote"]]
    assert matrices.said(("S", "1..11")) == "S | 1..11"
    bare = Offering(kind="bundle")
    assert list(matrices.axes(bare)) == ["region", "country", "term", "sites", "quantity"]
    assert Fit() == matrices.fit("*")
