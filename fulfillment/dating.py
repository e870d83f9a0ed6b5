"""Dating: when work starts and ends over a graph of tasks, worked out on plain numbers.

A moment is a day counted from an origin plus a part of that day's work; a point is the same on a calendar's line of
working days: 3.5 is noon of the fourth working day. The end of a day and the start of the next are the same moment.
"""

import datetime as dt
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from math import ceil, floor

from fulfillment.models import Task
from kernel import workdays
from kernel.refusal import Refusal

BEFORE, AFTER = 400, 2200  # calendar days on each side of the start that a line covers
TINY = 1e-6
Dates = tuple[dt.date | None, dt.date | None, dt.date | None]  # planned start, planned end, estimated end
NO_DATES: Dates = (None, None, None)


class Circular(Refusal):
    """Tasks wait for each other in a circle; the message names them."""


class Line:
    """The working days of one calendar in order, so that adding days is adding numbers."""

    def __init__(self, calendar: workdays.Calendar, origin: dt.date) -> None:
        self.days: list[int] = []  # place → day
        self._place: list[int] = []  # day → place of the first working day from then on
        self._works: list[bool] = []
        for n in range(BEFORE + AFTER):
            works = calendar.works(origin + dt.timedelta(days=n))
            self._place.append(len(self.days))
            self._works.append(works)
            if works:
                self.days.append(n)
        self._last = len(self.days) - 1

    def at(self, moment: float) -> float:
        """A moment as a point; one on a free day is the start of the next that counts."""
        day = floor(moment + TINY)
        if day < 0:
            return 0.0
        if day >= len(self._place):
            return float(self._last)
        return self._place[day] + (max(0.0, moment - day) if self._works[day] else 0.0)

    def moment(self, point: float) -> float:
        """A point as a moment; the end of a day is the start of the next that counts."""
        place = min(max(floor(point + TINY), 0), self._last)
        return self.days[place] + max(0.0, point - place)

    def end(self, start: float, end: float) -> float:
        """The end of work as a moment: a full day ends that day, for the next may count on another calendar only."""
        if end - start < TINY:
            return self.moment(end)
        place = min(max(ceil(end - TINY) - 1, 0), self._last)
        return self.days[place] + min(1.0, end - place)

    def end_day(self, start: float, end: float) -> int:
        """The day on which work from `start` to `end` is finished."""
        place = floor(end + TINY) if end - start < TINY else ceil(end - TINY) - 1
        return self.days[min(max(place, 0), self._last)]


@dataclass(slots=True)
class Node:
    """A task on its calendar."""

    pk: int
    flow_id: int
    line: Line
    days: float
    begun: float | None = None
    ended: float | None = None
    have: Dates = NO_DATES
    befores: list[tuple["Node", str, float]] = field(default_factory=list)
    afters: list[tuple["Node", str, float]] = field(default_factory=list)
    start: float = 0.0
    end: float = 0.0
    last: int = 0
    waiting: int = 0
    fixed: float | None = None  # somebody said when it will be done
    driver: "Node | None" = None  # the one whose date sets its start
    latest_start: float = 0.0
    latest_end: float = 0.0

    def wait_for(self, other: "Node", kind: str, lag: float) -> None:
        """It waits for another."""
        self.befores.append((other, kind, lag))
        other.afters.append((self, kind, lag))


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
    origin: dt.date

    def later(self, days: float) -> dt.date:
        """The day so many working days after its end."""
        moment = self.line.moment(self._at(self.ends_on) + ceil(days - TINY))
        return self.origin + dt.timedelta(days=floor(moment + TINY))

    def between(self, start: dt.date, end: dt.date) -> int:
        """Working days of its calendar from one day to another; negative when the other is earlier."""
        return int(self._at(end) - self._at(start))

    def _at(self, day: dt.date) -> float:
        return self.line.at(float((day - self.origin).days))


class Days:
    """The lines of a schedule: one for each calendar that work counts on, all with the same origin."""

    def __init__(self, start: dt.date) -> None:
        self.start = start
        self.origin = start - dt.timedelta(days=BEFORE)
        self._calendars = workdays.calendars()
        self._lines: dict[tuple[str, str], Line] = {}

    def line(self, calendar: str, country: str) -> Line:
        """The line of an item's calendar, else of the country's, else the default one."""
        place = (calendar, "" if calendar else country)
        if place not in self._lines:
            self._lines[place] = Line(self._calendars.of(*place), self.origin)
        return self._lines[place]

    def moment(self, day: dt.datetime | dt.date | None) -> float | None:
        """The start of a day as a moment."""
        if day is None:
            return None
        return float(((day.date() if isinstance(day, dt.datetime) else day) - self.origin).days)

    def day(self, moment: float) -> dt.date:
        """The day of a moment."""
        return self.origin + dt.timedelta(days=floor(moment + TINY))


