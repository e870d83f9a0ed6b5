"""Standing: how the engine stands at this moment, for its page, its command and the doctor."""

import datetime as dt
import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Min, Q
from django.utils import timezone

from fulfillment import adapters, capacity, outage
from fulfillment.maintenance import current
from fulfillment.models import Attempt, Breaker, Capacity, Flow, Pause, Ready, Task

LATEST = 1000  # calls that are looked at
RUNNING = ("planned", "in_progress")


@dataclass(frozen=True)
class System:
    """How one system outside answers: its breaker, open calls, and what came of its latest ones."""

    name: str
    open: int
    calls: int
    failed: int
    seconds: float | None
    last: dt.datetime | None
    breaker: Breaker | None

    @property
    def is_left_alone(self) -> bool:
        """Whether nobody calls it at present, but for a try."""
        return self.breaker is not None and self.breaker.failures >= outage.BREAK_AFTER


@dataclass(frozen=True)
class Standing:
    """Counts of what is open, and whatever should not be there for long."""

    pause: Pause | None
    ready_for_machine: int
    oldest_ready: dt.datetime | None
    on_hold: int
    leases_held: int
    leases_expired: int
    retries_waiting: int
    next_retry: dt.datetime | None
    in_fallout: int
    tasks: dict[str, int] = field(default_factory=dict)
    flows: dict[str, int] = field(default_factory=dict)
    capacities: list[capacity.Use] = field(default_factory=list)
    breakers: list[Breaker] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """As the command prints it."""
        plain = {name: value for name, value in vars(self).items() if name not in ("pause", "capacities", "breakers")}
        plain["paused"] = self.pause.reason if self.pause else ""
        plain["capacities"] = {use.name: f"{use.open} of {use.most}" for use in self.capacities}
        plain["breakers"] = {row.system: row.open_until for row in self.breakers}
        return plain


def systems() -> list[System]:
    """Every system that steps call, with what came of its calls among the latest of all."""
    breakers = {row.system: row for row in Breaker.objects.filter(failures__gt=0)}
    busy = Task.objects.filter(capacity.OPEN_CALL).values_list("item__adapter")
    opened = dict(busy.annotate(Count("pk")).order_by())
    calls: dict[str, list[Attempt]] = defaultdict(list)
    latest = Attempt.objects.filter(ended_at__isnull=False).order_by("-pk")
    for row in latest.only("system", "outcome", "started_at", "ended_at")[:LATEST]:
        calls[row.system].append(row)
    return [
        System(
            name, opened.get(name, 0), len(rows := calls[name]), sum(row.outcome in outage.FAILED for row in rows),
            _middle(rows), rows[0].started_at if rows else None, breakers.get(name),
        )
        for name in adapters.SYSTEMS
    ]  # fmt: skip


def _middle(rows: list[Attempt]) -> float | None:
    took = [(row.ended_at - row.started_at).total_seconds() for row in rows if row.ended_at]
    return statistics.median(took) if took else None


def now() -> Standing:
    """The engine as it stands."""
    moment = timezone.now()
    waiting = Q(flow__state__in=RUNNING)
    queued = Ready.objects.aggregate(
        ready_for_machine=Count("pk", filter=waiting),
        oldest_ready=Min("since", filter=waiting),
        on_hold=Count("pk", filter=Q(flow__state="on_hold")),
    )
    leased = Q(state=Task.State.IN_PROGRESS, lease_until__isnull=False)
    found = Task.objects.aggregate(
        leases_held=Count("pk", filter=leased & Q(lease_until__gt=moment)),
        leases_expired=Count("pk", filter=leased & Q(lease_until__lte=moment)),
        retries_waiting=Count("pk", filter=Q(state=Task.State.FAILED)),
        next_retry=Min("due_at", filter=Q(state=Task.State.FAILED)),
        in_fallout=Count("pk", filter=Q(state=Task.State.ON_HOLD) & ~Q(problem="")),
    )
    uses = capacity.uses(Capacity.Kind.SYSTEM) | capacity.uses(Capacity.Kind.TEAM)
    return Standing(
        pause=current(), **queued, **found,
        tasks=dict(Task.objects.values_list("state").annotate(Count("pk")).order_by("state")),
        flows=dict(Flow.objects.values_list("state").annotate(Count("pk")).order_by("state")),
        capacities=list(uses.values()),
        breakers=list(Breaker.objects.filter(failures__gte=outage.BREAK_AFTER).order_by("system")),
    )  # fmt: skip
