"""Closure: flows close domain orders, those close lines, lines close the order; set-based and safe to repeat.

Whoever calls holds the orders' locks, so that of two workers who finish the last two nodes, one sees the other's.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from catalog.models import Characteristic
from cmdb import activation, alteration, replacing, suspension, termination
from cmdb.activation import Realized
from cmdb.alteration import Altered
from cmdb.models import Resource, Service
from fulfillment.models import Flow
from kernel import announcing, lifecycle, outbox, paperwork
from orders import dependencies, events, handover
from orders.models import DomainOrder, DomainOrderLink, Order, OrderLine

State = DomainOrder.State
LineState = OrderLine.State
CLOSED = frozenset({State.CLOSED_COMPLETE, State.FAILED, State.CANCELLED})
STARTED = (State.SCHEDULED, State.IN_PROGRESS)
DONE_LINES = frozenset({LineState.COMPLETED, LineState.FAILED, LineState.CANCELLED, LineState.REJECTED})
COUNTED = frozenset({LineState.COMPLETED, LineState.FAILED})  # cancelled lines do not say how an order ended
RUNNING = (Order.State.IN_PROGRESS,)
Orders = Mapping[int, Order]  # by key, locked


@dataclass(frozen=True)
class _Node:
    """What closing needs to know of a node."""

    pk: int
    parent_id: int | None
    line_id: int
    state: str
    depth: int
    flow_state: str | None


def roll_up(order: Order, line_ids: Collection[int] | None = None) -> None:
    """Close everything of these lines, or of the whole order, that is done; then lines, then the order itself."""
    roll_up_all([order], line_ids)


@announcing.holding()
def roll_up_all(orders: Iterable[Order], line_ids: Collection[int] | None = None) -> None:
    """The same for many orders at once, whose lines these are; the number of statements does not grow with them."""
    running = {order.pk: order for order in orders if order.state in RUNNING}
    if not running:
        return
    scope = None if line_ids is None else set(line_ids)
    while True:
        closed = _close_nodes(running, scope)
        more = _lines_of_parents(closed) - scope if scope is not None and closed else set()
        if not more:
            break
        scope = (scope or set()) | more
    _close_lines(running)
    _close_orders(running)


def _close_nodes(orders: Orders, scope: set[int] | None) -> list[int]:
    rows = DomainOrder.objects.filter(order__in=orders)
    if scope is not None:
        rows = rows.filter(line__in=scope)
    names = ("pk", "parent_id", "line_id", "state", "depth", "flow__state")
    nodes = {row[0]: _Node(*row) for row in rows.values_list(*names)}
    every = DomainOrderLink.objects.filter(parent__order__in=orders)
    inner: list[tuple[int, int]] = []
    held: set[int] = set()
    for parent, child, state in every.values_list("parent_id", "child_id", "child__state"):
        if parent in nodes and child in nodes:
            inner.append((parent, child))
        elif parent in nodes and state not in CLOSED:
            held.add(parent)
    able = closable(nodes, inner, held)
    if not able:
        return []
    now = timezone.now()
    rows = DomainOrder.objects.filter(pk__in=able)
    lifecycle.move_many(rows, DomainOrder.start, by=None, started_at=now)
    moved = lifecycle.move_many(rows, DomainOrder.close, by=None, ended_at=now)
    _realize(orders, moved)
    return moved


def closable(nodes: dict[int, _Node], links: Iterable[tuple[int, int]], held: set[int]) -> list[int]:
    """Nodes that are done: their own flow is over and everything below is closed.

    A branch without any plan is carried by the nearest flow above it: it closes when that flow is over, at once if
    there is none. `held` are nodes that wait for something outside of `nodes`.
    """
    children: dict[int, list[int]] = defaultdict(list)
    for node in nodes.values():
        if node.parent_id in nodes:
            children[node.parent_id].append(node.pk)
    for parent, child in links:
        children[parent].append(child)
    ordered = sorted(nodes.values(), key=lambda node: -node.depth)
    planned: set[int] = set()
    for node in ordered:
        if node.flow_state or any(child in planned for child in children[node.pk]):
            planned.add(node.pk)
    done = {node.pk for node in ordered if node.state in CLOSED}
    found = []
    for node in ordered:
        if node.state not in STARTED or node.pk in held or any(child not in done for child in children[node.pk]):
            continue
        if _over(node, nodes, planned):
            done.add(node.pk)
            found.append(node.pk)
    return found


def _over(node: _Node, nodes: dict[int, _Node], planned: set[int]) -> bool:
    """Whether its own flow is over, or without one whatever carries it; a flow that was given up carries nothing."""
    if node.flow_state or node.pk in planned:
        return node.flow_state in (None, Flow.State.COMPLETED)
    above = nodes.get(node.parent_id or 0)
    while above is not None and not above.flow_state:
        above = nodes.get(above.parent_id or 0)
    return above is None or above.flow_state in (Flow.State.COMPLETED, Flow.State.CANCELLED)


def _lines_of_parents(closed: list[int]) -> set[int]:
    """Lines that share a node that has just been closed."""
    return set(DomainOrderLink.objects.filter(child__in=closed).values_list("parent__line", flat=True))


def _realize(orders: Orders, closed: list[int]) -> None:
    """What was built stands in the inventory, linked to what it stands on; what was changed or taken away, likewise."""
    every = list(
        DomainOrder.objects.filter(pk__in=closed)
        .exclude(kind=DomainOrder.Kind.PRODUCT)
        .select_related("parent__service", "parent__resource", "line", "flow")
        .order_by("pk")
    )
    rows = [row for row in every if row.action == "add"]
    _replace([row for row in every if row.action in ("modify", "delete")])
    if not rows:
        return
    _take_over(rows)
    below: dict[int, list[str]] = defaultdict(list)
    above: dict[int, list[DomainOrder]] = defaultdict(list)
    for row in rows:
        if row.parent:
            above[row.pk].append(row.parent)
    links = DomainOrderLink.objects.filter(child__in=rows).order_by("pk")
    for link in links.select_related("parent__line", "parent__service", "parent__resource"):
        above[link.child_id].append(link.parent)
    names = ("number", "service__domain_order", "resource__domain_order")
    own = DomainOrder.objects.filter(parent__in=rows).values_list("parent", *names)
    shared = DomainOrderLink.objects.filter(parent__in=rows).values_list("parent", *(f"child__{n}" for n in names))
    for parent, number, service, resource in [*own, *shared]:
        below[parent or 0].append(service or resource or number)
    lines = dict(OrderLine.objects.filter(order__in=orders).values_list("pk", "product"))
    nodes = [_realized(orders[row.order_id], row, above[row.pk], below[row.pk], lines) for row in rows]
    made = activation.realize(nodes, None, at=timezone.now())
    for row in rows:
        row.service_id = made.services.get(row.number)
        row.resource_id = made.resources.get(row.number)
    DomainOrder.objects.bulk_update(rows, ["service", "resource", "characteristics"], batch_size=1000)


def _replace(rows: list[DomainOrder]) -> None:
    """Installed parts that were changed have their new values; those that were taken away have ended."""
    changed = [row for row in rows if row.action == "modify"]
    if changed:
        _take_over(changed)
        DomainOrder.objects.bulk_update(changed, ["characteristics"], batch_size=1000)
    services = {row.service_id: row.characteristics for row in changed if row.service_id}
    resources = {row.resource_id: row.characteristics for row in changed if row.resource_id}
    if services:
        replacing.change_parts(Service, services, None)
    if resources:
        replacing.change_parts(Resource, resources, None)
    if ended := [row for row in rows if row.action == "delete" and not _ends_product(row.line)]:
        gone = (
            {row.service_id for row in ended if row.service_id},
            {row.resource_id for row in ended if row.resource_id},
        )
        replacing.end_parts(*gone, timezone.now(), None)


def _ends_product(line: OrderLine) -> bool:
    """Whether a product ends with the line, which then takes along all that stood only for it."""
    return line.action == "delete" and line.product_id is not None


def _take_over(rows: list[DomainOrder]) -> None:
    """What the tasks of a flow put out belongs to what was built, whichever event came first."""
    known: dict[int, set[str]] = defaultdict(set)
    wanted = {row.specification_id for row in rows}
    for specification, key in Characteristic.objects.filter(specification__in=wanted).values_list(
        "specification", "key"
    ):
        known[specification].add(key)
    for row in rows:
        data = row.flow.data if row.flow else {}
        keys = known[row.specification_id] & data.keys()
        row.characteristics = row.characteristics | {key: data[key] for key in sorted(keys) if data[key] is not None}


def _realized(
    order: Order, row: DomainOrder, above: list[DomainOrder], below: list[str], lines: Mapping[int, int | None]
) -> Realized:
    direct = {lines.get(parent.line_id) for parent in above if parent.kind == DomainOrder.Kind.PRODUCT}
    return Realized(
        domain_order=row.number, kind=row.kind, name=row.name, specification_id=row.specification_id,
        account_id=row.account_id, site_id=row.site_id, order_number=order.number, characteristics=row.characteristics,
        parents=tuple(_identity(parent) for parent in above), children=tuple(below),
        products=tuple(sorted(pk for pk in direct if pk)), on_its_own=row.depth == 0,
    )  # fmt: skip


def _identity(node: DomainOrder) -> str:
    """The number by which the inventory knows a node: that of the order which built it, if it stands already."""
    installed = node.service or node.resource
    return (installed.domain_order if installed else None) or node.number


def _close_lines(orders: Orders) -> None:
    """Lines whose product's node is closed are complete, unless something that they require is not there yet."""
    roots = DomainOrder.objects.filter(order__in=orders, depth=0, state=State.CLOSED_COMPLETE)
    open_lines = OrderLine.objects.filter(pk__in=roots.values("line")).exclude(state__in=DONE_LINES)
    rows = list(open_lines.select_related("specification", "site").order_by("order", "position", "id"))
    able = dependencies.met_in(orders, rows)
    if not able:
        return
    keys = {line.pk for line in able}
    moved = lifecycle.move_many(OrderLine.objects.filter(pk__in=keys), OrderLine.complete, by=None)
    lines = list(OrderLine.objects.filter(pk__in=moved).order_by("order", "pk"))
    _change_products(lines)
    _tell_fulfilment(orders, {line.order_id for line in lines})
    outbox.publish_all([events.OrderLineCompleted(order_id=line.order_id, line_id=line.pk) for line in lines])
    handover.start_sites(orders, lines)


