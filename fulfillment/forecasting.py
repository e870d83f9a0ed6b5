"""Forecasting: when the open work of a root will end, as likely as not and nine times of ten, and what decides it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import erf, sqrt

from django.utils import timezone

from fulfillment import learning, scheduling
from fulfillment.models import Kind, Task, TaskDate
from fulfillment.scheduling import Place

NINE_OF_TEN = 1.2816  # standard deviations
TIGHT = 0.02  # working days of slack below which a task counts as critical
GONE = (Task.State.DISCARDED, Task.State.CANCELLED)
COLUMNS = (
    "pk", "flow_id", "flow__line_key", "flow__specification_key", "flow__action", "flow__site__name",
    "item__duration_days", "item__stage", "key", "name", "kind", "state", "problem", "planned_end", "started_at",
)  # fmt: skip


@dataclass
class Expected:
    """One open task as it is expected, as likely as not.

    `late` is working days after its baseline, `late_likely` the same nine times of ten; `spread` is one standard
    deviation of its end.
    """

    pk: int
    flow_id: int
    line_key: str
    site: str
    name: str
    state: str
    failed: bool
    milestone: bool
    planned_on: dt.date | None
    place: Place
    likely_on: dt.date
    spread: float
    started: bool
    critical: bool = False
    ends_on: dt.date = dt.date.min
    late: int = 0
    late_likely: int = 0

    def __post_init__(self) -> None:
        self.ends_on = self.place.ends_on
        if self.planned_on:
            self.late = self.place.between(self.planned_on, self.ends_on)
            apart = self.likely_on != self.ends_on
            self.late_likely = self.place.between(self.planned_on, self.likely_on) if apart else self.late


@dataclass
class Projection:
    """The open work of a root. `path` is the critical path in order, the task that ends last at its end."""

    today: dt.date
    tasks: dict[int, Expected] = field(default_factory=dict)
    path: list[int] = field(default_factory=list)

    @property
    def last(self) -> Expected | None:
        """The task that ends last."""
        return self.tasks[self.path[-1]] if self.path else None

    @cached_property
    def by_line(self) -> dict[str, list[Expected]]:
        """Line → its open tasks."""
        found: dict[str, list[Expected]] = {}
        for task in self.tasks.values():
            found.setdefault(task.line_key, []).append(task)
        return found

    @cached_property
    def suspects(self) -> list[Expected]:
        """Tasks in the order in which they are asked for what is the matter: the critical path, then the latest."""
        path = [self.tasks[pk] for pk in self.path]
        return [*path, *sorted(self.tasks.values(), key=lambda task: (-task.late, -task.late_likely, task.pk))]

    def of_line(self, line_key: str) -> Expected | None:
        """The task that ends last of one line."""
        return latest(self.by_line.get(line_key, []))

    def by_flow(self) -> dict[int, list[Expected]]:
        """Flow → its open tasks."""
        found: dict[int, list[Expected]] = {}
        for task in self.tasks.values():
            found.setdefault(task.flow_id, []).append(task)
        return found


def latest(tasks: list[Expected]) -> Expected | None:
    """The one of these that ends last."""
    return max(tasks, key=lambda task: (task.ends_on, task.likely_on, -task.place.slack, task.pk), default=None)


def project(
    root_type: str, root_id: int, *, today: dt.date | None = None, ends: Mapping[int, dt.date] | None = None,
    known: Mapping[tuple[str, str, str], tuple[float, float]] | None = None,
) -> Projection:  # fmt: skip
    """Look ahead: a fixed number of queries, nothing is written. `ends` are days to try out, task → day.

    Durations are what was learned, until there is enough history the definition's. What varies adds up along the way
    that decides a task's date: variances, not worst cases.

    Raises:
        Circular: tasks wait for each other in a circle.
    """
    today = today or timezone.localdate()
    known = learning.known() if known is None else known
    rows = Task.objects.filter(flow__root_type=root_type, flow__root_id=root_id).exclude(state__in=GONE)
    tasks = {row["pk"]: row for row in rows.order_by("pk").values(*COLUMNS)}
    lengths = {pk: _length(row, known) for pk, row in tasks.items()}
    told = dict(TaskDate.objects.filter(task__in=tasks).values_list("task", "ends_on")) | dict(ends or {})
    days = {pk: p50 for pk, (p50, _) in lengths.items()}
    places = scheduling.project(root_type, root_id, start=today, days=days, ends=told)
    spread = {pk: 0.0 if pk in told else (p90 - p50) / NINE_OF_TEN for pk, (p50, p90) in lengths.items()}
    variance = _variances(places, spread, {pk for pk, row in tasks.items() if row["state"] in Task.CLOSED})
    found = Projection(today)
    for pk, row in tasks.items():
        if row["state"] not in Task.CLOSED and pk in places:
            found.tasks[pk] = _expected(row, places[pk], sqrt(variance[pk]))
    _mark_path(found)
    return found


def _length(row: dict[str, object], known: Mapping[tuple[str, str, str], tuple[float, float]]) -> tuple[float, float]:
    usual = float(row["item__duration_days"])  # type: ignore[arg-type]
    key = (str(row["flow__specification_key"]), str(row["flow__action"]), str(row["key"]))
    p50, p90 = known.get(key, (usual, usual))
    return p50, max(p50, p90)


def _variances(places: dict[int, Place], spread: dict[int, float], closed: set[int]) -> dict[int, float]:
    """Variance of each task's end, added up along what drives it; `places` come befores first."""
    found: dict[int, float] = {}
    for pk, place in places.items():
        before = found.get(place.driver, 0.0) if place.driver is not None else 0.0
        found[pk] = 0.0 if pk in closed else before + spread[pk] ** 2
    return found


def _expected(row: dict[str, object], place: Place, spread: float) -> Expected:
    values = dict(row)
    return Expected(
        pk=int(str(values["pk"])), flow_id=int(str(values["flow_id"])), line_key=str(values["flow__line_key"]),
        site=str(values["flow__site__name"] or ""), name=str(values["name"]), state=str(values["state"]),
        failed=values["state"] == Task.State.ON_HOLD and bool(values["problem"]),
        milestone=values["kind"] == Kind.MILESTONE or bool(values["item__stage"]),
        planned_on=values["planned_end"], place=place, spread=spread,  # type: ignore[arg-type]
        likely_on=place.later(spread * NINE_OF_TEN) if spread else place.ends_on, started=bool(values["started_at"]),
    )  # fmt: skip


def _mark_path(found: Projection) -> None:
    """Tasks without slack are critical; the path is how the last one came to its date."""
    for task in found.tasks.values():
        task.critical = task.place.slack < TIGHT
    step = latest(list(found.tasks.values()))
    while step is not None:
        step.critical = True
        found.path.insert(0, step.pk)
        driver = step.place.driver
        step = found.tasks.get(driver) if driver is not None else None


def chance(task: Expected | None, day: dt.date | None) -> int | None:
    """How likely a task ends by a day, in percent between 1 and 99; None where nothing varies yet."""
    if task is None or day is None or task.spread < TIGHT:
        return None
    away = task.place.between(task.ends_on, day) / task.spread
    return min(99, max(1, round(50 * (1 + erf(away / sqrt(2))))))


__all__ = ["Expected", "Projection", "chance", "latest", "project"]
