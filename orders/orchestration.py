"""Orchestration: an approved order is decomposed, planned, dated and started; what waited for a value follows later."""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count, Max
from django.utils import timezone

from fulfillment import execution, planning, rowwise, scheduling
from fulfillment.models import Flow
from fulfillment.planning import FlowRequest, Wish
from kernel import collecting, lifecycle, outbox
from orders import closure, decomposition, events, facts, futuredating, pausing, promising
from orders.models import DomainOrder, Order, OrderLine

ROOT = Order._meta.label_lower
OWNER = DomainOrder._meta.label_lower
NODE = (
    "pk", "number", "name", "action", "account_id", "line_id", "line__key", "line__parent__key", "site_id",
    "site__name", "specification_id", "specification__key", "characteristics",
)  # fmt: skip


@dataclass(frozen=True)
class _End:
    """How many flows a line has, and the last day that they are planned for and estimated for."""

    flows: int = 0
    planned: dt.date | None = None
    estimated: dt.date | None = None


Ends = dict[str, _End]


def launch(*, order_id: int) -> Order:
    """Take an approved order to work; safe to repeat. One in another state, or of a later day, is left alone.

    Raises:
        BrokenRule: a rule or plan of the catalogue cannot be evaluated; nothing happens.
    """
    (order,) = launch_all(order_ids=[order_id])
    return order


@transaction.atomic
def launch_all(*, order_ids: Iterable[int]) -> list[Order]:
    """The same for many orders, all of them or none. Raises BrokenRule."""
    rows = Order.objects.select_related("account").filter(pk__in=set(order_ids)).order_by("pk")
    orders = list(rows.select_for_update(of=("self",)))
    later = futuredating.waiting(orders)
    approved = [order for order in orders if order.state == Order.State.APPROVED and order.pk not in later]
    with collecting.later():
        for order in approved:
            _launch(order)
    closure.roll_up_all(approved)
    outbox.publish_all([events.OrderStarted(order_id=order.pk) for order in approved])
    return orders


def _launch(order: Order) -> None:
    grown = decomposition.decompose_locked(order, futuredating.lines_now(order))
    planned = _plan(order, grown.about, Wish(timezone.localdate(), order.requested_on))
    lifecycle.move_many(OrderLine.objects.filter(order=order), OrderLine.schedule, by=None)
    _date(order, dated=planned)
    order.started_at = timezone.now()
    lifecycle.move(order, Order.begin, by=None)
    execution.start(ROOT, order.pk)


def go_on(*, order_id: int, line_ids: Collection[int]) -> None:
    """Values came in for these lines: nodes that waited are made, planned and started; the rest is not touched."""
    go_on_all(lines={order_id: set(line_ids)})


@transaction.atomic
def go_on_all(*, lines: Mapping[int, Collection[int]]) -> None:
    """The same for lines of many orders, by order."""
    rows = Order.objects.select_related("account", "contact__user").filter(pk__in=lines).order_by("pk")
    went = [order for order in rows.select_for_update(of=("self",)) if _go_on(order, lines[order.pk])]
    if went:
        closure.roll_up_all(went, {pk for order in went for pk in lines[order.pk]})


def _go_on(order: Order, line_ids: Collection[int]) -> bool:
    """Whether anything went on."""
    if order.state not in (Order.State.IN_PROGRESS, Order.State.ON_HOLD, Order.State.AWAITING_INFORMATION):
        return False
    grown = decomposition.decompose_locked(order, line_ids)
    if not grown.released:
        return False
    planned = _plan(order, grown.about)
    if planned:
        _date(order)
        order.save(update_fields=["promised_on", "first_promised_on", "slip_reason", "updated_at"])
    pausing.keep_held(order)
    if planned:
        execution.start(ROOT, order.pk)
    if order.state != Order.State.IN_PROGRESS:
        execution.hold_root(ROOT, order.pk, None, "The order is on hold.")
    return True


def _plan(order: Order, about: dict[int, dict[str, Any]], wish: Wish | None = None) -> int:
    """Flows for qualified nodes that have none; nodes without a plan are scheduled all the same and close bottom-up.

    With a wish, and no flows of the order yet, they get their dates at once. Returns how many flows there are now for
    these nodes.
    """
    rows = DomainOrder.objects.filter(order=order, state=DomainOrder.State.QUALIFIED, flow__isnull=True)
    locked = rows.order_by("pk").select_for_update(of=("self",), no_key=True)
    nodes = list(locked.values_list(*NODE, named=True))
    flows = planning.plan(_requests(order, nodes, about), wish=wish)
    rowwise.write(DomainOrder, ["flow"], {node.pk: [flows[node.pk]] for node in nodes if node.pk in flows})
    keys = [(node.pk, str(DomainOrder.State.QUALIFIED)) for node in nodes]
    lifecycle.move_many(DomainOrder.objects.all(), DomainOrder.schedule, by=None, locked=keys)
    return len(flows)


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
    _date_lines(order, _ends(order))


def _date(order: Order, *, dated: int = 0) -> None:
    """Put dates on everything and promise the projected end; a later one is a slip and says so.

    `dated` is how many flows got their dates when they were planned; if these are all, that is kept.
    """
    today = timezone.localdate()
    flows = _ends(order) if dated else {}
    late = [end.estimated for end in flows.values()]
    if late and all(late) and sum(end.flows for end in flows.values()) == dated:
        end = max(filter(None, late))
    else:
        end = scheduling.schedule(ROOT, order.pk, start=today, requested_on=order.requested_on)
        flows = _ends(order)
    promising.promise(order, max(filter(None, (end, order.requested_on))))
    _date_lines(order, flows)


def _ends(order: Order) -> Ends:
    """When the work of each line ends, by the line's key."""
    rows = Flow.objects.filter(root_type=ROOT, root_id=order.pk).values_list("line_key")
    found = rows.annotate(Count("pk"), Max("planned_end"), Max("estimated_end"))
    return {key: _End(*of_line) for key, *of_line in found}


def _date_lines(order: Order, flows: Ends) -> None:
    """A line is promised for when its own work is planned to end."""
    dates = {
        pk: [min(filter(None, (flows.get(str(key), _End()).planned, order.promised_on)), default=None)]
        for pk, key in order.lines.values_list("pk", "key")
    }
    rowwise.write(OrderLine, ["promised_on"], dates)
