"""Line sums: what the tasks of each line come to, counted by the database, for orders too large to read whole."""

import datetime as dt
from dataclasses import dataclass

from django.db import connection

from fulfillment.models import Task
from orders.models import Order

ROOT = Order._meta.label_lower
_SUMS = """
SELECT n.line_id, count(t.id), count(t.id) FILTER (WHERE t.state = ANY(%(closed)s)),
       count(t.id) FILTER (WHERE t.state = 'on_hold' AND t.problem <> ''),
       count(t.id) FILTER (WHERE t.state IN ('ready', 'in_progress')),
       min(t.planned_end),
       max(coalesce(f.ends_on, t.estimated_end) - t.planned_end) FILTER (WHERE t.state <> ALL(%(closed)s)),
       max(f.level), coalesce(mode() WITHIN GROUP (ORDER BY t.team)
           FILTER (WHERE t.team <> '' AND t.state IN ('ready', 'in_progress', 'on_hold', 'awaiting_information')), ''),
       bool_or(n.state = 'waiting_data')
FROM orders_domainorder n
LEFT JOIN fulfillment_task t ON t.flow_id = n.flow_id AND t.state NOT IN ('discarded', 'cancelled')
LEFT JOIN fulfillment_taskforecast f ON f.task_id = t.id AND t.state <> ALL(%(closed)s)
WHERE n.order_id = %(order)s GROUP BY 1
"""


@dataclass(frozen=True)
class LineSum:
    """Counts of one line's tasks; `first_due` is when the first of them is planned to end."""

    total: int = 0
    done: int = 0
    fallen: int = 0
    running: int = 0
    first_due: dt.date | None = None
    days_late: int = 0
    level: int = 0
    owner: str = ""
    missing: bool = False


def of(order: Order) -> dict[int, LineSum]:
    """Line → its sums, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, {"order": order.pk, "closed": list(Task.CLOSED)})
        return {
            line: LineSum(total, done, fallen, running, due, max(late or 0, 0), level or 0, owner, bool(missing))
            for line, total, done, fallen, running, due, late, level, owner, missing in cursor.fetchall()
        }


def tasks(order: Order) -> int:
    """How many tasks an order has that were not given up."""
    rows = Task.objects.filter(flow__root_type=ROOT, flow__root_id=order.pk)
    return int(rows.exclude(state__in=["discarded", "cancelled"]).count())


__all__ = ["LineSum", "of", "tasks"]
