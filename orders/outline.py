"""The outline: an order as rows of a tree, site by site down to tasks, what needs attention first; few queries.

Of a large order only the site that is open is read whole; of the others the database counts what their lines come to.
"""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from fulfillment.models import FlowForecast, Level, Task
from kernel import states
from orders import linesums, supplying
from orders.linesums import LineSum
from orders.models import DomainOrder, DomainOrderLink, Order, OrderLine
from orders.supplying import Supply

ROOT = Order._meta.label_lower
MANY = 400  # tasks above which only the site that is open is drawn whole
SHOWN = 100  # sites of a large order that are drawn before somebody asks for all
KINDS = {"product": "package", "cfs": "network", "rfs": "plug-connected", "resource": "server"}
WORK = {
    "manual": "user", "automatic": "bolt", "api_call": "plug-connected", "wait_event": "hourglass", "milestone": "flag",
    "field_work": "tool", "project": "truck-delivery", "timer": "clock",
}  # fmt: skip
GONE = frozenset({"discarded", "cancelled"})
RANK = {"bad": 0, "wait": 1, "run": 2, "idle": 3, "ok": 4}


@dataclass
class Row:
    """One line of the tree. `tone`, `icon` and `word` are its state, `sub` small print, `why` which rule made it."""

    id: str
    parent: str
    level: int
    name: str
    icon: str
    sub: str = ""
    url: str = ""
    why: str = ""
    number: str = ""
    rule: str = ""
    tone: str = "idle"
    state_icon: str = "circle-dashed"
    word: str = ""
    filled: bool = False
    done: int = 0
    total: int = 0
    owner: str = ""
    due: dt.date | None = None
    days_late: int = 0
    over: bool = False
    open: bool = False
    hidden: bool = False
    below: list["Row"] = field(default_factory=list)
    fallen: int = 0
    waiting: int = 0
    running: int = 0
    missing: bool = False
    level_of: int = 0
    later: bool = False

    @property
    def leaf(self) -> bool:
        """Whether there is nothing to unfold."""
        return not self.below and not self.later

    @property
    def jeopardy(self) -> states.Look | None:
        """How its level of jeopardy is drawn; None when nothing threatens it."""
        threatened = self.level_of and self.tone != "ok"
        return states.look(f"jeopardy_{Level(self.level_of).name.lower()}") if threatened else None


@dataclass(frozen=True)
class Parts:
    """What nodes are drawn with: tasks by flow, how many further parents each serves, what it waits for."""

    tasks: dict[int, list[Task]]
    shared: dict[int, int]
    waits: dict[int, list[Supply]]
    levels: dict[int, int]
    sums: dict[int, LineSum]


@dataclass(frozen=True)
class Outline:
    """The rows in order, and sums for the head of the page. `left` counts sites that are not among the rows."""

    rows: list[Row]
    done: int
    total: int
    sites: int
    live: int
    fallen: int
    left: int = 0


def of(order: Order, *, opened: str = "", open_only: bool = False, everything: bool = False) -> Outline:
    """The outline of an order; `opened` is the id of a site to unfold, `open_only` leaves out what is finished,
    `everything` draws all sites of a large one.
    """
    lines = list(order.lines.select_related("site", "offering", "forecast").order_by("position", "id"))
    large = linesums.tasks(order) > MANY
    whole = [line for line in lines if not large or opened == f"s{line.site_id or 0}"]
    by_line = _nodes(whole)
    parts = _parts(order, by_line, large=large)
    root = Row(
        "o", "", 0, order.number, "shopping-cart", open=True, owner=str(order.manager or ""), due=order.promised_on
    )
    by_site: dict[int | None, list[OrderLine]] = defaultdict(list)
    for line in lines:
        by_site[line.site_id].append(line)
    for of_site in by_site.values():
        root.below.append(_site(of_site, by_line, parts))
    _sum(root)
    _order_state(root, order)
    live = sum(row.word in ("Live", "Done") for row in root.below)
    root.sub = f"{len(root.below)} site{'' if len(root.below) == 1 else 's'}"
    root.below.sort(key=lambda row: (RANK[row.tone], -row.level_of, row.due or dt.date.max, row.name))
    _unfold(root, opened, large=large)
    sites = len(root.below)
    if large and not everything:
        root.below = [row for n, row in enumerate(root.below) if n < SHOWN or row.open]
    rows: list[Row] = []
    _flatten(root, rows, open_only=open_only, hidden=False)
    return Outline(rows, root.done, root.total, sites, live, root.fallen, sites - len(root.below))


