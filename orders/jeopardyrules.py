"""Rules of jeopardy: what the decision table is told, what it answers, and real orders to try a changed one on."""

from collections.abc import Iterable

from fulfillment.jeopardy import TABLE
from kernel import workdays
from kernel.models import User
from kernel.tableuse import Case, Fact, Use
from orders.models import Order

FACTS = (
    Fact("subject", "What is late", "text", ("order", "line", "flow", "milestone", "task")),
    Fact("critical", "On the critical path", "boolean"),
    Fact("days_late", "Working days late, as likely as not", "number"),
    Fact("days_late_p90", "Working days late, nine times of ten", "number"),
    Fact("percent_late", "Late, % of the time it was given", "number"),
    Fact("days_after_request", "Working days after the date asked for", "number"),
)  # fmt: skip
ANSWERS = (Fact("level", "Level", "text", ("low", "medium", "high", "critical")),)


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


def _needed(key: str) -> list[str]:
    return ["Without it no order is in jeopardy, however late it is, and nobody is told."]


USE = Use(
    TABLE, "Jeopardy", "How badly late work threatens what was promised.", lambda key: FACTS, lambda key: ANSWERS,
    _cases, _needed,
)  # fmt: skip
