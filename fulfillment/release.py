"""Release: what happens around tasks that start or close, for however many at once, in a fixed number of statements.

Locks are taken in one order everywhere: tasks, their flows by key, their successors by key.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from fulfillment import events, jeopardy, rowwise
from fulfillment.models import MACHINE, Flow, Kind, Task, WorkOrder
from kernel import jobs, lifecycle, numbering, outbox
from kernel.models import User

RUNNING = (Flow.State.PLANNED, Flow.State.IN_PROGRESS)
RUN = "fulfillment.tasks.run"

_MEET = """
UPDATE fulfillment_taskdependency d SET met_at = clock_timestamp()
FROM fulfillment_task t
WHERE t.id = d.after_id AND d.before_id = ANY(%s::bigint[]) AND d.kind = ANY(%s) AND d.met_at IS NULL
RETURNING d.after_id, d.kind IN ('FS', 'SS') OR t.kind NOT IN ('manual', 'field_work', 'project')
"""
_LOWER = """
UPDATE fulfillment_task t SET waits_for = t.waits_for - v.n
FROM unnest(%s::bigint[], %s::int[]) AS v (id, n) WHERE t.id = v.id
"""


@dataclass(frozen=True)
class Closing:
    """What the facts about a closed task need to say."""

    pk: int
    flow_id: int
    state: str
    kind: str
    name: str
    stage: str
    fell_out: bool
    root_type: str
    root_id: int
    site_id: int | None
    owner_type: str
    owner_id: int


def wake() -> None:
    """After the commit, tell a worker that there is work; losing the message costs until the next sweep."""
    jobs.wake(RUN, queue="engine")


def promote(keys: Iterable[int]) -> list[int]:
    """Planned tasks that wait for nothing become ready; visits are made for field work. Returns the keys that moved."""
    rows = Task.objects.filter(pk__in=list(keys), state=Task.State.PLANNED, waits_for=0).order_by("pk")
    found = list(rows.select_for_update(no_key=True).values_list("pk", "state", "kind"))
    return _promote([(pk, state) for pk, state, _ in found], {kind for _, _, kind in found})


def _promote(locked: list[tuple[int, str]], kinds: set[str]) -> list[int]:
    """The same for rows that are locked, as (key, state); `kinds` are theirs."""
    moved = lifecycle.move_many(Task.objects.all(), Task.release, by=None, locked=locked, waits_for=0)
    if moved and Kind.FIELD_WORK in kinds:
        _visits(moved)
    if moved and kinds & set(MACHINE):
        wake()
    return moved


def _visits(keys: list[int]) -> None:
    rows = list(
        Task.objects.filter(pk__in=keys, kind=Kind.FIELD_WORK, flow__site__isnull=False, work_order__isnull=True)
        .order_by("pk")
        .values_list("pk", "account_id", "flow__site_id")
    )
    if not rows:
        return
    numbers = numbering.take_many(WorkOrder.PREFIX, len(rows))
    WorkOrder.objects.bulk_create(
        (
            WorkOrder(number=number, task_id=task, account_id=account, site_id=site)
            for number, (task, account, site) in zip(numbers, rows, strict=True)
        ),
        ignore_conflicts=True,
    )


def begun(keys: list[int]) -> None:
    """Tasks are in progress: their flows have started, and whoever waits for their start waits no longer."""
    tell_started(start_flows(Task.objects.filter(pk__in=keys, flow__state=Flow.State.PLANNED).values("flow_id")))
    started(keys)


def started(keys: list[int]) -> None:
    """Whoever waits for the start of these tasks waits no longer."""
    _lower(keys, ["SS", "SF"])


def start_flows(flows: Any) -> list[int]:
    """Planned flows start; `flows` are keys or a subquery of keys. Announcing it is the caller's."""
    rows = Flow.objects.filter(pk__in=flows, state=Flow.State.PLANNED)
    return lifecycle.move_many(rows, Flow.start, by=None, started_at=timezone.now())


def start_empty(flows: list[int]) -> None:
    """Flows without any task start and complete at once, so that their owners hear both."""
    tell_started(start_flows(flows))
    complete_flows(flows)


def lock_flows(flows: Iterable[int]) -> None:
    """Lock flows by key before their tasks' successors, so that the last of two tasks sees that the other is done."""
    list(Flow.objects.filter(pk__in=set(flows)).order_by("pk").select_for_update(no_key=True).values_list("pk"))


def closed(keys: list[int], values: dict[int, dict[str, Any]] | None = None) -> None:
    """Tasks are closed: values reach their flows, successors become ready, flows whose tasks are all closed complete.

    The caller has moved the tasks in this transaction. `values` is task → what it put out.
    """
    rows = Task.objects.filter(pk__in=keys).order_by("pk").values_list(
        "pk", "flow_id", "state", "kind", "name", "item__stage", "fell_out_at",
        "flow__root_type", "flow__root_id", "flow__site_id", "flow__owner_type", "flow__owner_id",
    )  # fmt: skip
    found = [Closing(*(*row[:6], row[6] is not None, *row[7:])) for row in rows]
    lock_flows(row.flow_id for row in found)
    follow(found, values or {})


