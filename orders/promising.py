"""Promising: the date that the customer was told, how it moves, and why; nothing moves without a reason code."""

import datetime as dt

from django.db import transaction
from django.utils import timezone

from fulfillment import jeopardy as tasks
from kernel import audit
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal
from orders import handover, jeopardy
from orders.models import Order, PromiseChange

Code = PromiseChange.Code
MAY_MOVE = (
    Order.State.APPROVED, Order.State.IN_PROGRESS, Order.State.ON_HOLD, Order.State.AWAITING_INFORMATION,
)  # fmt: skip


def promise(
    order: Order, day: dt.date | None, *, code: str = Code.DATA, words: str = "", by: User | None = None
) -> None:
    """Set the promised date of a locked order that the caller saves; one that moves leaves its reason."""
    before = order.promised_on
    if day is None or day == before:
        return
    order.promised_on = day
    order.first_promised_on = order.first_promised_on or day
    reason = ""
    if before is not None:
        reason = ". ".join(filter(None, [str(Code(code).label), words.strip().rstrip(".")]))[:200]
        PromiseChange.objects.create(order=order, before=before, after=day, code=code, words=words.strip()[:200], by=by)
    if day > order.first_promised_on:
        order.slip_reason = reason
    audit.record("promised", order, by=by, changes={"promised_on": [before, day]}, reason=reason)


def move(*, order_id: int, day: dt.date | None, code: str, words: str = "", by: User) -> Order:
    """Promise another date, tell the customer why, and work the outlook out against it.

    Raises:
        NotPermitted: the person may not steer orders.
        Conflict: the order has no promise that could move, or is over.
        Refusal: the date or the code is missing or cannot be, each at its field.
    """
    if not by.has_perm("orders.steer_order"):
        raise NotPermitted("Your roles do not include the right to move promised dates.")
    order = _move(order_id, day, code, words, by)
    jeopardy.refresh(order.pk)
    return order


@transaction.atomic
def _move(order_id: int, day: dt.date | None, code: str, words: str, by: User) -> Order:
    order: Order = Order.objects.select_for_update(of=("self",)).select_related("contact__user").get(pk=order_id)
    if order.state not in MAY_MOVE or order.promised_on is None:
        raise Conflict(f"{order.number} is {order.get_state_display().lower()}; there is no promise to move.")
    if problems := _problems(order, day, code, words):
        raise Refusal(problems=problems)
    before = order.promised_on
    promise(order, day, code=code, words=words, by=by)
    order.edition += 1
    order.save(update_fields=["promised_on", "first_promised_on", "slip_reason", "edition", "updated_at"])
    order.lines.filter(promised_on=before).update(promised_on=day)
    order.lines.filter(promised_on__gt=day).update(promised_on=day)
    if day:
        handover.tell(order, f"the date of “{order.title}” is now {tasks.day(day)}. {order.slip_reason}".strip())
    return order


def _problems(order: Order, day: dt.date | None, code: str, words: str) -> dict[str, list[str]]:
    found = {}
    if day is None:
        found["day"] = ["Choose the new date."]
    elif day < timezone.localdate():
        found["day"] = ["A promise lies ahead; this day is over."]
    elif day == order.promised_on:
        found["day"] = ["This is the date already promised."]
    if code not in Code.values:
        found["code"] = ["Choose why the date moves; the customer reads it."]
    if len(words) > 200:
        found["words"] = ["Use at most 200 characters."]
    return found


__all__ = ["move", "promise"]
