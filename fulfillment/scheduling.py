"""Scheduling: dates for every task of a root over its dependency graph, forward from a day and backward from a wish.

Worked out in memory, written in few statements. A moment is a point on a calendar's line of working days: 3.5 is noon
of the fourth working day. Lags count in dates only; what has to wait in real time is a timer.
"""

import datetime as dt
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, floor

from django.db import transaction

from fulfillment import rowwise
from fulfillment.models import Flow, Task, TaskDependency
from kernel import workdays
from kernel.refusal import Refusal

BEFORE, AFTER = 400, 2200  # calendar days on each side of the start that a line covers
TINY = 1e-6


class Circular(Refusal):
    """Tasks wait for each other in a circle; the message names them."""


@dataclass
class Line:
    """The working days of one calendar in order, so that adding days is adding numbers."""

    days: list[dt.date]

    @classmethod
    def of(cls, calendar: workdays.Calendar, start: dt.date) -> "Line":
        """The line around a day."""
        span = (start + dt.timedelta(days=n) for n in range(-BEFORE, AFTER))
        return cls([day for day in span if calendar.works(day)])

    def at(self, moment: tuple[dt.date, float]) -> float:
        """A moment as a point; one on a free day is the start of the next that counts."""
        day, part = moment
        place = bisect_left(self.days, day)
        return place + part if place < len(self.days) and self.days[place] == day else float(place)

    def moment(self, point: float) -> tuple[dt.date, float]:
        """A point as a moment; the end of a day is the start of the next."""
        place = min(max(floor(point + TINY), 0), len(self.days) - 1)
        return self.days[place], max(0.0, point - place)

    def end(self, start: float, end: float) -> tuple[dt.date, float]:
        """The end of work as a moment: a full day ends that day, not the next, which another calendar may count."""
        if end - start < TINY:
            return self.moment(end)
        place = ceil(end - TINY) - 1
        return self.days[min(max(place, 0), len(self.days) - 1)], min(1.0, end - place)

    def end_day(self, start: float, end: float) -> dt.date:
        """The day on which work from `start` to `end` is finished."""
        place = floor(end + TINY) if end - start < TINY else ceil(end - TINY) - 1
        return self.days[min(max(place, 0), len(self.days) - 1)]


Moment = tuple[dt.date, float]


@dataclass
class _Node:
    """A task on its calendar."""

    pk: int
    flow_id: int
    line: Line
    days: float
    begun: dt.date | None
    ended: dt.date | None
    name: str
    start: Moment = (dt.date.min, 0.0)
    end: Moment = (dt.date.min, 0.0)
    latest_end: Moment = (dt.date.max, 0.0)
    fixed: dt.date | None = None
    driver: "_Node | None" = None
    befores: list[tuple["_Node", str, float]] = field(default_factory=list)
    afters: list[tuple["_Node", str, float]] = field(default_factory=list)

    def last_day(self) -> dt.date:
        """The day on which it is finished."""
        return self.line.end_day(self.line.at(self.start), self.line.at(self.end)) if self.ended is None else self.ended


@dataclass(frozen=True)
class Place:
    """Where a task stands in a projection. `driver` is the task whose date sets its start, `slack` working days.

    `days` is what it takes from its start to its end in working days of its own calendar.
    """

    starts_on: dt.date
    ends_on: dt.date
    slack: float
    days: float
    driver: int | None
    line: Line

    def later(self, days: float) -> dt.date:
        """The day so many working days after its end."""
        return self.line.moment(self.line.at((self.ends_on, 0.0)) + ceil(days - TINY))[0]

    def between(self, start: dt.date, end: dt.date) -> int:
        """Working days of its calendar from one day to another; negative when the other is earlier."""
        return int(self.line.at((end, 0.0)) - self.line.at((start, 0.0)))


