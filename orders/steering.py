"""Steering: an order is held, resumed, or cancelled before anything was started."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone

from cmdb import termination
from fulfillment import execution
from fulfillment import jeopardy as tasks
from kernel import approvals, lifecycle, outbox
from kernel.models import ApprovalRequest, AuditEntry, User
from kernel.refusal import Refusal
from orders import closure, events, jeopardy, orchestration, pausing
from orders.models import Order, OrderLine

ROOT = Order._meta.label_lower


class ReasonNeeded(Refusal):
    """Whoever stops work says why."""


@transaction.atomic
def hold(*, order_id: int, by: User, reason: str) -> Order:
    """Nothing new of this order starts until it is resumed. Raises ReasonNeeded, IllegalMove or NotPermitted."""
    order: Order = Order.objects.locked(order_id)
    _require(reason)
    lifecycle.move(order, Order.hold, by=by, reason=reason)
    return _pause(order, by, reason, OrderLine.hold)


@transaction.atomic
def await_information(*, order_id: int, by: User, reason: str) -> Order:
    """The customer has to answer first; nothing new starts. Raises ReasonNeeded, IllegalMove or NotPermitted."""
    order: Order = Order.objects.locked(order_id)
    _require(reason)
    lifecycle.move(order, Order.await_information, by=by, reason=reason)
    return _pause(order, by, reason, OrderLine.await_information)


@transaction.atomic
def resume(*, order_id: int, by: User, reason: str = "") -> Order:
    """The order goes on where it was; what was finished meanwhile is closed. Raises IllegalMove or NotPermitted."""
    order: Order = Order.objects.locked(order_id)
    lifecycle.move(order, Order.resume, by=by, reason=reason)
    lifecycle.move_many(OrderLine.objects.filter(order=order), OrderLine.resume, by=by)
    execution.resume_root(ROOT, order.pk, by, reason, but=pausing.flows_held(order))
    closure.roll_up(order)
    if order.state == Order.State.IN_PROGRESS and (since := _held_since(order)):
        orchestration.plan_anew(order, f"From {tasks.day(since)} to {tasks.day(timezone.localdate())}")
    jeopardy.look_again([order.pk])
    return order


def _held_since(order: Order) -> dt.date | None:
    """The day on which work stopped; None when that was today, so that nothing was lost."""
    rows = AuditEntry.objects.filter(
        subject_type=ROOT, subject_id=order.pk, action__in=["hold", "await_information"]
    ).order_by("-id")
    at = rows.values_list("at", flat=True).first()
    day = timezone.localdate(at) if at else None
    return day if day and day < timezone.localdate() else None


@transaction.atomic
def cancel(*, order_id: int, by: User, reason: str) -> Order:
    """End an order of which nothing has been started. Raises ReasonNeeded, IllegalMove or NotPermitted."""
    order: Order = Order.objects.locked(order_id)
    _require(reason)
    return end_unstarted(order, by=by, reason=reason)


def end_unstarted(order: Order, *, by: User | None, reason: str) -> Order:
    """Cancel a locked order of which nothing has been started, with its lines and what was reserved for them.

    Raises:
        IllegalMove, NotPermitted: see `kernel.lifecycle.move`; without a person only the first.
    """
    lifecycle.move(order, Order.cancel, by=by, reason=reason)
    lifecycle.move_many(OrderLine.objects.filter(order=order), OrderLine.cancel, by=by)
    approvals.end(order, ApprovalRequest.State.VOID)
    termination.cancel_products(
        order.lines.filter(action="add", product__isnull=False).values_list("product", flat=True), by
    )
    outbox.publish(events.OrderEnded(order_id=order.pk, state=Order.State.CANCELLED))
    return order


def _pause(order: Order, by: User, reason: str, transition: Callable[..., Any]) -> Order:
    lifecycle.move_many(OrderLine.objects.filter(order=order), transition, by=by)
    execution.hold_root(ROOT, order.pk, by, reason)
    jeopardy.look_again([order.pk])
    return order


def _require(reason: str) -> None:
    if not reason.strip():
        raise ReasonNeeded(problems={"reason": ["Say why; it is kept with the order."]})
