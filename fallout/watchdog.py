"""The watchdog: an order with nothing running, no timer, no owner and no hold falls out by itself."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from fallout import causes, detection, resolution, routing
from fallout.models import Fallout
from fulfillment.models import Task
from kernel import numbering, outbox
from kernel.models import OutboxEvent
from orders import closure, nudging
from orders.events import OrderApproved, OrderSubmitted
from orders.models import Order

QUIET = dt.timedelta(minutes=2)  # nothing has moved for so long
TURN = dt.timedelta(hours=4)  # an order among thousands that came at once may wait so long for its turn
BATCH = 200

STILL = "Nothing runs and nobody has it"
STRANDED = "A step waits for nothing and was not begun"
UNOWNED = "A step waits for a team that has nobody"
EARLY = "The order does not get under way"

# One pass over running orders. One whose turn to be taken up is still to come does not stand still.
# `moves`: a step that a worker, a timer, a person or a question will carry on.
_STANDING = """
WITH staffed AS (
    SELECT DISTINCT unnest(teams) AS team FROM kernel_user WHERE is_active
), orders AS (
    SELECT id, state, requested_on FROM orders_order
    WHERE state = 'in_progress' AND coalesce(started_at, updated_at) <= %(before)s
       OR state IN ('submitted', 'enrichment_in_progress', 'approved') AND updated_at <= %(before)s
), tasks AS (
    SELECT f.root_id AS order_id, t.id, t.name, t.team, t.state = 'planned' AND t.waits_for = 0
           AND f.state IN ('planned', 'in_progress') AND t.created_at <= %(before)s AS stranded,
           t.state = 'ready' AND t.kind IN ('manual', 'field_work') AND t.assignee_id IS NULL
           AND NOT EXISTS (SELECT 1 FROM staffed WHERE staffed.team = t.team) AS unowned,
           t.state = 'in_progress'
           OR t.state = 'ready' AND t.kind NOT IN ('manual', 'field_work')
           OR t.state = 'ready' AND (t.assignee_id IS NOT NULL
                                     OR EXISTS (SELECT 1 FROM staffed WHERE staffed.team = t.team))
           OR t.state = 'failed' AND t.due_at IS NOT NULL
           OR t.state IN ('on_hold', 'awaiting_information')
           OR f.state = 'on_hold'
           OR t.started_at > %(before)s OR t.ended_at > %(before)s AS moves
    FROM fulfillment_flow f JOIN fulfillment_task t ON t.flow_id = f.id JOIN orders ON orders.id = f.root_id
    WHERE f.root_type = %(root)s AND orders.state = 'in_progress'
      AND (t.state NOT IN ('completed', 'skipped', 'discarded', 'cancelled') OR t.ended_at > %(before)s)
), summed AS (
    SELECT order_id, bool_or(moves) AS moves, min(name) FILTER (WHERE stranded) AS stranded,
           min(name || '|' || team) FILTER (WHERE unowned) AS unowned
    FROM tasks GROUP BY 1
)
SELECT orders.id, orders.state, summed.stranded, summed.unowned
FROM orders LEFT JOIN summed ON summed.order_id = orders.id
WHERE orders.state <> 'in_progress'
      AND NOT EXISTS (SELECT 1 FROM kernel_outboxevent e
                      WHERE e.done_at IS NULL AND e.error = '' AND e.created_at > %(turn)s
                        AND e.kind = CASE orders.state WHEN 'submitted' THEN %(submitted)s
                                                       WHEN 'approved' THEN %(approved)s END
                        AND (e.payload->>'order_id')::bigint = orders.id)
      AND NOT (orders.state = 'approved' AND orders.requested_on > %(today)s
               AND NOT EXISTS (SELECT 1 FROM orders_orderline l
                               WHERE l.order_id = orders.id AND l.action NOT IN ('delete', 'suspend', 'resume')))
   OR summed.stranded IS NOT NULL OR summed.unowned IS NOT NULL
   OR orders.state = 'in_progress' AND NOT coalesce(summed.moves, false)
      AND NOT EXISTS (SELECT 1 FROM orders_missingvalue m WHERE m.order_id = orders.id AND m.filled_at IS NULL)
      AND NOT EXISTS (SELECT 1 FROM orders_domainorder d
                      WHERE d.order_id = orders.id AND d.state IN ('cancellation_in_progress', 'on_hold'))
