"""Announcing: what the audit trail records becomes a fact for listening systems and for people who follow a record.

Nothing is written of a kind of record that nobody listens to and nobody follows one of.
"""

import contextvars
import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import connection
from django.utils import timezone

from kernel import events, outbox

_HEARD = """
SELECT EXISTS (SELECT FROM kernel_subscription WHERE disabled_at IS NULL AND api = ANY (%s::text[]))
    OR EXISTS (SELECT FROM kernel_follow WHERE subject_type = %s)
"""

_watched: dict[str, set[str]] = {}
_held: contextvars.ContextVar[dict[str, bool] | None] = contextvars.ContextVar("listeners", default=None)


def watch(label: str, api: str) -> None:
    """Listeners of that API want to hear of records of that model (label in lower case)."""
    _watched.setdefault(label, set()).add(api)


def tell(action: str, label: str, changes: dict[int, dict[str, Any]], by: Any = None) -> None:
    """Announce one action of a person on records by key, within the present transaction."""
    if not changes or not _is_heard(label):
        return
    now = timezone.now().isoformat()
    who = by.pk if by else None
    outbox.publish_all([events.Changed(label, pk, action, one, now, who) for pk, one in changes.items()])


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
    listened = sorted(_watched.get(label, ()))
    if not listened and not _has_pages(label):
        return False
    held = _held.get()
    if held is not None and label in held:
        return held[label]
    with connection.cursor() as cursor:
        cursor.execute(_HEARD, [listened, label])
        found = bool(cursor.fetchone()[0])
    if held is not None:
        held[label] = found
    return found


@functools.cache
def _has_pages(label: str) -> bool:
    """Whether people may open such a record, and therefore follow it."""
    model: Any = apps.get_model(label)
    return hasattr(model, "get_absolute_url") and hasattr(model._default_manager, "visible_to")
