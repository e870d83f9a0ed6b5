"""Routing: whose a failure is, how bad it is, by when, and what to read, from the decision table “fallout_routing”."""

import datetime as dt
import logging
from dataclasses import dataclass
from typing import Any

from fallout.models import Fallout, Runbook
from fulfillment.models import Task
from kernel import decisions, workhours

log = logging.getLogger(__name__)

TABLE = "fallout_routing"
DESK = "Fallout desk"
Severity = Fallout.Severity
GRACE = {Severity.CRITICAL: 2, Severity.HIGH: 4, Severity.MEDIUM: 8, Severity.LOW: 24}  # hours where nobody says


@dataclass(frozen=True)
class Route:
    """Whose it is, what it is, how bad, how many working hours there are in which calendar, what to read."""

    team: str
    type: str
    severity: str
    hours: float
    calendar: str = ""
    runbook_id: int | None = None

    def due(self, start: dt.datetime) -> dt.datetime:
        """When its time is over."""
        return workhours.hours(self.calendar).add(start, dt.timedelta(hours=self.hours))


def route(task: Task, *, kind: str, cause: str, code: str = "", fingerprint: str = "") -> Route:
    """The table's answer; what it leaves open comes from the plan item. A broken table never loses a failure."""
    known = facts(task, kind=kind, cause=cause, code=code)
    return _route(known, team=task.item.fallout_team or task.team, hours=task.item.sla_hours, fingerprint=fingerprint)


def facts(task: Task, *, kind: str, cause: str, code: str) -> dict[str, Any]:
    """What the table may look at."""
    item = task.item
    return {
        "kind": kind, "adapter": item.adapter, "operation": item.operation, "cause": cause, "code": code,
        "step": item.key, "specification": task.flow.specification_key, "priority": task.priority,
        "tier": str(task.account.tier), "point_of_no_return": item.no_return,
    }  # fmt: skip


def route_standstill(*, cause: str, fingerprint: str, priority: int, tier: str) -> Route:
    """The same for an order that stands still; the table knows it by the kind “standstill”."""
    known = {"kind": Fallout.Type.STANDSTILL.value, "cause": cause, "priority": priority, "tier": tier}
    blank = dict.fromkeys(("adapter", "operation", "code", "step", "specification", "point_of_no_return"), "")
    return _route(blank | known, team="", hours=0, fingerprint=fingerprint)


def _route(known: dict[str, Any], *, team: str, hours: float, fingerprint: str) -> Route:
    try:
        said = decisions.decide(TABLE, known)
    except decisions.BrokenRule as error:
        log.warning("a failure is routed by its plan item: %s", error)
        said = {}
    severity = _one_of(Severity.values, said.get("severity"), Severity.MEDIUM)
    return Route(
        team=str(said.get("team") or team or DESK)[:60],
        type=_one_of(Fallout.Type.values, said.get("type"), known["kind"], Fallout.Type.PROVISIONING),
        severity=severity, hours=_hours(said.get("sla_hours"), hours or GRACE[Severity(severity)]),
        calendar=str(said.get("calendar") or "")[:60], runbook_id=_runbook(said.get("runbook"), fingerprint),
    )  # fmt: skip


def _runbook(key: Any, fingerprint: str) -> int | None:
    """The one written for this very cause, else the one that the rule names."""
    rows = dict(Runbook.objects.filter(fingerprint=fingerprint).values_list("fingerprint", "pk")) if fingerprint else {}
    if fingerprint in rows:
        return int(rows[fingerprint])
    return Runbook.objects.filter(key=str(key)).values_list("pk", flat=True).first() if key else None


def _one_of(allowed: list[str], *said: Any) -> str:
    return next(str(one) for one in said if one in allowed)


def _hours(said: Any, otherwise: float) -> float:
    usable = isinstance(said, int | float) and not isinstance(said, bool) and said > 0
    return float(said) if usable else float(otherwise)
