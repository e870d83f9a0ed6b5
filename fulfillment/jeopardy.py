"""Jeopardy: how badly open tasks and flows threaten what was planned, by rules that are rows of a decision table.

The table is called `jeopardy`. It is asked once for each different set of facts; its output `level` is none, low,
medium, high or critical. Whoever owns the root (an order) judges its lines and itself by the same table.
"""

import datetime as dt
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db import connection, models, transaction
from django.utils import timezone

from fulfillment import forecasting
from fulfillment.forecasting import Expected, Projection
from fulfillment.models import Flow, FlowForecast, Level, Recheck, TaskForecast
from kernel import decisions, writing
from kernel.decisions import BrokenRule

log = logging.getLogger(__name__)
TABLE = "jeopardy"
NAMES = {level.name.lower(): level for level in Level}
BATCH = 2000
FORECAST = ["root_type", "root_id", "ends_on", "likely_on", "critical", "days_late", "level", "reason"]

_assessed: set[str] = set()


class Judge:
    """The rules read once, when they are first asked. Without an active table nothing is in jeopardy."""

    def __init__(self, ask: Callable[[dict[str, Any]], list[dict[str, Any]]] | None = None) -> None:
        self._given = ask
        self._known: dict[tuple[Any, ...], Level] = {}

    def level(
        self, subject: str, *, late: int, late_likely: int, length: int, critical: bool, after_request: int = 0
    ) -> Level:
        """The level of a subject: order, line, flow, milestone or task. Raises BrokenRule."""
        key = (subject, late, late_likely, length, critical, after_request)
        if key not in self._known:
            self._known[key] = self._judge({
                "subject": subject, "days_late": late, "days_late_p90": late_likely, "critical": critical,
                "percent_late": round(100 * late / max(length, 1), 1), "days_after_request": after_request,
            })  # fmt: skip
        return self._known[key]

    @cached_property
    def _ask(self) -> Callable[[dict[str, Any]], list[dict[str, Any]]] | None:
        return self._given or decisions.reader(TABLE)

    def _judge(self, facts: dict[str, Any]) -> Level:
        found = [str(row.get("level") or "none") for row in (self._ask(facts) if self._ask else ())]
        for name in found:
            if name not in NAMES:
                raise BrokenRule(f"“{name}” is not a level of jeopardy. Use none, low, medium, high or critical.")
        return max((NAMES[name] for name in found), default=Level.NONE)


@dataclass
class Assessment:
    """What was found of a root: the projection, and the levels of its open tasks and flows."""

    projection: Projection
    tasks: dict[int, Level] = field(default_factory=dict)
    flows: dict[int, Level] = field(default_factory=dict)

    def worst(self, line_key: str | None = None) -> Level:
        """The highest level of the tasks and flows of a line, or of all."""
        found = self.projection
        inside = found.tasks.values() if line_key is None else found.by_line.get(line_key, [])
        levels = [self.tasks[t.pk] for t in inside] + [self.flows.get(t.flow_id, Level.NONE) for t in inside]
        return max(levels, default=Level.NONE)

    def cause(self, line_key: str | None = None) -> Expected | None:
        """The task to name: one that failed, else the first that is late on the critical path, else the latest."""
        inside = [task for task in self.projection.suspects if line_key is None or task.line_key == line_key]
        wanted: tuple[Callable[[Expected], bool], ...] = (
            lambda task: task.failed and task.critical, lambda task: task.critical and task.late > 0,
            lambda task: task.failed, lambda task: task.late > 0, lambda task: task.late_likely > 0,
        )  # fmt: skip
        return next((task for holds in wanted for task in inside if holds(task)), None)


@transaction.atomic
def assess(root_type: str, root_id: int, *, judge: Judge, today: dt.date | None = None) -> Assessment:
    """Work out where open work will end and how much that endangers; keep it. A fixed number of statements.

    Raises:
        BrokenRule: a row of the table cannot be evaluated; nothing is kept.
    """
    lock(root_type, root_id)
    found = Assessment(forecasting.project(root_type, root_id, today=today))
    for task in found.projection.tasks.values():
        found.tasks[task.pk] = judge.level(
            "milestone" if task.milestone else "task", late=task.late, late_likely=task.late_likely,
            length=round(task.place.days), critical=task.critical,
        )  # fmt: skip
    flows = _flows(root_type, root_id, found, judge)
    tasks = [_task_row(root_type, root_id, task, found.tasks[task.pk], found.projection.today)
             for task in found.projection.tasks.values()]  # fmt: skip
    _keep(TaskForecast, "task_id", root_type, root_id, tasks, [*FORECAST, "starts_on", "slack"])
    _keep(FlowForecast, "flow_id", root_type, root_id, flows, FORECAST)
    return found


