"""Announcing: what the audit trail records of a watched kind of record becomes a fact for listening systems.

Nothing is written while nobody listens, and nothing for kinds that no interface shows.
"""

from typing import Any

from django.utils import timezone

from kernel import events, outbox
from kernel.models.hubs import Subscription

_watched: dict[str, set[str]] = {}


def watch(label: str, api: str) -> None:
    """Listeners of that API want to hear of records of that model (label in lower case)."""
    _watched.setdefault(label, set()).add(api)


def tell(action: str, label: str, changes: dict[int, dict[str, Any]]) -> None:
    """Announce one action on records by key, within the present transaction."""
    apis = _watched.get(label)
    if not apis or not changes or not Subscription.objects.filter(api__in=apis, disabled_at=None).exists():
        return
    now = timezone.now().isoformat()
    outbox.publish_all([events.Changed(label, pk, action, one, now) for pk, one in changes.items()])