def _nodes(lines: list[OrderLine]) -> dict[int, list[DomainOrder]]:
    """Line → its nodes, parents first."""
    found: dict[int, list[DomainOrder]] = {line.pk: [] for line in lines}
    of_key = {line.pk: line for line in lines}
    rows = DomainOrder.objects.filter(line__in=found).select_related("rule", "site").order_by("depth", "pk")
    for node in rows:
        node.line = of_key[node.line_id]
        found[node.line_id].append(node)
    return found


def _parts(order: Order, by_line: dict[int, list[DomainOrder]], *, large: bool) -> Parts:
    """What is drawn with these nodes; for the other lines of a large order their sums."""
    nodes = [node for of_line in by_line.values() for node in of_line]
    flows = [node.flow_id for node in nodes if node.flow_id]
    levels = dict(FlowForecast.objects.filter(flow__in=flows).values_list("flow", "level"))
    shared: dict[int, int] = defaultdict(int)
    for child in DomainOrderLink.objects.filter(child__in=[node.pk for node in nodes]).values_list("child", flat=True):
        shared[child] += 1
    waits = supplying.of(order, [node for node in nodes if node.lacking])
    return Parts(_tasks(flows), shared, waits, levels, linesums.of(order) if large else {})


def _tasks(flows: list[int]) -> dict[int, list[Task]]:
    """Flow key → its tasks."""
    found: dict[int, list[Task]] = defaultdict(list)
    rows = Task.objects.filter(flow__in=flows).exclude(state__in=GONE)
    for task in rows.select_related("assignee", "item", "forecast").order_by("position", "pk"):
        found[task.flow_id].append(task)
    return found


def _site(lines: list[OrderLine], by_line: dict[int, list[DomainOrder]], parts: Parts) -> Row:
    site = lines[0].site
    row = Row(
        f"s{site.pk if site else 0}",
        "o",
        1,
        site.name if site else "Without a site",
        "map-pin",
        site.code if site else "",
    )
    for line in lines:
        below = by_line.get(line.pk)
        row.below.append(_summed(line, row.id, parts) if below is None else _line(line, row.id, below, parts))
    return row


def _summed(line: OrderLine, parent: str, parts: Parts) -> Row:
    """A line of which only the sums are known."""
    row = _of_line(line, parent)
    known = parts.sums.get(line.pk, LineSum())
    row.done, row.total, row.fallen, row.running = known.done, known.total, known.fallen, known.running
    row.missing, row.days_late, row.owner = known.missing, known.days_late, known.owner
    row.due, row.level_of = row.due or known.first_due, max(row.level_of, known.level)
    if row.fallen:
        _fell(row)
    return row


def _of_line(line: OrderLine, parent: str) -> Row:
    look = states.look(line.state, line)
    times = f", × {line.quantity}" if line.quantity > 1 else ""
    forecast = getattr(line, "forecast", None)
    return Row(
        f"l{line.pk}", parent, 2, line.offering.name, "package", f"line {line.position}{times}", due=line.promised_on,
        tone=look.tone, state_icon=look.icon, word=look.word, level_of=forecast.level if forecast else 0,
    )  # fmt: skip


