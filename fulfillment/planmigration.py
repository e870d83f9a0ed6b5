"""Plan migration: flows that run move to another version of their plan; what is done stays done.

`preview` says for each flow what would stay, come and go, and why a flow cannot move. `migrate` moves chosen flows,
each in a transaction of its own. Tasks that have begun are never touched; those that are ready do not begin to wait
again.

Locks, as in `planning`: the root's planners are shut out, then all tasks that are touched and the flow are taken at
once or not at all, so that a worker is never waited for while something that it wants is held.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from fulfillment import linking, planning, release, rowwise, scheduling
from fulfillment.linking import Links, Member
from fulfillment.models import Flow, PlanDefinition, PlanItem, Task, TaskDependency
from fulfillment.shapes import Plan, PlanBook, Shape
from kernel import audit, copying, lifecycle, numbering
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal

RUNNING = (Flow.State.PLANNED, Flow.State.IN_PROGRESS, Flow.State.ON_HOLD)
AT_ONCE = 100  # flows moved by one press


class Blocked(Conflict):
    """This flow cannot move; the message says why."""


@dataclass
class Change:
    """What moving one flow comes to, in names of steps. `why_not` is empty when it can move."""

    flow: Flow
    stays: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    relinked: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    why_not: str = ""


@dataclass(frozen=True)
class Result:
    """What came of one flow."""

    flow: Flow
    moved: bool
    text: str


@dataclass
class _Work:
    """One flow on its way to another version: its tasks by item key, and the shape it is to have."""

    flow: Flow
    plan: Plan
    shape: Shape
    tasks: dict[str, Task]
    waits: set[tuple[str, str, str]] = field(default_factory=set)

    def drop(self) -> list[Task]:
        """Tasks that the new version does not have and that have not begun."""
        return [t for key, t in self.tasks.items() if key not in self.shape.by_key and t.state in Task.UNSTARTED]

    def add(self) -> list[PlanItem]:
        """Items that the flow has no task of."""
        return [item for item in self.shape.items if item.key not in self.tasks]

    def keep(self) -> list[Task]:
        """Tasks that have not begun and that both versions have."""
        return [t for key, t in self.tasks.items() if key in self.shape.by_key and t.state in Task.UNSTARTED]


def candidates(definition: PlanDefinition) -> Any:
    """Flows that run on another version of this plan."""
    rows = Flow.objects.filter(definition__key=definition.key, state__in=RUNNING).exclude(definition=definition)
    return rows.select_related("definition", "site").order_by("root_number", "pk")


def preview(definition: PlanDefinition, flows: Iterable[Flow]) -> list[Change]:
    """What would become of each flow; nothing is stored. The number of queries does not grow with the flows."""
    flows = list(flows)
    plan = PlanBook([definition]).plans[definition.pk]
    tasks, waits = _tasks([flow.pk for flow in flows]), _waits([flow.pk for flow in flows])
    return [_judged(flow, plan, tasks.get(flow.pk, []), waits.get(flow.pk, set())) for flow in flows]


def _waits(flows: list[int]) -> dict[int, set[tuple[str, str, str]]]:
    """What waits for what inside each flow: (before, after, kind) by item keys."""
    found: dict[int, set[tuple[str, str, str]]] = defaultdict(set)
    rows = TaskDependency.objects.filter(after__flow__in=flows, before__flow=F("after__flow"))
    for flow, *edge in rows.values_list("after__flow_id", "before__key", "after__key", "kind"):
        found[flow].add((edge[0], edge[1], edge[2]))
    return found


def _tasks(flows: list[int]) -> dict[int, list[Task]]:
    found: dict[int, list[Task]] = defaultdict(list)
    for task in Task.objects.filter(flow__in=flows).select_related("item").order_by("position", "pk"):
        found[task.flow_id].append(task)
    return found


def _judged(flow: Flow, plan: Plan, tasks: list[Task], waits: set[tuple[str, str, str]]) -> Change:
    if any(task.mode != Task.Mode.DO for task in tasks):
        return Change(flow, why_not="It is being revised: steps are done again or undone.")
    try:
        work = _Work(flow, plan, plan.shape(flow.data), {task.key: task for task in tasks}, waits)
    except Refusal as error:
        return Change(flow, why_not=str(error))
    return _change(work)


def _change(work: _Work) -> Change:
    made = Change(work.flow)
    made.added = [item.name for item in work.add()]
    made.dropped = [task.name for task in work.drop()]
    made.why_not = next(filter(None, (_obstacle(task, work) for task in work.tasks.values())), "")
    for key, task in work.tasks.items():
        item = work.shape.by_key.get(key)
        if task.state in Task.CLOSED:
            made.done.append(task.name)
        elif item is not None:
            made.stays.append(task.name)
            if task.state in Task.UNSTARTED and _differs(task.item, item):
                made.other.append(item.name)
    made.relinked = _relinked(work)
    closed = {key for key, task in work.tasks.items() if task.state not in Task.UNSTARTED}
    for edge in work.shape.edges:
        if edge.after in closed and edge.before not in work.tasks:
            before, after = work.shape.by_key[edge.before].name, work.tasks[edge.after].name
            made.notes.append(f"“{before}” should have come before “{after}”, which has begun; it is done now.")
    return made


def _relinked(work: _Work) -> list[str]:
    """Steps that stay, have not begun, and wait for other steps than now."""
    then: dict[str, set[tuple[str, str]]] = defaultdict(set)
    now: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for edge in work.shape.edges:
        then[edge.after].add((edge.before, edge.kind))
    for before, after, kind in work.waits:
        now[after].add((before, kind))
    return [
        task.name for task in work.keep() if task.state == Task.State.PLANNED and then[task.key] != now[task.key]
    ]  # fmt: skip


def _obstacle(task: Task, work: _Work) -> str:
    """Why this task keeps the flow where it is, "" when it does not."""
    item, version = work.shape.by_key.get(task.key), work.plan.definition.version
    if task.state in Task.CLOSED:
        gone = task.state == Task.State.DISCARDED and item is not None
        return f"“{task.name}” was taken out of this flow before and cannot come back." if gone else ""
    if task.state == Task.State.PLANNED:
        return ""
    if item is None:
        return (
            ""
            if task.state == Task.State.READY
            else f"“{task.name}” has begun, and version {version} has no such step."
        )
    if item.kind != task.kind:
        said = "can be begun any moment" if task.state == Task.State.READY else "has begun"
        return f"“{task.name}” {said}, and version {version} has it as another kind of step."
    if task.state == Task.State.READY:
        return ""
    if (item.adapter, item.operation) != (task.item.adapter, task.item.operation):
        return f"“{task.name}” has begun, and version {version} asks another system or operation for it."
    return ""


def _differs(old: PlanItem, new: PlanItem) -> bool:
    skip = {"id", "definition_id", "position"}
    return any(
        getattr(old, f.attname) != getattr(new, f.attname) for f in PlanItem._meta.fields if f.attname not in skip
    )


def migrate(*, definition_id: int, flow_ids: Collection[int], by: User) -> list[Result]:
    """Move flows to a version, each by itself, and date their roots anew; what came of each.

    Raises:
        NotPermitted: the person may not publish plans.
        Conflict: the version is not in force, or more flows than one press may move.
    """
    if not by.has_perm("fulfillment.publish_plan"):
        raise NotPermitted("Your roles do not include the right to move running work to another plan.")
    definition = PlanDefinition.objects.select_related("specification").get(pk=definition_id)
    if definition.state != PlanDefinition.State.ACTIVE:
        raise Conflict(f"Version {definition.version} is not active. Work moves to an active version only.")
    if len(flow_ids) > AT_ONCE:
        raise Conflict(f"At most {AT_ONCE} flows move at once; {len(flow_ids)} are chosen.")
    flows = list(candidates(definition).filter(pk__in=flow_ids))
    results = []
    for flow in flows:
        try:
            change = move(definition=definition, flow_id=flow.pk, by=by)
            results.append(Result(flow, True, _said(change)))
        except Refusal as error:
            results.append(Result(flow, False, str(error)))
    for kind, pk in sorted({(r.flow.root_type, r.flow.root_id) for r in results if r.moved}):
        scheduling.schedule(kind, pk, start=timezone.localdate())
    return results


def _said(change: Change) -> str:
    parts = [
        f"{len(names)} {'step' if len(names) == 1 else 'steps'} {what}"
        for names, what in ((change.added, "added"), (change.dropped, "dropped")) if names
    ]  # fmt: skip
    return f"{', '.join(parts)}." if parts else "Its steps are the same."


@transaction.atomic
def move(*, definition: PlanDefinition, flow_id: int, by: User) -> Change:
    """Move one flow to a version of its plan.

    Raises:
        Blocked: it cannot move; the message says why.
        Busy: its tasks are being worked on all the time.
    """
    flow = Flow.objects.select_related("definition").get(pk=flow_id)
    root = (flow.root_type, flow.root_id)
    planning.lock_roots({root})
    known = planning.flows_of([root])
    book = PlanBook(PlanDefinition.objects.filter(pk__in={row.definition_id for row in known} | {definition.pk}))
    others, _ = planning.members([row for row in known if row.pk != flow_id], book)
    plan = book.plans[definition.pk]
    before = _read(flow_id, plan)
    wanted = linking.links([*others, _member(before, {})])
    mine = {task.pk for task in before.tasks.values()}
    old = TaskDependency.objects.filter(after__flow=flow_id) | TaskDependency.objects.filter(before__flow=flow_id)
    touched = {pk for row in old.values_list("after_id", "before_id") for pk in row}
    touched |= mine | {pk for after, prior, _ in wanted.lags for pk in (after, prior) if pk > 0}
    states = planning.take(touched, [flow_id])
    work = _read(flow_id, plan)  # as it is now that nobody else can change it
    change = _movable(work)
    keys = _reshape(work, definition, by)
    found = linking.links([*others, _member(work, keys)])
    fresh = dict.fromkeys(keys.values(), Task.State.PLANNED)
    states = {**states, **{task.pk: task.state for task in work.tasks.values()}, **fresh}
    states |= {task.pk: Task.State.DISCARDED for task in work.drop()}
    if any(pk not in states for key in found.lags for pk in key[:2]):
        raise planning.Busy("It changed while it was being moved. Try again.")
    free = _relink(flow_id, found, states)
    audit.record(
        "migrated", flow, by=by,
        changes={"version": [flow.definition.version, definition.version], "steps added": [None, change.added],
                 "steps dropped": [change.dropped, None]},
    )  # fmt: skip
    running = Task.objects.filter(pk__in=free, flow__state__in=release.RUNNING)
    release.promote(running.values_list("pk", flat=True))
    release.complete_flows([flow_id])
    return change


def _read(flow_id: int, plan: Plan) -> _Work:
    flow = Flow.objects.get(pk=flow_id)
    tasks = _tasks([flow_id]).get(flow_id, [])
    if any(task.mode != Task.Mode.DO for task in tasks):
        raise Blocked("It is being revised: steps are done again or undone.")
    return _Work(flow, plan, plan.shape(flow.data), {task.key: task for task in tasks})


def _movable(work: _Work) -> Change:
    if work.flow.state not in RUNNING:
        raise Blocked(f"It is {work.flow.get_state_display().lower()} by now.")
    if work.flow.definition_id == work.plan.definition.pk:
        raise Blocked("It follows this version already.")
    change = _change(work)
    if change.why_not:
        raise Blocked(change.why_not)
    return change


def _member(work: _Work, new: dict[str, int]) -> Member:
    """The flow as it will be; items without a task yet have made-up negative keys unless `new` gives them."""
    flow = work.flow
    tasks = {key: task.pk for key, task in work.tasks.items()}
    tasks |= {item.key: new.get(item.key, -n) for n, item in enumerate(work.add(), 1)}
    return Member(
        flow.pk, (flow.root_type, flow.root_id), flow.specification_key, flow.line_key, flow.bundle_key, flow.site_id,
        work.shape, tasks, new=True,
    )  # fmt: skip


def _reshape(work: _Work, definition: PlanDefinition, by: User) -> dict[str, int]:
    """Drop, keep and add tasks; the keys of those added by item key."""
    flow, add = work.flow, work.add()
    dropped = [task.pk for task in work.drop()]
    lifecycle.move_many(Task.objects.filter(pk__in=dropped), Task.discard, by=by)
    columns = ["item", "name", "kind", "position", "team"]
    place = {item.key: n for n, item in enumerate(work.shape.items)}
    kept = {task.pk: work.shape.by_key[task.key] for task in work.keep()}
    rowwise.write(
        Task, columns, {pk: [i.pk, i.name, i.kind, place[i.key], i.team] for pk, i in kept.items()}
    )  # fmt: skip
    keys = copying.keys(Task, len(add)) if add else []
    numbers = numbering.take_many(Task.PREFIX, len(add)) if add else []
    names = (
        "id", "number", "flow_id", "item_id", "account_id", "key", "name", "kind", "position", "team", "priority",
    )  # fmt: skip
    rows = [
        (pk, number, flow.pk, i.pk, flow.account_id, i.key, i.name, i.kind, place[i.key], i.team, flow.priority)
        for pk, number, i in zip(keys, numbers, add, strict=True)
    ]
    copying.copy(Task, names, rows)
    Flow.objects.filter(pk=flow.pk).update(definition=definition, updated_at=timezone.now())
    return {item.key: pk for pk, item in zip(keys, add, strict=True)}


def _relink(flow_id: int, found: Links, states: dict[int, str]) -> list[int]:
    """Make the dependencies of the flow's planned tasks, and of those that wait for them, what they should be.

    Returns the planned tasks that wait for nothing now.
    """
    wanted = {key: lag for key, lag in found.lags.items() if states.get(key[0]) == Task.State.PLANNED}
    own = TaskDependency.objects.filter(after__flow=flow_id, after__state=Task.State.PLANNED)
    into = TaskDependency.objects.filter(before__flow=flow_id, after__state=Task.State.PLANNED)
    gone = TaskDependency.objects.filter(after__flow=flow_id, after__state=Task.State.DISCARDED)
    gone.delete()
    have = {(row.after_id, row.before_id, row.kind): row for row in (own | into).distinct()}
    TaskDependency.objects.filter(pk__in=[row.pk for key, row in have.items() if key not in wanted]).delete()
    now = timezone.now()
    rows = [
        (*key, lag, now if linking.met(states[key[1]], key[2]) else None)
        for key, lag in wanted.items() if key not in have
    ]  # fmt: skip
    copying.copy(TaskDependency, ("after_id", "before_id", "kind", "lag_days", "met_at"), rows)
    lags = {have[key].pk: [lag] for key, lag in wanted.items() if key in have and have[key].lag_days != lag}
    for pk, (lag,) in lags.items():
        TaskDependency.objects.filter(pk=pk).update(lag_days=lag)
    return _recount({key[0] for key in (*wanted, *have)} | {pk for pk, s in states.items() if s == Task.State.PLANNED})


def _recount(afters: set[int]) -> list[int]:
    """Count anew what planned tasks wait for; those that wait for nothing."""
    waits = dict.fromkeys(afters, 0)
    kinds = dict(Task.objects.filter(pk__in=afters).values_list("pk", "kind"))
    unmet = TaskDependency.objects.filter(after__in=afters, met_at__isnull=True)
    for after, kind in unmet.values_list("after_id", "kind"):
        waits[after] += linking.counts(kind, kinds[after])
    rowwise.write(Task, ["waits_for"], {pk: [n] for pk, n in waits.items()})
    return [pk for pk, n in waits.items() if not n]
