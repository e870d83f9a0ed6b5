"""Task dates: people say when a task will be done, and the outlook counts on that instead of on its duration."""

import datetime as dt

from django.db import transaction
from django.utils import timezone

from fulfillment.models import Task, TaskDate
from kernel import audit
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal

FURTHEST = 5 * 366  # days ahead


@transaction.atomic
def say(*, task_id: int, day: dt.date | None, reason: str = "", by: User) -> Task:
    """Note the day on which a task will be done; None goes back to its duration.

    Raises:
        NotPermitted: the person may not date tasks.
        Conflict: the task is closed.
        Refusal: the day is over or too far away, or no reason is given.
    """
    require_right(by)
    task: Task = Task.objects.locked(task_id)
    if task.state in Task.CLOSED:
        raise Conflict(f"Task {task.number} is {task.get_state_display().lower()}; its date cannot move any more.")
    known = TaskDate.objects.filter(task=task).first()
    before = known.ends_on if known else None
    if day is None:
        TaskDate.objects.filter(task=task).delete()
    else:
        require_sense(day, reason)
        TaskDate.objects.update_or_create(task=task, defaults={"ends_on": day, "reason": reason.strip(), "by": by})
    if day != before:
        audit.record("dated", task, by=by, changes={"expected": [before, day]}, reason=reason.strip())
    return task


def require_right(by: User) -> None:
    """Raises NotPermitted for who may not date tasks."""
    if not by.has_perm("fulfillment.change_taskdate"):
        raise NotPermitted("Your roles do not include the right to change dates of tasks.")


def require_sense(day: dt.date, reason: str) -> None:
    """Raises Refusal with what is wrong, each at its field."""
    problems = {}
    today = timezone.localdate()
    if day < today:
        problems["day"] = ["This day is over; choose today or a later one."]
    elif (day - today).days > FURTHEST:
        problems["day"] = ["This is more than five years away."]
    if not reason.strip():
        problems["reason"] = ["Say who or what gives this date; others read it."]
    elif len(reason.strip()) > 200:
        problems["reason"] = ["Use at most 200 characters."]
    if problems:
        raise Refusal(problems=problems)


__all__ = ["require_right", "require_sense", "say"]
