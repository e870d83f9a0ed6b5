"""Execution: ready work is taken in batches and done; the database is the truth, messages only wake.

A batch of the machine's own steps is one transaction: whatever of it was not committed never happened. Calls to systems
are in `calling`.
"""

import datetime as dt
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from fulfillment import calling, projects, release, rowwise
from fulfillment.models import Flow, Kind, PlanItem, Task
from fulfillment.recovery import complete_by_hand, retry, skip, sweep
from fulfillment.trouble import Trouble, fall_out
from kernel import audit, clash, decisions, lifecycle
from kernel.models import User
from kernel.refusal import Refusal

BATCH = 100
TURN = 10.0  # seconds after which a worker takes up nothing more without being asked again


@transaction.atomic
def start(root_type: str, root_id: int) -> int:
    """Make every task of a root ready that waits for nothing; safe to run again. Returns how many became ready."""
    flows = Flow.objects.filter(root_type=root_type, root_id=root_id, state__in=release.RUNNING)
    free = Task.objects.filter(flow__in=flows, state=Task.State.PLANNED, waits_for=0).values_list("pk", flat=True)
    moved = release.promote(list(free))
    empty = list(flows.filter(tasks__isnull=True).values_list("pk", flat=True))
    if empty:
        release.start_empty(empty)
    return len(moved)


@transaction.atomic
def hold_root(root_type: str, root_id: int, by: User | None, reason: str) -> int:
    """Nothing new of this root starts; what runs may finish. Returns how many flows were held."""
    return _hold(Flow.objects.filter(root_type=root_type, root_id=root_id), by, reason)


@transaction.atomic
def hold_flow(flow_id: int, by: User, reason: str) -> Flow:
    """Nothing new of this flow starts. Raises IllegalMove, NotPermitted."""
    flow: Flow = Flow.objects.locked(flow_id)
    lifecycle.move(flow, Flow.hold, by=by, reason=reason)
    return flow


@transaction.atomic
def resume_flow(flow_id: int, by: User, reason: str = "") -> Flow:
    """A held flow goes on. Raises IllegalMove, NotPermitted."""
    flow: Flow = Flow.objects.locked(flow_id)
    if flow.state != Flow.State.ON_HOLD or not by.has_perm("fulfillment.hold_flow"):
        lifecycle.move(flow, Flow.resume, by=by)  # refuses in its own words
    _resume(Flow.objects.filter(pk=flow_id), by, reason)
    found: Flow = Flow.objects.get(pk=flow_id)
    return found


def _hold(rows: Any, by: User | None, reason: str) -> int:
    held = lifecycle.move_many(rows, Flow.hold, by=by)
    for flow in Flow.objects.filter(pk__in=held[:1]):
        audit.record("held", flow, by=by, reason=reason)
    return len(held)


@transaction.atomic
def resume_root(root_type: str, root_id: int, by: User | None, reason: str = "", *, but: Collection[int] = ()) -> int:
    """The root goes on where it was held, all but some flows. Returns how many flows go on."""
    return _resume(Flow.objects.filter(root_type=root_type, root_id=root_id).exclude(pk__in=but), by, reason)


@transaction.atomic
def hold_flows(flow_ids: Collection[int], by: User | None, reason: str) -> int:
    """Nothing new of these flows starts; what runs may finish. Returns how many were held."""
    return _hold(Flow.objects.filter(pk__in=flow_ids), by, reason)


@transaction.atomic
def resume_flows(flow_ids: Collection[int], by: User | None, reason: str = "") -> int:
    """These flows go on where they were held. Returns how many go on."""
    return _resume(Flow.objects.filter(pk__in=flow_ids), by, reason)


def _resume(rows: Any, by: User | None, reason: str) -> int:
    rows = rows.filter(state=Flow.State.ON_HOLD)
    fresh = lifecycle.move_many(rows.filter(started_at__isnull=True), Flow.wait_again, by=by)
    going = lifecycle.move_many(rows.filter(started_at__isnull=False), Flow.resume, by=by)
    for flow in Flow.objects.filter(pk__in=[*fresh, *going][:1]):
        audit.record("resumed", flow, by=by, reason=reason)
    release.complete_flows(going)
    release.wake()
    return len(fresh) + len(going)


