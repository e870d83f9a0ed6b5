"""Capacity: how much of it runs at once, for systems that are called and for teams, and what waits for room."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.utils import formats, timezone

from fulfillment import maintenance, outage
from fulfillment.models import Breaker, Capacity, Kind, Task
from kernel.refusal import Conflict

# An open call has a lease while it is made, and a day to ask after it once the system has accepted it.
OPEN_CALL = Q(state=Task.State.IN_PROGRESS, kind=Kind.API_CALL) & (
    Q(lease_until__isnull=False) | Q(due_at__isnull=False)
)
BY_PEOPLE = (Kind.MANUAL, Kind.FIELD_WORK)


class Full(Conflict):
    """The team has as many tasks in progress as it may."""


@dataclass(frozen=True)
class Use:
    """One limit and how much of it is used."""

    kind: str
    name: str
    open: int
    most: int
    key: int = 0

    @property
    def left(self) -> int:
        """How many more may start."""
        return max(0, self.most - self.open)

    @property
    def share(self) -> int:
        """Per cent in use."""
        return min(100, round(100 * self.open / self.most)) if self.most else 100

    def __str__(self) -> str:
        return f"{self.name} ({self.open} of {self.most})"


def uses(kind: str, *, lock: bool = False) -> dict[str, Use]:
    """Limits of a kind with their use, by name. Locked, nobody else takes room until the transaction ends."""
    rows = Capacity.objects.filter(kind=kind).order_by("pk")
    limits = {row.name: row for row in (rows.select_for_update() if lock else rows)}
    if not limits:
        return {}
    counted = dict(_open(kind, list(limits)))
    return {name: Use(kind, name, counted.get(name, 0), row.most, row.pk) for name, row in limits.items()}


def _open(kind: str, names: list[str]) -> QuerySet[Any, Any]:
    if kind == Capacity.Kind.SYSTEM:
        rows = Task.objects.filter(OPEN_CALL, item__adapter__in=names).values(of=F("item__adapter"))
    else:
        rows = Task.objects.filter(state=Task.State.IN_PROGRESS, kind__in=BY_PEOPLE, team__in=names)
        rows = rows.values(of=F("team"))
    found: QuerySet[Any, Any] = rows.annotate(n=Count("pk")).values_list("of", "n").order_by()
    return found


def within(tasks: list[Task], room: dict[str, int]) -> list[Task]:
    """Those of the tasks, in their order, for which their system has room."""
    taken: Counter[str] = Counter()
    kept = []
    for task in tasks:
        system = task.item.adapter
        if taken[system] < room.get(system, len(tasks)):
            taken[system] += 1
            kept.append(task)
    return kept


def require_room(task: Task) -> None:
    """Raises Full when the team of a person's task has as many in progress as it may."""
    if not task.team or task.kind not in BY_PEOPLE:
        return
    use = uses(Capacity.Kind.TEAM, lock=True).get(task.team)
    if use is not None and not use.left:
        raise Full(f"{task.team} has {use.open} of {use.most} tasks in progress. Finish one first.")


def why_waiting(task: Task) -> str:
    """Why a ready step of the machine does not start now, in words; empty when nothing keeps it."""
    if task.state != Task.State.READY or task.kind in BY_PEOPLE:
        return ""
    if pause := maintenance.current():
        return maintenance.words(pause)
    if not (system := task.item.adapter):
        return ""
    breaker = Breaker.objects.filter(system=system, failures__gte=outage.BREAK_AFTER).first()
    if breaker is not None and breaker.open_until:
        again = formats.time_format(timezone.localtime(breaker.open_until), "H:i:s")
        return f"The {system} system does not answer. It is tried again at {again}."
    use = uses(Capacity.Kind.SYSTEM).get(system)
    return f"Waits for capacity of {use}." if use is not None and not use.left else ""
