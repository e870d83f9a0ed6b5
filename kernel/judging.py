"""Judging: what a decision is about, told by the app whose record waits for it, in the figures that decide."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from kernel.models.approvals import ApprovalStep
from kernel.models.people import User


@dataclass(frozen=True)
class About:
    """The record in the words of its people: its title and number, whose it is, and labelled figures."""

    title: str
    number: str = ""
    customer: str = ""
    facts: tuple[tuple[str, str], ...] = ()


Teller = Callable[[User, Collection[int]], Iterable[tuple[int, About]]]
_tellers: dict[str, Teller] = {}


def told(label: str) -> Callable[[Teller], Teller]:
    """Decorator: this function tells of records of a model such as contracts.quote, those that the person may see."""

    def register(function: Teller) -> Teller:
        _tellers[label] = function
        return function

    return register


def abouts(user: User, steps: Iterable[ApprovalStep]) -> list[tuple[ApprovalStep, About]]:
    """Each step with what it is about; one question for each kind of record."""
    rows = list(steps)
    wanted: dict[str, set[int]] = defaultdict(set)
    for step in rows:
        wanted[step.request.subject_type].add(step.request.subject_id)
    known = {
        (label, key): about
        for label, keys in wanted.items()
        if label in _tellers
        for key, about in _tellers[label](user, keys)
    }
    return [
        (step, known.get((step.request.subject_type, step.request.subject_id), About(step.request.subject_name)))
        for step in rows
    ]
