"""Use of decision tables: which part of the product asks which table, with which facts, and real cases to try it on.

An app says so from its roles.py:

    tableuse.add(Use("feasibility", "Feasibility checks", "Whether the network reaches a site.", facts=…, cases=…))

A key that ends in * stands for every table whose key begins so.
"""

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from kernel.models.people import User

Check = Callable[[Any], str]


@dataclass(frozen=True)
class Fact:
    """One thing that the asker knows, or one answer that it understands. `type` as in `kernel.cells.TYPES`.

    `values` are all that there are, none for any; `check` says in a sentence why a value does not fit, or "", and
    `offers` are the values to suggest where it does so.
    """

    name: str
    label: str
    type: str = "text"
    values: tuple[str, ...] = ()
    check: Check | None = None
    offers: tuple[str, ...] = ()

    def column(self) -> dict[str, Any]:
        """The fact as a column of a table."""
        return {"name": self.name, "label": self.label, "type": self.type, "values": list(self.values)}


@dataclass(frozen=True)
class Case:
    """One real case: what it is called, where it is seen, and the facts that a table is asked with."""

    name: str
    facts: dict[str, Any]
    url: str = ""


Cases = Callable[[str, int, User], Iterable[Case]]  # of a key, at most so many of the newest that the person may see


@dataclass(frozen=True)
class Use:
    """One asker of the table `key`, of all tables whose key begins so, or of those that `keys()` names now.

    `facts(key)` is what it knows, `answers(key)` what it understands; `needed(key)` gives the sentences that keep the
    table from being retired.
    """

    key: str
    title: str
    purpose: str
    facts: Callable[[str], Iterable[Fact]] = lambda key: ()
    answers: Callable[[str], Iterable[Fact]] = lambda key: ()
    cases: Cases | None = None
    needed: Callable[[str], list[str]] = lambda key: []
    keys: Callable[[], set[str]] | None = None


_uses: list[Use] = []


def add(*uses: Use) -> None:
    """Register askers; called while apps load."""
    _uses.extend(uses)


def of_many(keys: Iterable[str]) -> dict[str, list[Use]]:
    """Key → who asks that table; those who say it by data are asked once."""
    found: dict[str, list[Use]] = {key: [] for key in keys}
    for use in _uses:
        named = use.keys() if use.keys else None
        for key, askers in found.items():
            fits = key in named if named is not None else _fits(use.key, key)
            if fits:
                askers.append(use)
    return found


def of(key: str) -> list[Use]:
    """Who asks the table of that key."""
    return of_many([key])[key]


def fixed() -> list[Use]:
    """Askers whose key is known, for the form that makes a new table."""
    return [use for use in _uses if use.keys is None]


def facts_for(key: str) -> list[Fact]:
    """Every fact that the table may look at."""
    return _merged(fact for use in of(key) for fact in use.facts(key))


def answers_for(key: str) -> list[Fact]:
    """Every answer that somebody understands."""
    return _merged(fact for use in of(key) for fact in use.answers(key))


def _merged(facts: Iterable[Fact]) -> list[Fact]:
    """One fact for each name; what fits one of several of that name fits."""
    found: dict[str, Fact] = {}
    for fact in facts:
        other = found.get(fact.name, fact)
        found[fact.name] = fact if other is fact else _both(other, fact)
    return list(found.values())


def _both(one: Fact, other: Fact) -> Fact:
    values = tuple(dict.fromkeys([*one.values, *other.values])) if one.values and other.values else ()
    return replace(other, values=values, check=_either(one.check, other.check))


def _either(one: Check | None, other: Check | None) -> Check | None:
    return (lambda value: one(value) and other(value)) if one and other else None


def cases_for(key: str, limit: int, by: User) -> list[Case]:
    """The newest real cases that this person may see."""
    found: dict[tuple[str, str], Case] = {}
    for use in of(key):
        if use.cases and len(found) < limit:
            found |= {(case.name, case.url): case for case in itertools.islice(use.cases(key, limit, by), limit)}
    return list(found.values())[:limit]


def needed(key: str) -> list[str]:
    """Why the table cannot be retired, in sentences."""
    return [sentence for use in of(key) for sentence in use.needed(key)]


def _fits(pattern: str, key: str) -> bool:
    return key.startswith(pattern[:-1]) if pattern.endswith("*") else key == pattern
