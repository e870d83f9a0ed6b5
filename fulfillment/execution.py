"""Execution: ready work is taken in batches and done; the database is the truth, messages only wake.

A batch of the machine's own steps is one transaction: whatever of it was not committed never happened. Calls to systems
are in `calling`.
"""

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from fulfillment import calling, projects, release, rowwise
from fulfillment.models import MACHINE, Flow, Kind, PlanItem, Task
from fulfillment.recovery import complete_by_hand, retry, skip, sweep
from fulfillment.trouble import Trouble, fall_out
from kernel import audit, clash, decisions, lifecycle
from kernel.models import User
from kernel.refusal import Refusal

BATCH = 100
LOCAL = Q(kind__in=[Kind.AUTOMATIC, Kind.MILESTONE, Kind.TIMER, Kind.PROJECT]) | Q(
    kind=Kind.WAIT_EVENT, item__adapter=""
)


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
def resume_root(root_type: str, root_id: int, by: User | None, reason: str = "") -> int:
    """The root goes on where it was held. Returns how many flows go on."""
    return _resume(Flow.objects.filter(root_type=root_type, root_id=root_id), by, reason)


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
    """Do what is ready until nothing is, or `limit` steps are done. Returns the number of steps taken up."""
    done = 0
    while done < limit:
        local = clash.again(run_local)
        called = calling.run(calling.BATCH)
        if local == BATCH or called == calling.BATCH:
            release.wake()  # enough for another worker as well
        if not local + called:
            return done
        done += local + called
    release.wake()
    return done


@transaction.atomic
def run_local(limit: int = BATCH) -> int:
    """One batch of steps that need nobody outside, in one transaction. Returns how many were taken up."""
    now = timezone.now()
    rows = list(
        Task.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(LOCAL, Q(due_at__isnull=True) | Q(due_at__lte=now), state=Task.State.READY, kind__in=MACHINE)
        .filter(flow__state__in=release.RUNNING)
        .select_related("flow", "item")
        .order_by("-priority", "id")[:limit]
    )
    rung = _timers_due(now, limit)
    if rows:
        release.lock_flows(task.flow_id for task in rows)
        keys = [task.pk for task in rows]
        lifecycle.move_many(Task.objects.filter(pk__in=keys), Task.start, by=None, started_at=now)
        release.begun(keys)
    done, values, troubled = _results(rows, now)
    done += rung
    if done:
        release.finish(Task.objects.filter(pk__in=done), values)
    if troubled:
        fall_out(troubled)
    return len(rows) + len(rung)


def _timers_due(now: dt.datetime, limit: int) -> list[int]:
    rows = Task.objects.filter(
        kind=Kind.TIMER, state=Task.State.IN_PROGRESS, due_at__lte=now, flow__state__in=release.RUNNING
    )
    return list(
        rows.select_for_update(skip_locked=True, of=("self",)).order_by("pk").values_list("pk", flat=True)[:limit]
    )


def _results(rows: list[Task], now: dt.datetime) -> tuple[list[int], dict[int, dict[str, Any]], dict[int, Any]]:
    """What came of the steps: keys done, values by key, troubles by key. Timers and waits stay open."""
    done: list[int] = []
    values: dict[int, dict[str, Any]] = {}
    troubled: dict[int, Any] = {}
    waiting: list[Task] = []
    for task in rows:
        item: PlanItem = task.item
        if task.kind == Kind.TIMER and item.timer_seconds:
            waiting.append(task)
        elif task.kind in (Kind.AUTOMATIC, Kind.MILESTONE, Kind.TIMER):
            try:
                values[task.pk] = outputs(item, task.flow.data)
                done.append(task.pk)
            except Refusal as error:
                troubled[task.pk] = Trouble("data", "A rule cannot be evaluated", str(error))
    for task in waiting:
        task.due_at = now + dt.timedelta(seconds=task.item.timer_seconds)
    rowwise.write(Task, ["due_at"], {task.pk: [task.due_at] for task in waiting})
    troubled |= projects.begin([task for task in rows if task.kind == Kind.PROJECT])
    done += calling.consume_kept([task for task in rows if task.kind == Kind.WAIT_EVENT], values)
    return done, values, troubled


def outputs(item: PlanItem, data: dict[str, Any]) -> dict[str, Any]:
    """Values of an automatic step: each output written `name = expression` is calculated from the flow's data."""
    found: dict[str, Any] = {}
    for output in item.outputs:
        name, equals, expression = str(output).partition("=")
        if equals:
            found[name.strip()] = decisions.calculate(expression.strip(), data | found)
    return found


__all__ = [
    "complete_by_hand", "hold_flow", "hold_root", "resume_flow", "resume_root", "retry", "run_local",
    "run_ready", "skip", "start", "sweep",
]  # fmt: skip