def run_ready(limit: int = 1000) -> int:
    """Do what is ready until nothing is, or `limit` steps are done. Returns the number of steps taken up.

    A turn is short, so that a worker that is told to stop ends soon: what is left wakes the next.
    """
    done, end = 0, time.monotonic() + TURN
    while done < limit:
        local = clash.again(run_local)
        timers, calls = _beside()
        local += ring() if timers else 0
        called = calling.run(calling.BATCH) if calls else 0
        if local >= BATCH or called == calling.BATCH:
            release.wake()  # enough for another worker as well
        if not local + called:
            return done
        done += local + called
        if time.monotonic() >= end:
            break
    release.wake()
    return done


@transaction.atomic
def run_local(limit: int = BATCH) -> int:
    """One batch of steps that need nobody outside, in one transaction. Returns how many were taken up.

    A step is taken together with its flow, and whoever finds either taken leaves it to the other worker: workers never
    wait for each other. Its successors become ready with its own completion, and start in a later transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE, [limit])
        keys = rowwise.keys(pk for (pk,) in cursor.fetchall())
    return _do(_take(_READY, keys)) if keys != "{}" else 0


@transaction.atomic
def ring(limit: int = BATCH) -> int:
    """Timers whose time has come are done. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_RUNG, [timezone.now(), limit])
        keys = rowwise.keys(pk for (pk,) in cursor.fetchall())
    return _do(_take(_RINGING, keys)) if keys != "{}" else 0


def _do(taken: list["Taken"]) -> int:
    """Steps that this transaction has taken: begin them, do them, let what follows follow."""
    if not taken:
        return 0
    now = timezone.now()
    ready = sorted((row.pk, row.state) for row in taken if row.state == Task.State.READY)
    planned = sorted({row.flow_id for row in taken if row.flow_state == Flow.State.PLANNED})
    lifecycle.move_many(Task.objects.all(), Task.start, by=None, locked=ready, started_at=now)
    release.tell_started(release.start_flows(planned) if planned else [])
    items = PlanItem.objects.only("kind", "outputs", "stage", "timer_seconds").in_bulk({row.item_id for row in taken})
    done, values, troubled = _results(taken, items, now)
    if begun := [pk for pk, _ in ready if pk not in done]:  # the others end at once, which counts as both
        release.started(begun)
    _finish([row for row in taken if row.pk in done], items, values, now)
    if troubled:
        fall_out(troubled)
    return len(taken)


@dataclass(frozen=True)
class Taken:
    """A step that this transaction has locked, with its flow; its plan item is read with those of the others."""

    pk: int
    state: str
    kind: str
    name: str
    item_id: int
    fell_out: bool
    flow_id: int
    flow_state: str
    root_type: str
    root_id: int
    site_id: int | None
    owner_type: str
    owner_id: int


_COLUMNS = """
SELECT t.id, t.state, t.kind, t.name, t.item_id, t.fell_out_at IS NOT NULL,
    f.id, f.state, f.root_type, f.root_id, f.site_id, f.owner_type, f.owner_id
"""
_TAKE = f"""{_COLUMNS}
FROM fulfillment_task t JOIN fulfillment_flow f ON f.id = t.flow_id
WHERE t.id = ANY(%s::bigint[]) AND f.state IN ('planned', 'in_progress')"""
_LOCK = "ORDER BY t.id FOR NO KEY UPDATE OF t, f SKIP LOCKED"
_READY = f"{_TAKE} AND t.state = 'ready' {_LOCK}"
_RINGING = f"{_TAKE} AND t.state = 'in_progress' {_LOCK}"
_RUNS = "(SELECT f.state IN ('planned', 'in_progress') FROM fulfillment_flow f WHERE f.id = {}.flow_id)"
_NO_PAUSE = "NOT EXISTS (SELECT FROM fulfillment_pause WHERE ended_at IS NULL)"
_QUEUE = f"""
SELECT q.task_id FROM fulfillment_ready q
WHERE q.system = '' AND (q.due_at IS NULL OR q.due_at <= clock_timestamp()) AND {_RUNS.format("q")} AND {_NO_PAUSE}
ORDER BY q.priority DESC, q.task_id LIMIT %s FOR UPDATE SKIP LOCKED
"""  # noqa: S608 – fixed text
_RUNG = f"""
SELECT t.id FROM fulfillment_task t
WHERE t.kind = 'timer' AND t.state = 'in_progress' AND t.due_at <= %s AND {_RUNS.format("t")} AND {_NO_PAUSE}
ORDER BY t.due_at LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
"""  # noqa: S608 – fixed text
_BESIDE = f"""
SELECT {_NO_PAUSE} AND EXISTS (
        SELECT FROM fulfillment_task WHERE due_at <= clock_timestamp() AND state = 'in_progress' AND kind = 'timer'),
    {_NO_PAUSE} AND EXISTS (
        SELECT FROM fulfillment_ready
        WHERE system > '' AND (due_at IS NULL OR due_at <= clock_timestamp()))
    OR EXISTS (SELECT FROM fulfillment_task WHERE lease_until <= clock_timestamp() AND state = 'in_progress')
    OR EXISTS (
        SELECT FROM fulfillment_task WHERE due_at <= clock_timestamp() AND state = 'in_progress' AND kind <> 'timer')
"""  # noqa: S608 – fixed text


