"""Planning: owners get flows, flows get tasks, tasks wait for each other, also across the flows of one root."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from fulfillment.models import Flow, Kind, PlanDefinition, Task, TaskDependency
from fulfillment.shapes import Plan, PlanBook, Reach, Shape
from kernel import audit, numbering

BATCH = 2000
PEOPLE = (Kind.MANUAL, Kind.FIELD_WORK, Kind.PROJECT)  # these wait for the finish of others at their own finish


@dataclass(frozen=True)
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


@dataclass
class _Member:
    """A flow of the root with its shape and its tasks by item key."""

    flow: Flow
    shape: Shape
    tasks: dict[str, Task]
    new: bool


def counts(kind: str, after_kind: str) -> bool:
    """Whether a dependency keeps its task from starting. A machine's step starts only once it may finish."""
    return kind in ("FS", "SS") or after_kind not in PEOPLE


@transaction.atomic
def plan(requests: Iterable[FlowRequest]) -> dict[int, Flow]:
    """Make the flows of owners whose specification and action have an active plan; owner id → flow.

    Planning again adds nothing: an owner keeps the flow that it has for the action. The number of statements does not
    grow with the number of requests.

    Raises:
        BrokenRule: a condition cannot be evaluated; nothing is planned.
    """
    requests = list(requests)
    if not requests:
        return {}
    _lock_roots({(r.root_type, r.root_id) for r in requests})
    known = _flows_of_roots(requests)
    book = _book(requests, known)
    have = {(f.owner_type, f.owner_id, f.action): f for f in known}
    members: list[_Member] = _known_members(known, book) if known else []
    found: dict[int, Flow] = {}
    for request in requests:
        flow = have.get((request.owner_type, request.owner_id, request.action))
        if flow is None:
            chosen = book.choose(request.specification_key, request.action, request.data)
            if chosen is None:
                continue
            flow = _flow(request, chosen)
            have[(request.owner_type, request.owner_id, request.action)] = flow
            members.append(_Member(flow, chosen.shape(request.data), {}, new=True))
        found[request.owner_id] = flow
    _store(members)
    return found


