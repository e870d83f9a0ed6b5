"""Escalation: a record whose time is over is told to the managers, once."""

import datetime as dt

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from fallout import detection
from fallout.models import Fallout
from kernel import audit, notifications
from kernel.models import User

BATCH = 200
DUE = """
EXISTS (SELECT FROM fallout_fallout
    WHERE state IN ('open', 'in_progress', 'on_hold', 'awaiting_information') AND sla_due_at <= clock_timestamp()
        AND sla_left IS NULL AND escalated_at IS NULL)
"""


@transaction.atomic
def escalate_overdue(now: dt.datetime | None = None) -> int:
    """Tell managers and owners of records that ran over their time; returns how many."""
    now = now or timezone.now()
    late = list(
        Fallout.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(state__in=detection.OPEN, sla_due_at__lte=now, sla_left__isnull=True, escalated_at__isnull=True)
        .select_related("owner")
        .order_by("pk")[:BATCH]
    )
    if not late:
        return 0
    Fallout.objects.filter(pk__in=[fallout.pk for fallout in late]).update(escalated_at=now)
    audit.record_many("escalated", late, by=None)
    managers = list(User.objects.filter(groups__name="fallout_manager", is_active=True).order_by("pk"))
    if len(late) == 1:
        (one,) = late
        text, url = f"{one.number} ran over its time: {one.cause}", reverse("fallout:record", args=[one.number])
    else:
        text, url = (
            f"{len(late)} fallout records ran over their time, first {late[0].number}",
            reverse("fallout:fallout_list"),
        )
    notifications.tell(managers, text, url, event="danger", mail=True)
    owned: dict[User, list[Fallout]] = {}
    for fallout in late:
        if fallout.owner and fallout.owner not in managers:
            owned.setdefault(fallout.owner, []).append(fallout)
    for owner, theirs in owned.items():
        notifications.tell(
            [owner], f"Your {theirs[0].number} ran over its time",
            reverse("fallout:record", args=[theirs[0].number]), event="danger",
        )  # fmt: skip
    return len(late)