def _beside() -> tuple[bool, bool]:
    """Whether there may be timers to ring, and calls to make: one question instead of a dozen where there are none."""
    with connection.cursor() as cursor:
        cursor.execute(_BESIDE)
        timers, calls = cursor.fetchone()
    return timers, calls


def _take(statement: str, keys: str) -> list[Taken]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [keys])
        return [Taken(*row) for row in cursor.fetchall()]


def _finish(rows: list[Taken], items: dict[int, PlanItem], values: dict[int, Any], now: dt.datetime) -> None:
    """Complete steps in progress, and all that follows."""
    if not rows:
        return
    locked = sorted((row.pk, str(Task.State.IN_PROGRESS)) for row in rows)
    lifecycle.move_many(
        Task.objects.all(), Task.complete, by=None, locked=locked, ended_at=now, lease_until=None, due_at=None
    )
    put_out = {row.pk: values[row.pk] for row in rows if values.get(row.pk)}
    rowwise.write(Task, ["result"], {pk: [found] for pk, found in put_out.items()})
    release.follow(
        [
            release.Closing(
                row.pk, row.flow_id, Task.State.COMPLETED, row.kind, row.name, items[row.item_id].stage, row.fell_out,
                row.root_type, row.root_id, row.site_id, row.owner_type, row.owner_id,
            )
            for row in rows
        ],
        put_out,
    )  # fmt: skip


def _results(
    rows: list[Taken], items: dict[int, PlanItem], now: dt.datetime
) -> tuple[set[int], dict[int, dict[str, Any]], dict[int, Any]]:
    """What came of the steps: keys done, values by key, troubles by key. Timers and waits stay open."""
    done: set[int] = set()
    values: dict[int, dict[str, Any]] = {}
    troubled: dict[int, Any] = {}
    waiting: dict[int, list[Any]] = {}
    data = _data({row.flow_id for row in rows if any("=" in str(name) for name in items[row.item_id].outputs)})
    for row in rows:
        item = items[row.item_id]
        if row.kind == Kind.TIMER and row.state == Task.State.READY and item.timer_seconds:
            waiting[row.pk] = [now + dt.timedelta(seconds=item.timer_seconds)]
        elif row.kind in (Kind.AUTOMATIC, Kind.MILESTONE, Kind.TIMER):
            try:
                values[row.pk] = outputs(item, data.get(row.flow_id, {}))
                done.add(row.pk)
            except Refusal as error:
                troubled[row.pk] = Trouble("data", "A rule cannot be evaluated", str(error))
    rowwise.write(Task, ["due_at"], waiting)
    ready = [row for row in rows if row.state == Task.State.READY]
    troubled |= projects.begin(_tasks(row.pk for row in ready if row.kind == Kind.PROJECT))
    done |= set(calling.consume_kept([row.pk for row in ready if row.kind == Kind.WAIT_EVENT], values))
    return done, values, troubled


def _data(flows: set[int]) -> dict[int, dict[str, Any]]:
    return dict(Flow.objects.filter(pk__in=flows).values_list("pk", "data")) if flows else {}


def _tasks(keys: Iterable[int]) -> list[Task]:
    wanted = list(keys)
    return list(Task.objects.filter(pk__in=wanted).select_related("flow__site", "item")) if wanted else []


def outputs(item: PlanItem, data: dict[str, Any]) -> dict[str, Any]:
    """Values of an automatic step: each output written `name = expression` is calculated from the flow's data."""
    found: dict[str, Any] = {}
    for output in item.outputs:
        name, equals, expression = str(output).partition("=")
        if equals:
            found[name.strip()] = decisions.calculate(expression.strip(), data | found)
    return found


__all__ = [
    "complete_by_hand", "hold_flow", "hold_flows", "hold_root", "resume_flow", "resume_flows", "resume_root", "retry",
    "run_local", "run_ready", "skip", "start", "sweep",
]  # fmt: skip
