"""The overview: figures of the desk for whoever answers for it, each in one query."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count, F, Max, Min, Q

from fallout import clock, queries
from fallout.models import Fallout

DAYS = 30
WEEK = dt.timedelta(days=7)
MENDED = Q(resolved_at__isnull=False) & ~Q(state=Fallout.State.CANCELLED)


@dataclass(frozen=True)
class Team:
    """Open records of a team by age, what ran over, how long it takes to mend."""

    name: str
    open: int
    ages: list[tuple[str, int]]
    late: int
    ownerless: int
    mean: str


@dataclass(frozen=True)
class Cause:
    """A cause over the last weeks."""

    fingerprint: str
    cause: str
    operation: str
    count: int
    open: int
    mean: str
    share: int


def figures(rows: Any, now: dt.datetime) -> dict[str, Any]:
    """Open, over their time, escalated, mean time to mend this week and the week before."""
    found: dict[str, Any] = rows.aggregate(
        open=Count("pk", filter=_open()), late=Count("pk", filter=_open() & queries.by_clock("over", now)),
        paused=Count("pk", filter=_open() & ~queries.TICKING),
        critical=Count("pk", filter=_open() & Q(severity=Fallout.Severity.CRITICAL)),
        mended=Count("pk", filter=MENDED & Q(resolved_at__gte=now - WEEK)),
        in_time=Count("pk", filter=MENDED & Q(resolved_at__gte=now - WEEK, resolved_at__lte=F("sla_due_at"))),
        mean=Avg(_took(), filter=MENDED & Q(resolved_at__gte=now - WEEK)),
        before=Avg(_took(), filter=MENDED & Q(resolved_at__gte=now - 2 * WEEK, resolved_at__lt=now - WEEK)),
    )  # fmt: skip
    found["mean"], found["before"] = _span(found["mean"]), _span(found["before"])
    found["in_time_share"] = round(100 * found["in_time"] / found["mended"]) if found["mended"] else None
    return found


def by_team(rows: Any, now: dt.datetime) -> list[Team]:
    """Teams with open records, the fullest first."""
    bands = {name: Count("pk", filter=_open() & queries.of_age(name, now)) for name, _ in queries.AGES}
    found = (
        rows.filter(_open() | MENDED & Q(resolved_at__gte=now - WEEK))
        .values("team")
        .annotate(
            n=Count("pk", filter=_open()), late=Count("pk", filter=_open() & queries.by_clock("over", now)),
            ownerless=Count("pk", filter=_open() & Q(owner=None)), mean=Avg(_took(), filter=MENDED), **bands,
        )
        .order_by("-n", "team")
    )  # fmt: skip
    return [
        Team(
            row["team"], row["n"], [(name, row[name]) for name, _ in queries.AGES], row["late"], row["ownerless"],
            _span(row["mean"]),
        )
        for row in found
    ]  # fmt: skip


def by_person(rows: Any, now: dt.datetime) -> list[dict[str, Any]]:
    """Who has how many, and mended how many this week."""
    found = (
        rows.filter(owner__isnull=False)
        .filter(_open() | Q(resolved_at__gte=now - WEEK))
        .values("owner", "owner__first_name", "owner__last_name")
        .annotate(
            n=Count("pk", filter=_open()), late=Count("pk", filter=_open() & queries.by_clock("over", now)),
            mended=Count("pk", filter=MENDED & Q(resolved_at__gte=now - WEEK)),
        )
        .order_by("-n", "owner__last_name")
    )  # fmt: skip
    return list(found[:15])


def breaches(rows: Any, now: dt.datetime) -> list[Fallout]:
    """Open records over their time, the latest first."""
    found = queries.standing(rows).filter(queries.by_clock("over", now)).select_related("account", "site", "owner")
    late = list(found.order_by("sla_due_at", "pk")[:10])
    for record in late:
        record.left = clock.left(record.sla_due_at, now)
    return late


def causes_of(rows: Any, now: dt.datetime) -> list[Cause]:
    """What falls out most, over the last weeks."""
    found = list(
        rows.filter(created_at__gte=now - dt.timedelta(days=DAYS))
        .values("fingerprint")
        .annotate(
            words=Max("cause"), adapter=Max("task__item__adapter"), operation=Max("task__item__operation"),
            n=Count("pk"), still=Count("pk", filter=_open()), mean=Avg(_took(), filter=MENDED), first=Min("created_at"),
        )
        .order_by("-n", "fingerprint")[:10]
    )  # fmt: skip
    most = max((row["n"] for row in found), default=1)
    return [
        Cause(
            row["fingerprint"], row["words"], row["operation"] or "watchdog", row["n"], row["still"],
            _span(row["mean"]), round(100 * row["n"] / most),
        )
        for row in found
    ]  # fmt: skip


def ways(rows: Any, now: dt.datetime) -> list[tuple[str, str, int]]:
    """How records were mended this week: (value, words, count)."""
    labels = dict(Fallout.Resolution.choices)
    found = rows.filter(MENDED, resolved_at__gte=now - WEEK).exclude(resolution="")
    counted = found.values_list("resolution").annotate(n=Count("pk")).order_by("-n", "resolution")
    return [(value, str(labels.get(value, value)), n) for value, n in counted]


def _open() -> Q:
    return Q(state__in=[Fallout.State.OPEN, Fallout.State.IN_PROGRESS, Fallout.State.ON_HOLD,
                        Fallout.State.AWAITING_INFORMATION])  # fmt: skip


def _took() -> Any:
    return F("resolved_at") - F("created_at")


def _span(length: dt.timedelta | None) -> str:
    return clock.span(length) if length is not None else "–"
