"""Rule cases: what a failure tells the routing table, and the last failures to try a changed table on."""

from collections.abc import Iterable

from crm.models import Account
from fallout import routing
from fallout.models import Fallout
from fulfillment.models import PlanItem
from kernel.models import User
from kernel.tableuse import Case, Fact, Use

FACTS = (
    Fact("kind", "Type", "text", tuple(Fallout.Type.values)), Fact("adapter", "System"),
    Fact("operation", "Operation"), Fact("code", "The system's code"), Fact("cause", "Cause"), Fact("step", "Step"),
    Fact("specification", "Specification"), Fact("priority", "The order's priority", "number"),
    Fact("tier", "Customer's tier", "text", tuple(Account.Tier.values)),
    Fact("point_of_no_return", "Point of no return", "text", tuple(PlanItem.NoReturn.values)),
)  # fmt: skip
ANSWERS = (
    Fact("team", "Team"), Fact("type", "Type", "text", tuple(Fallout.Type.values)),
    Fact("severity", "Severity", "text", tuple(Fallout.Severity.values)), Fact("sla_hours", "Working hours", "number"),
    Fact("calendar", "Calendar, 24x7 for day and night"), Fact("runbook", "Runbook's key"),
)  # fmt: skip


def _cases(key: str, limit: int, user: User) -> Iterable[Case]:
    rows = Fallout.objects.visible_to(user).select_related("task__item", "task__flow", "task__account").order_by("-id")
    for row in rows.filter(task__isnull=False)[:limit]:
        facts = routing.facts(row.task, kind=row.type, cause=row.cause, code=row.code)
        yield Case(f"{row.number}, {row.cause}"[:120], facts, f"/fallout/{row.number}/")


USES = (
    Use(
        routing.TABLE, "Fallout routing", "Which team mends a failure, how bad it is, and by when.",
        facts=lambda key: FACTS, answers=lambda key: ANSWERS, cases=_cases,
        needed=lambda key: ["Every failure is routed by it."],
    ),
)  # fmt: skip
