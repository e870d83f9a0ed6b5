"""Finding: one search over everything; apps register how theirs is searched, from their roles.py.

    finding.register("Cases", "headset", "crm.view_case", rows=…, ways=…, tell=…, order=45)

What was typed is looked for in all kinds by one statement, which gives the keys of the best of each; then those records
alone are read with what a result tells of them. Each way of a kind is asked by itself, so that its own index serves it:
one condition over several tables would read them all.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import IntegerField, Q, Value

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


@dataclass(frozen=True)
class Sought:
    """What somebody looks for; what several kinds ask about it is asked `once`."""

    user: User
    text: str
    _known: dict[Any, Any] = field(default_factory=dict)

    def once(self, ask: Callable[["Sought"], Any]) -> Any:
        """The answer to a question about what was typed."""
        if ask not in self._known:
            self._known[ask] = ask(self)
        return self._known[ask]

    def numbers(self, *prefixes: str) -> list[str]:
        """Numbers of these series that may be meant: as typed, or by digits alone."""
        if not (self.text.isascii() and self.text.isdecimal()):
            return [self.text.upper()]
        return [f"{prefix}{int(self.text):07d}" for prefix in prefixes]

    def within(self, *paths: str) -> Q:
        """That the text stands in one of these fields: for tables that stay small."""
        wanted = Q()
        for path in paths:
            wanted |= Q(**{f"{path}__icontains": self.text})
        return wanted


@dataclass(frozen=True)
class Kind:
    """One kind of record that can be found."""

    name: str
    icon: str
    permission: str
    rows: Callable[[User], Any]
    ways: Callable[[Any, Sought], Iterable[Any]]
    tell: Callable[[Any], Found]
    order: int


_kinds: list[Kind] = []


def register(
    name: str, icon: str, permission: str, *, rows: Callable[[User], Any],
    ways: Callable[[Any, Sought], Iterable[Any]], tell: Callable[[Any], Found], order: int = 50,
) -> None:  # fmt: skip
    """Let people with the permission find records.

    `rows(user)` are those that this person may see, best first, with what `tell(record)` needs; `ways(rows, sought)`
    yields those of them that fit, each way by an index of its own. Kinds of one name stand together.
    """
    _kinds.append(Kind(name, icon, permission, rows, ways, tell, order))


def find(user: User, text: str, *, limit: int = LIMIT) -> list[tuple[Kind, list[Found]]]:
    """Results by kind; nothing for fewer than two characters."""
    text = text.replace("\x00", "").strip()[:100]
    if len(text) < 2:
        return []
    kinds = [kind for kind in sorted(_kinds, key=lambda kind: kind.order) if user.has_perm(kind.permission)]
    found: dict[str, tuple[Kind, list[Found]]] = {}
    for at, keys in sorted(_keys(kinds, Sought(user, text), limit).items()):
        kind = kinds[at]
        _, results = found.setdefault(kind.name, (kind, []))
        results += [kind.tell(record) for record in kind.rows(user).filter(pk__in=keys)[: limit - len(results)]]
    return [one for one in found.values() if one[1]]


def _keys(kinds: list[Kind], sought: Sought, limit: int) -> dict[int, list[int]]:
    """The keys of the best of each kind, by its place."""
    parts = []
    for at, kind in enumerate(kinds):
        rows, place = kind.rows(sought.user), Value(at, output_field=IntegerField())
        parts += [way.values_list(place, "pk")[:limit] for way in kind.ways(rows, sought)]
    keys: dict[int, list[int]] = defaultdict(list)
    for at, key in parts[0].union(*parts[1:], all=True) if parts else ():
        keys[at].append(key)
    return keys


def icons() -> set[str]:
    """Icons that kinds use."""
    return {kind.icon for kind in _kinds}
