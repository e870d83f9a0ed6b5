"""Release: what happens around tasks that start or close, for however many at once, in a fixed number of statements.

Locks are taken in one order everywhere: tasks, their flows by key, their successors by key.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from fulfillment import events, rowwise
from fulfillment.models import Flow, Kind, Task, WorkOrder
from kernel import jobs, lifecycle, numbering, outbox
from kernel.models import User

RUNNING = (Flow.State.PLANNED, Flow.State.IN_PROGRESS)
RUN = "fulfillment.tasks.run"

_LOWER = """
WITH due AS (
    SELECT d.id, d.after_id, d.kind IN ('FS', 'SS') OR t.kind NOT IN ('manual', 'field_work', 'project') AS counts
    FROM fulfillment_taskdependency d JOIN fulfillment_task t ON t.id = d.after_id
    WHERE d.before_id = ANY(%s) AND d.kind = ANY(%s) AND d.met_at IS NULL
), locked AS (
    SELECT id FROM fulfillment_task WHERE id IN (SELECT after_id FROM due WHERE counts) ORDER BY id FOR UPDATE
), met AS (
    UPDATE fulfillment_taskdependency d SET met_at = clock_timestamp()
    FROM due WHERE d.id = due.id AND d.met_at IS NULL RETURNING d.after_id, due.counts
), lowered AS (
    SELECT met.after_id, count(*) AS n FROM met JOIN locked ON locked.id = met.after_id WHERE met.counts GROUP BY 1
)
UPDATE fulfillment_task t SET waits_for = t.waits_for - lowered.n FROM lowered WHERE t.id = lowered.after_id
RETURNING t.id, t.waits_for, t.state
"""


def wake() -> None:
    """After the commit, tell a worker that there is work; losing the message costs until the next sweep."""
    jobs.wake(RUN, queue="engine")


def promote(keys: Iterable[int]) -> list[int]:
    """Planned tasks that wait for nothing become ready; visits are made for field work. Returns the keys that moved."""
    rows = Task.objects.filter(pk__in=list(keys), state=Task.State.PLANNED, waits_for=0)
    moved = lifecycle.move_many(rows, Task.release, by=None)
    if moved:
        _visits(moved)
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
    fresh = start_flows(Task.objects.filter(pk__in=keys, flow__state=Flow.State.PLANNED).values("flow_id"))
    _tell(events.FlowStarted, fresh)
    _lower(keys, ["SS", "SF"])


def start_flows(flows: Any) -> list[int]:
    """Planned flows start; `flows` are keys or a subquery of keys. Announcing it is the caller's."""
    rows = Flow.objects.filter(pk__in=flows, state=Flow.State.PLANNED)
    return lifecycle.move_many(rows, Flow.start, by=None, started_at=timezone.now())


def start_empty(flows: list[int]) -> None:
    """Flows without any task start and complete at once, so that their owners hear both."""
    _tell(events.FlowStarted, start_flows(flows))
    complete_flows(flows)


def lock_flows(flows: Iterable[int]) -> None:
    """Lock flows by key before their tasks' successors, so that the last of two tasks sees that the other is done."""
    list(Flow.objects.filter(pk__in=set(flows)).order_by("pk").select_for_update(no_key=True).values_list("pk"))


def closed(keys: list[int], values: dict[int, dict[str, Any]] | None = None) -> None:
    """Tasks are closed: values reach their flows, successors become ready, flows whose tasks are all closed complete.

    The caller has moved the tasks in this transaction. `values` is task → what it put out.
    """
    rows = list(
        Task.objects.filter(pk__in=keys)
        .order_by("pk")
        .values(
            "pk", "flow_id", "state", "kind", "name", "fell_out_at", "item__stage",
            "flow__root_type", "flow__root_id", "flow__site_id", "flow__owner_type", "flow__owner_id",
        )
    )  # fmt: skip
    flows = {row["flow_id"] for row in rows}
    lock_flows(flows)
    values = {pk: found for pk, found in (values or {}).items() if found}
    _merge(rows, values)
    outbox.publish_all([event for row in rows for event in _facts(row, values.get(row["pk"], {}))])
    _lower([row["pk"] for row in rows], ["FS", "FF", "SS", "SF"])
    complete_flows(flows)


def _facts(row: dict[str, Any], values: dict[str, Any]) -> list[Any]:
    owner = {"owner_type": row["flow__owner_type"], "owner_id": row["flow__owner_id"]}
    found: list[Any] = []
    if values:
        found.append(events.TaskSuppliedValues(task_id=row["pk"], flow_id=row["flow_id"], values=values, **owner))
    stage = row["item__stage"] or (row["name"] if row["kind"] == Kind.MILESTONE else "")
    if stage and row["state"] == Task.State.COMPLETED:
        root = {"root_type": row["flow__root_type"], "root_id": row["flow__root_id"]}
        found.append(
            events.StageReached(
                task_id=row["pk"], flow_id=row["flow_id"], site_id=row["flow__site_id"], stage=stage, **root
            )
        )
    if row["fell_out_at"]:
        found.append(events.TaskRecovered(task_id=row["pk"]))
    return found


def _merge(rows: list[dict[str, Any]], values: dict[int, dict[str, Any]]) -> None:
    """Values of tasks into the data of their flows, which are locked."""
    if not values:
        return
    more: dict[int, dict[str, Any]] = defaultdict(dict)
    for row in rows:
        more[row["flow_id"]].update(values.get(row["pk"], {}))
    data = dict(Flow.objects.filter(pk__in=[pk for pk, found in more.items() if found]).values_list("pk", "data"))
    rowwise.write(Flow, ["data"], {pk: [have | more[pk]] for pk, have in data.items()})


def complete_flows(flows: Iterable[int]) -> list[int]:
    """Running flows without an open task complete."""
    open_tasks = Task.objects.filter(flow=OuterRef("pk")).exclude(state__in=Task.CLOSED)
    rows = Flow.objects.filter(Q(pk__in=list(flows)), ~Exists(open_tasks), state__in=RUNNING)
    done = lifecycle.move_many(rows, Flow.complete, by=None, ended_at=timezone.now())
    _tell(events.FlowCompleted, done)
    return done


def _tell(fact: type[events.FlowStarted] | type[events.FlowCompleted], keys: list[int]) -> None:
    if keys:
        rows = Flow.objects.filter(pk__in=keys).order_by("pk").values_list("pk", "owner_type", "owner_id")
        outbox.publish_all([fact(flow_id=pk, owner_type=kind, owner_id=owner) for pk, kind, owner in rows])


def _lower(befores: list[int], kinds: list[str]) -> None:
    """Meet dependencies, lower the counters of those who wait, promote those who wait for nothing more."""
    with connection.cursor() as cursor:
        cursor.execute(_LOWER, [befores, kinds])
        free = [pk for pk, waits, state in cursor.fetchall() if waits == 0 and state == Task.State.PLANNED]
    if free:
        promote(free)


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
