"""Shapes: what a plan definition comes to for given facts, with left-out items bridged."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils import timezone

from fulfillment.models import PlanDefinition, PlanDependency, PlanItem
from kernel import decisions

_FINISH_FIRST = {"FF": "FS", "SF": "SS"}
_FINISH_LAST = {"FS": "FF", "SS": "SF"}


@dataclass(frozen=True)
class Edge:
    """`after` waits for `before`, both items of the same shape."""

    before: str
    after: str
    kind: str
    lag: Decimal


@dataclass(frozen=True)
class Reach:
    """`after` waits for an item of another flow in the scope; an empty item means that flow's end."""

    after: str
    specification: str
    item: str
    scope: str
    kind: str
    lag: Decimal


@dataclass(frozen=True)
class Shape:
    """Items that stay, in order, and what waits for what. `stand_ins` names what stands for an item left out."""

    items: tuple[PlanItem, ...]
    edges: tuple[Edge, ...]
    reaches: tuple[Reach, ...]
    stand_ins: dict[str, tuple[str, ...]]
    finals: tuple[str, ...]
    by_key: dict[str, PlanItem]

    def ends(self, item: str) -> tuple[str, ...]:
        """The items that stand for a named item, or for the end of the flow."""
        return self.stand_ins.get(item, ()) if item else self.finals


@dataclass
class Plan:
    """One definition read whole."""

    definition: PlanDefinition
    items: list[PlanItem] = field(default_factory=list)
    waits: dict[int, list[PlanDependency]] = field(default_factory=lambda: defaultdict(list))
    _shapes: dict[frozenset[str], Shape] = field(default_factory=dict)

    def shape(self, facts: dict[str, Any]) -> Shape:
        """The shape for these facts. Raises BrokenRule when an item's condition cannot be evaluated."""
        return self.of_items(item.key for item in self.items if decisions.holds(item.condition, facts))

    def of_items(self, keys: Iterable[str]) -> Shape:
        """The shape that keeps just these items; computed once per set."""
        kept = frozenset(keys)
        if kept not in self._shapes:
            self._shapes[kept] = self._make(kept)
        return self._shapes[kept]

    def _make(self, kept: frozenset[str]) -> Shape:
        by_id = {item.pk: item for item in self.items}
        edges: dict[tuple[str, str, str], Edge] = {}
        reaches: dict[tuple[str, str, str, str, str], Reach] = {}
        stand_ins: dict[str, tuple[str, ...]] = {}
        for item in self.items:
            befores = []
            for source, kind, lag in self._sources(item.pk, kept, by_id, ()):
                if isinstance(source, PlanItem):
                    befores.append(source.key)
                    if item.key in kept:
                        key = (source.key, item.key, kind)
                        if key not in edges or edges[key].lag < lag:
                            edges[key] = Edge(*key, lag)
                elif item.key in kept:
                    named = (source.before_specification, source.before_item, source.scope)
                    reaches[(item.key, *named, kind)] = Reach(item.key, *named, kind, lag)
            stand_ins[item.key] = (item.key,) if item.key in kept else tuple(dict.fromkeys(befores))
        followed = {edge.before for edge in edges.values() if edge.kind in ("FS", "FF")}
        items = tuple(item for item in self.items if item.key in kept)
        finals = tuple(item.key for item in items if item.key not in followed)
        return Shape(
            items, tuple(edges.values()), tuple(reaches.values()), stand_ins, finals, {item.key: item for item in items}
        )

    def _sources(
        self, pk: int, kept: frozenset[str], by_id: dict[int, PlanItem], seen: tuple[int, ...]
    ) -> Iterator[tuple[PlanItem | PlanDependency, str, Decimal]]:
        """What an item waits for; an item left out passes on what it would have waited for itself."""
        for dependency in self.waits.get(pk, ()):
            if dependency.scope != PlanDependency.Scope.FLOW:
                yield dependency, dependency.kind, dependency.lag_days
                continue
            before = by_id[dependency.before_id or 0]
            if before.key in kept:
                yield before, dependency.kind, dependency.lag_days
            elif before.pk not in seen:
                for source, kind, lag in self._sources(before.pk, kept, by_id, (*seen, before.pk)):
                    yield source, _joined(kind, dependency.kind), lag + dependency.lag_days


def _joined(inner: str, outer: str) -> str:
    """The kind of a → c that replaces a → b (inner) and b → c (outer) when b takes no time because it is left out."""
    if outer in ("FF", "SF"):
        return _FINISH_LAST.get(inner, inner)
    return _FINISH_FIRST.get(inner, inner)


class PlanBook:
    """Definitions read in three queries, to be asked many times about the plans valid on a day."""

    def __init__(self, definitions: Iterable[PlanDefinition], *, today: dt.date | None = None) -> None:
        self.plans = {definition.pk: Plan(definition) for definition in definitions}
        for item in PlanItem.objects.filter(definition__in=self.plans).order_by("position", "id"):
            self.plans[item.definition_id].items.append(item)
        rows = PlanDependency.objects.filter(after__definition__in=self.plans).select_related("after")
        for row in rows.order_by("id"):
            self.plans[row.after.definition_id].waits[row.after_id].append(row)
        self._by_use: dict[tuple[str, str], list[Plan]] = defaultdict(list)
        for plan in sorted(self.plans.values(), key=lambda p: (p.definition.position, p.definition.pk)):
            if plan.definition.holds_on(today or timezone.localdate()):
                self._by_use[(plan.definition.specification.key, plan.definition.action)].append(plan)

    def choose(self, specification: str, action: str, facts: dict[str, Any]) -> Plan | None:
        """The first valid plan of a specification and action whose condition holds."""
        candidates = self._by_use.get((specification, action), ())
        return next((plan for plan in candidates if decisions.holds(plan.definition.condition, facts)), None)
