"""Drawing: where the boxes and lines of an order's graph stand: domain orders or tasks of a site, in lanes by kind."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Q

from fulfillment.models import Task, TaskDependency
from kernel import icons, states
from orders.models import DomainOrder, DomainOrderLink, Order

WIDTH, HEIGHT = 176, 46
STEP_X, STEP_Y = 208, 60
LEFT, TOP, HEAD, GAP = 16, 28, 28, 8
LANES = (("product", "Product"), ("service", "Service"), ("resource", "Resource"))
LANE_OF = {"product": "product", "cfs": "service", "rfs": "service", "resource": "resource"}
BOX = {"bad": "bad", "run": "run", "wait": "wait", "idle": "wait"}


@dataclass
class Box:
    """One node: what it says, how it looks, where it is."""

    pk: int
    lane: str
    name: str
    said: str
    tone: str
    icon: str
    url: str = ""
    column: int = 0
    x: int = 0
    y: int = 0

    @property
    def css(self) -> str:
        """The box's class."""
        return BOX.get(self.tone, "")

    @property
    def mark(self) -> str:
        """Where the icon is drawn."""
        return f"{icons.address()}#{self.icon}"

    @property
    def short(self) -> str:
        """The name as it fits."""
        return self.name if len(self.name) <= 20 else f"{self.name[:19].rstrip()}…"


@dataclass(frozen=True)
class Edge:
    """One line with its path and class."""

    path: str
    css: str


@dataclass
class Drawing:
    """Everything that the template draws."""

    width: int = 0
    height: int = 0
    lanes: list[tuple[str, int, int]] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)


def domain_orders(order: Order, site_id: int | None) -> Drawing:
    """Domain orders of one site, and those that its lines share with others; an arrow points at who waits."""
    here = Q(site=site_id) | Q(linked_from__parent__site=site_id) | Q(line__site=site_id)
    rows = DomainOrder.objects.filter(here, order=order).distinct().select_related("flow").order_by("depth", "pk")
    failed = set(
        Task.objects.filter(flow__in=[row.flow_id for row in rows if row.flow_id], state=Task.State.ON_HOLD)
        .exclude(problem="").values_list("flow", flat=True)
    )  # fmt: skip
    boxes = {row.pk: _of_node(row, failed=row.flow_id in failed) for row in rows}
    pairs = [(row.pk, row.parent_id) for row in rows if row.parent_id in boxes]
    linked = DomainOrderLink.objects.filter(child__in=boxes, parent__in=boxes).values_list("child", "parent")
    return _laid_out(boxes, [*pairs, *linked])


def tasks(order: Order, site_id: int | None) -> Drawing:
    """Tasks of one site with what waits for what."""
    root = {"flow__root_type": Order._meta.label_lower, "flow__root_id": order.pk}
    rows = list(
        Task.objects.filter(**root, flow__site=site_id).exclude(state__in=["discarded", "cancelled"])
        .select_related("flow", "assignee").order_by("flow", "position")
    )  # fmt: skip
    kinds = dict(
        DomainOrder.objects.filter(order=order, flow__in={row.flow_id for row in rows}).values_list("flow", "kind")
    )
    boxes = {row.pk: _of_task(row, kinds.get(row.flow_id, "cfs")) for row in rows}
    pairs = TaskDependency.objects.filter(before__in=boxes, after__in=boxes).values_list("before", "after")
    return _laid_out(boxes, list(pairs))


def _of_node(row: DomainOrder, *, failed: bool) -> Box:
    look = states.look("failed", row) if failed else states.look(row.state, row)
    word = f"needs {', '.join(row.missing)}" if row.missing else look.word
    day = row.flow.planned_end if row.flow and row.state != DomainOrder.State.CLOSED_COMPLETE else None
    return Box(row.pk, LANE_OF[row.kind], row.name, _said(word, day), look.tone, look.icon, f"#d{row.pk}")


def _of_task(row: Task, kind: str) -> Box:
    fell = row.state == "on_hold" and bool(row.problem)
    look = states.look("failed" if fell else row.state, row)
    if row.state == "completed":
        return Box(
            row.pk,
            LANE_OF[kind],
            row.name,
            f"Done {row.ended_at:%-d %b}" if row.ended_at else "Done",
            "ok",
            "circle-check",
            f"#t{row.pk}",
        )
    icon, tone = ("hourglass", "wait") if row.state == "planned" else (look.icon, look.tone)
    word = "Waiting" if row.state == "planned" else look.word
    return Box(
        row.pk, LANE_OF[kind], row.name, _said(word, row.estimated_end or row.planned_end), tone, icon, f"#t{row.pk}"
    )


def _said(word: str, day: object) -> str:
    return f"{word}, {day:%-d %b}" if day else word


def _laid_out(boxes: dict[int, Box], pairs: Iterable[tuple[int, int | None]]) -> Drawing:
    """Columns by the longest way from the start, rows inside lanes, lines with rounded bends."""
    known = [(before, after) for before, after in pairs if before in boxes and after is not None and after in boxes]
    _columns(boxes, known)
    order = _order(boxes, known)
    drawing = Drawing(boxes=list(boxes.values()))
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
    for before, after in known:
        drawing.edges.append(_edge(boxes[before], boxes[after]))
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
    css = "blocked" if before.tone == "bad" else "done" if before.tone == "ok" else ""
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
