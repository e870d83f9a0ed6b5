"""Cancelling: flows that nobody wants any more end; calls that are out are let finish, everything else stops.

Locks are taken in the engine's order: tasks by key, flows by key, successors by key.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from fulfillment import release
from fulfillment.models import Flow, Kind, Project, Task
from kernel import audit, lifecycle
from kernel.models import User

PATIENCE = dt.timedelta(minutes=10)  # a call whose answer never comes is waited for no longer
OUTSIDE = Q(kind=Kind.API_CALL) | (Q(kind=Kind.WAIT_EVENT) & ~Q(item__adapter=""))
CALLING = OUTSIDE & Q(state=Task.State.IN_PROGRESS)


@dataclass(frozen=True)
class Cancelled:
    """What cancelling did: tasks that ended, tasks whose call is still out."""

    tasks: list[int]
    calling: list[int]


@transaction.atomic
def cancel(flow_ids: Iterable[int], by: User | None, reason: str) -> Cancelled:
    """End flows: open tasks are cancelled, calls that are out may finish, whoever waited for them waits no longer.

    The caller holds the lock of the flows' root. Flows that are over already are left alone.
    """
    flows = list(Flow.objects.filter(pk__in=list(flow_ids), state__in=_open_states()).values_list("pk", flat=True))
    _lock_tasks(Task.objects.filter(flow__in=flows))
    release.lock_flows(flows)
    ended = lifecycle.move_many(Flow.objects.filter(pk__in=flows), Flow.cancel, by=by, ended_at=timezone.now())
    for flow in Flow.objects.filter(pk__in=ended[:1]):
        audit.record("cancelled", flow, by=by, reason=reason)
    calling = list(Task.objects.filter(CALLING, flow__in=flows).values_list("pk", flat=True))
    return Cancelled(_stop(Task.objects.filter(flow__in=flows).exclude(pk__in=calling), by, reason), calling)


@transaction.atomic
def tidy(now: dt.datetime | None = None) -> int:
    """End what calls left behind in cancelled flows: failures, retries, answers that never came. Returns how many."""
    now = now or timezone.now()
    left = Task.objects.filter(flow__state=Flow.State.CANCELLED).exclude(state__in=Task.CLOSED)
    rows = left.filter(~CALLING | Q(flow__ended_at__lte=now - PATIENCE))
    keys = list(rows.order_by("pk").values_list("pk", flat=True)[:1000])
    return len(_stop(Task.objects.filter(pk__in=keys), None, "Its flow was cancelled")) if keys else 0


def calls_out(flow_ids: Iterable[int]) -> set[int]:
    """Those of the flows in which a task is not closed yet."""
    tasks = Task.objects.filter(flow=OuterRef("pk")).exclude(state__in=Task.CLOSED)
    return set(Flow.objects.filter(Exists(tasks), pk__in=list(flow_ids)).values_list("pk", flat=True))


def _stop(tasks: Any, by: User | None, reason: str) -> list[int]:
    """Bring open tasks to cancelled along the declared moves, set by set."""
    keys = list(tasks.exclude(state__in=Task.CLOSED).order_by("pk").values_list("pk", flat=True))
    if not keys:
        return []
    rows, now = Task.objects.filter(pk__in=keys), timezone.now()
    _lock_tasks(rows)
    for move in (Task.resume, Task.informed, Task.fail, Task.retry):
        stage = rows.exclude(state=Task.State.READY) if move is Task.fail else rows
        lifecycle.move_many(stage, move, by=by)
    done = lifecycle.move_many(
        rows, Task.cancel, by=by, ended_at=now, lease_until=None, due_at=None, problem="", reason=reason[:200]
    )
    lifecycle.move_many(Project.objects.filter(task__in=done), Project.cancel, by=by)
    release.forgo(done)
    return done


def _lock_tasks(rows: Any) -> None:
    list(rows.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))


def _open_states() -> tuple[str, ...]:
    return (Flow.State.PLANNED, Flow.State.IN_PROGRESS, Flow.State.ON_HOLD)