def _change_products(lines: list[OrderLine]) -> None:
    by_action: dict[str, list[int]] = defaultdict(list)
    services: dict[str, list[int]] = defaultdict(list)
    for line in lines:
        if line.product_id:
            by_action[line.action].append(line.product_id)
        elif line.service_id:
            services[line.action].append(line.service_id)
    now = timezone.now()
    activation.activate_products(by_action["add"], now, None)
    suspension.suspend_products(by_action["suspend"], None)
    suspension.resume_products(by_action["resume"], None)
    suspension.suspend_services(services["suspend"], None)
    suspension.resume_services(services["resume"], None)
    alteration.alter_products(_altered(lines), None, because="Changed by an order")
    termination.terminate_products(by_action["delete"], now, None)


def _altered(lines: list[OrderLine]) -> list[Altered]:
    """What products are after lines that changed them; the price of each comes with its billing."""
    return [
        Altered(
            line.product_id, characteristics=line.characteristics, quantity=line.quantity,
            offering_id=line.offering_id, specification_id=line.specification_id,
        )
        for line in lines
        if line.action == "modify" and line.product_id
    ]  # fmt: skip


def _tell_fulfilment(orders: Orders, touched: set[int]) -> None:
    """What the customer has, as the second of an order's two states."""
    for pk, states in _line_states(touched).items():
        order, completed = orders[pk], states.count(LineState.COMPLETED)
        level = (
            Order.Fulfilment.ALL
            if completed == len(states)
            else Order.Fulfilment.SOME
            if completed
            else Order.Fulfilment.NOTHING
        )
        if order.fulfilment != level:
            order.fulfilment = level
            if set(states) - DONE_LINES:  # else it is saved with the order's own end
                order.save(update_fields=["fulfilment", "updated_at"])