def lock(root_type: str, root_id: int) -> None:
    """One assessor of a root at a time; takes no row lock, so that no worker waits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s), %s)", [f"jeopardy:{root_type}", root_id % 2**31])


def forget(root_type: str, root_id: int) -> None:
    """A root has ended: nothing of it is expected any more."""
    for model in (TaskForecast, FlowForecast):
        model.objects.filter(root_type=root_type, root_id=root_id).delete()


def recheck(root_type: str, root_ids: Iterable[int]) -> None:
    """Ask that roots are looked at again at once."""
    Recheck.objects.bulk_create(Recheck(root_type=root_type, root_id=pk, urgent=True) for pk in root_ids)


def assessed(root_type: str) -> None:
    """Somebody works out the outlook of such roots: steps of theirs that end leave a mark."""
    _assessed.add(root_type)


def ended(roots: Iterable[tuple[str, int]]) -> None:
    """Steps of these roots, (type, key), have ended: mark those that somebody assesses, in one statement."""
    Recheck.objects.bulk_create(
        Recheck(root_type=kind, root_id=pk) for kind, pk in sorted(set(roots)) if kind in _assessed
    )


def _flows(root_type: str, root_id: int, found: Assessment, judge: Judge) -> list[FlowForecast]:
    by_flow = found.projection.by_flow()
    columns = ("pk", "name", "planned_start", "planned_end")
    rows = []
    for pk, name, starts, planned in Flow.objects.filter(pk__in=by_flow).order_by("pk").values_list(*columns):
        last = forecasting.latest(by_flow[pk])
        if last is None:
            continue
        late = last.place.between(planned, last.ends_on) if planned else 0
        likely = last.place.between(planned, last.likely_on) if planned else 0
        length = last.place.between(starts, planned) + 1 if starts and planned else 1
        critical = any(task.critical for task in by_flow[pk])
        level = judge.level("flow", late=late, late_likely=likely, length=length, critical=critical)
        found.flows[pk] = level
        reason = f"{name} is expected on {day(last.ends_on)}, {days(late)} after its plan." if late > 0 else ""
        rows.append(FlowForecast(
            flow_id=pk, root_type=root_type, root_id=root_id, ends_on=last.ends_on, likely_on=last.likely_on,
            critical=critical, days_late=late, level=level, reason=reason if level else "",
        ))  # fmt: skip
    return rows


def _task_row(root_type: str, root_id: int, task: Expected, level: Level, today: dt.date) -> TaskForecast:
    return TaskForecast(
        task_id=task.pk, root_type=root_type, root_id=root_id, starts_on=task.place.starts_on, ends_on=task.ends_on,
        likely_on=task.likely_on, slack=round(min(task.place.slack, 9999), 2), critical=task.critical,
        days_late=task.late, level=level, reason=f"{clause(task, today)}."[:300] if level else "",
    )  # fmt: skip


def _keep(
    model: type[models.Model], key: str, root_type: str, root_id: int, rows: list[Any], columns: list[str]
) -> None:
    """Write what has changed, remove what is over."""
    manager = model._default_manager
    known = {row[0]: row[1:] for row in manager.filter(root_type=root_type, root_id=root_id).values_list(key, *columns)}
    changed = [row for row in rows if known.get(getattr(row, key)) != tuple(_stored(row, name) for name in columns)]
    if gone := known.keys() - {getattr(row, key) for row in rows}:
        manager.filter(pk__in=gone).delete()
    if changed:
        manager.bulk_create(
            changed, batch_size=BATCH, update_conflicts=True, unique_fields=[key.removesuffix("_id")],
            update_fields=columns,
        )  # fmt: skip


def _stored(row: Any, name: str) -> Any:
    value = getattr(row, name)
    return row._meta.get_field(name).to_python(str(value)) if name == "slack" else value


def day(when: dt.date) -> str:
    """A date as a sentence has it: 4 March, with the year when it is another one."""
    return writing.kept(when, "j F" if when.year == timezone.localdate().year else "j F Y")


def days(number: int) -> str:
    """A number of working days in words."""
    return f"{number} working day{'' if number == 1 else 's'}"


def clause(task: Expected, today: dt.date) -> str:
    """What is the matter with a task, without the full stop: “Install the router at Zwolle is 3 working days late”."""
    where = f" at {task.site}" if task.site else ""
    if task.failed:
        said = "has failed and waits to be mended"
    elif task.planned_on and task.planned_on < today and task.late > 0:
        said = f"is {days(task.late)} late"
    elif task.late > 0:
        said = f"is expected on {day(task.ends_on)}, {days(task.late)} after its plan"
    elif task.late_likely > 0:
        said = f"may take until {day(task.likely_on)}, {days(task.late_likely)} after its plan"
    else:
        said = f"is expected on {day(task.ends_on)}, as planned"
    return f"{task.name}{where} {said}{' and is on the critical path' if task.critical else ''}"


__all__ = [
    "Assessment", "Judge", "assess", "assessed", "clause", "day", "days", "ended", "forget", "lock", "recheck",
]  # fmt: skip
