"""Resolution: somebody takes a fallout, mends the task in one of six ways, and says how."""

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils import timezone

from fallout import changing, events, skipping
from fallout.models import Fallout
from fulfillment import execution
from fulfillment.models import Task
from kernel import audit, lifecycle, outbox, workhours
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal
from orders import nudging, withdrawal
from orders.models import DomainOrder

RESOLVE, ASSIGN = "fallout.resolve_fallout", "fallout.assign_fallout"
How = Fallout.Resolution
OVER = (Fallout.State.RESOLVED, Fallout.State.CLOSED, Fallout.State.CANCELLED)


@transaction.atomic
def take(*, fallout_id: int, by: User | None) -> Fallout:
    """Make an open record one's own."""
    fallout: Fallout = Fallout.objects.locked(fallout_id)
    lifecycle.move(fallout, Fallout.take, by=by)
    return _own(fallout, by, by)


@transaction.atomic
def assign(*, fallout_id: int, to: User, by: User | None) -> Fallout:
    """Give a record that is not mended yet to somebody who may mend it."""
    require(by, ASSIGN, "assign fallout")
    if not to.has_perm(RESOLVE):
        raise Refusal(problems={"owner": [f"{to} may not resolve fallout."]})
    fallout: Fallout = Fallout.objects.locked(fallout_id)
    refuse_when_over(fallout)
    return _own(fallout, to, by)


@transaction.atomic
def retry(*, fallout_id: int, by: User | None, note: str = "") -> Fallout:
    """Try the task again as it is.

    Raises:
        Conflict: the record is mended already, or on hold.
    """
    fallout = _begin(fallout_id, by)
    execution.retry(task_id=_task_of(fallout).pk, by=by, changes=None)
    return _resolved(fallout, How.RETRY, note, by)


@transaction.atomic
def edit_and_retry(*, fallout_id: int, by: User | None, raw: dict[str, Any], note: str = "") -> Fallout:
    """Correct values of the flow's data and try again. `raw` holds a form's strings by characteristic.

    Raises:
        Refusal: with the problem of each value at its field; nothing was changed then.
    """
    fallout = _begin(fallout_id, by)
    task = _task_of(fallout)
    changes = changing.changes(fallout, raw)
    audit.record("edited", fallout, by=by, changes=changing.told(fallout, changes), reason=note)
    execution.retry(task_id=task.pk, by=by, changes=changes)
    return _resolved(fallout, How.EDIT_AND_RETRY, note, by)


@transaction.atomic
def complete_by_hand(*, fallout_id: int, by: User | None, values: dict[str, Any], reason: str) -> Fallout:
    """The work was done outside: supply what the task puts out and go on."""
    reason = said(reason, "Say what was done by hand; the next reader has to trust it.")
    fallout = _begin(fallout_id, by)
    task = _task_of(fallout)
    supplied = changing.outputs(fallout, values)
    execution.complete_by_hand(task_id=task.pk, by=by, values=supplied, reason=reason)
    return _resolved(fallout, How.COMPLETE_BY_HAND, reason, by)


@transaction.atomic
def skip(*, fallout_id: int, by: User | None, reason: str) -> Fallout:
    """Leave the task out.

    Raises:
        Conflict: later tasks need what it puts out.
    """
    reason = said(reason, "Say why the task is not needed.")
    require(by, "fulfillment.skip_task", "skip tasks")
    fallout = _begin(fallout_id, by)
    task = _task_of(fallout)
    if why := skipping.why_not(task):
        raise Conflict(why)
    execution.skip(task_id=task.pk, by=by, reason=reason)
    return _resolved(fallout, How.SKIP, reason, by)


