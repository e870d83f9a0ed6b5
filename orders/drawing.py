"""Drawing: an order as a graph at three depths: its sites by how they stand, domain orders and tasks of one site."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Max, Q
from django.urls import reverse

from catalog import configuration, telling
from fulfillment.models import FlowForecast, Level, Task, TaskDependency
from kernel import icons, states
from orders.models import DomainOrder, DomainOrderLink, Order

WIDTH, HEIGHT = 176, 46
STEP_X, STEP_Y = 208, 60
LEFT, TOP, HEAD, GAP = 16, 28, 28, 8
ACROSS, SITE_WIDTH, SITE_STEP = 5, 204, 226  # sites beside each other
MOST_SITES, MOST_TASKS = 40, 90  # of one lane, of one site; the rest stands in the table
LANES = (("product", "Product"), ("service", "Service"), ("resource", "Resource"))
STANDS = (
    ("bad", "Something failed"), ("risk", "In jeopardy"), ("run", "Under way"), ("wait", "Not started"), ("ok", "Done"),
)  # fmt: skip
LANE_OF = {"product": "product", "cfs": "service", "rfs": "service", "resource": "resource"}
BOX = {"bad": "bad", "run": "run", "wait": "wait", "idle": "wait", "risk": "run"}
FLAGS = {Level.LOW: "idle", Level.MEDIUM: "wait", Level.HIGH: "risk", Level.CRITICAL: "bad"}
ROOT = Order._meta.label_lower
GONE = ("discarded", "cancelled")
URGENT = {"bad": 0, "run": 1, "wait": 2}


@dataclass
class Box:
    """One node: what it says, how it looks, where it is. `flag` is the tone of its jeopardy, `opens` its panel."""

    pk: int
    lane: str
    name: str
    said: str
    tone: str
    icon: str
    url: str = ""
    opens: bool = False
    flag: str = ""
    flagged: str = ""
    critical: bool = False
    day: Any = None
    column: int = 0
    x: int = 0
    y: int = 0
    width: int = WIDTH

    @property
    def css(self) -> str:
        """The box's class."""
        return f"{BOX.get(self.tone, '')}{' crit' if self.critical and self.tone not in ('ok', 'bad') else ''}"

    @property
    def mark(self) -> str:
        """Where the icon is drawn."""
        return f"{icons.address()}#{self.icon}"

    @property
    def flag_mark(self) -> str:
        """Where the flag is drawn."""
        return f"{icons.address()}#flag"

    @property
    def short(self) -> str:
        """The name as it fits."""
        most = 20 + (self.width - WIDTH) // 6
        return self.name if len(self.name) <= most else f"{self.name[: most - 1].rstrip()}…"

    @property
    def flag_x(self) -> int:
        """Where the flag stands."""
        return self.x + self.width - 20


@dataclass(frozen=True)
class Edge:
    """One line with its path and class."""

    path: str
    css: str


@dataclass
class Drawing:
    """Everything that the template draws. `folded` counts finished tasks left out, `left` others."""

    width: int = 0
    height: int = 0
    lanes: list[tuple[str, int, int]] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    total: int = 0
    folded: int = 0
    left: int = 0