def _line_states(orders: Iterable[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for pk, state in OrderLine.objects.filter(order__in=orders).values_list("order", "state"):
        found[pk].append(state)
    return found


def _close_orders(orders: Orders) -> None:
    """All completed → completed; all failed → failed; both → partial. Cancelled lines do not count.

    What is still being cancelled is waited for, and the files that a completed order has to have.
    """
    done = {pk: set(states) for pk, states in _line_states(orders).items() if not set(states) - DONE_LINES}
    if not done:
        return
    waited = DomainOrder.objects.filter(order__in=done, state=State.CANCELLATION_IN_PROGRESS)
    held = set(waited.values_list("order", flat=True))
    works = [pk for pk, states in done.items() if states & COUNTED == {LineState.COMPLETED}]
    held |= set(paperwork.lacking(Order, works, Order.State.COMPLETED))
    now = timezone.now()
    for pk in sorted(done):
        order = orders[pk]
        if pk in held:
            order.save(update_fields=["fulfilment", "updated_at"])
            continue
        order.ended_at = now
        for step in _last_steps(done[pk] & COUNTED):
            lifecycle.move(order, step, by=None)
    ended = [orders[pk] for pk in sorted(done.keys() - held)]
    outbox.publish_all([events.OrderEnded(order_id=order.pk, state=str(order.state)) for order in ended])


def only_papers(rows: Any) -> Any:
    """Of these orders, those all of whose work is done and that wait for files which a complete order has."""
    lines = OrderLine.objects.filter(order=OuterRef("pk"))
    done = rows.filter(
        Exists(lines.filter(state=LineState.COMPLETED)), ~Exists(lines.filter(state=LineState.FAILED)),
        ~Exists(lines.exclude(state__in=DONE_LINES)), state=Order.State.IN_PROGRESS,
    )  # fmt: skip
    return paperwork.without(done, Order.State.COMPLETED)


def _last_steps(counted: set[str]) -> list[Callable[..., Any]]:
    """The moves from in progress to the end that fits how its lines ended."""
    if not counted:
        return [Order.assess_cancellation, Order.start_cancellation, Order.cancelled]
    if counted == {LineState.COMPLETED}:
        return [Order.complete]
    return [Order.end_partial] if LineState.COMPLETED in counted else [Order.fail]


def open_nodes(order: Order) -> int:
    """Domain orders that are not closed."""
    return int(DomainOrder.objects.filter(order=order).exclude(Q(state__in=CLOSED)).count())
