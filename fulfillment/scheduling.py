"""Scheduling: dates for every task of a root over its dependency graph, forward from a day and backward from a wish.

Worked out in memory, written in few statements. Lags count in dates only; what has to wait in real time is a timer.
Work counts on the calendar of its item, else on that of its site's country, else on the default one.

Locks: dates are written to rows that nobody holds at that moment, so a scheduler never waits for the engine. The few
rows that were held get theirs when `DatesLeft` is heard.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from fulfillment import dating, events, rowwise
from fulfillment.dating import Circular, Dates, Days, Node, Place
from fulfillment.models import Flow, PlanItem, Task, TaskDependency
from kernel import outbox

OVER = (Task.State.DISCARDED, Task.State.CANCELLED)
DATES = ("planned_start", "planned_end", "estimated_end")
CHUNK = 5000


@transaction.atomic
def schedule(
    root_type: str, root_id: int, *, start: dt.date, requested_on: dt.date | None = None, baseline: bool = False
) -> dt.date:
    """Date every task and flow of a root; returns the projected end, which is the end of the critical path.

    Estimated dates run forward from `start`. Planned dates are the baseline, set once, or anew with `baseline`:
    backward from `requested_on` when everything fits before it, else the forward dates. The number of statements does
    not grow with the tasks, and rows whose dates stay are not written.

    Raises:
        Circular: tasks wait for each other in a circle.
    """
    root = {"root_type": root_type, "root_id": root_id}
    days = Days(start)
    nodes = _read(root, days)
    if not nodes:
        return start
    projected, backward = dating.work_out(nodes.values(), days, requested_on)
    if _write(root, nodes, days, backward=backward, baseline=baseline):
        wish = requested_on.isoformat() if requested_on else ""
        outbox.publish(events.DatesLeft(root_type, root_id, start=start.isoformat(), requested_on=wish))
    return projected


def project(
    root_type: str, root_id: int, *, start: dt.date, days: Mapping[int, float] | None = None,
    ends: Mapping[int, dt.date] | None = None,
) -> dict[int, Place]:  # fmt: skip
    """Where every task of a root would stand if it went on from `start`; nothing is written.

    `days` gives tasks other durations than their definition's, `ends` days on which people say they will be done.

    Raises:
        Circular: tasks wait for each other in a circle.
    """
    calendars = Days(start)
    nodes = _read({"root_type": root_type, "root_id": root_id}, calendars)
    for pk, length in (days or {}).items():
        if pk in nodes:
            nodes[pk].days = length
    for pk, day in (ends or {}).items():
        if pk in nodes:
            nodes[pk].fixed = calendars.moment(day)
    return dating.project(nodes.values(), calendars) if nodes else {}


def _read(root: dict[str, Any], days: Days) -> dict[int, Node]:
    flows = Flow.objects.filter(**root)
    rows = Task.objects.filter(flow__in=flows).exclude(state__in=OVER)
    countries = dict(flows.filter(site__isnull=False).values_list("pk", "site__country"))
    items = PlanItem.objects.filter(pk__in=rows.order_by().values("item"))
    about = {pk: (float(length), name) for pk, length, name in items.values_list("pk", "duration_days", "calendar")}
    nodes: dict[int, Node] = {}
    columns = ("pk", "flow_id", "item_id", "started_at", "ended_at", *DATES)
    for pk, flow, item, began, ended, *have in rows.order_by("pk").values_list(*columns).iterator(CHUNK):
        length, name = about[item]
        line = days.line(name, countries.get(flow, ""))
        nodes[pk] = Node(pk, flow, line, length, days.moment(began), days.moment(ended), tuple(have))
    links = TaskDependency.objects.filter(after__flow__in=flows)
    found = links.values_list("after_id", "before_id", "kind", "lag_days")
    for after, before, kind, lag in found.iterator(CHUNK):
        if after in nodes and before in nodes:
            nodes[after].wait_for(nodes[before], kind, float(lag))
    return nodes


def _write(root: dict[str, Any], nodes: dict[int, Node], days: Days, *, backward: bool, baseline: bool) -> bool:
    """Store what differs; true when rows that somebody holds had to be left."""
    changed: dict[int, Dates] = {}
    of_flow: dict[int, list[Dates]] = {}
    for node in nodes.values():
        dates = dating.dates(node, days, backward=backward, baseline=baseline)
        of_flow.setdefault(node.flow_id, []).append(dates)
        if dates != node.have:
            changed[node.pk] = dates
    flows: dict[int, Dates] = {}
    for pk, *have in Flow.objects.filter(**root).values_list("pk", *DATES).iterator(CHUNK):
        if pk not in of_flow:
            continue
        span = dating.span(of_flow[pk])
        if have[1] is not None and not baseline:
            span = (have[0], have[1], span[2])
        if span != tuple(have):
            flows[pk] = span
    left = [rowwise.write(Task, DATES, changed, only_free=True), rowwise.write(Flow, DATES, flows, only_free=True)]
    return any(left)


__all__ = ["Circular", "Place", "project", "schedule"]
