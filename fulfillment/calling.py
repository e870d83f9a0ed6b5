"""Calling: claim tasks that need a system outside, call it without holding a lock, write what came of it if still ours.

The claim is committed before the call; it carries a lease and a fence. Whoever finds a lease expired claims again with
the next fence, asks the system what became of the key, and only then calls once more. A late answer of the former
holder is kept as an attempt and moves nothing.
"""

import datetime as dt
import os
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import F, Max, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from fulfillment import adapters, capacity, maintenance, outage, release, rowwise
from fulfillment.adapters import Answer, Call
from fulfillment.adapters.http import masked
from fulfillment.models import Attempt, Callback, Capacity, Kind, Task
from fulfillment.trouble import Trouble, fall_out
from kernel import clash, lifecycle

BATCH = 16
THREADS = 8
LEASE = dt.timedelta(seconds=10)  # longer than the client's timeouts, shorter than anybody's patience
POLL = dt.timedelta(seconds=20)  # an accepted call whose callback does not come is asked after
BACKOFF = 2.0  # seconds, doubled with every attempt
LONGEST = 120.0
OUTSIDE = Q(kind=Kind.API_CALL) | (Q(kind=Kind.WAIT_EVENT) & ~Q(item__adapter=""))

_pools: dict[int, ThreadPoolExecutor] = {}


@dataclass(frozen=True)
class Claim:
    """A task that this process may call for, until the lease ends or a higher fence is taken."""

    task_id: int
    fence: int
    attempts: int
    allowed: int
    attempt_id: int
    call: Call
    ask_first: bool = False
    missing: list[str] = field(default_factory=list)


def run(limit: int = BATCH) -> int:
    """Claim a batch, call for it, write the outcomes. Returns how many tasks were taken up."""
    claims = clash.again(lambda: take(limit))
    callable_ = [claim for claim in claims if not claim.missing]
    answers = list(_pool().map(_call, callable_)) if len(callable_) > 1 else [_call(claim) for claim in callable_]
    answered = list(zip(callable_, answers, strict=True))
    answered += [(claim, _needs(claim.missing)) for claim in claims if claim.missing]
    if answered:
        clash.again(lambda: settle(answered))  # the calls are made; their answers must not be lost
    return len(claims)


def _needs(missing: list[str]) -> Answer:
    names = ", ".join(missing)
    return Answer(
        "rejected",
        kind="data",
        cause=f"Value missing: {names}",
        detail=f"The step needs {names}, and nothing supplied it.",
    )


def _pool() -> ThreadPoolExecutor:
    if os.getpid() not in _pools:  # threads do not survive a fork
        _pools.clear()
        _pools[os.getpid()] = ThreadPoolExecutor(THREADS, thread_name_prefix="adapter")
    return _pools[os.getpid()]


@transaction.atomic
def take(limit: int = BATCH) -> list[Claim]:
    """Claim tasks: ready ones, and those whose lease has expired or whose callback is overdue.

    Nothing new while the engine is paused; no more than its system has capacity for; nothing of a system that is down.
    """
    now = timezone.now()
    trouble = outage.room()
    room = {name: use.left for name, use in capacity.uses(Capacity.Kind.SYSTEM, lock=True).items()}
    for system, left in trouble.items():
        room[system] = min(left, room.get(system, left))
    down = [system for system, left in trouble.items() if not left]
    fresh = [] if maintenance.current() else _fresh(now, limit, room)
    left = limit - len(fresh)
    dropped = _lock(OUTSIDE & Q(state=Task.State.IN_PROGRESS, lease_until__lte=now), left, down=down) if left else []
    left -= len(dropped)
    silent = Q(state=Task.State.IN_PROGRESS, lease_until__isnull=True, due_at__lte=now)
    overdue = _lock(OUTSIDE & silent, left, down=down) if left else []
    outage.probing({task.item.adapter for task in (*fresh, *dropped, *overdue)} & trouble.keys())
    claim: dict[str, Any] = {"lease_until": now + LEASE, "fence": F("fence") + 1, "due_at": None}
    if fresh:
        keys = [task.pk for task in fresh]
        started = Coalesce(F("started_at"), now)
        counted = F("attempts") + 1
        lifecycle.move_many(
            Task.objects.filter(pk__in=keys), Task.start, by=None, started_at=started, attempts=counted, **claim
        )
        release.begun(keys)
    Task.objects.filter(pk__in=[task.pk for task in dropped]).update(**claim, attempts=F("attempts") + 1)
    Task.objects.filter(pk__in=[task.pk for task in overdue]).update(**claim)
    return _claims([*fresh, *dropped, *overdue], overdue={task.pk for task in overdue})


