"""Linking: what a task waits for, inside its flow and in the other flows of its root, worked out on keys alone."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from fulfillment.models import Kind, Task
from fulfillment.shapes import Reach, Shape

PEOPLE = (Kind.MANUAL, Kind.FIELD_WORK, Kind.PROJECT)  # these wait for the finish of others at their own finish


def counts(kind: str, after_kind: str) -> bool:
    """Whether a dependency keeps its task from starting. A machine's step starts only once it may finish."""
    return kind in ("FS", "SS") or after_kind not in PEOPLE


def met(state: str, kind: str) -> bool:
    """Whether a dependency on a task in this state is met."""
    return state in Task.CLOSED or (kind in ("SS", "SF") and state not in Task.UNSTARTED)


@dataclass(slots=True)
class Member:
    """One flow of a root: where it stands, its shape, and the keys of its tasks by item key."""

    flow_id: int
    root: tuple[str, int]
    specification: str
    line_key: str
    bundle_key: str
    site_id: int | None
    shape: Shape
    tasks: Mapping[str, int]
    new: bool

    def place(self, specification: str, scope: str) -> tuple[Any, ...]:
        """Where flows of a specification are looked for: the same root, and the same place in it."""
        within = {"line": self.line_key, "bundle": self.bundle_key or self.line_key, "site": self.site_id}.get(scope)
        return (self.root, specification, scope, within)


@dataclass(slots=True)
class Links:
    """What waits for what: (after, before, kind) → lag, and the kinds of the tasks that wait."""

    lags: dict[tuple[int, int, str], Decimal] = field(default_factory=dict)
    kinds: dict[int, str] = field(default_factory=dict)

    def add(self, after: int, before: int, kind: str, lag: Decimal, after_kind: str) -> None:
        """One more; of two of the same kind the longer lag counts."""
        key = (after, before, kind)
        have = self.lags.get(key)
        if have is None or have < lag:
            self.lags[key] = lag
        self.kinds[after] = after_kind


def links(members: Iterable[Member]) -> Links:
    """Dependencies inside new flows, and across flows wherever one end is new."""
    members = list(members)
    found = Links()
    wanted = {(reach.specification, reach.scope) for member in members for reach in member.shape.reaches}
    by_use = _by_use(members, wanted)
    for member in members:
        shape, tasks = member.shape, member.tasks
        if member.new:
            for edge in shape.edges:
                after_kind = shape.by_key[edge.after].kind
                found.add(tasks[edge.after], tasks[edge.before], edge.kind, edge.lag, after_kind)
        for reach in shape.reaches:
            after_kind = shape.by_key[reach.after].kind
            for before in _reached(member, reach, by_use):
                found.add(tasks[reach.after], before, reach.kind, reach.lag, after_kind)
    return found


def _by_use(members: list[Member], wanted: set[tuple[str, str]]) -> dict[tuple[Any, ...], list[Member]]:
    scopes: dict[str, list[str]] = defaultdict(list)
    for specification, scope in wanted:
        scopes[specification].append(scope)
    found: dict[tuple[Any, ...], list[Member]] = defaultdict(list)
    for member in members:
        for scope in scopes.get(member.specification, ()):
            found[member.place(member.specification, scope)].append(member)
    return found


def _reached(member: Member, reach: Reach, by_use: dict[tuple[Any, ...], list[Member]]) -> Iterator[int]:
    if reach.scope == "site" and member.site_id is None:
        return
    for other in by_use.get(member.place(reach.specification, reach.scope), ()):
        if other is not member and (member.new or other.new):
            for key in other.shape.ends(reach.item):
                yield other.tasks[key]
