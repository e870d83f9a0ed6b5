"""The timeline: baseline, actual and estimate of an order as bars on a calendar, site by site."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field

from django.utils import timezone

from fulfillment.models import Task
from kernel.models import AuditEntry
from orders.models import Order

LEFT, RIGHT, ROW, HEAD = 268, 1180, 25, 36
MOST_TICKS = 19  # labels that fit beside each other
NEAR_TODAY = 48
SCALES = {"day": 1, "week": 7, "month": 28}


@dataclass
class Bar:
    """One row: baseline, what is done, what is estimated, each as (x, width) or None."""

    name: str
    level: int
    tone: str = ""
    baseline: tuple[float, float] | None = None
    actual: tuple[float, float] | None = None
    estimate: tuple[float, float] | None = None
    late: str = ""
    late_tone: str = ""
    url: str = ""
    open: bool = False
    y: int = 0


@dataclass(frozen=True)
class Tick:
    """One line of the calendar."""

    x: float
    label: str
    month: str = ""


@dataclass
class Timeline:
    """Everything that the template draws."""

    bars: list[Bar] = field(default_factory=list)
    ticks: list[Tick] = field(default_factory=list)
    weekends: list[tuple[float, float]] = field(default_factory=list)
    milestones: list[tuple[float, str, bool]] = field(default_factory=list)
    today_x: float | None = None
    today: dt.date | None = None
    height: int = 0


@dataclass
class _Span:
    name: str
    baseline: tuple[dt.date | None, dt.date | None] = (None, None)
    start: dt.date | None = None
    end: dt.date | None = None
    expected: dt.date | None = None
    fell: bool = False
    started: bool = False


def of(order: Order, *, opened: str = "", scale: str = "week") -> Timeline:
    """The timeline of an order; `opened` is the key of a site whose tasks are shown. Three queries."""
    root = {"flow__root_type": Order._meta.label_lower, "flow__root_id": order.pk}
    tasks = list(
        Task.objects.filter(**root).exclude(state__in=["discarded", "cancelled", "skipped"])
        .select_related("flow__site").order_by("flow__site__name", "planned_start", "position", "pk")
    )  # fmt: skip
    if not tasks:
        return Timeline()
    by_site: dict[int | None, list[Task]] = defaultdict(list)
    for task in tasks:
        by_site[task.flow.site_id].append(task)
    today = timezone.localdate()
    first, last = _window(order, [_span(task, today) for task in tasks], today)
    place = _Place(first, last)
    made = Timeline(today=today, today_x=place.x(today) if first <= today <= last else None)
    places = len(by_site.keys() - {None})
    name = f"{order.number}, {places} site{'' if places == 1 else 's'}"
    made.bars.append(_bar(_together(name, tasks, today), 0, place, today, opened=True))
    made.bars.append(Bar("Milestones", 1))
    sites = sorted(
        by_site.items(),
        key=lambda item: (not _late(item[1], today), item[1][0].flow.site.name if item[1][0].flow.site else ""),
    )
    for site_id, inside in sites:
        site = inside[0].flow.site
        is_open = opened == str(site_id or 0) or (not opened and len(by_site) == 1)
        bar = _bar(
            _together(site.name if site else "Shared by all sites", inside, today), 1, place, today, opened=is_open
        )
        bar.url = f"?site={0 if is_open and opened else site_id or 0}"
        made.bars.append(bar)
        if is_open:
            made.bars += [_bar(_span(task, today), 2, place, today) for task in inside]
    for number, bar in enumerate(made.bars):
        bar.y = HEAD + number * ROW
    made.height = HEAD + len(made.bars) * ROW + 6
    made.milestones = _milestones(order, place)
    _calendar(made, place, SCALES.get(scale, 7))
    return made


class _Place:
    """Where a day stands."""

    def __init__(self, first: dt.date, last: dt.date) -> None:
        self.first, self.last = first, last
        self.day = (RIGHT - LEFT) / max((last - first).days, 1)

    def x(self, day: dt.date) -> float:
        """The left edge of a day."""
        return round(LEFT + min(max((day - self.first).days, 0), (self.last - self.first).days) * self.day, 1)

    def span(self, start: dt.date | None, end: dt.date | None) -> tuple[float, float] | None:
        """From the start of one day to the end of another."""
        if start is None or end is None:
            return None
        x = self.x(start)
        return x, max(round(self.x(end + dt.timedelta(days=1)) - x, 1), 5.0)


def _span(task: Task, today: dt.date) -> _Span:
    start = timezone.localdate(task.started_at) if task.started_at else None
    end = timezone.localdate(task.ended_at) if task.ended_at else None
    fell = task.state == "on_hold" and bool(task.problem)
    expected = None if end else max(task.estimated_end or task.planned_end or today, today)
    return _Span(task.name, (task.planned_start, task.planned_end), start, end, expected, fell, start is not None)


def _together(name: str, tasks: list[Task], today: dt.date) -> _Span:
    spans = [_span(task, today) for task in tasks]
    planned = [day for span in spans for day in span.baseline if day]
    starts = [span.start for span in spans if span.start]
    done = all(span.end for span in spans)
    expected = [span.expected for span in spans if span.expected]
    return _Span(
        name, (min(planned, default=None), max(planned, default=None)), min(starts, default=None),
        max((span.end for span in spans if span.end), default=None) if done else None, max(expected, default=None),
        any(span.fell for span in spans), bool(starts),
    )  # fmt: skip


def _bar(span: _Span, level: int, place: _Place, today: dt.date, *, opened: bool = False) -> Bar:
    until = span.end or (today if span.started else None)
    bar = Bar(span.name, level, "ok" if span.end else "bad" if span.fell and level == 2 else "run", open=opened)
    bar.baseline = place.span(*span.baseline)
    bar.actual = place.span(span.start, max(until, span.start)) if span.start and until else None
    if not span.end and span.expected:
        begin = until or min(filter(None, (span.baseline[0], span.expected)), default=span.expected)
        bar.estimate = place.span(max(begin, today) if span.started else begin, span.expected)
    finish, planned = span.end or span.expected, span.baseline[1]
    days = (finish - planned).days if finish and planned else 0
    if span.fell and level == 2:
        bar.late, bar.late_tone = "Failed", "bad"
    elif days > 0:
        bar.late, bar.late_tone = f"+{days} day{'' if days == 1 else 's'}", "risk"
    return bar


def _late(tasks: list[Task], today: dt.date) -> bool:
    return _together("", tasks, today).fell


def _window(order: Order, spans: list[_Span], today: dt.date) -> tuple[dt.date, dt.date]:
    days = [day for span in spans for day in (*span.baseline, span.start, span.end, span.expected) if day]
    days += [day for day in (order.promised_on, order.first_promised_on, today) if day]
    first, last = min(days), max(days)
    first -= dt.timedelta(days=first.weekday())
    return first, last + dt.timedelta(days=max(4, (last - first).days // 14))


def _milestones(order: Order, place: _Place) -> list[tuple[float, str, bool]]:
    rows = AuditEntry.objects.filter(subject_type=order._meta.label_lower, subject_id=order.pk, action="approve")
    approved = rows.order_by("id").values_list("at", flat=True)[:1]
    found = [(place.x(timezone.localdate(at)), "Approved", True) for at in approved]
    if order.ended_at:
        found.append((place.x(timezone.localdate(order.ended_at)), order.get_state_display(), True))
    elif order.promised_on:
        found.append((place.x(order.promised_on), f"Promised {order.promised_on:%-d %b}", False))
    return found


def _calendar(made: Timeline, place: _Place, step: int) -> None:
    day, month = place.first, ""
    length = (place.last - place.first).days
    step = next((days for days in (step, 7, 14, 28, 56) if days >= step and length // days <= MOST_TICKS), 91)
    while day <= place.last:
        name = f"{day:%B}"
        x = place.x(day)
        hidden = made.today_x is not None and -NEAR_TODAY * 2 < x - made.today_x < NEAR_TODAY / 2
        made.ticks.append(Tick(x, f"{day:%-d %b}", name if name != month and not hidden else ""))
        month = name
        day += dt.timedelta(days=step)
    made.ticks = [tick for tick in made.ticks if tick.x < RIGHT - 36]
    if length <= 120:
        saturday = place.first + dt.timedelta(days=(5 - place.first.weekday()) % 7)
        while saturday < place.last:
            made.weekends.append((place.x(saturday), round(2 * place.day, 1)))
            saturday += dt.timedelta(days=7)