def _line(line: OrderLine, parent: str, nodes: list[DomainOrder], parts: Parts) -> Row:
    row = _of_line(line, parent)
    made: dict[int, Row] = {}
    for node in nodes:
        made[node.pk] = below = _node(node, row, made, parts)
        over = made.get(node.parent_id or 0)
        (over or row).below.append(below)
    if len(row.below) == 1 and row.below[0].icon == "package":  # the product's own node says the same as its line
        root = row.below[0]
        row.below = root.below
        for below in row.below:
            below.parent = row.id
        _lift(row.below, 3)
    return row


def _lift(rows: list[Row], level: int) -> None:
    for row in rows:
        row.level = level
        _lift(row.below, level + 1)


def _node(node: DomainOrder, line: Row, made: dict[int, Row], parts: Parts) -> Row:
    over = made.get(node.parent_id or 0)
    look = states.look(node.state, node)
    words = [node.get_kind_display().split(" (")[0].replace(" order", "").lower()]
    if node.action != "add":
        words.append(node.action)
    if parts.shared.get(node.pk):
        words.append(f"shared by {parts.shared[node.pk] + 1}")
    row = Row(
        f"d{node.pk}", over.id if over else line.id, (over.level + 1) if over else 3, node.name, KINDS[node.kind],
        ", ".join(words), why=_why(node), number=node.number,
        rule=f"rule {node.rule.key} v{node.rule_version}" if node.rule else "", tone=look.tone, state_icon=look.icon,
        word=look.word, level_of=parts.levels.get(node.flow_id or 0, 0),
    )  # fmt: skip
    if node.lacking:
        given = "; ".join(f"{supply.name} from {supply.who}" for supply in parts.waits.get(node.pk, ()))
        row.sub = f"{row.sub}, needs {given or ', '.join(node.lacking).replace('_', ' ')}"
        row.word, row.missing = "Waiting for data", True
    for task in parts.tasks.get(node.flow_id or 0, ()):
        row.below.append(_task(task, row))
    return row


def _why(node: DomainOrder) -> str:
    if node.rule is None:
        return (
            f"{node.number}, the product of its line." if node.depth == 0 else f"{node.number}, found in the inventory."
        )
    condition = f" because {node.rule.condition}" if node.rule.condition else ""
    return f"{node.number}, made by rule {node.rule.key} version {node.rule_version}{condition}."


def _task(task: Task, over: Row) -> Row:
    fell = task.state == "on_hold" and bool(task.problem)
    look = states.look("failed" if fell else task.state, task)
    words = [task.number]
    if task.attempts > 1 or fell:
        words.append(f"attempt {task.attempts} of {task.item.max_attempts}")
    finished = task.state in Task.CLOSED
    due = task.planned_end
    forecast = getattr(task, "forecast", None)
    end = timezone.localdate(task.ended_at) if task.ended_at else forecast.ends_on if forecast else task.estimated_end
    return Row(
        f"t{task.pk}", over.id, over.level + 1, task.name, WORK[task.kind], ", ".join(words),
        tone="ok" if task.state == "completed" else look.tone, state_icon=look.icon,
        word="Done" if task.state == "completed" else look.word, filled=fell, done=int(finished), total=1,
        owner=_owner(task), due=due, days_late=(end - due).days if due and end and end > due else 0,
        over=bool(due and not finished and due < timezone.localdate()), fallen=int(fell),
        waiting=int(task.state in ("on_hold", "awaiting_information") and not fell),
        running=int(task.state in ("ready", "in_progress")), level_of=forecast.level if forecast else 0,
    )  # fmt: skip


def _owner(task: Task) -> str:
    if task.assignee:
        return str(task.assignee)
    return task.team or (
        "automatic" if task.kind in ("automatic", "api_call", "milestone", "timer", "wait_event") else ""
    )


