"""Recovery: tasks that fell out are retried, completed by hand or skipped; what a lost message left is found again."""

import datetime as dt
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from fulfillment import release
from fulfillment.models import MACHINE, Flow, Kind, Task
from kernel import audit, lifecycle
from kernel.models import User
from kernel.refusal import Conflict, Refusal


class NotInFallout(Conflict):
    """The task is not on hold by fallout; somebody else has mended it."""


class ReasonMissing(Refusal):
    """Whoever goes around a step says why."""


def _fallen(task_id: int) -> Task:
    task: Task = Task.objects.select_related("flow", "item").locked(task_id)
    if not task.in_fallout:
        raise NotInFallout(f"Task {task.number} is not in fallout any more; it is {task.state.replace('_', ' ')}.")
    return task


@transaction.atomic
def retry(task_id: int, by: User | None, changes: dict[str, Any] | None = None) -> Task:
    """Try again, first changing values of the flow. A worker takes it up at once, a person's task goes back to them.

    Raises:
        NotInFallout: the task is not on hold by fallout.
    """
    task = _fallen(task_id)
    if changes:
        _change(task.flow_id, changes, by)
    lifecycle.move(task, Task.resume, by=by, reason="Retried" if not changes else "Values changed and retried")
    task.problem, task.attempts = "", 0
    machine = task.kind in MACHINE
    task.lease_until = timezone.now() - dt.timedelta(seconds=1) if machine else None  # up for taking
    task.save(update_fields=["problem", "attempts", "lease_until"])
    if task.kind in (Kind.AUTOMATIC, Kind.MILESTONE, Kind.TIMER, Kind.PROJECT):
        _back_to_ready(task, by)
    if changes:
        release.supplied(task, changes)
    if machine:
        release.wake()
    return task


def _change(flow_id: int, changes: dict[str, Any], by: User | None) -> None:
    flow: Flow = Flow.objects.locked(flow_id)
    before = dict(flow.data)
    flow.data = before | changes
    flow.save(update_fields=["data"])
    audit.record("values_changed", flow, by=by, changes=audit.difference(before, changes))


def _back_to_ready(task: Task, by: User | None) -> None:
    """From in progress to ready along the declared moves."""
    lifecycle.move(task, Task.fail, by=by, problem="")
    lifecycle.move(task, Task.retry, by=by)
    task.lease_until = task.due_at = None
    task.save(update_fields=["lease_until", "due_at"])


@transaction.atomic
def complete_by_hand(task_id: int, by: User | None, values: dict[str, Any] | None = None, reason: str = "") -> Task:
    """Somebody did the step themselves: its outputs are given, the flow goes on.

    Raises:
        NotInFallout: the task is not on hold by fallout.
        Refusal: an output is missing, or no reason is given.
    """
    task = _fallen(task_id)
    values = {name: value for name, value in (values or {}).items() if value not in (None, "")}
    wanted = [str(name) for name in task.item.outputs if "=" not in str(name) and not str(name).endswith("?")]
    problems = {name: ["This value is needed to go on."] for name in wanted if name not in values}
    if not reason.strip():
        problems["reason"] = ["Say what was done."]
    if problems:
        raise Refusal(problems=problems)
    lifecycle.move(task, Task.resume, by=by)
    task.result, task.problem, task.ended_at, task.lease_until, task.due_at = values, "", timezone.now(), None, None
    lifecycle.move(task, Task.complete, by=by, reason=f"By hand: {reason}")
    release.closed([task.pk], {task.pk: values})
    return task


@transaction.atomic
def skip(task_id: int, by: User | None, reason: str = "") -> Task:
    """Go on without the step.

    Raises:
        NotInFallout: the task is not on hold by fallout.
        ReasonMissing: no reason is given.
    """
    if not reason.strip():
        raise ReasonMissing(problems={"reason": ["Say why the step is not needed."]})
    task = _fallen(task_id)
    lifecycle.move(task, Task.resume, by=by)
    _back_to_ready(task, by)
    task.ended_at = timezone.now()
    lifecycle.move(task, Task.skip, by=by, reason=reason, because=reason[:200])
    release.closed([task.pk])
    return task


def sweep() -> int:
    """Find what no message announced: retries that are due, dropped leases, forgotten work. Returns how much moved.

    An idle engine is asked one question, and nothing is woken. `kernel.sweeping` asks the same beside those of others.
    """
    retries, waits = _found()
    moved: list[int] = []
    if retries:
        with transaction.atomic():
            due = Task.objects.filter(state=Task.State.FAILED, due_at__lte=timezone.now())
            moved = lifecycle.move_many(due, Task.retry, by=None, due_at=None)
    if moved or waits:
        release.wake()
    return len(moved)


def work_waits() -> bool:
    """Whether a worker would find something to do now."""
    return _found()[1]


RETRIES = "EXISTS (SELECT FROM fulfillment_task WHERE due_at <= clock_timestamp() AND state = 'failed')"
WORK = """
    (NOT EXISTS (SELECT FROM fulfillment_pause WHERE ended_at IS NULL) AND EXISTS (
        SELECT FROM fulfillment_ready r JOIN fulfillment_flow f ON f.id = r.flow_id
        WHERE (r.due_at IS NULL OR r.due_at <= clock_timestamp()) AND f.state IN ('planned', 'in_progress')))
    OR EXISTS (
        SELECT FROM fulfillment_task t JOIN fulfillment_flow f ON f.id = t.flow_id
        WHERE t.lease_until <= clock_timestamp() AND t.state = 'in_progress' AND f.state IN ('planned', 'in_progress'))
    OR EXISTS (
        SELECT FROM fulfillment_task t JOIN fulfillment_flow f ON f.id = t.flow_id
        WHERE t.due_at <= clock_timestamp() AND t.state = 'in_progress' AND t.lease_until IS NULL
            AND f.state IN ('planned', 'in_progress'))
"""


def _found() -> tuple[bool, bool]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {RETRIES}, {WORK}")
        retries, waits = cursor.fetchone()
    return retries, waits


__all__ = ["NotInFallout", "ReasonMissing", "complete_by_hand", "retry", "skip", "sweep", "work_waits"]