def _lock_roots(roots: set[tuple[str, int]]) -> None:
    """One planner per root at a time, so that two cannot miss each other's flows."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "SELECT pg_advisory_xact_lock(hashtext(%s), (%s %% 2147483647)::int)", sorted(roots)
        )  # a handful of roots at most: an order is planned by itself


def _flows_of_roots(requests: list[FlowRequest]) -> list[Flow]:
    roots: dict[str, set[int]] = defaultdict(set)
    for request in requests:
        roots[request.root_type].add(request.root_id)
    wanted = Q()
    for kind, ids in roots.items():
        wanted |= Q(root_type=kind, root_id__in=ids)
    return list(Flow.objects.filter(wanted).order_by("pk"))


def _book(requests: list[FlowRequest], known: list[Flow]) -> PlanBook:
    used = {flow.definition_id for flow in known}
    uses = Q(pk__in=used)
    by_action: dict[str, set[str]] = defaultdict(set)
    for request in requests:
        by_action[request.action].add(request.specification_key)
    for action, keys in by_action.items():
        uses |= Q(action=action, specification__key__in=keys, state=PlanDefinition.State.ACTIVE)
    return PlanBook(PlanDefinition.objects.filter(uses).select_related("specification"))


def _known_members(known: list[Flow], book: PlanBook) -> list[_Member]:
    """Flows planned earlier; their tasks are locked, because new dependencies count on their states."""
    tasks: dict[int, dict[str, Task]] = defaultdict(dict)
    rows = Task.objects.filter(flow__in=known, mode=Task.Mode.DO).order_by("pk").select_for_update(of=("self",))
    for task in rows:
        tasks[task.flow_id][task.key] = task
    return [
        _Member(flow, book.plans[flow.definition_id].of_items(tasks[flow.pk]), tasks[flow.pk], new=False)
        for flow in known
    ]


def _flow(request: FlowRequest, chosen: Plan) -> Flow:
    return Flow(
        definition=chosen.definition, specification_key=request.specification_key, name=request.name[:160],
        action=request.action, owner_type=request.owner_type, owner_id=request.owner_id,
        root_type=request.root_type, root_id=request.root_id, root_number=request.root_number,
        line_key=request.line_key, account_id=request.account_id, site_id=request.site_id, data=dict(request.data),
        priority=request.priority, requested_on=request.requested_on,
    )  # fmt: skip


def _store(members: list[_Member]) -> None:
    new = [member for member in members if member.new]
    if not new:
        return
    Flow.objects.bulk_create((member.flow for member in new), batch_size=BATCH)
    for member in new:
        member.tasks = {item.key: _task(member.flow, item, place) for place, item in enumerate(member.shape.items)}
    tasks = [task for member in new for task in member.tasks.values()]
    links = _links(members)
    more: Counter[int] = Counter()
    for link in links:
        if link.met_at is None and counts(link.kind, link.after.kind):
            if link.after.pk:
                more[link.after.pk] += 1
            else:
                link.after.waits_for += 1
    for task, number in zip(tasks, numbering.take_many(Task.PREFIX, len(tasks)), strict=True):
        task.number = number
    Task.objects.bulk_create(tasks, batch_size=BATCH)
    for link in links:
        link.after_id, link.before_id = link.after.pk, link.before.pk
    TaskDependency.objects.bulk_create(links, batch_size=BATCH)
    for extra, pks in _by_count(more).items():
        Task.objects.filter(pk__in=pks).update(waits_for=F("waits_for") + extra)
    audit.record_many("planned", [member.flow for member in new], by=None)


def _by_count(more: Counter[int]) -> dict[int, list[int]]:
    grouped: dict[int, list[int]] = defaultdict(list)
    for pk, extra in more.items():
        grouped[extra].append(pk)
    return grouped


def _task(flow: Flow, item: Any, place: int) -> Task:
    return Task(
        flow=flow, item=item, account_id=flow.account_id, key=item.key, name=item.name, kind=item.kind,
        position=place, team=item.team, priority=flow.priority,
    )  # fmt: skip


def _links(members: list[_Member]) -> list[TaskDependency]:
    """Dependencies inside new flows, and across flows wherever one end is new."""
    found: dict[tuple[int, int, str], TaskDependency] = {}
    by_use = _by_use(members)

    def link(after: Task, before: Task, kind: str, lag: Decimal) -> None:
        key = (id(after), id(before), kind)
        if key not in found:
            met = timezone.now() if _met(before, kind) else None
            found[key] = TaskDependency(after=after, before=before, kind=kind, lag_days=lag, met_at=met)
        found[key].lag_days = max(found[key].lag_days, lag)

    for member in members:
        if member.new:
            for edge in member.shape.edges:
                link(member.tasks[edge.after], member.tasks[edge.before], edge.kind, edge.lag)
        for reach in member.shape.reaches:
            after = member.tasks[reach.after]
            if after.state != Task.State.PLANNED:
                continue
            for before in _reached(member, reach, by_use):
                link(after, before, reach.kind, reach.lag)
    return list(found.values())


def _by_use(members: list[_Member]) -> dict[tuple[Any, ...], list[_Member]]:
    found: dict[tuple[Any, ...], list[_Member]] = defaultdict(list)
    for member in members:
        for scope in ("line", "site", "order"):
            found[_place(member.flow, member.flow.specification_key, scope)].append(member)
    return found


def _reached(member: _Member, reach: Reach, by_use: dict[tuple[Any, ...], list[_Member]]) -> Iterator[Task]:
    if reach.scope == "site" and member.flow.site_id is None:
        return
    for other in by_use.get(_place(member.flow, reach.specification, reach.scope), ()):
        if other is not member and (member.new or other.new):
            for key in other.shape.ends(reach.item):
                yield other.tasks[key]


def _place(flow: Flow, specification: str, scope: str) -> tuple[Any, ...]:
    """Where flows of a specification are looked for: the same root, and the same line or site if the scope says so."""
    within = {"line": flow.line_key, "site": flow.site_id}.get(scope)
    return (flow.root_type, flow.root_id, specification, scope, within)


def _met(before: Task, kind: str) -> bool:
    if not before.pk:
        return False
    return before.state in Task.CLOSED or (kind in ("SS", "SF") and before.state not in Task.UNSTARTED)


__all__ = ["FlowRequest", "counts", "plan"]
