"""Rule cases: what a failure tells the routing table, and the last failures to try a changed table on."""

from collections.abc import Iterable
from typing import Any

from crm.models import Account
from fallout import routing
from fallout.models import Fallout, Runbook
from fulfillment.models import PlanItem
from kernel import workhours
from kernel.models import BusinessCalendar, User
from kernel.tablefit import NAMED
from kernel.tableuse import Case, Fact, Use

MOST_HOURS = 2000  # a year of work
FACTS = (
    Fact("kind", "Type", "text", tuple(Fallout.Type.values)), Fact("adapter", "System"),
    Fact("operation", "Operation"), Fact("code", "The system's code"), Fact("cause", "Cause"), Fact("step", "Step"),
    Fact("specification", "Specification"), Fact("priority", "The order's priority", "number"),
    Fact("tier", "Customer's tier", "text", tuple(Account.Tier.values)),
    Fact("point_of_no_return", "Point of no return", "text", tuple(PlanItem.NoReturn.values)),
)  # fmt: skip


def _answers(key: str) -> Iterable[Fact]:
    teams = {team for row in User.objects.filter(is_active=True).values_list("teams", flat=True) for team in row}
    runbooks = set(Runbook.objects.values_list("key", flat=True))
    calendars = {workhours.ALWAYS, *BusinessCalendar.objects.values_list("name", flat=True)}
    yield _named("team", "Team", teams, "Nobody is in a team “{}”, so nobody would mend it.")
    yield Fact("type", "Type", "text", tuple(Fallout.Type.values))
    yield Fact("severity", "Severity", "text", tuple(Fallout.Severity.values))
    yield Fact("sla_hours", "Working hours", "number", check=_hours)
    yield _named("calendar", "Calendar, 24x7 for day and night", calendars, "There is no calendar “{}”.")
    yield _named("runbook", "Runbook's key", runbooks, "There is no runbook “{}”.")


def _named(name: str, label: str, known: set[str], refusal: str) -> Fact:
    """An answer that names one of a few things that there are."""
    there = tuple(sorted(known))
    more = f" There are {', '.join(there[:NAMED])}." if there else ""
    return Fact(
        name, label, offers=there, check=lambda value: "" if str(value) in known else refusal.format(value) + more
    )


def _hours(value: Any) -> str:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MOST_HOURS
    return "" if usable else f"Working hours are more than 0 and at most {MOST_HOURS:,}."


def _cases(key: str, limit: int, user: User) -> Iterable[Case]:
    rows = Fallout.objects.visible_to(user).select_related("task__item", "task__flow", "task__account").order_by("-id")
    for row in rows.filter(task__isnull=False)[:limit]:
        facts = routing.facts(row.task, kind=row.type, cause=row.cause, code=row.code)
        yield Case(f"{row.number}, {row.cause}"[:120], facts, f"/fallout/{row.number}/")


USES = (
    Use(
        routing.TABLE, "Fallout routing", "Which team mends a failure, how bad it is, and by when.",
        facts=lambda key: FACTS, answers=_answers, cases=_cases,
        needed=lambda key: ["Every failure is routed by it."],
    ),
)  # fmt: skip
