"""Checks of a decision table: cells that cannot be read, test rows, and rows that contradict, hide or leave a gap."""

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kernel import cells, decisions, tablefit
from kernel.models.decisions import DecisionTable

MOST_POINTS = 6000  # combinations that are looked at for gaps
SHOWN = 5  # hints of one kind
Hit = DecisionTable.Hit

_BOUND = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Problem:
    """What keeps a draft from being published; `row` counts from 1, 0 is the whole table."""

    row: int
    name: str
    text: str


@dataclass(frozen=True)
class Checked:
    """One test row after its run: what came out by output, and what is wrong, by output or "" for the whole."""

    test: dict[str, Any]
    got: dict[str, str]
    wrong: dict[str, str]
    rows: list[int] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything expected came out."""
        return not self.wrong


@dataclass(frozen=True)
class Hint:
    """Something about the rows that a person should look at; a contradiction stops publishing."""

    kind: str  # contradiction | hidden | gap | silent
    text: str
    rows: tuple[int, ...] = ()


def problems(table: DecisionTable) -> list[Problem]:
    """Everything that cannot be read, cell by cell."""
    inputs, outputs = cells.typed(table)
    found = []
    if not outputs:
        found.append(Problem(0, "", "The table has no output, so it decides nothing. Add one."))
    if not table.rows:
        found.append(Problem(0, "", "The table has no rows."))
    for number, row in enumerate(table.rows, 1):
        for column, output in [*((c, False) for c in inputs), *((c, True) for c in outputs)]:
            try:
                cells.read(column, cells.show(column, row.get(column["name"]), output=output), output=output)
            except cells.CellRefused as error:
                found.append(Problem(number, column["name"], f"Row {number}, {column['label']}: {error}"))
    placed = {(problem.row, problem.name) for problem in found}
    return found + [Problem(*one) for one in tablefit.problems(table) if one[:2] not in placed]


def run(table: DecisionTable) -> list[Checked]:
    """Every test row with its result, evaluated in memory."""
    if not table.tests:
        return []
    try:
        ask = decisions.judge(table)
    except Exception as error:  # the engine's own, of a table that cannot be compiled
        return [Checked(test, {}, {"": decisions.reason(error)}) for test in table.tests]
    inputs, outputs = cells.typed(table)
    kinds = {c["name"]: c for c in inputs}
    return [_check(test, ask, kinds, [c["name"] for c in outputs]) for test in table.tests]


def hints(table: DecisionTable) -> list[Hint]:
    """Contradictions, rows that are never reached, and cases that no row answers, as far as they can be told."""
    inputs, outputs = cells.typed(table)
    silent = [
        Hint("silent", f"Row {n} has no answer, so it decides nothing.", (n,))
        for n, row in enumerate(table.rows, 1)
        if not any(decisions.text_of(row.get(column["name"])).strip() for column in outputs)
    ]
    return [*silent[:SHOWN], *_of_conditions(table, inputs)]


def _of_conditions(table: DecisionTable, inputs: list[dict[str, Any]]) -> list[Hint]:
    if not table.rows or not inputs:
        return []
    axes = [_axis(column, [decisions.text_of(r.get(column["name"])).strip() for r in table.rows]) for column in inputs]
    if any(axis is None for axis in axes):
        return []
    known = [axis for axis in axes if axis is not None]
    size = 1
    for points, _ in known:
        size *= len(points)
    if size > MOST_POINTS:
        return []
    return _told(table, inputs, known)


def _told(table: DecisionTable, inputs: list[dict[str, Any]], axes: list["Axis"]) -> list[Hint]:
    clashes: dict[tuple[int, int], str] = {}
    reached: set[int] = set()
    gaps: list[str] = []
    for point in itertools.product(*(points for points, _ in axes)):
        hit = [n for n in range(len(table.rows)) if all(m[n](x) for x, (_, m) in zip(point, axes, strict=True))]
        if not hit:
            gaps.append(_words(inputs, point))
        reached.update(hit[:1] if table.hit == Hit.FIRST else hit)
        for pair in itertools.combinations(hit, 2):
            clashes.setdefault(pair, _words(inputs, point))
    found = []
    if table.hit == Hit.UNIQUE:
        found += [
            Hint("contradiction", f"Rows {a + 1} and {b + 1} both match {place}.", (a + 1, b + 1))
            for (a, b), place in list(clashes.items())[:SHOWN]
        ]
    if table.hit == Hit.FIRST:
        hidden = [n for n in range(len(table.rows)) if n not in reached]
        found += [
            Hint("hidden", f"Row {n + 1} is never reached: rows above it match first.", (n + 1,))
            for n in hidden[:SHOWN]
        ]
    if table.hit != Hit.COLLECT:
        found += [Hint("gap", f"No row matches {place}.") for place in list(dict.fromkeys(gaps))[:3]]
    return found


def _check(
    test: dict[str, Any],
    ask: Callable[[dict[str, Any]], list[decisions.Hit]],
    kinds: dict[str, Any],
    outputs: list[str],
) -> Checked:
    given = test.get("given", {})
    try:
        facts = {name: cells.value(kinds.get(name, {"type": "any"}), text) for name, text in given.items()}
        hits = ask({name: value for name, value in facts.items() if value is not None})
    except (cells.CellRefused, decisions.BrokenRule) as error:
        return Checked(test, {}, {"": str(error)})
    got = {name: _joined(hits, name) for name in outputs}
    expected = {name: text.strip() for name, text in test.get("expect", {}).items() if text.strip()}
    wrong = {
        name: f"expected {text}, got {got.get(name) or 'nothing'}"
        for name, text in expected.items()
        if not _same(text, got.get(name, ""))
    }
    if not expected:
        wrong[""] = "Say what should come out."
    return Checked(test, got, wrong, [hit.row + 1 for hit in hits])


def _joined(hits: list[decisions.Hit], name: str) -> str:
    return ", ".join(text for hit in hits if (text := cells.plain(hit.outputs.get(name))))


def _same(expected: str, got: str) -> bool:
    if expected.lower() in ("-", "–", "nothing", "none"):
        return not got
    return _flat(expected) == _flat(got)


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", text.strip().strip("'\"").lower())


Test = Callable[[Any], bool]
Axis = tuple[list[Any], list[Test]]


class _Other:
    """Any word that the column does not name."""

    def __str__(self) -> str:
        return "anything else"


OTHER = _Other()


def _axis(column: dict[str, Any], texts: list[str]) -> Axis | None:
    """Values worth looking at in a column, and for each row whether it takes one; None where that cannot be told."""
    kind = column["type"]
    if all(not text for text in texts):
        return [OTHER], [lambda x: True for _ in texts]
    if kind == "boolean":
        if any(text not in ("", "true", "false") for text in texts):
            return None
        return [True, False], [_is(text) for text in texts]
    if kind == "text":
        sets = [_set(text) for text in texts]
        if any(one is None for one in sets):
            return None
        named = dict.fromkeys(word for one in sets if one for word in one[0])
        allowed = [str(value) for value in column.get("values") or []]
        return (allowed or [*named, OTHER]), [_within(one) for one in sets]
    if kind == "number":
        tests = [_numbers(text) for text in texts]
        if any(test is None for test in tests):
            return None
        return _points(texts), [test for test in tests if test is not None]
    return None


def _is(text: str) -> Test:
    return lambda x: not text or x is (text == "true")


def _set(text: str) -> tuple[set[str], bool] | None:
    """(words, negated) of a cell; an empty cell takes everything."""
    if not text:
        return set(), True
    negated = text.startswith("not in [")
    listed = cells.words(text[8:-1] if negated else text)
    return None if listed is None else (set(listed), negated)


def _within(one: tuple[set[str], bool] | None) -> Test:
    words, negated = one or (set(), True)
    return lambda x: (x in words) != negated


def _points(texts: list[str]) -> list[float]:
    """Every bound, a value between each two, and one beyond either end."""
    bounds = sorted({float(number) for text in texts for number in _BOUND.findall(text)})
    between = [(a + b) / 2 for a, b in itertools.pairwise(bounds)]
    return [bounds[0] - 1, *sorted([*bounds, *between]), bounds[-1] + 1]


def _numbers(text: str) -> Test | None:
    """A cell of numbers as a test; None for what mixes and, or, not."""
    if not text:
        return lambda x: True
    if " or " in text or text.startswith("not"):
        return None
    joined, parts = (all, text.split(" and ")) if " and " in text else (any, re.split(r",(?![^\[(]*[\])])", text))
    tests = [_piece(part.strip()) for part in parts]
    if any(test is None for test in tests):
        return None
    return lambda x: joined(test(x) for test in tests if test)


def _piece(text: str) -> Test | None:
    if found := re.fullmatch(r"([\[(])\s*(-?[\d.]+?)\s*\.\.\s*(-?[\d.]+)\s*([\])])", text):
        low, high = float(found.group(2)), float(found.group(3))
        opened, closed = found.group(1) == "(", found.group(4) == ")"
        return lambda x: (x > low if opened else x >= low) and (x < high if closed else x <= high)
    if found := re.fullmatch(r"(<=|>=|<|>|==|!=)?\s*(-?\d+(?:\.\d+)?)", text):
        return _COMPARE[found.group(1) or "=="](float(found.group(2)))
    return None


_COMPARE: dict[str, Callable[[float], Test]] = {
    "==": lambda n: lambda x: x == n,
    "!=": lambda n: lambda x: x != n,
    "<": lambda n: lambda x: x < n,
    "<=": lambda n: lambda x: x <= n,
    ">": lambda n: lambda x: x > n,
    ">=": lambda n: lambda x: x >= n,
}


def _words(inputs: list[dict[str, Any]], point: tuple[Any, ...]) -> str:
    return ", ".join(
        f"{column['label'].lower()} {cells.plain(value) if value is not OTHER else 'anything else'}"
        for column, value in zip(inputs, point, strict=True)
    )