@transaction.atomic
def cancel_line(*, fallout_id: int, by: User | None, reason: str, ends_as: str = withdrawal.FAILED) -> Fallout:
    """Give up the order line that the task works for, as `failed` or `cancelled`; the rest of the order goes on.

    Raises:
        Conflict: past a hard point of no return, or the work is shared with lines that go on.
    """
    reason = said(reason, "Say why; the customer’s order keeps it.")
    fallout = _begin(fallout_id, by)
    task = _task_of(fallout)
    if task.state != Task.State.CANCELLED:  # else another record of the same line was first
        node = DomainOrder.objects.filter(flow=task.flow_id).values("pk", "line", "order").first()
        if node is None:
            raise Conflict("The task does not belong to a line of an order.")
        withdrawal.withdraw(order_id=node["order"], line_ids=[node["line"]], by=by, reason=reason, ends_as=ends_as)
        if Task.objects.filter(pk=task.pk).exclude(state=Task.State.CANCELLED).exists():
            raise Conflict("Other lines need this work as well, so it would go on. Mend it, or cancel those lines too.")
    return _resolved(fallout, How.CANCEL_LINE, reason, by)


@transaction.atomic
def look_again(*, fallout_id: int, by: User | None, note: str = "") -> Fallout:
    """Set an order that stands still going again; whatever still stands after it falls out anew.

    Raises:
        Conflict: nothing in it can be set going from here.
    """
    fallout = _begin(fallout_id, by)
    if fallout.task_id or not fallout.order_id:
        raise Conflict("This record is about a task. Retry it.")
    if not nudging.nudge(order_id=fallout.order_id, by=by):
        raise Conflict("Nothing moved: what it waits for is not there. The order's page shows what is open.")
    return _resolved(fallout, How.LOOKED_AGAIN, note, by)


@transaction.atomic
def hold(*, fallout_id: int, by: User | None, reason: str) -> Fallout:
    """Pause the work on a record; its clock goes on."""
    return _pause(fallout_id, Fallout.hold, by, reason)


@transaction.atomic
def await_information(*, fallout_id: int, by: User | None, reason: str) -> Fallout:
    """Somebody outside has to answer first; the clock stands meanwhile. An open record is taken on the way."""
    fallout: Fallout = Fallout.objects.locked(fallout_id)
    if fallout.state == Fallout.State.OPEN:
        lifecycle.move(fallout, Fallout.take, by=by)
        _own(fallout, by, by)
    fallout = _pause(fallout_id, Fallout.await_information, by, reason)
    hours, now = workhours.hours(fallout.sla_calendar), timezone.now()
    fallout.sla_left = int(hours.between(now, fallout.sla_due_at).total_seconds())
    fallout.save(update_fields=["sla_left"])
    return fallout


@transaction.atomic
def resume(*, fallout_id: int, by: User | None) -> Fallout:
    """Go on with a paused record; a clock that stood goes on with what was left."""
    fallout: Fallout = Fallout.objects.locked(fallout_id)
    lifecycle.move(fallout, Fallout.resume, by=by)
    return _clock_on(fallout)


def _clock_on(fallout: Fallout) -> Fallout:
    if fallout.sla_left is not None:
        if fallout.sla_left:
            left = dt.timedelta(seconds=fallout.sla_left)
            fallout.sla_due_at = workhours.hours(fallout.sla_calendar).add(timezone.now(), left)
        fallout.sla_left = None
        fallout.save(update_fields=["sla_due_at", "sla_left"])
    return fallout


@transaction.atomic
def recovered(*, task_id: int) -> list[int]:
    """The task got through: its records are closed, also those that nobody had touched."""
    open_ones = list(Fallout.objects.filter(task_id=task_id).exclude(state__in=["closed", "cancelled"]))
    closed = []
    for fallout in Fallout.objects.locked_all([one.pk for one in open_ones]):
        _back_in_progress(fallout)
        if fallout.state == Fallout.State.IN_PROGRESS:
            _resolved(fallout, How.COMPLETE_BY_HAND, "The task was completed on its own page.", None)
        lifecycle.move(fallout, Fallout.close, by=None)
        closed.append(fallout.pk)
    return closed


@transaction.atomic
def moved_again(*, fallout_id: int) -> bool:
    """An order that stood still moves: its record is closed, whether or not somebody had a hand in it."""
    fallout: Fallout = Fallout.objects.locked(fallout_id)
    if fallout.state in (Fallout.State.CLOSED, Fallout.State.CANCELLED):
        return False
    if fallout.state != Fallout.State.RESOLVED:
        _back_in_progress(fallout)
        _resolved(fallout, How.MOVED, "The order moves again.", None)
    lifecycle.move(fallout, Fallout.close, by=None)
    return True


