"""Orchestration: an approved order is decomposed, planned, dated and started; what waited for a value follows later."""

from collections.abc import Collection, Iterator
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from fulfillment import execution, planning, rowwise, scheduling
from fulfillment.models import Flow
from fulfillment.planning import FlowRequest, Wish
from kernel import lifecycle, outbox
from orders import closure, decomposition, events, facts, pausing, promising
from orders.models import DomainOrder, Order, OrderLine

ROOT = Order._meta.label_lower
OWNER = DomainOrder._meta.label_lower
NODE = (
    "pk", "number", "name", "action", "account_id", "line_id", "line__key", "line__parent__key", "site_id",
    "site__name", "specification_id", "specification__key", "characteristics",
)  # fmt: skip


@transaction.atomic
def launch(*, order_id: int) -> Order:
    """Take an approved order to work; safe to repeat, an order in another state is left alone.

    Raises:
        BrokenRule: a rule or plan of the catalogue cannot be evaluated; nothing happens.
    """
    order: Order = Order.objects.locked(order_id)
    if order.state != Order.State.APPROVED:
        return order
    grown = decomposition.decompose(order_id=order_id)
    _plan(order, grown.about, Wish(timezone.localdate(), order.requested_on))
    lifecycle.move_many(OrderLine.objects.filter(order=order), OrderLine.schedule, by=None)
    _date(order)
    order.started_at = timezone.now()
    lifecycle.move(order, Order.begin, by=None)
    execution.start(ROOT, order.pk)
    closure.roll_up(order)
    outbox.publish(events.OrderStarted(order_id=order.pk))
    return order


@transaction.atomic
def go_on(*, order_id: int, line_ids: Collection[int]) -> None:
    """Values came in for these lines: nodes that waited are made, planned and started; the rest is not touched."""
    order: Order = Order.objects.locked(order_id)
    if order.state not in (Order.State.IN_PROGRESS, Order.State.ON_HOLD, Order.State.AWAITING_INFORMATION):
        return
    grown = decomposition.decompose(order_id=order_id, line_ids=line_ids)
    if not grown.released:
        return
    _plan(order, grown.about)
    _date(order)
    pausing.keep_held(order)
    order.save(update_fields=["promised_on", "first_promised_on", "slip_reason", "updated_at"])
    execution.start(ROOT, order.pk)
    if order.state != Order.State.IN_PROGRESS:
        execution.hold_root(ROOT, order.pk, None, "The order is on hold.")
    closure.roll_up(order, line_ids)


def _plan(order: Order, about: dict[int, dict[str, Any]], wish: Wish | None = None) -> None:
    """Flows for qualified nodes that have none; nodes without a plan are scheduled all the same and close bottom-up."""
    rows = DomainOrder.objects.filter(order=order, state=DomainOrder.State.QUALIFIED, flow__isnull=True)
    locked = rows.order_by("pk").select_for_update(of=("self",), no_key=True)
    nodes = list(locked.values_list(*NODE, named=True))
    flows = planning.plan(_requests(order, nodes, about), wish=wish)
    rowwise.write(DomainOrder, ["flow"], {node.pk: [flows[node.pk]] for node in nodes if node.pk in flows})
    keys = [(node.pk, str(DomainOrder.State.QUALIFIED)) for node in nodes]
    lifecycle.move_many(DomainOrder.objects.all(), DomainOrder.schedule, by=None, locked=keys)


def _requests(order: Order, nodes: list[Any], about: dict[int, dict[str, Any]]) -> Iterator[FlowRequest]:
    """What nodes ask the engine for. `about` has facts of lines; those of others are read."""
    if wanted := {node.line_id for node in nodes} - about.keys():
        rows = order.lines.filter(pk__in=wanted).select_related("site", "quote_line", "offering")
        about = about | facts.of_lines(Order.objects.select_related("account").get(pk=order.pk), rows)
    requested = {pk: day or order.requested_on for pk, day in order.lines.values_list("pk", "requested_on")}
    for node in nodes:
        yield FlowRequest(
            owner_type=OWNER, owner_id=node.pk, root_type=ROOT, root_id=order.pk, root_number=order.number,
            line_key=str(node.line__key), bundle_key=str(node.line__parent__key or ""), account_id=node.account_id,
            site_id=node.site_id, specification_id=node.specification_id, specification_key=node.specification__key,
            action=node.action, name=f"{node.name}, {node.site__name}" if node.site_id else node.name,
            data=_data(about[node.line_id], node), priority=order.priority, requested_on=requested[node.line_id],
        )  # fmt: skip


def _data(about: dict[str, Any], node: Any) -> dict[str, Any]:
    return {**about, "domain_order": node.number, **node.characteristics}


@transaction.atomic
def plan_anew(order: Order, words: str) -> None:
    """After a pause: open work of a locked order gets a new baseline from today; a promise that it breaks moves."""
    today = timezone.localdate()
    end = scheduling.schedule(ROOT, order.pk, start=today, requested_on=order.promised_on, baseline=True)
    if order.promised_on is None or end > order.promised_on:
        promising.promise(order, end, code=promising.Code.HOLD, words=words)
        order.save(update_fields=["promised_on", "first_promised_on", "slip_reason", "updated_at"])
    _date_lines(order)


def _date(order: Order) -> None:
    """Put dates on everything and promise the projected end; a later one is a slip and says so."""
    end = scheduling.schedule(ROOT, order.pk, start=timezone.localdate(), requested_on=order.requested_on)
    promising.promise(order, max(filter(None, (end, order.requested_on))) if end or order.requested_on else None)
    _date_lines(order)


def _date_lines(order: Order) -> None:
    """A line is promised for when its own work is planned to end."""
    ends = dict(
        Flow.objects.filter(root_type=ROOT, root_id=order.pk).values_list("line_key").annotate(Max("planned_end"))
    )
    dates = {
        pk: [min(filter(None, (ends.get(str(key)), order.promised_on)), default=None)]
        for pk, key in order.lines.values_list("pk", "key")
    }
    rowwise.write(OrderLine, ["promised_on"], dates)
