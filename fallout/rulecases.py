"""Rule cases: what a failure tells the routing table, and the last failures to try a changed table on."""

from collections.abc import Iterable

from fallout import routing
from fallout.models import Fallout
from kernel.models import User
from kernel.tableuse import Case, Fact, Use

FACTS = (
    Fact("kind", "Type", "text", tuple(Fallout.Type.values)), Fact("adapter", "System"),
    Fact("operation", "Operation"), Fact("cause", "Cause"),
)  # fmt: skip
ANSWERS = (
    Fact("team", "Team"), Fact("type", "Type", "text", tuple(Fallout.Type.values)),
    Fact("sla_hours", "Hours", "number"),
)  # fmt: skip


def _cases(key: str, limit: int, user: User) -> Iterable[Case]:
    rows = Fallout.objects.visible_to(user).select_related("task__item").order_by("-id")
    for row in rows.filter(task__isnull=False)[:limit]:
        item = row.task.item
        facts = {"kind": row.type, "adapter": item.adapter, "operation": item.operation, "cause": row.cause}
        yield Case(f"{row.number}, {row.cause}"[:120], facts, f"/fallout/{row.number}/")


USES = (
    Use(
        routing.TABLE, "Fallout routing", "Which team mends a failure, and within how many hours.",
        facts=lambda key: FACTS, answers=lambda key: ANSWERS, cases=_cases,
        needed=lambda key: ["Every failure is routed by it."],
    ),
)  # fmt: skip
