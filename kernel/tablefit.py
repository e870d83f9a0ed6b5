"""Fit of a decision table: what its cells say, held against what its askers know and understand.

A condition on a fact that nobody knows never holds, and an answer that nobody understands breaks whoever asked. Both
are refused where they are typed, and keep a draft from being published. A table that nobody asks may say anything.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from kernel import cells, decisions, tableuse
from kernel.models.decisions import DecisionTable
from kernel.tableuse import Fact

NAMED = 12  # names or values that a sentence lists


class Fit:
    """What the askers of one key know and understand, asked once."""

    def __init__(self, key: str) -> None:
        self.facts = {fact.name: fact for fact in tableuse.facts_for(key)}
        self.answers = {fact.name: fact for fact in tableuse.answers_for(key)}

    def cell(self, name: str, stored: Any, *, output: bool) -> str:
        """What is wrong with one cell; "" for one that fits, or of which nothing can be told."""
        text = decisions.text_of(stored).strip()
        for used in decisions.names_in(text):
            if wrong := self.unknown(used):
                return wrong
        fact = (self.answers if output else self.facts).get(name)
        return next((wrong for value in _values(text, output) if fact and (wrong := _misfit(fact, value))), "")

    def offers(self, name: str, *, output: bool) -> tuple[str, ...]:
        """Values to suggest in a column."""
        fact = (self.answers if output else self.facts).get(name)
        return (fact.values or fact.offers) if fact else ()

    def unknown(self, name: str) -> str:
        """The sentence about a fact that nobody knows; "" for a known one, and where nobody says what they know."""
        first = name.partition(".")[0]
        known = {fact.partition(".")[0] for fact in self.facts}
        if not known or first in known:
            return ""
        return f"Whoever asks this table knows no “{first}”. They know {_listed(sorted(known))}."


def problems(table: DecisionTable) -> Iterator[tuple[int, str, str]]:
    """Row counted from 1 (0 for a column), the column's name and a sentence, for everything that does not fit."""
    fit = Fit(table.key)
    if not fit.facts and not fit.answers:
        return
    inputs, outputs = cells.typed(table)
    for column in inputs:
        if wrong := fit.unknown(column["name"]):
            yield 0, column["name"], f"Column {column['label']}: {wrong}"
    for number, row in enumerate(table.rows, 1):
        for column, output in [*((c, False) for c in inputs), *((c, True) for c in outputs)]:
            if wrong := fit.cell(column["name"], row.get(column["name"]), output=output):
                yield number, column["name"], f"Row {number}, {column['label']}: {wrong}"


def _values(text: str, output: bool) -> list[Any]:
    """Plain values that a cell names; none for one that calculates or compares."""
    if output:
        found = cells.constant(text)
        return [] if found is None else [found]
    inner = text[8:-1] if text.startswith("not in [") else text
    return list(cells.words(inner) or ())


def _misfit(fact: Fact, value: Any) -> str:
    if fact.values and str(value) not in fact.values:
        return f"“{cells.plain(value)}” is none of {_listed(fact.values)}."
    return fact.check(value) if fact.check else ""


def _listed(names: Iterable[str]) -> str:
    given = list(names)
    more = f" and {len(given) - NAMED} more" if len(given) > NAMED else ""
    return ", ".join(given[:NAMED]) + more
