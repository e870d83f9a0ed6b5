"""Presence: who has a record open besides oneself, known for as long as their page says so every few seconds."""

import time

from django.core.cache import cache

from kernel.models.people import User

EVERY = 20  # seconds between two signs of a page
GONE = 50  # seconds without one
MOST = 20  # people who are remembered for one record


def sign(label: str, pk: int, user: User) -> list[str]:
    """Note that somebody has a record open. Returns the names of the others who have."""
    key, now = f"presence:{label}:{pk}", time.time()
    here: dict[int, tuple[str, float]] = cache.get(key) or {}
    here = {who: (name, at) for who, (name, at) in here.items() if now - at < GONE and who != user.pk}
    others = [name for name, _ in here.values()]
    kept = dict(list(here.items())[-MOST:])
    cache.set(key, kept | {user.pk: (str(user), now)}, GONE)
    return others
