"""Looking on: an administrator sees the product as somebody else does, to help; nothing can be changed meanwhile.

The log-in stays the administrator's own, so the trail never takes one for the other: it says who looked on as whom,
why, and until when. The person looked at is told. It ends by itself after half an hour, and the trail says that too:
at the next page that is asked for, or by `end_due` when the browser was closed.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from kernel import audit, choosing, colleagues, notifications
from kernel.models import AuditEntry
from kernel.models.people import User
from kernel.refusal import NotPermitted, Refusal

RIGHT = "kernel.look_on"
LONGEST = dt.timedelta(minutes=30)
BEGUN, ENDED = "look_on", "look_on_end"
SEARCHED = dt.timedelta(days=2)  # how far back the trail is read for what has no end yet


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
    audit.record(BEGUN, person, by=by, reason=reason.strip())
    notifications.tell([person], f"{by} is looking at your pages as you see them, to help. They can change nothing.")
    return {"person": person.pk, "until": (timezone.now() + LONGEST).isoformat()}


@transaction.atomic
def end(*, held: Mapping[str, Any], by: User, reason: str = "") -> None:
    """Note that it is over, once: whoever asks for two pages at the same moment ends it with the first."""
    _locked([by.pk])
    person = User.objects.filter(pk=held["person"]).first()
    if person and _open(AuditEntry.objects.filter(actor=by, subject_id=person.pk))[by.pk, person.pk]:
        audit.record(ENDED, person, by=by, reason=reason)


@transaction.atomic
def end_due() -> int:
    """Note the end of those that nobody ended and whose time is over. Returns how many."""
    rows = AuditEntry.objects.filter(at__gte=timezone.now() - SEARCHED)
    actors = {by for by, _ in _open(rows)}
    _locked(actors)
    late = AuditEntry.objects.filter(action=BEGUN, at__gte=timezone.now() - LONGEST).values_list("actor", "subject_id")
    due = _open(rows) - Counter(late)
    people = User.objects.in_bulk({pk for pair in due for pk in pair})
    for by, person in due.elements():
        audit.record(ENDED, people[person], by=people[by], reason="its time was over")
    return due.total()


def _locked(people: Iterable[int]) -> None:
    list(User.objects.select_for_update(no_key=True).filter(pk__in=people).order_by("pk").values_list("pk"))


def _open(rows: Any) -> Counter[tuple[int, int]]:
    """How often somebody's looking on as somebody has begun more often than ended; (who, as whom) → times."""
    found = rows.filter(subject_type=User._meta.label_lower, action__in=(BEGUN, ENDED), actor__isnull=False)
    told = Counter(found.values_list("actor", "subject_id", "action"))
    return +Counter({
        (by, person): times - told[by, person, ENDED]
        for (by, person, action), times in told.items() if action == BEGUN
    })  # fmt: skip


def seen_as(held: Mapping[str, Any], by: User) -> User | None:
    """As whom the holder of a session looks on now; None once it is over, or no longer allowed."""
    if timezone.now() > dt.datetime.fromisoformat(held["until"]) or not by.has_perm(RIGHT):
        return None
    found: User | None = people(by).filter(pk=held["person"]).first()
    return found


choosing.register("kernel.person", rows=people, search=(*colleagues.SEARCH, "email"), label=colleagues.label)
