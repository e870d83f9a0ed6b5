"""Prioritising: an order, a line or one flow is taken up before others."""

from typing import Any

from django.db import transaction

from fulfillment.models import Flow, Task
from fulfillment.queries import urgency as word
from kernel import audit
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal
from orders import queries
from orders.models import Order

ROOT = Order._meta.label_lower
RANKS = (("critical", "Critical", 90), ("high", "High", 70), ("medium", "Medium", 50), ("low", "Low", 20))


@transaction.atomic
def prioritise(
    *, order_id: int, rank: str, by: User, reason: str = "", line_key: str = "", flow_id: int | None = None
) -> int:
    """Give the open work of an order, of one line or of one flow another rank. Returns how many tasks it reached.

    What is ready is taken up in this order from now on; nothing that runs is interrupted.

    Raises:
        NotPermitted: the person may not steer orders.
        Conflict: the order is over.
        Refusal: the rank or the reason is missing, or nothing of that is in the order.
    """
    if not by.has_perm("orders.steer_order"):
        raise NotPermitted("Your roles do not include the right to change priorities.")
    order: Order = Order.objects.locked(order_id)
    if order.state in queries.ENDED:
        raise Conflict(f"{order.number} is {order.get_state_display().lower()}; nothing is left to prioritise.")
    value = {key: number for key, _, number in RANKS}.get(rank)
    problems = {}
    if value is None:
        problems["rank"] = ["Choose how urgent it is."]
    if not reason.strip():
        problems["reason"] = ["Say why; whoever waits longer for it can read it."]
    if problems or value is None:
        raise Refusal(problems=problems)
    flows = _flows(order, line_key, flow_id)
    reached = _write(flows, value)
    whole = not line_key and flow_id is None
    before = order.priority if whole else None
    if whole:
        order.priority = value
        order.edition += 1
        order.save(update_fields=["priority", "edition", "updated_at"])
    what = "the order" if whole else flows[0].name
    changes = {"priority": [word(before) if before is not None else None, f"{word(value)} for {what}"]}
    audit.record("prioritised", order, by=by, changes=changes, reason=reason.strip())
    return reached


def _flows(order: Order, line_key: str, flow_id: int | None) -> list[Flow]:
    rows = Flow.objects.filter(root_type=ROOT, root_id=order.pk)
    if line_key:
        rows = rows.filter(line_key=line_key)
    if flow_id is not None:
        rows = rows.filter(pk=flow_id)
    found = list(rows.order_by("pk"))
    if not found and (line_key or flow_id is not None):
        raise Refusal("Nothing of that is in this order.")
    return found


def _write(flows: list[Flow], value: int) -> int:
    """Tasks by key, then flows by key: the order in which the engine locks."""
    keys = [flow.pk for flow in flows]
    tasks: Any = Task.objects.filter(flow__in=keys).exclude(state__in=Task.CLOSED).order_by("pk")
    locked = list(tasks.select_for_update(of=("self",)).values_list("pk", flat=True))
    list(Flow.objects.filter(pk__in=keys).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    Task.objects.filter(pk__in=locked).update(priority=value)
    Flow.objects.filter(pk__in=keys).update(priority=value)
    return len(locked)


__all__ = ["RANKS", "prioritise", "word"]