def project(
    root_type: str, root_id: int, *, start: dt.date, days: Mapping[int, float] | None = None,
    ends: Mapping[int, dt.date] | None = None,
) -> dict[int, Place]:  # fmt: skip
    """Where every task of a root would stand if it went on from `start`; nothing is written.

    `days` gives tasks other durations than their definition's, `ends` days on which people say they will be done.

    Raises:
        Circular: tasks wait for each other in a circle.
    """
    nodes = _read(root_type, root_id, start)
    for pk, length in (days or {}).items():
        if pk in nodes:
            nodes[pk].days = length
    for pk, day in (ends or {}).items():
        if pk in nodes:
            nodes[pk].fixed = day
    if not nodes:
        return {}
    order = _order(nodes)
    _forward(order, start)
    for node in order:
        if node.fixed:
            node.days = node.line.at(node.end) - node.line.at(node.start)
    _latest(order, max((node.end for node in order if not node.ended), default=None))
    return {node.pk: _place(node) for node in order}


def _place(node: _Node) -> Place:
    line = node.line
    begin, end = line.at(node.start), line.at(node.end)
    slack = 0.0 if node.ended else max(0.0, line.at(node.latest_end) - end)
    driver = node.driver.pk if node.driver else None
    return Place(node.start[0], node.last_day(), slack, max(0.0, end - begin), driver, line)


@transaction.atomic
def schedule(root_type: str, root_id: int, *, start: dt.date, requested_on: dt.date | None = None) -> dt.date:
    """Date every task and flow of a root; returns the projected end, which is the end of the critical path.

    Estimated dates run forward from `start`. Planned dates are the baseline, set once: backward from `requested_on`
    when everything fits before it, else the forward dates. The number of statements does not grow with the tasks.

    Raises:
        Circular: tasks wait for each other in a circle.
    """
    nodes = _read(root_type, root_id, start)
    if not nodes:
        return start
    order = _order(nodes)
    _forward(order, start)
    projected = max(node.last_day() for node in order)
    planned = _backward(order, requested_on) if requested_on and projected <= requested_on else None
    _write(order, planned)
    return projected


def _read(root_type: str, root_id: int, start: dt.date) -> dict[int, _Node]:
    rows = Task.objects.filter(flow__root_type=root_type, flow__root_id=root_id).exclude(
        state__in=[Task.State.DISCARDED, Task.State.CANCELLED]
    )
    lines: dict[str, Line] = {}
    nodes: dict[int, _Node] = {}
    columns = ("pk", "flow_id", "number", "name", "started_at", "ended_at", "item__duration_days", "item__calendar")
    for pk, flow, number, name, began, ended, days, calendar in rows.order_by("pk").values_list(*columns):
        if calendar not in lines:
            lines[calendar] = Line.of(workdays.calendar(calendar), start)
        nodes[pk] = _Node(
            pk, flow, lines[calendar], float(days), began.date() if began else None, ended.date() if ended else None,
            f"{number} {name}",
        )  # fmt: skip
    links = TaskDependency.objects.filter(after__flow__root_type=root_type, after__flow__root_id=root_id)
    for after, before, kind, lag in links.order_by("pk").values_list("after_id", "before_id", "kind", "lag_days"):
        if after in nodes and before in nodes:
            nodes[after].befores.append((nodes[before], kind, float(lag)))
            nodes[before].afters.append((nodes[after], kind, float(lag)))
    return nodes


def _order(nodes: dict[int, _Node]) -> list[_Node]:
    waiting = {pk: len(node.befores) for pk, node in nodes.items()}
    free = deque(node for node in nodes.values() if not node.befores)
    order: list[_Node] = []
    while free:
        node = free.popleft()
        order.append(node)
        for after, _, _ in node.afters:
            waiting[after.pk] -= 1
            if not waiting[after.pk]:
                free.append(after)
    if len(order) < len(nodes):
        placed = {node.pk for node in order}
        names = ", ".join(node.name for node in nodes.values() if node.pk not in placed and _in_circle(node, placed))
        raise Circular(f"These tasks wait for each other in a circle: {names[:400]}.")
    return order


