"""Pausing: one part of an order, a domain order with what stands below it or its own flow alone, is held and resumed.

A part that was held by itself stays held when the whole order is held and resumed: whoever held it had a reason.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from fulfillment import execution
from kernel import audit, lifecycle
from kernel.models import AuditEntry, User
from kernel.refusal import Conflict, NotPermitted, Refusal
from orders import closure, jeopardy
from orders.models import DomainOrder, Order

RIGHT = "orders.steer_order"
MAY_HOLD = (DomainOrder.State.SCHEDULED, DomainOrder.State.IN_PROGRESS)
HELD = DomainOrder.State.ON_HOLD


@dataclass(frozen=True)
class Pause:
    """Why a part stands still, who held it and since when."""

    reason: str
    by: User | None
    since: dt.datetime


@transaction.atomic
def hold(*, node_id: int, by: User, reason: str, below: bool = True) -> int:
    """Nothing new of a part starts; what runs may finish. Returns how many domain orders are held now.

    Raises:
        NotPermitted: only order and fulfilment managers hold work.
        Conflict: it is over, waits for data, or is held already.
        Refusal: no reason was given.
    """
    order, node = _locked(node_id, by)
    if node.state not in MAY_HOLD:
        word = DomainOrder.State(node.state).label.lower()
        raise Conflict(f"{node.name} is {word}. Work that is planned or under way can be held.")
    if not reason.strip():
        raise Refusal(problems={"reason": ["Say why; whoever waits for it reads this."]})
    rows = _part(node, below=below)
    held = lifecycle.move_many(rows, DomainOrder.hold, by=by)
    execution.hold_flows(_flows(held), by, reason.strip())
    audit.record("paused", node, by=by, reason=reason.strip()[:2000])
    jeopardy.look_again([order.pk])
    return len(held)


@transaction.atomic
def resume(*, node_id: int, by: User) -> int:
    """A held part goes on with all that is held below it. Returns how many domain orders go on.

    Raises:
        NotPermitted: only order and fulfilment managers resume work.
        Conflict: it is not held, or the whole order is.
    """
    order, node = _locked(node_id, by)
    if node.state != HELD:
        raise Conflict(f"{node.name} is not on hold.")
    if order.state != Order.State.IN_PROGRESS:
        raise Conflict(f"{order.number} is {order.get_state_display().lower()}. Resume the order first.")
    rows = _part(node, below=True)
    fresh = lifecycle.move_many(rows.filter(started_at__isnull=True), DomainOrder.wait_again, by=by)
    going = lifecycle.move_many(rows.filter(started_at__isnull=False), DomainOrder.resume, by=by)
    execution.resume_flows(_flows([*fresh, *going]), by)
    audit.record("unpaused", node, by=by)
    closure.roll_up(order, [node.line_id])
    jeopardy.look_again([order.pk])
    return len(fresh) + len(going)


def keep_held(order: Order) -> None:
    """Parts that came to be below a held one are held as well. Called by whoever has just planned them."""
    held = DomainOrder.objects.filter(order=order, state=HELD)
    while fresh := lifecycle.move_many(
        DomainOrder.objects.filter(parent__in=held.values("pk")).exclude(pk__in=held.values("pk")),
        DomainOrder.hold, by=None,
    ):  # fmt: skip
        execution.hold_flows(_flows(fresh), None, "The part above it is on hold.")


def flows_held(order: Order) -> list[int]:
    """Flows of the parts of an order that are held by themselves."""
    return _flows(DomainOrder.objects.filter(order=order, state=HELD).values_list("pk", flat=True))


def why(node: DomainOrder) -> Pause | None:
    """Why a part is held: its own pause, else that of the nearest part above it; None when it is not."""
    above: DomainOrder | None = node
    while above is not None and above.state == HELD:
        rows = AuditEntry.objects.filter(subject_type=DomainOrder._meta.label_lower, subject_id=above.pk)
        entry = rows.filter(action="paused").select_related("actor").order_by("-id").first()
        if entry:
            return Pause(entry.reason, entry.actor, entry.at)
        above = above.parent
    return Pause("", None, timezone.now()) if node.state == HELD else None


def _locked(node_id: int, by: User) -> tuple[Order, DomainOrder]:
    if not by.has_perm(RIGHT):
        raise NotPermitted("Order and fulfilment managers hold and resume parts of an order.")
    key = DomainOrder.objects.values_list("order", flat=True).get(pk=node_id)
    order: Order = Order.objects.locked(key)
    node: DomainOrder = DomainOrder.objects.locked(node_id)
    return order, node


def _part(node: DomainOrder, *, below: bool) -> Any:
    """The domain order, with all that stands below it on the same line."""
    keys = {node.pk}
    if below:
        rows = DomainOrder.objects.filter(line=node.line_id).order_by("depth", "pk").values_list("pk", "parent")
        for pk, parent in rows:
            if parent in keys:
                keys.add(pk)
    return DomainOrder.objects.filter(pk__in=keys)


def _flows(nodes: Iterable[int]) -> list[int]:
    rows = DomainOrder.objects.filter(pk__in=nodes, flow__isnull=False).order_by("flow")
    return list(rows.values_list("flow", flat=True))
