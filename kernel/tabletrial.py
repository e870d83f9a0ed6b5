"""Trials of a decision table: two versions side by side, and what a draft would have decided in real cases."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kernel import cells, decisions, tableuse
from kernel.models.decisions import DecisionTable
from kernel.models.people import User
from kernel.tabledrafts import NOTE, PRIORITY

CASES = 50


@dataclass(frozen=True)
class CellChange:
    """One cell that differs: its column in words, before and after."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class RowChange:
    """One row that was added, removed or changed; `number` is its place where it stands."""

    kind: str  # added | removed | changed
    number: int
    cells: list[CellChange]


@dataclass(frozen=True)
class Outcome:
    """One answer: what it says by output, from which rows (counted from 1), or why there is none."""

    said: dict[str, str] = field(default_factory=dict)
    rows: tuple[int, ...] = ()
    wrong: str = ""
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def told(self) -> list[tuple[str, str, str]]:
        """Each answer that there is: its output, the output's label, and what it says."""
        return [(name, self.labels[name], text) for name, text in self.said.items() if text]


@dataclass(frozen=True)
class Tried:
    """One real case decided by the version in force and by the draft."""

    case: tableuse.Case
    given: list[tuple[str, str]]
    before: Outcome | None
    after: Outcome
    differences: list[CellChange]

    @property
    def changed(self) -> set[str]:
        """Outputs that the draft decides differently."""
        before = self.before.said if self.before else self.after.said
        return {name for name, text in self.after.said.items() if text != before.get(name, "")}


@dataclass(frozen=True)
class Trial:
    """All cases, those that change first, and the rows (from 1) of the draft that none of them used."""

    tried: list[Tried]
    changed: int
    unanswered: int
    unused: list[int]


def compare(old: DecisionTable, new: DecisionTable) -> tuple[list[str], list[RowChange]]:
    """What differs between two versions: of the table as a whole in sentences, and row by row."""
    said = []
    if old.title != new.title:
        said.append(f"It is called “{new.title}” instead of “{old.title}”.")
    if old.hit != new.hit:
        said.append(f"What counts: {_hit(new)} instead of {_hit(old)}.")
    columns = {c["name"]: c for side in cells.typed(old) for c in side}
    now = {c["name"]: c for side in cells.typed(new) for c in side}
    said += [f"Column {c['label']} is new." for name, c in now.items() if name not in columns]
    said += [f"Column {c['label']} is gone." for name, c in columns.items() if name not in now]
    labels = {name: c["label"] for name, c in (columns | now).items()} | {PRIORITY: "Priority", NOTE: "Why"}
    return said, _row_changes(_lines(old, labels), _lines(new, labels), labels)


def run(draft: DecisionTable, in_force: DecisionTable | None, *, by: User, limit: int = CASES) -> Trial:
    """Ask both versions about the newest real cases that the person may see, in memory; nothing is stored.

    Raises:
        BrokenRule: the draft cannot be compiled.
    """
    cases = tableuse.cases_for(draft.key, limit, by)
    after = decisions.judge(draft)
    before = decisions.judge(in_force) if in_force else None
    inputs, outputs = cells.typed(draft)
    labels = {c["name"]: c["label"] for c in outputs}
    tried: list[Tried] = []
    used: set[int] = set()
    for case in cases:
        new = _outcome(after, case.facts, labels)
        old = _outcome(before, case.facts, labels) if before else None
        used.update(new.rows)
        shown = [(c["label"], cells.plain(reach(case.facts, c["name"])) or "–") for c in inputs]
        tried.append(Tried(case, shown, old, new, _differences(old, new, labels) if old else []))
    tried.sort(key=lambda one: not one.differences)
    return Trial(
        tried,
        sum(bool(one.differences) for one in tried),
        sum(not one.after.rows for one in tried),
        [n for n in range(1, len(draft.rows) + 1) if n not in used] if cases else [],
    )


def unused(table: DecisionTable, cases: list[tableuse.Case]) -> list[int]:
    """Rows (from 1) that none of these cases used."""
    ask = decisions.judge(table)
    used = {number for case in cases for number in _outcome(ask, case.facts, {}).rows}
    return [n for n in range(1, len(table.rows) + 1) if n not in used]


def reach(facts: dict[str, Any], name: str) -> Any:
    """A fact by its name, dotted for one inside another."""
    found: Any = facts
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _hit(table: DecisionTable) -> str:
    label = str(dict(DecisionTable.Hit.choices)[table.hit])
    return label[:1].lower() + label[1:]


def _outcome(ask: Callable[..., list[decisions.Hit]], facts: dict[str, Any], labels: dict[str, str]) -> Outcome:
    try:
        hits = ask(facts)
    except decisions.BrokenRule as error:
        return Outcome(wrong=str(error))
    said = {name: ", ".join(text for hit in hits if (text := cells.plain(hit.outputs.get(name)))) for name in labels}
    return Outcome(said, tuple(hit.row + 1 for hit in hits), labels=labels)


def _differences(old: Outcome, new: Outcome, labels: dict[str, str]) -> list[CellChange]:
    found = [
        CellChange(label, old.said.get(name, ""), new.said.get(name, ""))
        for name, label in labels.items()
        if old.said.get(name, "") != new.said.get(name, "")
    ]
    if new.wrong and new.wrong != old.wrong:
        found.append(CellChange("Answer", "", new.wrong))
    return found


def _lines(table: DecisionTable, labels: dict[str, str]) -> list[tuple[str, ...]]:
    inputs, outputs = cells.typed(table)
    known = {c["name"]: (c, output) for side, output in ((inputs, False), (outputs, True)) for c in side}
    found = []
    for row in table.rows:
        line = []
        for name in labels:
            if name in (PRIORITY, NOTE):
                line.append(str(row.get(name) or ""))
            else:
                column, output = known.get(name, (None, False))
                line.append(cells.show(column, row.get(name), output=output) if column else "")
        found.append(tuple(line))
    return found


def _row_changes(
    before: list[tuple[str, ...]], after: list[tuple[str, ...]], labels: dict[str, str]
) -> list[RowChange]:
    names = list(labels.values())
    found: list[RowChange] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        pairs = min(b - a, d - c)
        found += [RowChange("changed", c + n + 1, _cells(names, before[a + n], after[c + n])) for n in range(pairs)]
        found += [RowChange("removed", n + 1, _cells(names, before[n], None)) for n in range(a + pairs, b)]
        found += [RowChange("added", n + 1, _cells(names, None, after[n])) for n in range(c + pairs, d)]
    return found


def _cells(names: list[str], old: tuple[str, ...] | None, new: tuple[str, ...] | None) -> list[CellChange]:
    empty = ("",) * len(names)
    pairs = zip(names, old or empty, new or empty, strict=True)
    return [CellChange(name, was, now) for name, was, now in pairs if was != now]
