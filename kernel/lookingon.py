"""Looking on: an administrator sees the product as somebody else does, to help; nothing can be changed meanwhile.

The log-in stays the administrator's own, so the trail never takes one for the other: it says who looked on as whom,
why, and until when. The person looked at is told. It ends by itself after half an hour.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from kernel import audit, choosing, colleagues, notifications
from kernel.models.people import User
from kernel.refusal import NotPermitted, Refusal

RIGHT = "kernel.look_on"
LONGEST = dt.timedelta(minutes=30)


def people(by: User) -> Any:
    """As whom somebody may look on: whoever works here or is a customer, but no other administrator."""
    found = User.objects.filter(is_active=True, is_staff=False, is_superuser=False, groups__isnull=False)
    return found.exclude(pk=by.pk).distinct().order_by("first_name", "last_name")


@transaction.atomic
def begin(*, person: User, reason: str, by: User) -> dict[str, Any]:
    """Note it and tell the person. Returns what the session keeps.

    Raises:
        NotPermitted: without the right, or as somebody as whom nobody may look on.
        Refusal: without a reason.
    """
    if not by.has_perm(RIGHT):
        raise NotPermitted("Only an administrator may see the product as somebody else does.")
    if not people(by).filter(pk=person.pk).exists():
        raise NotPermitted(f"Nobody may look on as {person}.")
    if not reason.strip():
        raise Refusal(problems={"reason": ["Say why; the audit trail keeps it."]})
    audit.record("look_on", person, by=by, reason=reason.strip())
    notifications.tell([person], f"{by} is looking at your pages as you see them, to help. They can change nothing.")
    return {"person": person.pk, "until": (timezone.now() + LONGEST).isoformat()}


def end(*, held: Mapping[str, Any], by: User) -> None:
    """Note that it is over."""
    person = User.objects.filter(pk=held["person"]).first()
    if person:
        audit.record("look_on_end", person, by=by)


def seen_as(held: Mapping[str, Any], by: User) -> User | None:
    """As whom the holder of a session looks on now; None once it is over, or no longer allowed."""
    if timezone.now() > dt.datetime.fromisoformat(held["until"]) or not by.has_perm(RIGHT):
        return None
    found: User | None = people(by).filter(pk=held["person"]).first()
    return found


choosing.register("kernel.person", rows=people, search=(*colleagues.SEARCH, "email"), label=colleagues.label)
