"""Questions about fallout: the desk's figures, its groups by cause, what one failure holds back."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import connection, models
from django.db.models import Count, F, Max, Min, Q
from django.utils import timezone

from fallout import clock, detection
from fallout.models import Fallout
from fulfillment.models import Attempt

HELD_BACK = """
WITH RECURSIVE later (id) AS (
    SELECT after_id FROM fulfillment_taskdependency WHERE before_id = %s AND met_at IS NULL
  UNION
    SELECT dependency.after_id FROM later
    JOIN fulfillment_taskdependency dependency ON dependency.before_id = later.id AND dependency.met_at IS NULL
)
SELECT count(*) FROM later JOIN fulfillment_task task ON task.id = later.id
WHERE task.state NOT IN ('completed', 'skipped', 'discarded', 'cancelled')
"""


class Median(models.Aggregate):
    """The middle value of a column."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = models.DurationField()


@dataclass(frozen=True)
class Group:
    """Open records of one cause."""

    fingerprint: str
    cause: str
    operation: str
    team: str
    teams: int
    count: int
    since: int
    oldest: str
    left: clock.Left


def standing(rows: Any) -> Any:
    """Those of the rows that nobody has mended yet."""
    return rows.filter(state__in=detection.OPEN)


def figures(rows: Any, now: dt.datetime) -> dict[str, Any]:
    """The desk's numbers, in two queries."""
    soon, today = now + clock.SOON, timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    found: dict[str, Any] = standing(rows).aggregate(
        open=Count("pk"), orders=Count("order", distinct=True), late=Count("pk", filter=Q(sla_due_at__lt=now)),
        latest=Min("sla_due_at"), soon=Count("pk", filter=Q(sla_due_at__gte=now, sla_due_at__lt=soon)),
        ownerless=Count("pk", filter=Q(sla_due_at__gte=now, sla_due_at__lt=soon, owner=None)),
    )  # fmt: skip
    mended = rows.filter(resolved_at__gte=now - dt.timedelta(days=7)).aggregate(
        median=Median(F("resolved_at") - F("created_at")),
        fixed=Count("pk", filter=Q(resolved_at__gte=today)),
        retried=Count("pk", filter=Q(resolved_at__gte=today, resolution=Fallout.Resolution.RETRY)),
    )
    over = now - found["latest"] if found["latest"] and found["late"] else None
    median = mended.pop("median")
    found |= mended | {"over": clock.span(over) if over else "", "median": clock.span(median) if median else "–"}
    return found


def groups(rows: Any, now: dt.datetime) -> list[Group]:
    """Open records grouped by cause, the one whose time ends first on top, in one query."""
    morning = timezone.localtime(now).replace(hour=8, minute=0, second=0, microsecond=0)
    if morning > now:
        morning -= dt.timedelta(days=1)
    found = (
        standing(rows)
        .values("fingerprint")
        .annotate(
            words=Max("cause"), adapter=Max("task__item__adapter"), operation=Max("task__item__operation"),
            item=Max("task__item__name"), first_team=Min("team"), teams=Count("team", distinct=True), count=Count("pk"),
            fresh=Count("pk", filter=Q(created_at__gte=morning)), oldest=Min("created_at"), due=Min("sla_due_at"),
        )
        .order_by("due", "fingerprint")
    )  # fmt: skip
    return [
        Group(
            fingerprint=row["fingerprint"], cause=row["words"], operation=row["operation"] or row["item"],
            team=row["first_team"], teams=row["teams"], count=row["count"], since=row["fresh"],
            oldest=clock.span(now - row["oldest"]), left=clock.left(row["due"], now),
        )
        for row in found
    ]  # fmt: skip


def held_back(task_id: int) -> int:
    """How many open tasks wait for this one, directly or through others."""
    with connection.cursor() as cursor:
        cursor.execute(HELD_BACK, [task_id])
        (count,) = cursor.fetchone() or (0,)
    return int(count)


def worked(fallout: Fallout) -> tuple[int, int]:
    """Of the earlier records of this cause: how many got through with changed values, and how many were mended."""
    found = Fallout.objects.filter(fingerprint=fallout.fingerprint).exclude(pk=fallout.pk).aggregate(
        total=Count("pk", filter=Q(state__in=["resolved", "closed"])),
        edited=Count("pk", filter=Q(state="closed", resolution=Fallout.Resolution.EDIT_AND_RETRY)),
    )  # fmt: skip
    return found["edited"], found["total"]


def attempts(task_id: int) -> list[Any]:
    """What was tried, newest first."""
    return list(Attempt.objects.filter(task_id=task_id).order_by("-number")[:20])