def _sum(row: Row) -> None:
    """Counts, dates and the loudest state of everything below."""
    for below in row.below:
        _sum(below)
    if not row.below:
        return
    parts = row.below
    row.done, row.total = sum(part.done for part in parts), sum(part.total for part in parts)
    row.fallen = sum(part.fallen for part in parts)
    row.waiting, row.running = sum(part.waiting for part in parts), sum(part.running for part in parts)
    row.days_late = max((part.days_late for part in parts if part.tone != "ok"), default=0)
    row.level_of = max([row.level_of, *(part.level_of for part in parts if part.tone != "ok")])
    row.missing = row.missing or any(part.missing for part in parts)
    row.due = row.due or max((part.due for part in parts if part.due), default=None)
    row.owner = (
        row.owner or ""
        if row.level == 0
        else row.owner or _common([part.owner for part in parts if part.tone in ("bad", "run", "wait") and part.owner])
    )
    if row.fallen:
        _fell(row)
    elif row.level == 1:
        _site_state(row)
    parts.sort(
        key=lambda part: (part.icon in WORK.values() and part.total == 1, RANK[part.tone] if part.total != 1 else 0)
    )


def _fell(row: Row) -> None:
    row.tone, row.state_icon, row.word = "bad", "alert-triangle", f"{row.fallen} in fallout"


def _site_state(row: Row) -> None:
    """A site says what its lines say together."""
    words = {below.word for below in row.below}
    if words <= {"Completed", "Cancelled"} and "Completed" in words:
        row.tone, row.state_icon, row.word = "ok", "circle-check", "Live"
        return
    if row.missing and not row.running:
        row.tone, row.state_icon, row.word = "wait", "hourglass", "Waiting for data"
    elif row.done == 0 and not row.running:
        begin = min((below.due for below in _all(row) if below.due), default=None)
        row.tone, row.state_icon, row.word = "idle", "circle-dashed", f"Due {begin:%-d %b}" if begin else "Not started"
    else:
        loudest = min(row.below, key=lambda below: RANK[below.tone])
        row.tone, row.state_icon, row.word = loudest.tone, loudest.state_icon, loudest.word


def _order_state(row: Row, order: Order) -> None:
    look = states.look(order.state, order)
    row.tone, row.state_icon, row.word = look.tone, look.icon, look.word
    forecast = getattr(order, "forecast", None)
    row.level_of = max(row.level_of, forecast.level) if forecast else row.level_of


def _all(row: Row) -> list[Row]:
    return [found for below in row.below for found in (below, *_all(below))]


def _common(names: list[str]) -> str:
    return max(set(names), key=lambda name: (names.count(name), name)) if names else ""


def _unfold(root: Row, opened: str, *, large: bool) -> None:
    """Open the way down to what has fallen out, the asked site, and a single site; of a large order draw only those."""
    for site in root.below:
        site.open = site.id == opened or len(root.below) == 1 or bool(site.fallen and not large)
        if site.fallen or len(root.below) == 1:
            for row in _all(site):
                row.open = bool(row.fallen) or (len(root.below) == 1 and row.level == 2)
        if large and not site.open:
            site.later, site.below = bool(site.below), []


def _flatten(row: Row, rows: list[Row], *, open_only: bool, hidden: bool) -> None:
    if open_only and row.level and row.tone == "ok":
        return
    row.hidden = hidden
    rows.append(row)
    for below in row.below:
        _flatten(below, rows, open_only=open_only, hidden=hidden or not row.open)


def head(order: Order) -> dict[str, Any]:
    """Sums for the head of the page alone: tasks done, sites live, lines billed; two queries."""
    tasks = Task.objects.filter(flow__root_type=ROOT, flow__root_id=order.pk).exclude(state__in=GONE)
    counts = tasks.aggregate(tasks=Count("pk"), done=Count("pk", filter=Q(state__in=Task.CLOSED)))
    lines = list(order.lines.values_list("site", "state", "product__billing_start__starts_on"))
    sites = {site for site, _, _ in lines}
    not_live = {site for site, state, _ in lines if state not in ("completed", "cancelled")}
    billed = [day for _, _, day in lines if day]
    return counts | {
        "sites": len(sites), "live": len(sites - not_live), "billed": len(billed),
        "billed_since": min(billed, default=None),
    }  # fmt: skip