def _in_circle(node: _Node, placed: set[int]) -> bool:
    """Whether something that is in the circle waits for it: tasks that merely follow the circle are left out."""
    return any(after.pk not in placed for after, _, _ in node.afters)


def _forward(order: list[_Node], start: dt.date) -> None:
    for node in order:
        line = node.line
        point = line.at((start, 0.0))
        for before, kind, lag in node.befores:
            base = line.at(before.end if kind in ("FS", "FF") else before.start) + lag
            base = base - node.days if kind in ("FF", "SF") else base
            if base > point or (base == point and node.driver is None and not before.ended):
                point, node.driver = base, before
        if node.begun:
            point = line.at((node.begun, 0.0))
        node.start = line.moment(point)
        node.end = _end(node, point, start)


def _end(node: _Node, point: float, start: dt.date) -> Moment:
    """When a task that begins at `point` is done, as of the day `start`."""
    line = node.line
    if node.ended:
        return node.ended, 0.0
    if node.fixed:
        return max(node.start, (node.fixed, 1.0), (start, 0.0))
    if node.begun:
        return line.end(point, max(point + node.days, line.at((start, 0.0))))
    return line.end(point, point + node.days)


def _backward(order: list[_Node], requested_on: dt.date) -> dict[int, tuple[dt.date, dt.date]]:
    """Latest dates that still meet the wish, by key."""
    return _latest(order, (requested_on + dt.timedelta(days=1), 0.0))


def _latest(order: list[_Node], last: Moment | None) -> dict[int, tuple[dt.date, dt.date]]:
    """Latest dates with which nothing ends after a moment, by key; also noted at the nodes."""
    found: dict[int, tuple[dt.date, dt.date]] = {}
    latest_start: dict[int, Moment] = {}
    for node in reversed(order if last else []):
        line = node.line
        point = line.at(last or node.end)
        for after, kind, lag in node.afters:
            theirs = latest_start[after.pk] if kind in ("FS", "SS") else after.latest_end
            bound = line.at(theirs) - lag
            point = min(point, bound + node.days if kind in ("SS", "SF") else bound)
        node.latest_end = line.moment(point)
        begin = point - node.days
        latest_start[node.pk] = line.moment(begin)
        found[node.pk] = (line.moment(begin)[0], line.end_day(begin, point))
    return found


def _write(order: list[_Node], planned: dict[int, tuple[dt.date, dt.date]] | None) -> None:
    estimated = {node.pk: node.last_day() for node in order}
    dates = planned or {node.pk: (node.start[0], estimated[node.pk]) for node in order}
    fresh = set(Task.objects.filter(pk__in=estimated, planned_end__isnull=True).values_list("pk", flat=True))
    rowwise.write(Task, ["estimated_end"], {pk: [day] for pk, day in estimated.items() if pk not in fresh})
    columns = ["estimated_end", "planned_start", "planned_end"]
    rowwise.write(Task, columns, {pk: [day, *dates[pk]] for pk, day in estimated.items() if pk in fresh})
    of_flow: dict[int, list[_Node]] = defaultdict(list)
    for node in order:
        of_flow[node.flow_id].append(node)
    ends = {flow: max(estimated[node.pk] for node in nodes) for flow, nodes in of_flow.items()}
    new = set(Flow.objects.filter(pk__in=of_flow, planned_end__isnull=True).values_list("pk", flat=True))
    rowwise.write(Flow, ["estimated_end"], {flow: [day] for flow, day in ends.items() if flow not in new})
    spans = {
        flow: [ends[flow], min(dates[n.pk][0] for n in nodes), max(dates[n.pk][1] for n in nodes)]
        for flow, nodes in of_flow.items()
        if flow in new
    }
    rowwise.write(Flow, columns, spans)
