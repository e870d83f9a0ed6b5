"""Routing: which team mends a failure of that kind, and by when, from the decision table “fallout_routing”."""

import logging
from dataclasses import dataclass
from typing import Any

from fallout.models import Fallout
from fulfillment.models import Task
from kernel import decisions

log = logging.getLogger(__name__)

TABLE = "fallout_routing"
DESK = "Fallout desk"


@dataclass(frozen=True)
class Route:
    """Whose it is, what it is, and how many hours there are."""

    team: str
    type: str
    hours: float


def route(task: Task, *, kind: str, cause: str) -> Route:
    """The table's answer; what it leaves open comes from the plan item. A broken table never loses a failure."""
    facts = {"kind": kind, "adapter": task.item.adapter, "operation": task.item.operation, "cause": cause}
    try:
        said = decisions.decide(TABLE, facts)
    except decisions.BrokenRule as error:
        log.warning("fallout of task %s is routed by its plan item: %s", task.pk, error)
        said = {}
    return Route(
        team=str(said.get("team") or task.item.fallout_team or task.team or DESK)[:60],
        type=_type(said.get("type"), kind),
        hours=_hours(said.get("sla_hours"), task.item.sla_hours),
    )


def _type(said: Any, kind: str) -> str:
    return next((str(one) for one in (said, kind) if one in Fallout.Type.values), Fallout.Type.PROVISIONING)


def _hours(said: Any, otherwise: int) -> float:
    return (
        float(said) if isinstance(said, int | float) and not isinstance(said, bool) and said > 0 else float(otherwise)
    )