def _fresh(now: dt.datetime, limit: int, room: dict[str, int]) -> list[Task]:
    """Ready tasks by priority, of systems that have room."""
    free = Q(queued__due_at__isnull=True) | Q(queued__due_at__lte=now)
    ready = Q(state=Task.State.READY, queued__system__gt="")
    full = [system for system, left in room.items() if not left]
    return capacity.within(_lock(free & ready, limit, "-queued__priority", down=full), room)


def _lock(wanted: Q, limit: int, first: str = "-priority", *, down: list[str]) -> list[Task]:
    rows = Task.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        wanted, flow__state__in=release.RUNNING
    )
    if down:
        rows = rows.exclude(item__adapter__in=down)
    related = rows.select_related("flow__site", "flow__account", "item")
    return list(related.order_by(first, "id")[:limit])


def _claims(tasks: list[Task], *, overdue: set[int]) -> list[Claim]:
    if not tasks:
        return []
    keys = [task.pk for task in tasks]
    last = dict(Attempt.objects.filter(task__in=keys).values_list("task").annotate(Max("number")))
    unclear = set(
        Attempt.objects.filter(task__in=keys, outcome__in=["unknown", "accepted"], number__in=set(last.values()))
        .values_list("task_id", "number")
        .distinct()
    )
    inputs = {task.pk: inputs_of(task) for task in tasks}
    _from_neighbours(tasks, inputs)
    calls = {task.pk: _call_of(task, {k: v for k, v in inputs[task.pk].items() if v is not None}) for task in tasks}
    attempts = Attempt.objects.bulk_create(
        Attempt(
            task=task, number=last.get(task.pk, 0) + 1, system=task.item.adapter, operation=task.item.operation,
            idempotency_key=calls[task.pk].key, request=masked(calls[task.pk].body()), outcome="unknown",
            started_at=timezone.now(),
        )
        for task in tasks
    )  # fmt: skip
    return [
        Claim(
            task.pk, task.fence + 1, task.attempts + (task.pk not in overdue), task.item.max_attempts, attempt.pk,
            calls[task.pk],
            ask_first=task.pk in overdue or (task.pk, last.get(task.pk, 0)) in unclear,
            missing=[name for name in required(task) if inputs[task.pk].get(name) is None],
        )
        for task, attempt in zip(tasks, attempts, strict=True)
    ]  # fmt: skip


def required(task: Task) -> list[str]:
    """Inputs that a step cannot do without; a name that ends in ? may be missing."""
    return [str(name) for name in task.item.inputs if not str(name).endswith("?")]


def inputs_of(task: Task) -> dict[str, Any]:
    """What the flow knows of a step's inputs; None for what it does not."""
    return {str(name).rstrip("?"): task.flow.data.get(str(name).rstrip("?")) for name in task.item.inputs}


def _from_neighbours(tasks: list[Task], inputs: dict[int, dict[str, Any]]) -> None:
    """Values that only another flow of the same root and site has, read for all in one query."""
    from fulfillment.models import Flow

    short = [task for task in tasks if None in inputs[task.pk].values()]
    if not short:
        return
    roots = {(task.flow.root_type, task.flow.root_id) for task in short}
    rows = Flow.objects.filter(
        root_type__in={r for r, _ in roots},
        root_id__in={i for _, i in roots},
        action__in={t.flow.action for t in short},
    )
    flows = list(rows.order_by("pk").values_list("root_type", "root_id", "site_id", "line_key", "data"))
    for task in short:
        flow, values = task.flow, inputs[task.pk]
        for kind, root, site, line, data in flows:
            if (kind, root) != (flow.root_type, flow.root_id) or not (site == flow.site_id or line == flow.line_key):
                continue
            values.update({name: data[name] for name, value in values.items() if value is None and name in data})


def _call_of(task: Task, inputs: dict[str, Any]) -> Call:
    flow, site = task.flow, task.flow.site
    context: dict[str, Any] = {
        "order": flow.root_number,
        "account": str(flow.account),
        "specification": flow.specification_key,
    }
    context["wanted"] = [str(name).rstrip("?") for name in task.item.outputs]
    if site is not None:
        context["site"] = {"code": site.code, "name": site.name, "address": site.address}
    return Call(
        key=task.idempotency_key, task=task.number, system=task.item.adapter, operation=task.item.operation,
        mode=task.mode, kind=task.kind, inputs=inputs, context=context,
    )  # fmt: skip


