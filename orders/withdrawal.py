"""Withdrawal: lines of a running order are given up before their hard point of no return; the rest goes on.

A line that another one requires takes that one with it. Nodes that a rule merged stay while another line needs them.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from cmdb import termination
from contracts import narrowing
from fulfillment import cancelling
from fulfillment.models import PlanItem, Task
from kernel import lifecycle, outbox
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal
from orders import closure, dependencies, events, handover
from orders.models import DomainOrder, DomainOrderLink, Order, OrderLine
from orders.models.rights import is_own

RIGHT = "orders.withdraw_line"
FAILED, CANCELLED = str(OrderLine.State.FAILED), str(OrderLine.State.CANCELLED)
State = DomainOrder.State
PASSED = (Task.State.COMPLETED, Task.State.IN_PROGRESS)


class PastNoReturn(Conflict):
    """A component is past its hard point of no return; the message names it."""


@dataclass
class Scope:
    """What giving up lines would touch."""

    lines: list[OrderLine]
    because: dict[int, str] = field(default_factory=dict)
    nodes: list[int] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)
    flows: list[int] = field(default_factory=list)
    open_tasks: int = 0
    calls_out: int = 0
    why_not: str = ""
    past: bool = False

    @property
    def also(self) -> list[tuple[OrderLine, str]]:
        """Lines that go too, and why."""
        return [(line, self.because[line.pk]) for line in self.lines if line.pk in self.because]


def scope(order: Order, line_ids: Iterable[int]) -> Scope:
    """What giving up these lines would touch, and why it cannot be done if it cannot; reads only."""
    every = list(order.lines.select_related("offering", "specification", "site", "replaced_by")
                 .order_by("position", "id"))  # fmt: skip
    found = _with_dependents(order, every, set(line_ids))
    own = list(DomainOrder.objects.filter(line__in=found.lines).exclude(state__in=closure.CLOSED).order_by("pk"))
    kept = _still_needed(own, {line.pk for line in found.lines})
    found.shared = sorted({node.name for node in own if node.pk in kept})
    gone = [node for node in own if node.pk not in kept]
    found.nodes, found.flows = [node.pk for node in gone], [node.flow_id for node in gone if node.flow_id]
    tasks = Task.objects.filter(flow__in=found.flows)
    found.open_tasks = tasks.exclude(state__in=Task.CLOSED).count()
    found.calls_out = tasks.filter(cancelling.CALLING).count()
    found.why_not = _why_not(order, found) or _no_way_back(found, kept)
    found.past = bool(found.lines) and not _why_not(order, found) and bool(found.why_not)
    return found


@transaction.atomic
def withdraw(*, order_id: int, line_ids: Iterable[int], by: User | None, reason: str, ends_as: str) -> list[int]:
    """Give lines up, as `failed` (we cannot deliver) or `cancelled` (not wanted any more). Returns the keys that ended.

    Raises:
        Refusal: no reason is given, or an end that does not exist.
        PastNoReturn: a component is past its hard point of no return.
        Conflict: the order does not run, or a line is over already.
        NotPermitted
    """
    if by is not None and not by.has_perm(RIGHT) and not _is_own(order_id, by):
        raise NotPermitted("Your roles do not include the right to cancel lines of a running order.")
    if ends_as not in (FAILED, CANCELLED):
        raise Refusal(problems={"ends_as": ["Choose how the lines end."]})
    if not reason.strip():
        raise Refusal(problems={"reason": ["Say why; the customer’s order keeps it."]})
    order = Order.objects.select_related("account", "contact__user").select_for_update(of=("self",)).get(pk=order_id)
    found = scope(order, line_ids)
    if found.why_not:
        raise (PastNoReturn if found.past else Conflict)(found.why_not)
    cancelling.cancel(found.flows, by, reason)
    _end_nodes(found, by, ends_as)
    _end_lines(order, found.lines, by, reason, ends_as)
    closure.roll_up(order)
    return [line.pk for line in found.lines]


@transaction.atomic
def finish_one(order_id: int) -> int:
    """Nodes of an order whose last calls have ended are cancelled now; the order may end with them."""
    order = Order.objects.select_related("account").select_for_update(of=("self",)).get(pk=order_id)
    moved = _cancelled(list(_cancelling().filter(order=order).values_list("pk", "flow")))
    if moved:
        closure.roll_up(order)
    return len(moved)


def finish() -> int:
    """Every order in which something is still being cancelled; also ends what calls left behind. Returns how much."""
    done = cancelling.tidy()
    return done + sum(
        finish_one(pk) for pk in _cancelling().order_by("order").values_list("order", flat=True).distinct()
    )


def _is_own(order_id: int, by: User) -> bool:
    return any(is_own(pk, by) for pk in Order.objects.filter(pk=order_id).values_list("account", flat=True))


def _cancelling() -> QuerySet[DomainOrder]:
    rows: QuerySet[DomainOrder] = DomainOrder.objects.filter(state=State.CANCELLATION_IN_PROGRESS)
    return rows


def _with_dependents(order: Order, every: list[OrderLine], wanted: set[int]) -> Scope:
    """Lines given up together: parts of a bundle with it, and whatever requires one of them, again and again."""
    open_lines = [line for line in every if line.state not in closure.DONE_LINES]
    found, because = {line.pk for line in open_lines if line.pk in wanted}, dict[int, str]()
    while True:
        more = {
            line.pk: f"It is part of {next(one.offering.name for one in every if one.pk == line.parent_id)}."
            for line in open_lines
            if line.parent_id in found and line.pk not in found
        }
        more |= {
            line.pk: "It was to end once the new one works, so it stays."
            for line in open_lines
            if line.replaced_by_id in found and line.pk not in found
        }
        left = [line for line in every if line.pk not in found and line.state not in (FAILED, CANCELLED, "rejected")]
        broken = {(c.site_id, c.specification_id): c.text for c in dependencies.clashes(order, left)} if found else {}
        before = _broken_now(order, every) if broken else set()
        for line in open_lines:
            mark = (line.site_id, line.specification_id)
            if line.pk not in found and line.action == "add" and mark in broken and mark not in before:
                more.setdefault(line.pk, broken[mark])
        if not more:
            return Scope([line for line in open_lines if line.pk in found], because)
        because |= more
        found |= more.keys()


def _broken_now(order: Order, every: list[OrderLine]) -> set[tuple[int | None, int]]:
    """Requirements that were broken before anything is given up: those take no line with them."""
    standing = [line for line in every if line.state not in (FAILED, CANCELLED, "rejected")]
    return {(clash.site_id, clash.specification_id) for clash in dependencies.clashes(order, standing)}


def _still_needed(own: list[DomainOrder], lines: set[int]) -> set[int]:
    """Those of the nodes that open nodes of other lines stand on, with everything below them."""
    keys = {node.pk for node in own}
    below: dict[int, set[int]] = defaultdict(set)
    level: set[int] = set()
    for node in own:
        if node.parent_id in keys:
            below[node.parent_id or 0].add(node.pk)
    links = DomainOrderLink.objects.filter(child__in=own)
    for parent, child, line, state in links.values_list("parent", "child", "parent__line", "parent__state"):
        if parent in keys:
            below[parent].add(child)
        elif line not in lines and state not in closure.CLOSED:
            level.add(child)
    kept: set[int] = set()
    while level:
        kept |= level
        level = {child for pk in level for child in below[pk]} - kept
    return kept


def _why_not(order: Order, found: Scope) -> str:
    if order.state != Order.State.IN_PROGRESS:
        return f"{order.number} is {order.get_state_display().lower()}. Lines can be given up while it is in progress."
    if not found.lines:
        return "The line is over already."
    if any(line.action == "delete" and not _awaits_another(line) for line in found.lines):
        return "The line ends a product, and its end is announced already. Let it end, and order the product anew."
    waiting = [
        line for line in found.lines if line.state not in (OrderLine.State.SCHEDULED, OrderLine.State.IN_PROGRESS)
    ]
    return f"{waiting[0].offering} is {waiting[0].get_state_display().lower()}; resume it first." if waiting else ""


def _awaits_another(line: OrderLine) -> bool:
    """Whether its product ends only once another one works, which it does not yet."""
    return line.replaced_by is not None and line.replaced_by.state != OrderLine.State.COMPLETED


def _no_way_back(found: Scope, kept: set[int]) -> str:
    """The component that is past its hard point of no return, in words."""
    lines = [line.pk for line in found.lines]
    done = DomainOrder.objects.filter(line__in=lines).exclude(pk__in=kept)
    first = (
        Task.objects.filter(flow__domain_order__in=done, item__no_return=PlanItem.NoReturn.HARD, state__in=PASSED)
        .select_related("flow")
        .order_by("ended_at", "pk")
        .first()
    )
    if first is None:
        return ""
    when = "is done" if first.state == Task.State.COMPLETED else "is being done now"
    return f"{first.flow.name} is past its point of no return: “{first.name}” {when}. Disconnect it after it is live."


def _end_nodes(found: Scope, by: User | None, ends_as: str) -> None:
    rows = DomainOrder.objects.filter(pk__in=found.nodes)
    if ends_as == FAILED:
        roots, now = rows.filter(depth=0), timezone.now()
        lifecycle.move_many(roots, DomainOrder.start, by=by, started_at=now)
        lifecycle.move_many(roots, DomainOrder.resume, by=by)
        lifecycle.move_many(roots.filter(state=State.IN_PROGRESS), DomainOrder.fail, by=by, ended_at=now)
    lifecycle.move_many(rows, DomainOrder.start_cancellation, by=by)
    _cancelled(list(rows.values_list("pk", "flow")))


def _cancelled(nodes: list[tuple[int, int | None]]) -> list[int]:
    """Those of the nodes without a call that is still out are cancelled."""
    busy = cancelling.calls_out([flow for _, flow in nodes if flow])
    rows = DomainOrder.objects.filter(pk__in=[pk for pk, flow in nodes if flow not in busy])
    return lifecycle.move_many(rows, DomainOrder.cancel, by=None, ended_at=timezone.now())


def _end_lines(order: Order, lines: list[OrderLine], by: User | None, reason: str, ends_as: str) -> None:
    rows = OrderLine.objects.filter(pk__in=[line.pk for line in lines])
    failed = (OrderLine.start, OrderLine.fail)
    cancelled = (OrderLine.assess_cancellation, OrderLine.start_cancellation, OrderLine.cancel)
    for move in failed if ends_as == FAILED else cancelled:
        lifecycle.move_many(rows, move, by=by)
    new = [line.product_id for line in lines if line.action == "add" and line.product_id]
    (termination.abort_products if ends_as == FAILED else termination.cancel_products)(new, by)
    narrowing.leave_out(
        quote_line_ids=[line.quote_line_id for line in lines if line.quote_line_id], by=by, reason=reason
    )
    outbox.publish(events.OrderLinesWithdrawn(order_id=order.pk, line_ids=[line.pk for line in lines], state=ends_as))
    touched = {line.site_id for line in lines if line.site_id}
    completed = order.lines.filter(site__in=touched, state=OrderLine.State.COMPLETED)
    handover.start_sites({order.pk: order}, completed)
    said = ", ".join(sorted({f"{line.offering}{f' at {line.site.name}' if line.site else ''}" for line in lines})[:6])
    end = "cannot be delivered" if ends_as == FAILED else "is cancelled"
    handover.tell(order, f"{said} {end}. {reason.strip()}")
