"""The timeline: baseline, actual and expected dates of an order on a calendar, site by site, with its critical path."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse
from django.utils import timezone

from fulfillment.models import Level, Task, TaskDependency
from kernel.models import AuditEntry
from orders.models import Order

ROW, HEAD = 25, 36
WIDE = 880  # pixels that a chart has at least
SCALES = {"day": 26.0, "week": 9.0, "month": 0.0}  # pixels of a day at least; 0 fits the whole order
TICKS = {"day": 1, "week": 7, "month": 28}
LABEL = 46  # pixels that a tick's label takes
MOST_SITES, MOST_TASKS = 60, 120
PATH = "path"
ROOT = Order._meta.label_lower
FLAGS = {Level.NONE: "", Level.LOW: "idle", Level.MEDIUM: "wait", Level.HIGH: "risk", Level.CRITICAL: "bad"}
COLUMNS = (
    "pk", "number", "name", "state", "problem", "started_at", "ended_at", "planned_start", "planned_end",
    "estimated_end", "flow__site", "flow__site__name", "forecast__starts_on", "forecast__ends_on",
    "forecast__likely_on", "forecast__critical", "forecast__level",
)  # fmt: skip


@dataclass
class Bar:
    """One row: baseline, what is done, what is expected, up to when it may last, each as (x, width) or None."""

    name: str
    level: int
    tone: str = ""
    baseline: tuple[float, float] | None = None
    actual: tuple[float, float] | None = None
    estimate: tuple[float, float] | None = None
    likely: tuple[float, float] | None = None
    late: str = ""
    late_tone: str = ""
    flag: str = ""
    flagged: str = ""
    critical: bool = False
    url: str = ""
    opens: bool = False
    open: bool = False
    pk: int = 0
    y: int = 0

    @property
    def start(self) -> float:
        """Where it begins on the chart."""
        return min((span[0] for span in (self.actual, self.estimate) if span), default=0.0)

    @property
    def end(self) -> float:
        """Where it ends on the chart."""
        return max((span[0] + span[1] for span in (self.actual, self.estimate) if span), default=0.0)


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
    milestones: list[tuple[float, str, str]] = field(default_factory=list)
    edges: list[tuple[str, str]] = field(default_factory=list)
    today_x: float | None = None
    today: dt.date | None = None
    width: int = WIDE
    height: int = 0
    left: int = 0
    scale: str = "week"

    @property
    def label_right(self) -> int:
        """Right of this a milestone's words stand on its left."""
        return self.width - 120


@dataclass
class Span:
    """What is known of one piece of work, or of many together."""

    name: str
    baseline: tuple[dt.date | None, dt.date | None] = (None, None)
    start: dt.date | None = None
    end: dt.date | None = None
    begins: dt.date | None = None
    expected: dt.date | None = None
    likely: dt.date | None = None
    fell: bool = False
    critical: bool = False
    level: int = 0
    pk: int = 0
    number: str = ""
    site: str = ""


def of(order: Order, *, opened: str = "", scale: str = "") -> Timeline:
    """The timeline of an order; `opened` is the key of a site whose tasks are shown, or `path`. Three queries.

    Without a scale it is drawn by the week, or so that it fits when it is long.
    """
    today = timezone.localdate()
    rows = Task.objects.filter(flow__root_type=ROOT, flow__root_id=order.pk)
    rows = rows.exclude(state__in=["discarded", "cancelled", "skipped"])
    by_site: dict[int | None, list[Span]] = defaultdict(list)
    names: dict[int | None, str] = {}
    for row in rows.order_by("planned_start", "position", "pk").values(*COLUMNS):
        by_site[row["flow__site"]].append(_span(row, today))
        names[row["flow__site"]] = row["flow__site__name"] or "Shared by all sites"
    if not by_site:
        return Timeline()
    everything = [span for spans in by_site.values() for span in spans]
    first, last = _window(order, everything, today)
    if scale not in SCALES:
        scale = "week" if (last - first).days * SCALES["week"] <= WIDE * 1.3 else "month"
    place = _Place(first, last, SCALES[scale])
    made = Timeline(today=today, width=place.width, scale=scale)
    made.today_x = place.x(today) if place.first <= today <= place.last else None
    places = len(by_site.keys() - {None})
    whole = _together(f"{order.number}, {places} site{'' if places == 1 else 's'}", everything)
    made.bars = [_bar(whole, 0, place, today, opened=True), Bar("Milestones", 1)]
    _critical_path(order, made, everything, place, opened)
    _sites(order, made, {key: (names[key], spans) for key, spans in by_site.items()}, place, opened)
    for number, bar in enumerate(made.bars):
        bar.y = HEAD + number * ROW
    made.height = HEAD + len(made.bars) * ROW + 6
    made.milestones = _milestones(order, place)
    _arrows(made)
    _calendar(made, place, TICKS[scale])
    return made