def _call(claim: Claim) -> Answer:
    """Ask what became of an unclear try, else call. Runs in a thread and touches no database."""
    try:
        adapter = adapters.named(claim.call.system)
    except LookupError as error:
        return Answer("rejected", kind="data", cause="No such system", detail=str(error))
    if claim.ask_first:
        known = adapter.query(claim.call)
        if known is not None and known.outcome != "rejected":
            return known
    return adapter.undo(claim.call) if claim.call.mode == Task.Mode.UNDO else adapter.do(claim.call)


@transaction.atomic
def settle(answered: list[tuple[Claim, Answer]]) -> None:
    """Write outcomes: every attempt, and of the tasks those whose fence is still the claim's."""
    _record(answered)
    ours = set(
        Task.objects.filter(pk__in=[claim.task_id for claim, _ in answered], state=Task.State.IN_PROGRESS)
        .order_by("pk")
        .select_for_update()
        .values_list("pk", "fence")
    )
    valid = [(claim, answer) for claim, answer in answered if (claim.task_id, claim.fence) in ours]
    done = {claim.task_id: declared(claim, answer) for claim, answer in valid if answer.outcome == "done"}
    if done:
        release.finish(Task.objects.filter(pk__in=done), done)
    accepted = [claim.task_id for claim, answer in valid if answer.outcome == "accepted"]
    Task.objects.filter(pk__in=accepted).update(lease_until=None, due_at=timezone.now() + POLL)
    troubles: dict[int, Trouble] = {}
    later: dict[int, tuple[str, dt.datetime]] = {}
    for claim, answer in valid:
        if answer.outcome == "rejected" or (answer.outcome in ("retry", "unknown") and claim.attempts >= claim.allowed):
            troubles[claim.task_id] = _trouble(claim, answer)
        elif answer.outcome in ("retry", "unknown", "postponed"):
            later[claim.task_id] = (answer.cause[:300], timezone.now() + backoff(claim.attempts))
    if troubles:
        fall_out(troubles)
    outage.note((claim.call.system, answer) for claim, answer in answered)
    _postpone(later, uncounted=[c.task_id for c, a in valid if a.outcome == "postponed"])


def declared(claim: Claim, answer: Answer) -> dict[str, Any]:
    """The values that the step is declared to put out; what else a system tells stays with the attempt."""
    wanted = claim.call.context.get("wanted", ())
    return {name: value for name, value in answer.outputs.items() if name in wanted}


def _postpone(later: dict[int, tuple[str, dt.datetime]], uncounted: list[int]) -> None:
    if not later:
        return
    lifecycle.move_many(Task.objects.filter(pk__in=later), Task.fail, by=None, lease_until=None)
    rowwise.write(Task, ["problem", "due_at"], {pk: list(values) for pk, values in later.items()})
    Task.objects.filter(pk__in=uncounted, attempts__gt=0).update(attempts=F("attempts") - 1)


def backoff(attempts: int) -> dt.timedelta:
    """How long to wait after so many tries: doubling, with jitter so that many do not come back at once."""
    seconds = min(BACKOFF * 2 ** max(0, attempts - 1), LONGEST)
    return dt.timedelta(seconds=seconds * random.uniform(0.5, 1.0))  # noqa: S311 – spreads load, guards nothing


def _trouble(claim: Claim, answer: Answer) -> Trouble:
    detail = answer.detail or answer.cause
    if answer.outcome != "rejected":
        detail = f"{detail} (tried {claim.attempts} times)"
    return Trouble(answer.kind or "provisioning", answer.cause, detail, answer.suggestion)


def _record(answered: list[tuple[Claim, Answer]]) -> None:
    now = timezone.now()
    rows = {
        claim.attempt_id: [masked(answer.response), answer.status, answer.outcome, now] for claim, answer in answered
    }
    rowwise.write(Attempt, ["response", "status", "outcome", "ended_at"], rows)


def consume_kept(keys: list[int], values: dict[int, dict[str, Any]]) -> list[int]:
    """Waits whose event came before they began: keys that are done at once; their values are added to `values`."""
    rows = Callback.objects.filter(task__in=keys, effect="kept").order_by("pk") if keys else []
    found = {row.task_id: dict(row.payload.get("outputs") or {}) for row in rows if row.task_id}
    values.update(found)
    return list(found)