ORDER BY orders.id
"""


@dataclass(frozen=True)
class Standing:
    """One order that stands still: why, in the same words for the same kind, and what of it."""

    order_id: int
    cause: str
    detail: str


def look(now: dt.datetime | None = None) -> dict[str, int]:
    """Open records of what stands still, close those of what moves again, find failures without a record."""
    now = now or timezone.now()
    found = {one.order_id: one for one in standing(now)}
    return {"opened": _open(found, now), "closed": _close(found), "found": _find_lost(now)}


def standing(now: dt.datetime) -> list[Standing]:
    """Orders that stand still, in two queries; those that only wait for their documents do not."""
    with connection.cursor() as cursor:
        kinds = {"submitted": outbox.kind_of(OrderSubmitted), "approved": outbox.kind_of(OrderApproved)}
        when = {"before": now - QUIET, "turn": now - TURN, "today": timezone.localdate(now)}
        cursor.execute(_STANDING, {**when, "root": nudging.ROOT, **kinds})
        rows = cursor.fetchall()
    orders = Order.objects.filter(pk__in=[row[0] for row in rows])
    papers = set(closure.only_papers(orders).values_list("pk", flat=True)) if rows else ()
    return [_said(*row) for row in rows if row[0] not in papers]


def _said(order_id: int, state: str, stranded: str | None, unowned: str | None) -> Standing:
    if state != Order.State.IN_PROGRESS:
        return Standing(order_id, EARLY, f"It is {state.replace('_', ' ')}, and the system did not take the next step.")
    if stranded:
        return Standing(order_id, STRANDED, f"“{stranded}” waits for nothing any more, yet it was not released.")
    if unowned:
        step, _, team = unowned.partition("|")
        who = f"the team “{team}”, in which there is nobody" if team else "no team at all"
        return Standing(order_id, UNOWNED, f"“{step}” is ready and belongs to {who}. Give it to a person.")
    return Standing(
        order_id, STILL, "No step runs, no timer is set, nobody has a task of it, and it is not held. "
        "Usually something that it requires is not there, or a part of it was never planned."
    )  # fmt: skip


@transaction.atomic
def _open(found: dict[int, Standing], now: dt.datetime) -> int:
    known = set(Fallout.objects.filter(task=None, state__in=detection.OPEN).values_list("order", flat=True))
    fresh = [pk for pk in found if pk not in known][:BATCH]
    orders = Order.objects.filter(pk__in=fresh).select_related("account").order_by("pk")
    made = [_record(order, found[order.pk], now) for order in orders]
    Fallout.objects.bulk_create(made, ignore_conflicts=True)
    opened = list(Fallout.objects.filter(number__in=[one.number for one in made]).select_related("site"))
    for fallout in opened:
        detection.announce(fallout)
    return len(opened)


def _record(order: Order, why: Standing, now: dt.datetime) -> Fallout:
    mark = causes.fingerprint("watchdog", "", why.cause)
    taken = routing.route_standstill(
        cause=why.cause, fingerprint=mark, priority=order.priority, tier=str(order.account.tier)
    )
    return Fallout(
        number=numbering.take(Fallout.PREFIX), account_id=order.account_id, order=order, type=Fallout.Type.STANDSTILL,
        cause=why.cause, fingerprint=mark, detail=" ".join(filter(None, [why.detail, _broken(order.pk)])),
        severity=taken.severity, runbook_id=taken.runbook_id, team=taken.team, sla_due_at=taken.due(now),
        sla_calendar=taken.calendar,
    )  # fmt: skip


def _broken(order_id: int) -> str:
    """The last thing that went wrong when a fact about the order was delivered."""
    waiting = OutboxEvent.objects.filter(done_at__isnull=True, payload__order_id=order_id).exclude(error="")
    error = waiting.order_by("-id").values_list("error", flat=True).first()
    return f"The last try said: {error.partition(': ')[2][:500]}" if error else ""


def _close(found: dict[int, Standing]) -> int:
    """Records of orders that move again, whoever set them going."""
    rows = Fallout.objects.filter(task=None).exclude(state__in=("closed", "cancelled")).exclude(order__in=list(found))
    closed = 0
    for pk in list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        closed += resolution.moved_again(fallout_id=pk)
    return closed


def _find_lost(now: dt.datetime) -> int:
    """Tasks that fell out long ago without anybody having a record: the announcement was lost."""
    rows: Any = Task.objects.filter(state=Task.State.ON_HOLD, fell_out_at__lte=now - QUIET).exclude(problem="")
    lost = rows.exclude(fallouts__state__in=detection.OPEN).order_by("pk").values_list("pk", "problem")
    made = [detection.open_for(task_id=pk, kind="", cause="Fell out unnoticed", detail=why) for pk, why in lost[:BATCH]]
    return sum(one is not None for one in made)