def _critical_path(order: Order, made: Timeline, everything: list[Span], place: "_Place", opened: str) -> None:
    """The open tasks that decide the end, as one row that opens."""
    path = sorted((s for s in everything if s.critical and not s.end), key=lambda s: (s.expected or s.begins, s.pk))
    if not path:
        return
    today = made.today or timezone.localdate()
    bar = _bar(_together(f"Critical path, {len(path)} task{'' if len(path) == 1 else 's'}", path), 1, place, today)
    bar.open, bar.critical, bar.baseline, bar.late = opened == PATH, True, None, ""
    bar.url = "?site=none" if bar.open else f"?site={PATH}"
    made.bars.append(bar)
    if bar.open:
        made.bars += _tasks(order, made, path, place, places=True)


def _sites(
    order: Order, made: Timeline, by_site: dict[int | None, tuple[str, list[Span]]], place: "_Place", opened: str
) -> None:
    """A row for each site, what failed or is late first; those that are done together in one."""
    today = made.today or timezone.localdate()
    rows = [(key, _together(name, spans), spans) for key, (name, spans) in by_site.items()]
    rows.sort(
        key=lambda row: (not row[1].fell, -row[1].level, row[1].end is not None, row[1].expected or today, row[1].name)
    )
    done = [row for row in rows if row[1].end is not None and opened != str(row[0] or 0)]
    fold = len(done) > 3 and len(rows) > 6
    shown = [row for row in rows if not fold or row not in done]
    made.left = max(0, len(shown) - MOST_SITES)
    for key, span, spans in shown[:MOST_SITES]:
        is_open = opened == str(key or 0) or (not opened and len(by_site) == 1)
        bar = _bar(span, 1, place, today, opened=is_open)
        bar.url = "?site=none" if is_open else f"?site={key or 0}"
        made.bars.append(bar)
        if is_open:
            made.bars += _tasks(order, made, spans, place)
    if fold:
        made.bars.append(
            _bar(_together(f"{len(done)} sites done", [s for _, _, all_of in done for s in all_of]), 1, place, today)
        )


def _tasks(order: Order, made: Timeline, spans: list[Span], place: "_Place", *, places: bool = False) -> list[Bar]:
    bars = []
    for span in spans[:MOST_TASKS]:
        bar = _bar(span, 2, place, made.today or timezone.localdate())
        bar.url, bar.opens, bar.pk = reverse("orders:task", args=[order.number, span.number]), True, span.pk
        bar.name = f"{span.name}, {span.site}" if places and span.site else span.name
        bars.append(bar)
    return bars


class _Place:
    """Where a day stands."""

    def __init__(self, first: dt.date, last: dt.date, least: float) -> None:
        self.first, self.last = first, last
        days = max((last - first).days, 1)
        self.day = max(WIDE / days, least)
        self.width = round(days * self.day) + 12

    def x(self, day: dt.date) -> float:
        """The left edge of a day."""
        return round(min(max((day - self.first).days, 0), (self.last - self.first).days) * self.day, 1)

    def span(self, start: dt.date | None, end: dt.date | None) -> tuple[float, float] | None:
        """From the start of one day to the end of another."""
        if start is None or end is None or end < start:
            return None
        x = self.x(start)
        return x, max(round(self.x(end + dt.timedelta(days=1)) - x, 1), 5.0)


def _span(row: dict[str, Any], today: dt.date) -> Span:
    start = timezone.localdate(row["started_at"]) if row["started_at"] else None
    end = timezone.localdate(row["ended_at"]) if row["ended_at"] else None
    expected = row["forecast__ends_on"] or max(row["estimated_end"] or row["planned_end"] or today, today)
    begins = row["forecast__starts_on"] or row["planned_start"] or today
    return Span(
        row["name"], (row["planned_start"], row["planned_end"]), start, end,
        None if end else max(begins, today), None if end else max(expected, today),
        None if end else row["forecast__likely_on"], row["state"] == "on_hold" and bool(row["problem"]),
        bool(row["forecast__critical"]) and not end, 0 if end else row["forecast__level"] or 0, row["pk"],
        row["number"], row["flow__site__name"] or "",
    )  # fmt: skip


