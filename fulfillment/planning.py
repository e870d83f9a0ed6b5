"""Planning: owners get flows, flows get tasks, tasks wait for each other, also across the flows of one root.

Everything is worked out on keys and stored by a few statements, whatever the number of flows.

Locks: the engine holds tasks, then wants their flows, then the tasks that wait for them. A planner of a root that runs
would meet it head-on if it waited for a task while it holds another. So it never waits: of the tasks that were there
before it takes only those that a new dependency touches, all of them at once or none (NOWAIT in a savepoint), and
tries again for a while. Whoever waits for nobody is in no circle.
"""

import datetime as dt
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from crm.models import Site
from fulfillment import dating, linking
from fulfillment.dating import NO_DATES, Dates, Days, Node
from fulfillment.linking import Links, Member, counts
from fulfillment.models import Flow, PlanDefinition, Task, TaskDependency
from fulfillment.shapes import PlanBook, Shape
from kernel import audit, copying, numbering
from kernel.refusal import Conflict

PATIENCE = 5.0  # seconds that a planner tries to get tasks that are being worked on
PAUSE = 0.02  # seconds between two tries


class Busy(Conflict):
    """Tasks that have to be linked are being worked on all the time; nothing was planned. Try again."""


@dataclass(frozen=True, slots=True)
class FlowRequest:
    """One owner that wants a flow. `data` holds the characteristic values that conditions and tasks read."""

    owner_type: str
    owner_id: int
    root_type: str
    root_id: int
    root_number: str
    line_key: str
    account_id: int
    site_id: int | None
    specification_id: int
    specification_key: str
    action: str
    name: str
    data: dict[str, Any] = field(default_factory=dict)
    priority: int = 50
    requested_on: dt.date | None = None
    bundle_key: str = ""


DATES = ("planned_start", "planned_end", "estimated_end")
FLOW = (
    "id", "definition_id", "specification_key", "name", "action", "owner_type", "owner_id", "root_type", "root_id",
    "root_number", "line_key", "bundle_key", "account_id", "site_id", "data", "priority", "requested_on", *DATES,
)  # fmt: skip
TASK = (
    "id", "flow_id", "item_id", "account_id", "key", "name", "kind", "position", "team", "priority", "waits_for",
    "number", *DATES,
)  # fmt: skip
DEPENDENCY = ("after_id", "before_id", "kind", "lag_days", "met_at")


@dataclass(slots=True)
class _New:
    """A flow to be made."""

    request: FlowRequest
    definition_id: int
    shape: Shape
    flow_id: int = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """When the work of a new root may start, and by when it should be done."""

    start: dt.date
    requested_on: dt.date | None = None


@transaction.atomic
def plan(requests: Iterable[FlowRequest], *, today: dt.date | None = None, wish: Wish | None = None) -> dict[int, int]:
    """Make the flows of owners whose specification and action have a plan valid today; owner key → flow key.

    Planning again adds nothing: an owner keeps the flow that it has for the action. The number of statements does not
    grow with the number of requests. With a wish, roots without any flow yet get their dates at once, the same that
    `scheduling.schedule` would write to them.

    Raises:
        BrokenRule: a condition cannot be evaluated; nothing is planned.
        Circular: tasks wait for each other in a circle, seen when dates are wished for.
        Busy: tasks that run cannot be had; nothing is planned.
    """
    requests = list(requests)
    if not requests:
        return {}
    roots = {(r.root_type, r.root_id) for r in requests}
    lock_roots(roots)
    known = flows_of(roots)
    book = _book(requests, {flow.definition_id for flow in known}, today or timezone.localdate())
    found: dict[int, int] = {}
    have = {(flow.owner_type, flow.owner_id, flow.action): flow.pk for flow in known}
    new: list[_New] = []
    for request in requests:
        use = (request.owner_type, request.owner_id, request.action)
        if use not in have:
            chosen = book.choose(request.specification_key, request.action, request.data)
            if chosen is None:
                continue
            have[use] = 0
            new.append(_New(request, chosen.definition.pk, chosen.shape(request.data)))
        found[request.owner_id] = have[use]
    if new:
        found |= _store(new, *members(known, book), None if known else wish)
    return found


