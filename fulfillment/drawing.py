"""Drawing: a plan definition as a graph of boxes and lines, and its dependencies in words."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from catalog.telling import Glossary
from fulfillment.models import PlanDependency, PlanItem
from fulfillment.plancompare import lag_words
from fulfillment.shapes import Plan
from kernel.money import plain

WIDE, HIGH, GAP_X, GAP_Y, EDGE = 176, 52, 40, 20, 16
ICONS = {
    "manual": "user", "automatic": "bolt", "api_call": "plug-connected", "wait_event": "hourglass",
    "milestone": "flag", "field_work": "tool", "project": "truck", "timer": "clock",
}  # fmt: skip
SAYS = {
    "FS": "after {0}",
    "SS": "once {0} has started",
    "FF": "not finished before {0}",
    "SF": "not finished before {0} starts",
}


@dataclass
class Box:
    """One item, or something of another plan that an item waits for."""

    x: int
    y: int
    name: str
    detail: str
    kind: str
    outside: bool = False


@dataclass
class Graph:
    """Boxes and lines in one drawing."""

    width: int = 0
    height: int = 0
    boxes: list[Box] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)


def graph(plan: Plan, names: dict[str, str]) -> Graph:
    """Items in columns by how many steps come before; other plans stand dashed. `names` is specification key → name."""
    items = {item.pk: item for item in plan.items}
    column = _columns(plan, items)
    outside = [row for rows in plan.waits.values() for row in rows if row.scope != PlanDependency.Scope.FLOW]
    shift = 1 if any(column[row.after_id] == 0 for row in outside) else 0
    places: dict[int | str, tuple[int, int]] = {}
    rows: dict[int, int] = defaultdict(int)
    made = Graph()

    def put(key: int | str, at: int, name: str, detail: str, kind: str, *, other: bool = False) -> None:
        x, y = EDGE + at * (WIDE + GAP_X), EDGE + rows[at] * (HIGH + GAP_Y)
        rows[at] += 1
        places[key] = (x, y)
        made.boxes.append(Box(x, y, name, detail, kind, other))
        made.width, made.height = max(made.width, x + WIDE + EDGE), max(made.height, y + HIGH + EDGE)

    for item in plan.items:
        put(item.pk, column[item.pk] + shift, item.name, _detail(item), item.kind)
    for row in outside:  # in the column before the first item that waits for it, so that no line runs below a box
        if (name := _outside_name(row, names)) not in places:
            first = min(column[other.after_id] for other in outside if _outside_name(other, names) == name)
            put(name, first - 1 + shift, name, "another plan", "outside", other=True)
    for after, dependencies in plan.waits.items():
        for row in dependencies:
            start = places[row.before_id] if row.before_id else places[_outside_name(row, names)]
            made.lines.append((_line(start, places[after]), row.kind))
    return made


def _columns(plan: Plan, items: dict[int, PlanItem]) -> dict[int, int]:
    found: dict[int, int] = {}

    def depth(pk: int, way: tuple[int, ...] = ()) -> int:
        if pk not in found and pk not in way:
            befores = [row.before_id for row in plan.waits.get(pk, ()) if row.before_id in items]
            found[pk] = max((depth(before, (*way, pk)) + 1 for before in befores), default=0)
        return found.get(pk, 0)

    for pk in items:
        depth(pk)
    return found


def _line(start: tuple[int, int], end: tuple[int, int]) -> str:
    """A path from the right side of one box to the left side of another."""
    x1, y1, x2, y2 = start[0] + WIDE, start[1] + HIGH // 2, end[0], end[1] + HIGH // 2
    middle = (x1 + x2) // 2 if x2 > x1 else x1 + GAP_X // 2
    return f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2 - 5} {y2}"


def _detail(item: PlanItem) -> str:
    days = f"{plain(item.duration_days)} d" if item.duration_days else ""
    who = item.team if item.kind in ("manual", "field_work", "project") else item.get_kind_display()
    return ", ".join(filter(None, [who, days]))


def _outside_name(row: PlanDependency, names: dict[str, str]) -> str:
    name = names.get(row.before_specification, row.before_specification)
    return f"{name}: {row.before_item.replace('_', ' ')}" if row.before_item else name


def key(value: str) -> str:
    """The key of a value that a step needs or gives; it may be marked with ? or carry its expression."""
    return str(value).partition("=")[0].strip().rstrip("?")


def named(values: Iterable[str], known: Glossary, specification: str) -> list[str]:
    """What a step needs or gives, as people call it; what it may do without is told so."""
    return [
        known.name(key(one), specification) + (" (if there is one)" if str(one).strip().endswith("?") else "")
        for one in values
    ]


def words(plan: Plan, item: PlanItem, names: dict[str, str]) -> list[str]:
    """What an item waits for, as sentences."""
    items = {other.pk: other.name for other in plan.items}
    said = []
    for row in plan.waits.get(item.pk, ()):
        inside = items.get(row.before_id or 0)
        name = inside or f"{_outside_name(row, names)} ({row.get_scope_display().lower()})"
        lag = f", {lag_words(row.lag_days)}" if row.lag_days else ""
        said.append(SAYS[row.kind].format(name) + lag)
    return said


def days(plan: Plan) -> Decimal:
    """Working days along the longest way through the plan itself."""
    lengths: dict[int, Decimal] = {}
    items = {item.pk: item for item in plan.items}

    def length(pk: int, way: tuple[int, ...] = ()) -> Decimal:
        if pk not in lengths and pk not in way:
            befores = [(row.before_id, row.lag_days) for row in plan.waits.get(pk, ()) if row.before_id in items]
            longest = max((length(before, (*way, pk)) + lag for before, lag in befores), default=Decimal(0))
            lengths[pk] = items[pk].duration_days + longest
        return lengths.get(pk, Decimal(0))

    return max((length(pk) for pk in items), default=Decimal(0))
