"""Task work: people claim, start, complete, hold, report and assign tasks."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone

from fulfillment import capacity, maintenance, release, taskforms
from fulfillment.models import Flow, Kind, Task, TaskDependency, WorkOrder
from fulfillment.trouble import Trouble, fall_out
from kernel import audit, lifecycle, notifications
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal

BY_PEOPLE = (Kind.MANUAL, Kind.FIELD_WORK, Kind.WAIT_EVENT)
TROUBLE_KINDS = ("site_access", "data", "provisioning", "inventory_allocation", "porting_rejection")


class Taken(Conflict):
    """Somebody else has the task."""


class Paused(Conflict):
    """The flow is on hold: nothing new starts."""


def _locked(task_id: int) -> Task:
    task: Task = Task.objects.select_related("flow", "item", "assignee").locked(task_id)
    return task


def _require_right(by: User, right: str, words: str) -> None:
    if not by.has_perm(f"fulfillment.{right}"):
        raise NotPermitted(f"Your roles do not include the right to {words}.")


def _require_mine(task: Task, by: User) -> None:
    if task.assignee is not None and task.assignee != by and not by.has_perm("fulfillment.assign_task"):
        raise Taken(f"{task.assignee} works on this task.")


@transaction.atomic
def claim(task_id: int, by: User) -> Task:
    """Take a task for yourself. Raises Taken, NotPermitted, Conflict for one that is closed."""
    _require_right(by, "work_task", "work on tasks")
    task = _locked(task_id)
    if task.state in Task.CLOSED:
        raise Conflict(f"Task {task.number} is {task.state}; there is nothing left to do.")
    if task.assignee is not None and task.assignee != by:
        raise Taken(f"{task.assignee} has taken this task.")
    return _give(task, by, by)


@transaction.atomic
def assign(task_id: int, to: User | None, by: User, *, tell: bool = True) -> Task:
    """Give a task to somebody, or back to the team with None. Raises NotPermitted, Conflict, Refusal."""
    task = _locked(task_id)
    if not (to is None and task.assignee == by):
        _require_right(by, "assign_task", "assign tasks to others")
    if task.state in Task.CLOSED:
        raise Conflict(f"Task {task.number} is {task.state}; there is nothing left to do.")
    if to is not None and not to.has_perm("fulfillment.work_task"):
        raise Refusal(problems={"assignee": [f"{to} does not work on tasks."]})
    if tell and to is not None and to != by:
        notifications.tell(
            [to], f"{by} gave you {task.name} ({task.flow.root_number})", f"/tasks/{task.number}/", event="task"
        )
    return _give(task, to, by)


def _give(task: Task, to: User | None, by: User) -> Task:
    before, task.assignee = task.assignee, to
    if before != to:
        task.edition += 1
        task.save(update_fields=["assignee", "edition"])
        WorkOrder.objects.filter(task=task).update(technician=to)
        changes = {"assignee": [str(before) if before else None, str(to) if to else None]}
        audit.record("assigned", task, by=by, changes=changes)
    return task


@transaction.atomic
def start(task_id: int, by: User) -> Task:
    """Begin a ready task; whoever begins a free one takes it. Raises IllegalMove, Taken, Paused, NotPermitted."""
    task = _locked(task_id)
    _require_mine(task, by)
    _begin(task, by)
    return task


def _begin(task: Task, by: User) -> None:
    if task.flow.state not in release.RUNNING:
        raise Paused(f"{task.flow.root_number} is {Flow.State(task.flow.state).label.lower()}; nothing new starts.")
    if task.kind not in BY_PEOPLE:
        raise lifecycle.IllegalMove("This step is done by the system.")
    maintenance.require_running()
    capacity.require_room(task)
    task.started_at = task.started_at or timezone.now()
    task.assignee = task.assignee or by
    lifecycle.move(task, Task.start, by=by)
    WorkOrder.objects.filter(task=task, technician__isnull=True).update(technician=task.assignee)
    release.begun([task.pk])


@transaction.atomic
def tick(task_id: int, by: User, points: Iterable[str]) -> Task:
    """Note which points of the checklist are done, without completing the task."""
    _require_right(by, "work_task", "work on tasks")
    task = _locked(task_id)
    _require_mine(task, by)
    if task.state in Task.CLOSED:
        raise Conflict(f"Task {task.number} is {task.state} already.")
    task.ticked = [point for point in task.item.checklist if point in set(points)]
    task.save(update_fields=["ticked"])
    return task


@transaction.atomic
def complete(task_id: int, by: User, values: dict[str, Any] | None = None, ticked: Iterable[str] = ()) -> Task:
    """Complete a task with what its form asks for; one that is only ready is begun first.

    Raises:
        Refusal: values are missing or wrong, each at its field; points are not ticked; others have to finish first.
        IllegalMove, Taken, Paused, NotPermitted
    """
    task = _locked(task_id)
    _require_mine(task, by)
    if task.kind not in BY_PEOPLE:
        raise lifecycle.IllegalMove("This step is done by the system.")
    if task.state not in (Task.State.READY, Task.State.IN_PROGRESS):
        raise lifecycle.IllegalMove(
            f"Task {task.number} is {Task.State(task.state).label.lower()}; it cannot be completed."
        )
    found, problems = taskforms.clean(task, values or {})
    done = set(ticked) | set(task.ticked)
    left = [point for point in task.item.checklist if point not in done]
    if left:
        problems["checklist"] = [f"Not done yet: {', '.join(left)}."]
    if problems:
        raise Refusal(problems=problems)
    _require_finishable(task)
    if task.state == Task.State.READY:
        _begin(task, by)
    task.result, task.ticked, task.ended_at = found, list(task.item.checklist), timezone.now()
    task.lease_until = task.due_at = None
    lifecycle.move(task, Task.complete, by=by)
    supplied = {str(name).rstrip("?") for name in task.item.outputs} | {entry["key"] for entry in task.item.form}
    release.closed([task.pk], {task.pk: {name: value for name, value in found.items() if name in supplied}})
    return task


def _require_finishable(task: Task) -> None:
    """Raises Conflict while a task that has to finish or start before this one finishes has not."""
    waiting = TaskDependency.objects.filter(after=task, met_at__isnull=True, kind__in=["FF", "SF"])
    names = list(waiting.order_by("pk").values_list("before__name", flat=True))
    if names:
        raise Conflict(f"This can be finished only after: {', '.join(names)}.")


@transaction.atomic
def hold(task_id: int, by: User, reason: str) -> Task:
    """Pause a task with a reason that others read."""
    if not reason.strip():
        raise Refusal(problems={"reason": ["Say why it waits."]})
    task = _locked(task_id)
    _require_mine(task, by)
    if task.kind not in BY_PEOPLE:
        raise lifecycle.IllegalMove("This step is done by the system; hold the order instead.")
    lifecycle.move(task, Task.hold, by=by, reason=reason, because=reason[:200])
    return task


@transaction.atomic
def resume(task_id: int, by: User) -> Task:
    """Go on with a task that a person had paused. Raises Conflict for one in fallout: that is mended there."""
    task = _locked(task_id)
    if task.in_fallout:
        raise Conflict("This task is in fallout; it goes on when the fallout is resolved.")
    lifecycle.move(task, Task.resume, by=by)
    return task


@transaction.atomic
def await_information(task_id: int, by: User, reason: str) -> Task:
    """Somebody outside has to answer first; the reason says who and what."""
    if not reason.strip():
        raise Refusal(problems={"reason": ["Say who has to answer, and what."]})
    task = _locked(task_id)
    _require_mine(task, by)
    lifecycle.move(task, Task.await_information, by=by, reason=reason, because=reason[:200])
    return task


@transaction.atomic
def informed(task_id: int, by: User) -> Task:
    """The answer is here; the task goes on."""
    task = _locked(task_id)
    lifecycle.move(task, Task.informed, by=by)
    return task


@transaction.atomic
def report(task_id: int, by: User, reason: str, kind: str = "") -> Task:
    """It cannot be done: the task falls out, so that somebody mends what is in the way."""
    if not reason.strip():
        raise Refusal(problems={"reason": ["Say what is in the way."]})
    task = _locked(task_id)
    _require_mine(task, by)
    if task.kind not in BY_PEOPLE:
        raise lifecycle.IllegalMove("This step is done by the system, which reports its own problems.")
    if task.state == Task.State.READY:
        _begin(task, by)
    elif task.state != Task.State.IN_PROGRESS:
        raise lifecycle.IllegalMove(f"Task {task.number} is {Task.State(task.state).label.lower()}.")
    if kind not in TROUBLE_KINDS:
        kind = "site_access" if task.kind == Kind.FIELD_WORK else "data"
    fall_out({task.pk: Trouble(kind, f"{task.name}: reported by a person", reason)}, by=by)
    return _locked(task_id)


@transaction.atomic
def skip(task_id: int, by: User, reason: str) -> Task:
    """Go on without a step that has not begun."""
    if not reason.strip():
        raise Refusal(problems={"reason": ["Say why the step is not needed."]})
    task = _locked(task_id)
    task.ended_at = timezone.now()
    lifecycle.move(task, Task.skip, by=by, reason=reason, because=reason[:200])
    release.closed([task.pk])
    return task
