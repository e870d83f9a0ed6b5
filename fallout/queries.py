"""Questions about fallout: the desk's figures, its groups by cause, what one failure holds back."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import connection, models
from django.db.models import Case, Count, F, Max, Min, Q, Value, When
from django.utils import timezone

from fallout import causes, clock, detection
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


LEVELS = [str(level) for level in Fallout.Severity.values]
SEVERITY = Case(*[When(severity=level, then=Value(at)) for at, level in enumerate(LEVELS)], default=Value(2))


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
    severity: str = "medium"
    paused: int = 0


TICKING = Q(sla_left__isnull=True)


AGES = (
    ("day", "Under a day"),
    ("days", "One to three days"),
    ("week", "Three to seven days"),
    ("older", "Over a week"),
)
_FROM = {"day": 0, "days": 1, "week": 3, "older": 7}
_UNTIL = {"day": 1, "days": 3, "week": 7}


def of_age(band: str, now: dt.datetime) -> Q:
    """Records that fell out as long ago as one of AGES says."""
    found = Q(created_at__lte=now - dt.timedelta(days=_FROM[band])) if _FROM[band] else Q()
    return found & Q(created_at__gt=now - dt.timedelta(days=_UNTIL[band])) if band in _UNTIL else found


def by_clock(value: str, now: dt.datetime) -> Q:
    """Records by their clock: over, soon or paused."""
    if value == "paused":
        return ~TICKING
    if value == "over":
        return TICKING & Q(sla_due_at__lt=now)
    return TICKING & Q(sla_due_at__gte=now, sla_due_at__lt=now + clock.SOON)


def standing(rows: Any) -> Any:
    """Those of the rows that nobody has mended yet."""
    return rows.filter(state__in=detection.OPEN)


def figures(rows: Any, now: dt.datetime) -> dict[str, Any]:
    """The desk's numbers, in two queries."""
    soon, today = now + clock.SOON, timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    found: dict[str, Any] = standing(rows).aggregate(
        open=Count("pk"), orders=Count("order", distinct=True),
        late=Count("pk", filter=TICKING & Q(sla_due_at__lt=now)),
        latest=Min("sla_due_at", filter=TICKING),
        soon=Count("pk", filter=TICKING & Q(sla_due_at__gte=now, sla_due_at__lt=soon)),
        ownerless=Count("pk", filter=TICKING & Q(sla_due_at__gte=now, sla_due_at__lt=soon, owner=None)),
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
            fresh=Count("pk", filter=Q(created_at__gte=morning)), oldest=Min("created_at"),
            due=Min("sla_due_at", filter=TICKING), paused=Count("pk", filter=~TICKING), code=Max("code"),
            causes=Count("cause", distinct=True), worst=Min(SEVERITY),
        )
        .order_by(F("due").asc(nulls_last=True), "fingerprint")
    )  # fmt: skip
    return [
        Group(
            fingerprint=row["fingerprint"],
            cause=row["words"] if row["causes"] == 1 else causes.plain(row["words"]),
            operation=", ".join(filter(None, [row["operation"] or row["item"] or "watchdog", row["code"]])),
            team=row["first_team"], teams=row["teams"], count=row["count"], since=row["fresh"],
            oldest=clock.span(now - row["oldest"]), severity=LEVELS[row["worst"]], paused=row["paused"],
            left=clock.left(row["due"], now) if row["due"] else clock.Left("paused", "", over=False),
        )
        for row in found
    ]  # fmt: skip


def held_back(task_id: int | None) -> int:
    """How many open tasks wait for this one, directly or through others."""
    if task_id is None:
        return 0
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


def attempts(task_id: int | None) -> list[Any]:
    """What was tried, newest first."""
    return [] if task_id is None else list(Attempt.objects.filter(task_id=task_id).order_by("-number")[:20])
