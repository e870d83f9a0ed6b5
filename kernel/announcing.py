"""Announcing: what the audit trail records of a watched kind of record becomes a fact for listening systems.

Nothing is written while nobody listens, and nothing for kinds that no interface shows.
"""

import contextvars
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils import timezone

from kernel import events, outbox
from kernel.models.hubs import Subscription

_watched: dict[str, set[str]] = {}
_held: contextvars.ContextVar[dict[str, bool] | None] = contextvars.ContextVar("listeners", default=None)


def watch(label: str, api: str) -> None:
    """Listeners of that API want to hear of records of that model (label in lower case)."""
    _watched.setdefault(label, set()).add(api)


def tell(action: str, label: str, changes: dict[int, dict[str, Any]]) -> None:
    """Announce one action on records by key, within the present transaction."""
    if not changes or not _is_heard(label):
        return
    now = timezone.now().isoformat()
    outbox.publish_all([events.Changed(label, pk, action, one, now) for pk, one in changes.items()])


@contextmanager
def holding() -> Iterator[None]:
    """Within this block it is asked once for each kind of record whether anybody listens."""
    held = _held.get()
    token = _held.set({} if held is None else held)
    try:
        yield
    finally:
        _held.reset(token)


def _is_heard(label: str) -> bool:
    apis = _watched.get(label)
    if not apis:
        return False
    held = _held.get()
    if held is not None and label in held:
        return held[label]
    found: bool = Subscription.objects.filter(api__in=apis, disabled_at=None).exists()
    if held is not None:
        held[label] = found
    return found
