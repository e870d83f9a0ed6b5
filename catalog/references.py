"""References: characteristics that point at a location, an installed product or another offering, and what they find.

Each app that owns such records registers a finder; a value is the record's code, number or key. Lookups are always of
one customer's records, so that nobody can point at what belongs to somebody else.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from catalog.models import Offering
from kernel.models import User

Found = list[tuple[str, str]]  # value, what people read


@dataclass(frozen=True)
class Finder:
    """`offered` lists what may be chosen for a customer (key); `named` the same for given values only."""

    offered: Callable[[int | None], Found]
    named: Callable[[int | None, Iterable[str]], Found]


_finders: dict[str, Finder] = {}
_asking: ContextVar[User | None] = ContextVar("asking", default=None)


@contextmanager
def asked_by(user: User | None) -> Iterator[None]:
    """Within this block nothing is found that this user may not see, such as what a sister company has."""
    token = _asking.set(user)
    try:
        yield
    finally:
        _asking.reset(token)


def asking() -> User | None:
    """Who asks, None for whoever sees the whole customer."""
    return _asking.get()


def register(kind: str, finder: Finder) -> None:
    """Say how one kind of reference is looked up; called while apps load."""
    _finders[kind] = finder


def offered(kind: str, account_id: int | None) -> Found:
    """What may be chosen, in order."""
    finder = _finders.get(kind)
    return finder.offered(account_id) if finder else []


def problem(kind: str, account_id: int | None, value: str) -> str:
    """Why a value points at nothing, "" when it does."""
    finder = _finders.get(kind)
    if finder is None or dict(finder.named(account_id, [value])):
        return ""
    return {
        "location": f"This customer has no location “{value[:60]}”.",
        "product": f"This customer has no installed product “{value[:60]}”.",
        "service": f"This customer has no service “{value[:60]}”.",
        "order": f"This customer has no order “{value[:60]}”.",
    }.get(kind, f"There is no offering “{value[:60]}”.")


def _offerings(account_id: int | None) -> Found:
    return list(Offering.objects.filter(state="active", sellable=True).values_list("key", "name"))


def _named_offerings(account_id: int | None, values: Iterable[str]) -> Found:
    return list(Offering.objects.filter(state="active", key__in=list(values)).values_list("key", "name"))


register("offering", Finder(_offerings, _named_offerings))