def work_out(nodes: Collection[Node], days: Days, wish: dt.date | None) -> tuple[dt.date, bool]:
    """Fill in when each node starts and ends; the projected end, and whether there is time until the wish.

    Raises:
        Circular: tasks wait for each other in a circle.
    """
    order = _order(nodes)
    _forward(order, float(BEFORE))
    projected = days.day(max(node.last for node in order))
    early = wish is not None and projected <= wish
    if wish is not None and early:
        _latest(order, (days.moment(wish) or 0.0) + 1)
    return projected, early


def project(nodes: Collection[Node], days: Days) -> dict[int, Place]:
    """Where each node stands, with slack until the last one ends. Raises Circular."""
    order = _order(nodes)
    _forward(order, float(BEFORE))
    for node in order:
        if node.fixed is not None:
            node.days = node.line.at(node.end) - node.line.at(node.start)
    last = max((node.end for node in order if node.ended is None), default=None)
    if last is not None:
        _latest(order, last)
    return {node.pk: _place(node, days) for node in order}


def _place(node: Node, days: Days) -> Place:
    line = node.line
    begin, end = line.at(node.start), line.at(node.end)
    slack = 0.0 if node.ended is not None else max(0.0, line.at(node.latest_end) - end)
    driver = node.driver.pk if node.driver else None
    return Place(days.day(node.start), days.day(node.last), slack, max(0.0, end - begin), driver, line, days.origin)


def _order(nodes: Collection[Node]) -> list[Node]:
    """Nodes so that each stands after all it waits for."""
    free: deque[Node] = deque()
    for node in nodes:
        node.waiting = len(node.befores)
        if not node.waiting:
            free.append(node)
    order: list[Node] = []
    while free:
        node = free.popleft()
        order.append(node)
        for after, _, _ in node.afters:
            after.waiting -= 1
            if not after.waiting:
                free.append(after)
    if len(order) < len(nodes):
        left = [node for node in nodes if node.waiting and any(a.waiting for a, _, _ in node.afters)]
        names = ", ".join(_names([node.pk for node in left])) or f"{len(left)} tasks across plans"
        raise Circular(f"These tasks wait for each other in a circle: {names[:400]}.")
    return order


def _names(keys: list[int]) -> list[str]:
    return [str(task) for task in Task.objects.filter(pk__in=keys).order_by("pk")[:12]]


def _forward(order: list[Node], start: float) -> None:
    for node in order:
        line = node.line
        point = line.at(start)
        for before, kind, lag in node.befores:
            base = line.at(before.end if kind in ("FS", "FF") else before.start) + lag
            base = base - node.days if kind in ("FF", "SF") else base
            if base > point or (base == point and node.driver is None and before.ended is None):
                point, node.driver = base, before
        if node.begun is not None:
            point = line.at(node.begun)
        node.start = line.moment(point)
        _end(node, point, start)


def _end(node: Node, point: float, start: float) -> None:
    """When a task that begins at `point` is done, as of the day `start`."""
    line = node.line
    if node.ended is not None:
        node.end, node.last = node.ended, floor(node.ended)
    elif node.fixed is not None:
        node.end = max(node.start, node.fixed + 1, start)
        node.last = ceil(node.end - TINY) - 1
    else:
        finish = point + node.days
        if node.begun is not None:
            finish = max(finish, line.at(start))
        node.end, node.last = line.end(point, finish), line.end_day(point, finish)


def _latest(order: list[Node], last: float) -> None:
    """Latest dates with which nothing ends after a moment."""
    for node in reversed(order):
        line = node.line
        point = line.at(last)
        for after, kind, lag in node.afters:
            bound = line.at(after.latest_start if kind in ("FS", "SS") else after.latest_end) - lag
            point = min(point, bound + node.days if kind in ("SS", "SF") else bound)
        node.latest_end = line.moment(point)
        node.latest_start = line.moment(point - node.days)


def dates(node: Node, days: Days, *, backward: bool, baseline: bool = False) -> Dates:
    """The dates to store. A baseline that is there stays, unless a new one is wanted."""
    estimated = days.day(node.last)
    if node.have[1] is not None and not baseline:
        return node.have[0], node.have[1], estimated
    if not backward:
        return days.day(node.start), estimated, estimated
    line = node.line
    point = line.at(node.latest_end)
    end = days.day(line.end_day(point - node.days, point))
    return days.day(node.latest_start), end, estimated


def span(of_tasks: list[Dates]) -> Dates:
    """The dates of a flow from those of its tasks."""
    starts, ends, estimates = zip(*of_tasks, strict=True)
    return min(filter(None, starts)), max(filter(None, ends)), max(filter(None, estimates))
