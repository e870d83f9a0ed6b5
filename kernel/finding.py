"""Finding: one search over everything; apps register how theirs is searched, from their roles.py."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kernel.models.people import User

LIMIT = 6  # results of each kind


@dataclass(frozen=True)
class Found:
    """One result: what it is called, a grey detail, its number, where it is."""

    text: str
    url: str
    detail: str = ""
    number: str = ""
    icon: str = "arrow-right"


Search = Callable[[User, str, int], Iterable[Found]]


@dataclass(frozen=True)
class Kind:
    """One kind of record that can be found."""

    name: str
    icon: str
    permission: str
    search: Search
    order: int


_kinds: list[Kind] = []


def register(name: str, icon: str, permission: str, search: Search, *, order: int = 50) -> None:
    """Let people with the permission find records.

    `search(user, text, limit)` yields `Found`, best first, only what this person may see.
    """
    _kinds.append(Kind(name, icon, permission, search, order))


def find(user: User, text: str, *, limit: int = LIMIT) -> list[tuple[Kind, list[Found]]]:
    """Results by kind; nothing for fewer than two characters."""
    text = text.replace("\x00", "").strip()[:100]
    if len(text) < 2:
        return []
    found = [
        (kind, list(kind.search(user, text, limit)))
        for kind in sorted(_kinds, key=lambda kind: kind.order)
        if user.has_perm(kind.permission)
    ]
    return [(kind, results) for kind, results in found if results]


def icons() -> set[str]:
    """Icons that kinds use."""
    return {kind.icon for kind in _kinds}
