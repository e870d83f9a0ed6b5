"""Resolution: somebody takes a fallout, mends the task in one of four ways, and says how."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from fallout import changing, events, skipping
from fallout.models import Fallout
from fulfillment import execution
from kernel import audit, lifecycle, outbox
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal

RESOLVE, ASSIGN = "fallout.resolve_fallout", "fallout.assign_fallout"
How = Fallout.Resolution


@transaction.atomic
def take(*, fallout_id: int, by: User | None) -> Fallout:
    """Make an open record one's own."""
    fallout: Fallout = Fallout.objects.locked(fallout_id)
    lifecycle.move(fallout, Fallout.take, by=by)
    return _own(fallout, by, by)


@transaction.atomic
def assign(*, fallout_id: int, to: User, by: User | None) -> Fallout:
    """Give a record that is not mended yet to somebody who may mend it."""
    _require(by, ASSIGN, "assign fallout")
    if not to.has_perm(RESOLVE):
        raise Refusal(problems={"owner": [f"{to} may not resolve fallout."]})
    fallout: Fallout = Fallout.objects.locked(fallout_id)
    _refuse_when_over(fallout)
    return _own(fallout, to, by)


@transaction.atomic
def retry(*, fallout_id: int, by: User | None, note: str = "") -> Fallout:
    """Try the task again as it is.

    Raises:
        Conflict: the record is mended already, or on hold.
    """
    fallout = _begin(fallout_id, by)
    execution.retry(task_id=fallout.task_id, by=by, changes=None)
    return _resolved(fallout, How.RETRY, note, by)


@transaction.atomic
def edit_and_retry(*, fallout_id: int, by: User | None, raw: dict[str, str], note: str = "") -> Fallout:
    """Correct values of the flow's data and try again. `raw` holds a form's strings by characteristic.

    Raises:
        Refusal: with the problem of each value at its field; nothing was changed then.
    """
    fallout = _begin(fallout_id, by)
    changes = changing.changes(fallout, raw)
    audit.record("edited", fallout, by=by, changes=changing.told(fallout, changes), reason=note)
    execution.retry(task_id=fallout.task_id, by=by, changes=changes)
    return _resolved(fallout, How.EDIT_AND_RETRY, note, by)


@transaction.atomic
def complete_by_hand(*, fallout_id: int, by: User | None, values: dict[str, Any], reason: str) -> Fallout:
    """The work was done outside: supply what the task puts out and go on."""
    reason = _said(reason, "Say what was done by hand; the next reader has to trust it.")
    fallout = _begin(fallout_id, by)
    supplied = changing.outputs(fallout, values)
    execution.complete_by_hand(task_id=fallout.task_id, by=by, values=supplied, reason=reason)
    return _resolved(fallout, How.COMPLETE_BY_HAND, reason, by)


@transaction.atomic
def skip(*, fallout_id: int, by: User | None, reason: str) -> Fallout:
    """Leave the task out.

    Raises:
        Conflict: later tasks need what it puts out.
    """
    reason = _said(reason, "Say why the task is not needed.")
    _require(by, "fulfillment.skip_task", "skip tasks")
    fallout = _begin(fallout_id, by)
    if why := skipping.why_not(fallout.task):
        raise Conflict(why)
    execution.skip(task_id=fallout.task_id, by=by, reason=reason)
    return _resolved(fallout, How.SKIP, reason, by)


@transaction.atomic
def hold(*, fallout_id: int, by: User | None, reason: str) -> Fallout:
    """Pause the work on a record; its clock goes on."""
    return _pause(fallout_id, Fallout.hold, by, reason)


@transaction.atomic
def await_information(*, fallout_id: int, by: User | None, reason: str) -> Fallout:
    """Somebody outside has to answer first."""
    return _pause(fallout_id, Fallout.await_information, by, reason)


@transaction.atomic
def resume(*, fallout_id: int, by: User | None) -> Fallout:
    """Go on with a paused record."""
    fallout: Fallout = Fallout.objects.locked(fallout_id)
    return lifecycle.move(fallout, Fallout.resume, by=by)  # type: ignore[no-any-return]


@transaction.atomic
def recovered(*, task_id: int) -> list[int]:
    """The task got through: its records are closed, also those that nobody had touched."""
    open_ones = list(Fallout.objects.filter(task_id=task_id).exclude(state__in=["closed", "cancelled"]))
    closed = []
    for fallout in Fallout.objects.locked_all([one.pk for one in open_ones]):
        if fallout.state == Fallout.State.OPEN:
            lifecycle.move(fallout, Fallout.take, by=None)
        elif fallout.state in (Fallout.State.ON_HOLD, Fallout.State.AWAITING_INFORMATION):
            lifecycle.move(fallout, Fallout.resume, by=None)
        if fallout.state == Fallout.State.IN_PROGRESS:
            _resolved(fallout, How.COMPLETE_BY_HAND, "The task was completed on its own page.", None)
        lifecycle.move(fallout, Fallout.close, by=None)
        closed.append(fallout.pk)
    return closed


def _begin(fallout_id: int, by: User | None) -> Fallout:
    """The record, locked and in progress; an open one is taken on the way."""
    _require(by, RESOLVE, "resolve fallout")
    fallout: Fallout = Fallout.objects.locked(fallout_id)
    _refuse_when_over(fallout)
    if fallout.state == Fallout.State.OPEN:
        lifecycle.move(fallout, Fallout.take, by=by)
        _own(fallout, by, by)
    if fallout.state != Fallout.State.IN_PROGRESS:
        raise Conflict(f"{fallout.number} is {fallout.get_state_display().lower()}. Resume it first.")
    return fallout


def _refuse_when_over(fallout: Fallout) -> None:
    if fallout.state in (Fallout.State.RESOLVED, Fallout.State.CLOSED, Fallout.State.CANCELLED):
        how = f" ({fallout.get_resolution_display().lower()})" if fallout.resolution else ""
        raise Conflict(f"{fallout.number} is {fallout.get_state_display().lower()} already{how}; somebody was first.")


def _resolved(fallout: Fallout, how: str, note: str, by: User | None) -> Fallout:
    fallout.resolved_at = timezone.now()
    lifecycle.move(fallout, Fallout.resolve, by=by, reason=note, how=str(how), note=note)
    outbox.publish(events.FalloutResolved(fallout_id=fallout.pk, resolution=str(how)))
    return fallout


def _pause(fallout_id: int, move: Any, by: User | None, reason: str) -> Fallout:
    reason = _said(reason, "Say what it waits for.")
    fallout: Fallout = Fallout.objects.locked(fallout_id)
    return lifecycle.move(fallout, move, by=by, reason=reason)  # type: ignore[no-any-return]


def _own(fallout: Fallout, owner: User | None, by: User | None) -> Fallout:
    if owner is not None and fallout.owner_id != owner.pk:
        audit.record("assigned", fallout, by=by, changes={"owner": [str(fallout.owner or ""), str(owner)]})
        fallout.owner = owner
        fallout.save(update_fields=["owner", "updated_at"])
    return fallout


def _said(reason: str, otherwise: str) -> str:
    reason = reason.replace("\x00", "").strip()[:2000]
    if not reason:
        raise Refusal(problems={"reason": [otherwise]})
    return reason


def _require(by: User | None, permission: str, words: str) -> None:
    if by is not None and not by.has_perm(permission):
        raise NotPermitted(f"Your roles do not include the right to {words}.")
