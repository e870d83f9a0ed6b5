"""Rules of jeopardy: real orders to try a changed decision table on."""

from collections.abc import Iterable

from fulfillment import rulecases
from fulfillment.jeopardy import TABLE
from kernel import workdays
from kernel.models import User
from kernel.tableuse import Case, Use
from orders.models import Order


def _cases(key: str, limit: int, user: User) -> Iterable[Case]:
    """Orders at work, those that are late first, with what the table is told of them."""
    calendar = workdays.calendar()
    rows = Order.objects.visible_to(user).filter(forecast__expected_on__isnull=False, promised_on__isnull=False)
    for order in rows.select_related("forecast").order_by("-forecast__slip_days", "-pk")[:limit]:
        found, promised = order.forecast, order.promised_on
        length = calendar.between(order.started_at.date(), promised) if order.started_at else 1
        yield Case(str(order), {
            "subject": "order", "critical": True, "days_late": found.slip_days,
            "days_late_p90": calendar.between(promised, found.likely_on),
            "percent_late": round(100 * found.slip_days / max(length, 1), 1),
            "days_after_request": calendar.between(order.requested_on, found.expected_on) if order.requested_on else 0,
        }, order.get_absolute_url())  # fmt: skip


USE = Use(
    TABLE, "Jeopardy", "How badly late work threatens what was promised.", cases=_cases,
    facts=lambda key: rulecases.FACTS, answers=lambda key: rulecases.ANSWERS,
    needed=lambda key: ["Without it no order is in jeopardy, however late it is, and nobody is told."],
)  # fmt: skip