def lock_roots(roots: set[tuple[str, int]]) -> None:
    """One planner per root at a time, so that two cannot miss each other's flows."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "SELECT pg_advisory_xact_lock(hashtext(%s), (%s %% 2147483647)::int)", sorted(roots)
        )  # a handful of roots at most: an order is planned by itself


def flows_of(roots: Iterable[tuple[str, int]]) -> list[Any]:
    """Rows of all flows of these roots, with what `members` reads."""
    wanted = Q()
    by_type: dict[str, set[int]] = defaultdict(set)
    for kind, pk in roots:
        by_type[kind].add(pk)
    for kind, ids in by_type.items():
        wanted |= Q(root_type=kind, root_id__in=ids)
    columns = (
        "pk", "definition_id", "specification_key", "action", "owner_type", "owner_id", "root_type", "root_id",
        "line_key", "bundle_key", "site_id",
    )  # fmt: skip
    return list(Flow.objects.filter(wanted).order_by("pk").values_list(*columns, named=True))


def _book(requests: list[FlowRequest], used: set[int], today: dt.date) -> PlanBook:
    uses = Q(pk__in=used)
    by_action: dict[str, set[str]] = defaultdict(set)
    for request in requests:
        by_action[request.action].add(request.specification_key)
    for action, keys in by_action.items():
        uses |= Q(action=action, specification__key__in=keys, state=PlanDefinition.State.ACTIVE)
    return PlanBook(PlanDefinition.objects.filter(uses).select_related("specification"), today=today)


def members(known: list[Any], book: PlanBook) -> tuple[list[Member], dict[int, str]]:
    """Flows planned earlier, and the kinds of tasks of theirs that still are planned, by key."""
    if not known:
        return [], {}
    tasks: dict[int, dict[str, int]] = defaultdict(dict)
    open_kinds: dict[int, str] = {}
    rows = Task.objects.filter(flow__in=[flow.pk for flow in known], mode=Task.Mode.DO).order_by("pk")
    for pk, flow_id, key, state, kind in rows.values_list("pk", "flow_id", "key", "state", "kind"):
        tasks[flow_id][key] = pk
        if state == Task.State.PLANNED:
            open_kinds[pk] = kind
    made = [
        Member(
            flow.pk, (flow.root_type, flow.root_id), flow.specification_key, flow.line_key, flow.bundle_key,
            flow.site_id, book.plans[flow.definition_id].of_items(tasks[flow.pk]), tasks[flow.pk], new=False,
        )
        for flow in known
    ]  # fmt: skip
    return made, open_kinds


def _store(new: list[_New], others: list[Member], planned: dict[int, str], wish: Wish | None) -> dict[int, int]:
    """Flows, tasks and dependencies; owner key → flow key."""
    for made, key in zip(new, copying.keys(Flow, len(new)), strict=True):
        made.flow_id = key
    number = sum(len(made.shape.items) for made in new)
    keys = iter(copying.keys(Task, number))
    fresh = [_member(made, keys) for made in new]
    found = linking.links([*others, *fresh])
    own = {pk for member in fresh for pk in member.tasks.values()}
    waits, rows = _waits(found, own, planned)
    dates = _dates(new, fresh, found, wish) if wish else {}
    copying.copy(Flow, FLOW, (_flow_row(made, _span(member, dates)) for made, member in zip(new, fresh, strict=True)))
    numbers = iter(numbering.take_many(Task.PREFIX, number))
    copying.copy(Task, TASK, _task_rows(zip(new, fresh, strict=True), waits, numbers, dates))
    copying.copy(TaskDependency, DEPENDENCY, rows)
    for extra, pks in _by_count({pk: n for pk, n in waits.items() if pk not in own}).items():
        Task.objects.filter(pk__in=pks).update(waits_for=F("waits_for") + extra)
    audit.record_rows("planned", Flow, ((made.flow_id, made.request.name) for made in new), by=None)
    return {made.request.owner_id: made.flow_id for made in new}


def _member(made: _New, keys: Iterator[int]) -> Member:
    r = made.request
    tasks = {item.key: next(keys) for item in made.shape.items}
    return Member(
        made.flow_id, (r.root_type, r.root_id), r.specification_key, r.line_key, r.bundle_key, r.site_id, made.shape,
        tasks, new=True,
    )  # fmt: skip


def _flow_row(made: _New, dates: Dates) -> tuple[Any, ...]:
    r = made.request
    return (
        made.flow_id, made.definition_id, r.specification_key, r.name[:160], r.action, r.owner_type, r.owner_id,
        r.root_type, r.root_id, r.root_number, r.line_key, r.bundle_key, r.account_id, r.site_id, r.data, r.priority,
        r.requested_on, *dates,
    )  # fmt: skip


def _task_rows(
    made: Iterable[tuple[_New, Member]], waits: Counter[int], numbers: Iterator[str], dates: dict[int, Dates]
) -> Iterator[tuple[Any, ...]]:
    for new, member in made:
        for place, item in enumerate(new.shape.items):
            pk = member.tasks[item.key]
            yield (
                pk, new.flow_id, item.pk, new.request.account_id, item.key, item.name, item.kind, place, item.team,
                new.request.priority, waits.get(pk, 0), next(numbers), *dates.get(pk, NO_DATES),
            )  # fmt: skip


def _dates(new: list[_New], fresh: list[Member], found: Links, wish: Wish) -> dict[int, Dates]:
    """Dates of every new task by key. Raises Circular."""
    days = Days(wish.start)
    sites = {made.request.site_id for made in new if made.request.site_id}
    countries = dict(Site.objects.filter(pk__in=sites).values_list("pk", "country"))
    nodes: dict[int, Node] = {}
    for made, member in zip(new, fresh, strict=True):
        country = countries.get(made.request.site_id or 0, "")
        for item in made.shape.items:
            pk = member.tasks[item.key]
            nodes[pk] = Node(pk, made.flow_id, days.line(item.calendar, country), float(item.duration_days))
    for (after, before, kind), lag in found.lags.items():
        nodes[after].wait_for(nodes[before], kind, float(lag))
    if not nodes:
        return {}
    _, early = dating.work_out(nodes.values(), days, wish.requested_on)
    return {pk: dating.dates(node, days, backward=early) for pk, node in nodes.items()}


def _span(member: Member, dates: dict[int, Dates]) -> Dates:
    of_tasks = [dates[pk] for pk in member.tasks.values() if pk in dates]
    return dating.span(of_tasks) if of_tasks else NO_DATES


def _waits(found: Links, own: set[int], planned: dict[int, str]) -> tuple[Counter[int], list[tuple[Any, ...]]]:
    """How many more each task waits for, and the rows of dependencies. Tasks of before that are touched get locked."""
    lags = {key: lag for key, lag in found.lags.items() if key[0] in own or key[0] in planned}
    touched = {pk for after, before, _ in lags for pk in (after, before)} - own
    states = take(touched)
    now = timezone.now()
    waits: Counter[int] = Counter()
    rows: list[tuple[Any, ...]] = []
    for (after, before, kind), lag in lags.items():
        if states.get(after, Task.State.PLANNED) != Task.State.PLANNED:
            continue  # it began meanwhile
        done = before in states and linking.met(states[before], kind)
        rows.append((after, before, kind, lag, now if done else None))
        if not done and counts(kind, found.kinds[after]):
            waits[after] += 1
    return waits, rows


def take(keys: Collection[int], flows: Collection[int] = ()) -> dict[int, str]:
    """Lock tasks and flows, all at once or none, without waiting for any while holding another; task → state.

    Raises:
        Busy: they cannot be had within some seconds.
    """
    if not keys and not flows:
        return {}
    rows = Task.objects.filter(pk__in=keys).order_by("pk").select_for_update(nowait=True, no_key=True)
    owners = Flow.objects.filter(pk__in=flows).order_by("pk").select_for_update(nowait=True, no_key=True)
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with transaction.atomic():
                found = dict(rows.values_list("pk", "state"))
                list(owners.values_list("pk"))
                return found
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") != "55P03":  # lock_not_available
                raise
        if time.monotonic() > deadline:
            raise Busy("Steps of this order are being worked on right now. Try again in a moment.")
        time.sleep(PAUSE)


def _by_count(more: dict[int, int]) -> dict[int, list[int]]:
    grouped: dict[int, list[int]] = defaultdict(list)
    for pk, extra in more.items():
        grouped[extra].append(pk)
    return grouped


__all__ = ["Busy", "FlowRequest", "Wish", "counts", "flows_of", "lock_roots", "members", "plan", "take"]
