"""Use of decision tables: which part of the product asks which table, with which facts, and real cases to try it on.

An app says so from its roles.py:

    tableuse.add(Use("feasibility", "Feasibility checks", "Whether the network reaches a site.", facts=(…), …))

A key that ends in * stands for every table whose key begins so.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fact:
    """One thing that the asker knows, or one answer that it understands. `type` as in `kernel.cells.TYPES`."""

    name: str
    label: str
    type: str = "text"
    values: tuple[str, ...] = ()

    def column(self) -> dict[str, Any]:
        """The fact as a column of a table."""
        return {"name": self.name, "label": self.label, "type": self.type, "values": list(self.values)}


@dataclass(frozen=True)
class Case:
    """One real case: what it is called, where it is seen, and the facts that a table is asked with."""

    name: str
    facts: dict[str, Any]
    url: str = ""


Cases = Callable[[str, int], Iterable[Case]]  # of a table's key, the newest ones, at most so many


@dataclass(frozen=True)
class Use:
    """One asker. `needed(key)` gives the sentences that keep such a table from being retired."""

    key: str
    title: str
    purpose: str
    facts: tuple[Fact, ...] = ()
    answers: tuple[Fact, ...] = ()
    cases: Cases | None = None
    needed: Callable[[str], list[str]] | None = None

    def asks(self, key: str) -> bool:
        """Whether it asks the table of that key."""
        return key.startswith(self.key[:-1]) if self.key.endswith("*") else key == self.key


_uses: list[Use] = []


def add(*uses: Use) -> None:
    """Register askers; called while apps load."""
    _uses.extend(uses)


def of(key: str) -> list[Use]:
    """Who asks the table of that key."""
    return [use for use in _uses if use.asks(key)]


def open_keys() -> list[Use]:
    """Askers, for the form that makes a new table."""
    return list(_uses)


def facts_for(key: str) -> list[Fact]:
    """Every fact that the table may look at."""
    return list({fact.name: fact for use in of(key) for fact in use.facts}.values())


def answers_for(key: str) -> list[Fact]:
    """Every answer that somebody understands."""
    return list({fact.name: fact for use in of(key) for fact in use.answers}.values())


def cases_for(key: str, limit: int) -> list[Case]:
    """The newest real cases."""
    found: list[Case] = []
    for use in of(key):
        if use.cases and len(found) < limit:
            found.extend(use.cases(key, limit - len(found)))
    return found[:limit]


def needed(key: str) -> list[str]:
    """Why the table cannot be retired, in sentences."""
    return [sentence for use in of(key) if use.needed for sentence in use.needed(key)]