def _back_in_progress(fallout: Fallout) -> None:
    if fallout.state == Fallout.State.OPEN:
        lifecycle.move(fallout, Fallout.take, by=None)
    elif fallout.state in (Fallout.State.ON_HOLD, Fallout.State.AWAITING_INFORMATION):
        _clock_on(lifecycle.move(fallout, Fallout.resume, by=None))


@transaction.atomic
def withdrawn(*, order_id: int) -> list[int]:
    """Lines of the order were given up: records of tasks that were cancelled with them are closed or cancelled."""
    rows = Fallout.objects.filter(order=order_id, task__state=Task.State.CANCELLED)
    keys = list(rows.exclude(state__in=("closed", "cancelled")).values_list("pk", flat=True))
    cancelled = []
    for fallout in Fallout.objects.locked_all(keys):
        if fallout.state == Fallout.State.RESOLVED:
            lifecycle.move(fallout, Fallout.close, by=None)
        elif fallout.state not in OVER:
            fallout.resolved_at, fallout.sla_left = timezone.now(), None
            lifecycle.move(fallout, Fallout.cancel, by=None, reason="Its line was given up.")
            cancelled.append(fallout.pk)
    return cancelled


def _begin(fallout_id: int, by: User | None) -> Fallout:
    """The record, locked and in progress; an open one is taken on the way."""
    require(by, RESOLVE, "resolve fallout")
    fallout: Fallout = Fallout.objects.locked(fallout_id)
    refuse_when_over(fallout)
    if fallout.state == Fallout.State.OPEN:
        lifecycle.move(fallout, Fallout.take, by=by)
        _own(fallout, by, by)
    if fallout.state != Fallout.State.IN_PROGRESS:
        raise Conflict(f"{fallout.number} is {fallout.get_state_display().lower()}. Resume it first.")
    return fallout


def _task_of(fallout: Fallout) -> Task:
    task: Task | None = fallout.task
    if task is None:
        raise Conflict("This record is about a whole order that stands still, not about one task.")
    return task


def refuse_when_over(fallout: Fallout) -> None:
    """Raises Conflict for a record that is mended already; it says how."""
    if fallout.state in OVER:
        how = f" ({fallout.get_resolution_display().lower()})" if fallout.resolution else ""
        raise Conflict(f"{fallout.number} is {fallout.get_state_display().lower()} already{how}; somebody was first.")


def _resolved(fallout: Fallout, how: str, note: str, by: User | None) -> Fallout:
    fallout.resolved_at, fallout.sla_left = timezone.now(), None
    lifecycle.move(fallout, Fallout.resolve, by=by, reason=note, how=str(how), note=note)
    outbox.publish(events.FalloutResolved(fallout_id=fallout.pk, resolution=str(how)))
    return fallout


def _pause(fallout_id: int, move: Any, by: User | None, reason: str) -> Fallout:
    reason = said(reason, "Say what it waits for.")
    fallout: Fallout = Fallout.objects.locked(fallout_id)
    return lifecycle.move(fallout, move, by=by, reason=reason)  # type: ignore[no-any-return]


def _own(fallout: Fallout, owner: User | None, by: User | None) -> Fallout:
    if owner is not None and fallout.owner_id != owner.pk:
        audit.record("assigned", fallout, by=by, changes={"owner": [str(fallout.owner or ""), str(owner)]})
        fallout.owner = owner
        fallout.save(update_fields=["owner", "updated_at"])
    return fallout


def said(reason: str, otherwise: str) -> str:
    """The reason as it is stored. Raises Refusal at the field `reason` when there is none."""
    reason = reason.replace("\x00", "").strip()[:2000]
    if not reason:
        raise Refusal(problems={"reason": [otherwise]})
    return reason


def require(by: User | None, permission: str, words: str) -> None:
    """Raises NotPermitted unless the person has the right; the system itself always has it."""
    if by is not None and not by.has_perm(permission):
        raise NotPermitted(f"Your roles do not include the right to {words}.")