def _together(name: str, spans: list[Span]) -> Span:
    planned = [day for span in spans for day in span.baseline if day]
    done = all(span.end for span in spans)

    def day(name: str, pick: Any) -> dt.date | None:
        found: dt.date | None = pick((getattr(span, name) for span in spans if getattr(span, name)), default=None)
        return found

    return Span(
        name, (min(planned, default=None), max(planned, default=None)), day("start", min),
        day("end", max) if done else None, None if done else day("begins", min), None if done else day("expected", max),
        None if done else day("likely", max), any(span.fell for span in spans), False,
        max((span.level for span in spans), default=0),
    )  # fmt: skip


def _bar(span: Span, level: int, place: _Place, today: dt.date, *, opened: bool = False) -> Bar:
    until = span.end or (today if span.start else None)
    bar = Bar(span.name, level, "ok" if span.end else "bad" if span.fell and level == 2 else "run", open=opened)
    bar.critical = span.critical
    bar.baseline = place.span(*span.baseline)
    bar.actual = place.span(span.start, max(until, span.start)) if span.start and until else None
    if not span.end and span.expected:
        begin = span.begins or today
        bar.estimate = place.span(max(begin, today) if span.start else min(begin, span.expected), span.expected)
        if span.likely and span.likely > span.expected:
            bar.likely = place.span(span.expected + dt.timedelta(days=1), span.likely)
    finish, planned = span.end or span.expected, span.baseline[1]
    days = (finish - planned).days if finish and planned else 0
    if span.fell and level == 2:
        bar.late, bar.late_tone = "Failed", "bad"
    elif days > 0:
        bar.late, bar.late_tone = f"+{days} day{'' if days == 1 else 's'}", "risk"
    if span.level:
        bar.flag, bar.flagged = FLAGS[Level(span.level)], f"{Level(span.level).label} jeopardy"
    return bar


def _window(order: Order, spans: list[Span], today: dt.date) -> tuple[dt.date, dt.date]:
    days = [day for s in spans for day in (*s.baseline, s.start, s.end, s.expected, s.likely) if day]
    days += [day for day in (order.promised_on, order.first_promised_on, today) if day]
    first, last = min(days), max(days)
    first -= dt.timedelta(days=first.weekday())
    return first, last + dt.timedelta(days=max(6, (last - first).days // 12))


def _milestones(order: Order, place: _Place) -> list[tuple[float, str, str]]:
    rows = AuditEntry.objects.filter(subject_type=ROOT, subject_id=order.pk, action="approve")
    approved = rows.order_by("id").values_list("at", flat=True)[:1]
    found = [(place.x(timezone.localdate(at)), "Approved", "done") for at in approved]
    if order.ended_at:
        return [*found, (place.x(timezone.localdate(order.ended_at)), order.get_state_display(), "done")]
    if order.first_promised_on and order.promised_on and order.first_promised_on < order.promised_on:
        found.append((place.x(order.first_promised_on), "", "was"))
    if order.promised_on:
        found.append((place.x(order.promised_on), f"Promised {order.promised_on:%-d %b}", ""))
    return found


def _arrows(made: Timeline) -> None:
    """What waits for what among the tasks that are shown, the critical path in a stronger line. One query."""
    bars = {bar.pk: bar for bar in made.bars if bar.opens}
    pairs = (
        TaskDependency.objects.filter(before__in=bars, after__in=bars).values_list("before", "after") if bars else ()
    )
    for before, after in pairs:
        one, other = bars[before], bars[after]
        x1, y1, y2 = one.end, one.y + ROW // 2 - 2, other.y + (5 if other.y > one.y else ROW - 6)
        x2 = max(other.start + 3, x1 + 4)
        css = "blocked" if one.tone == "bad" else "crit" if one.critical and other.critical else ""
        made.edges.append((f"M{x1:.1f} {y1}H{x2:.1f}V{y2}", css))
    made.edges.sort(key=lambda edge: edge[1] != "")


def _calendar(made: Timeline, place: _Place, step: int) -> None:
    day, month = place.first, ""
    step = next((days for days in (step, 2, 7, 14, 28, 56, 91) if days >= step and days * place.day >= LABEL), 182)
    while day <= place.last:
        name = f"{day:%B}"
        x = place.x(day)
        hidden = made.today_x is not None and made.today_x - 90 < x < made.today_x + 28
        made.ticks.append(Tick(x, f"{day:%-d %b}", name if name != month and not hidden else ""))
        month = month if hidden else name
        day += dt.timedelta(days=step)
    made.ticks = [tick for tick in made.ticks if tick.x < made.width - 36]
    if place.day >= 4:
        saturday = place.first + dt.timedelta(days=(5 - place.first.weekday()) % 7)
        while saturday < place.last:
            made.weekends.append((place.x(saturday), round(2 * place.day, 1)))
            saturday += dt.timedelta(days=7)