def follow(rows: list[Closing], values: dict[int, dict[str, Any]]) -> None:
    """What follows from closed tasks whose flows are locked."""
    values = {pk: found for pk, found in values.items() if found}
    _merge(rows, values)
    outbox.publish_all([event for row in rows for event in _facts(row, values.get(row.pk, {}))])
    _lower([row.pk for row in rows], ["FS", "FF", "SS", "SF"])
    complete_flows({row.flow_id for row in rows})
    jeopardy.ended((row.root_type, row.root_id) for row in rows)


def _facts(row: Closing, values: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    if values:
        found.append(
            events.TaskSuppliedValues(
                task_id=row.pk, flow_id=row.flow_id, owner_type=row.owner_type, owner_id=row.owner_id, values=values
            )
        )
    stage = row.stage or (row.name if row.kind == Kind.MILESTONE else "")
    if stage and row.state == Task.State.COMPLETED:
        found.append(
            events.StageReached(
                task_id=row.pk, flow_id=row.flow_id, site_id=row.site_id, stage=stage, root_type=row.root_type,
                root_id=row.root_id,
            )
        )  # fmt: skip
    if row.fell_out:
        found.append(events.TaskRecovered(task_id=row.pk))
    return found


def _merge(rows: list[Closing], values: dict[int, dict[str, Any]]) -> None:
    """Values of tasks into the data of their flows, which are locked."""
    if not values:
        return
    more: dict[int, dict[str, Any]] = defaultdict(dict)
    for row in rows:
        more[row.flow_id].update(values.get(row.pk, {}))
    data = dict(Flow.objects.filter(pk__in=[pk for pk, found in more.items() if found]).values_list("pk", "data"))
    rowwise.write(Flow, ["data"], {pk: [have | more[pk]] for pk, have in data.items()})


def complete_flows(flows: Iterable[int]) -> list[int]:
    """Running flows without an open task complete."""
    open_tasks = Task.objects.filter(flow=OuterRef("pk")).exclude(state__in=Task.CLOSED)
    rows = Flow.objects.filter(Q(pk__in=list(flows)), ~Exists(open_tasks), state__in=RUNNING)
    done = lifecycle.move_many(rows, Flow.complete, by=None, ended_at=timezone.now())
    _tell(events.FlowCompleted, done)
    return done


def tell_started(flows: list[int]) -> None:
    """Announce that flows have started."""
    _tell(events.FlowStarted, flows)


def _tell(fact: type[events.FlowStarted] | type[events.FlowCompleted], keys: list[int]) -> None:
    if keys:
        rows = Flow.objects.filter(pk__in=keys).order_by("pk").values_list("pk", "owner_type", "owner_id")
        outbox.publish_all([fact(flow_id=pk, owner_type=kind, owner_id=owner) for pk, kind, owner in rows])


def _lower(befores: list[int], kinds: list[str]) -> None:
    """Meet dependencies, lower the counters of those who wait, promote those who wait for nothing more."""
    with connection.cursor() as cursor:
        cursor.execute(_MEET, [rowwise.keys(befores), kinds])
        met = Counter(pk for pk, counts in cursor.fetchall() if counts)
    if not met:
        return
    rows = Task.objects.filter(pk__in=met).order_by("pk").select_for_update(no_key=True)
    waiting = list(rows.values_list("pk", "state", "kind", "waits_for"))
    free = {pk for pk, state, _, number in waiting if number <= met[pk] and state == Task.State.PLANNED}
    held = [pk for pk, _, _, _ in waiting if pk not in free]
    if held:
        with connection.cursor() as cursor:
            cursor.execute(_LOWER, [rowwise.keys(held), rowwise.keys(met[pk] for pk in held)])
    if free:
        _promote([(pk, state) for pk, state, _, _ in waiting if pk in free],
                 {kind for pk, _, kind, _ in waiting if pk in free})  # fmt: skip


def forgo(keys: list[int]) -> None:
    """These tasks will never be done: whoever waits for them waits for the rest only."""
    if keys:
        _lower(keys, ["FS", "FF", "SS", "SF"])


def finish(tasks: Any, values: dict[int, dict[str, Any]], *, by: User | None = None) -> list[int]:
    """Complete tasks in progress (a queryset) with what they put out, and all that follows. Returns the keys moved."""
    moved = lifecycle.move_many(tasks, Task.complete, by=by, ended_at=timezone.now(), lease_until=None, due_at=None)
    if moved:
        rowwise.write(Task, ["result"], {pk: [values[pk]] for pk in moved if values.get(pk)})
        closed(moved, {pk: values.get(pk, {}) for pk in moved})
    return moved


def supplied(task: Task, values: dict[str, Any]) -> None:
    """Announce values that a person gave for a task outside its completion."""
    flow = task.flow
    fact = events.TaskSuppliedValues(
        task_id=task.pk, flow_id=flow.pk, owner_type=flow.owner_type, owner_id=flow.owner_id, values=values
    )
    outbox.publish(fact)