def sites(order: Order) -> Drawing:
    """Every site as one box, in lanes by how it stands; what failed first. Two queries."""
    rows = (
        Task.objects.filter(flow__root_type=ROOT, flow__root_id=order.pk)
        .exclude(state__in=GONE)
        .values("flow__site", "flow__site__name")
        .annotate(
            n=Count("pk"), done=Count("pk", filter=Q(state__in=Task.CLOSED)),
            fell=Count("pk", filter=Q(state="on_hold") & ~Q(problem="")),
            going=Count("pk", filter=Q(state__in=["ready", "in_progress", "on_hold", "awaiting_information"])),
            level=Max("forecast__level"), ends=Max("forecast__ends_on"), ended=Max("ended_at"),
        )
    )  # fmt: skip
    boxes = [_of_site(order, row) for row in rows]
    boxes.sort(key=lambda box: (-len(box.flag), box.day is None, str(box.day), box.name))
    drawing = Drawing(total=len(boxes), width=LEFT + ACROSS * SITE_STEP)
    y = 0
    for key, label in STANDS:
        inside = [box for box in boxes if box.lane == key]
        shown = inside[:MOST_SITES]
        drawing.left += len(inside) - len(shown)
        if not shown:
            continue
        for n, box in enumerate(shown):
            box.x, box.y = LEFT + n % ACROSS * SITE_STEP, y + HEAD + n // ACROSS * STEP_Y
        height = HEAD + ((len(shown) + ACROSS - 1) // ACROSS) * STEP_Y - (STEP_Y - HEIGHT) + 12
        drawing.lanes.append((f"{label}, {len(inside)}", y, height))
        drawing.boxes += shown
        y += height + GAP
    drawing.height = max(y - GAP, 60)
    return drawing


def _of_site(order: Order, row: dict[str, Any]) -> Box:
    done, total = row["done"], row["n"]
    level = Level(row["level"] or 0)
    tone, icon = ("run", "progress") if done or row["going"] else ("idle", "circle-dashed")
    lane = "run" if done or row["going"] else "wait"
    if row["fell"]:
        tone, icon, lane = "bad", "alert-triangle", "bad"
    elif done == total:
        tone, icon, lane = "ok", "circle-check", "ok"
    elif level >= Level.MEDIUM:
        lane = "risk"
    day = row["ends"] if done < total else None
    said = f"{row['fell']} failed" if row["fell"] else f"{done} of {total} done"
    said = f"Done {row['ended']:%-d %b}" if done == total and row["ended"] else _said(said, day)
    url = f"{reverse('orders:graph', args=[order.number])}?site={row['flow__site'] or 0}&level=tasks"
    name = row["flow__site__name"] or "Shared by all sites"
    return _flagged(
        Box(row["flow__site"] or 0, lane, name, said, tone, icon, url, day=day, width=SITE_WIDTH),
        level if day else Level.NONE,
    )


def _flagged(box: Box, level: int) -> Box:
    if level:
        box.flag, box.flagged = FLAGS[Level(level)], f"{Level(level).label} jeopardy"
    return box


def domain_orders(order: Order, site_id: int | None) -> Drawing:
    """Domain orders of one site, and those that its lines share with others; an arrow points at who waits."""
    here = Q(site=site_id) | Q(linked_from__parent__site=site_id) | Q(line__site=site_id)
    rows = DomainOrder.objects.filter(here, order=order).distinct().select_related("flow").order_by("depth", "pk")
    flows = [row.flow_id for row in rows if row.flow_id]
    failed = set(
        Task.objects.filter(flow__in=flows, state=Task.State.ON_HOLD).exclude(problem="").values_list("flow", flat=True)
    )
    forecasts = {row.flow_id: row for row in FlowForecast.objects.filter(flow__in=flows)}
    known = telling.of(key for row in rows for key in row.lacking)
    boxes = {
        row.pk: _of_node(row, forecasts.get(row.flow_id or 0), known, failed=row.flow_id in failed) for row in rows
    }
    pairs = [(row.pk, row.parent_id) for row in rows if row.parent_id in boxes]
    linked = DomainOrderLink.objects.filter(child__in=boxes, parent__in=boxes).values_list("child", "parent")
    return _laid_out(boxes, [*pairs, *linked])


def tasks(order: Order, site_id: int | None, *, everything: bool = False) -> Drawing:
    """Tasks of one site with what waits for what. Finished ones that nobody waits for any more are folded away, and
    of very many only those that need attention or come next are drawn; `everything` draws them all.
    """
    rows = list(
        Task.objects.filter(flow__root_type=ROOT, flow__root_id=order.pk, flow__site=site_id)
        .exclude(state__in=GONE).select_related("forecast").order_by("flow", "position")
        .only("name", "state", "problem", "ended_at", "flow_id", "planned_end", "number", "forecast")
    )  # fmt: skip
    flows = {row.flow_id for row in rows}
    kinds = dict(DomainOrder.objects.filter(order=order, flow__in=flows).values_list("flow", "kind"))
    boxes = {row.pk: _of_task(order, row, kinds.get(row.flow_id, "cfs")) for row in rows}
    links = TaskDependency.objects.filter(before__flow__in=flows, after__flow__in=flows)
    pairs = [pair for pair in links.values_list("before", "after") if pair[0] in boxes and pair[1] in boxes]
    shown = boxes if everything else _window(boxes, pairs)
    drawing = _laid_out(shown, pairs)
    drawing.total = len(boxes)
    drawing.folded = sum(box.tone == "ok" for pk, box in boxes.items() if pk not in shown)
    drawing.left = len(boxes) - len(shown) - drawing.folded
    return drawing


def _window(boxes: dict[int, Box], pairs: list[tuple[int, int]]) -> dict[int, Box]:
    """Open tasks with the finished ones right before them; of very many the most urgent."""
    needed = {before for before, after in pairs if boxes[after].tone != "ok"}
    kept = [box for box in boxes.values() if box.tone != "ok" or box.pk in needed]
    if len(kept) < 6:
        kept = list(boxes.values())
    if len(kept) > MOST_TASKS:
        kept.sort(key=lambda box: (URGENT.get(box.tone, 3), not box.critical, str(box.day or "9"), box.pk))
        kept = kept[:MOST_TASKS]
    chosen = {box.pk for box in kept}
    return {pk: box for pk, box in boxes.items() if pk in chosen}


def _of_node(row: DomainOrder, forecast: FlowForecast | None, known: telling.Glossary, *, failed: bool) -> Box:
    look = states.look("failed", row) if failed else states.look(row.state, row)
    needed = ", ".join(configuration.within(known.name(key)) for key in row.lacking)
    word = f"needs {needed}" if needed else look.word
    day = row.flow.planned_end if row.flow and row.state != DomainOrder.State.CLOSED_COMPLETE else None
    day = forecast.ends_on if forecast and day else day
    box = Box(row.pk, LANE_OF[row.kind], row.name, _said(word, day), look.tone, look.icon, f"#d{row.pk}", day=day)
    box.critical = bool(forecast and forecast.critical)
    return _flagged(box, forecast.level if forecast else Level.NONE)


def _of_task(order: Order, row: Task, kind: str) -> Box:
    fell = row.state == "on_hold" and bool(row.problem)
    look = states.look("failed" if fell else row.state, row)
    url = reverse("orders:task", args=[order.number, row.number])
    box = Box(row.pk, LANE_OF[kind], row.name, "", look.tone, look.icon, url, opens=True)
    if row.state in Task.CLOSED:
        box.said = f"Done {row.ended_at:%-d %b}" if row.ended_at and row.state == "completed" else look.word
        box.tone, box.icon = "ok", "circle-check"
        return box
    forecast: Any = getattr(row, "forecast", None)
    box.day = forecast.ends_on if forecast else row.planned_end
    box.critical = bool(forecast and forecast.critical)
    if row.state == "planned":
        box.icon, box.tone = "hourglass", "wait"
    box.said = _said("Failed" if fell else "Waiting" if row.state == "planned" else look.word, box.day)
    return _flagged(box, forecast.level if forecast else Level.NONE)


def _said(word: str, day: object) -> str:
    return f"{word}, {day:%-d %b}" if day else word


def _laid_out(boxes: dict[int, Box], pairs: Iterable[tuple[int, int | None]]) -> Drawing:
    """Columns by the longest way from the start, rows inside lanes, lines with rounded bends."""
    known = [(before, after) for before, after in pairs if before in boxes and after is not None and after in boxes]
    _columns(boxes, known)
    order = _order(boxes, known)
    drawing = Drawing(boxes=list(boxes.values()), total=len(boxes))
    y = 0
    for key, label in LANES:
        inside = [box for box in boxes.values() if box.lane == key]
        if not inside:
            continue
        rows: dict[int, int] = defaultdict(int)
        for box in sorted(inside, key=lambda box: order[box.pk]):
            box.x, box.y = LEFT + box.column * STEP_X, y + HEAD + rows[box.column] * STEP_Y
            rows[box.column] += 1
        height = HEAD + max(rows.values()) * STEP_Y - (STEP_Y - HEIGHT) + 12
        drawing.lanes.append((label, y, height))
        y += height + GAP
    drawing.height = max(y - GAP, 60)
    drawing.width = max([LEFT + box.column * STEP_X + WIDTH + LEFT for box in boxes.values()], default=400)
    drawing.edges = [_edge(boxes[before], boxes[after]) for before, after in known]
    drawing.edges.sort(key=lambda edge: edge.css in ("crit", "blocked"))
    return drawing


def _columns(boxes: dict[int, Box], pairs: list[tuple[int, int]]) -> None:
    befores: dict[int, list[int]] = defaultdict(list)
    for before, after in pairs:
        befores[after].append(before)
    seen: dict[int, int] = {}

    def column(pk: int, way: tuple[int, ...]) -> int:
        if pk not in seen:
            seen[pk] = max((column(b, (*way, pk)) + 1 for b in befores[pk] if b not in way), default=0)
        return seen[pk]

    for pk, box in boxes.items():
        box.column = column(pk, (pk,))


def _order(boxes: dict[int, Box], pairs: list[tuple[int, int]]) -> dict[int, float]:
    """Where a box stands among its neighbours: beside whatever waits for it, from the last column to the first."""
    afters: dict[int, list[int]] = defaultdict(list)
    for before, after in pairs:
        afters[before].append(after)
    place: dict[int, float] = {}
    for column in range(max((box.column for box in boxes.values()), default=0), -1, -1):
        here = [box for box in boxes.values() if box.column == column]
        wanted = {box.pk: [place[after] for after in afters[box.pk] if after in place] for box in here}
        here.sort(key=lambda box: (sum(wanted[box.pk]) / len(wanted[box.pk]) if wanted[box.pk] else len(boxes), box.pk))
        place |= {box.pk: float(n) for n, box in enumerate(here)}
    return place


def _edge(before: Box, after: Box) -> Edge:
    critical = before.critical and after.critical
    css = "blocked" if before.tone == "bad" else "done" if before.tone == "ok" else "crit" if critical else ""
    x1, y1, x2, y2 = before.x + WIDTH, before.y + HEIGHT / 2, after.x - 5, after.y + HEIGHT / 2
    if after.column <= before.column:
        down = after.y > before.y
        x = before.x + WIDTH / 2
        return Edge(
            f"M{x} {before.y + HEIGHT if down else before.y}V{after.y - 5 if down else after.y + HEIGHT + 5}", css
        )
    if y1 == y2:
        return Edge(f"M{x1} {y1}H{x2}", css)
    bend, turn = x2 - 8, 6 if y2 > y1 else -6
    path = f"M{x1} {y1}H{bend - 6}Q{bend} {y1} {bend} {y1 + turn}V{y2 - turn}Q{bend} {y2} {bend + 6} {y2}H{x2}"
    return Edge(path, css)
