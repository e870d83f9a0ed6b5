"""Plan trial: what a version of a plan would come to for work that there is, beside the one in force; nothing moves.

Dates are those of the plan by itself from today: other flows are not waited for.
"""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from fulfillment import dating
from fulfillment.dating import Days, Node
from fulfillment.models import Flow, PlanDefinition
from fulfillment.shapes import Plan, PlanBook

SAMPLES = 50

Span = tuple[dt.date, dt.date]


@dataclass(frozen=True)
class Step:
    """One step with its dates in the version in force and in the one that is tried."""

    name: str
    kind: str
    now: Span | None
    then: Span | None
    why: str = ""

    @property
    def change(self) -> str:
        """added, gone, moved, same or left out."""
        if self.now is None:
            return "added" if self.then else "left_out"
        return "gone" if self.then is None else "same" if self.now == self.then else "moved"


@dataclass
class Trial:
    """What comes of one sample."""

    steps: list[Step] = field(default_factory=list)
    ends_now: dt.date | None = None
    ends_then: dt.date | None = None
    chosen: bool = True

    @property
    def later(self) -> int:
        """Calendar days by which the end moves."""
        return (self.ends_then - self.ends_now).days if self.ends_now and self.ends_then else 0


def samples(definition: PlanDefinition) -> list[Flow]:
    """Work of this specification and action, the latest first."""
    rows = Flow.objects.filter(specification_key=definition.specification.key, action=definition.action)
    return list(rows.select_related("site").order_by("-pk")[:SAMPLES])


def run(definition: PlanDefinition, flow: Flow | None, *, today: dt.date) -> Trial:
    """Try a version on a flow's data, or on none. Raises BrokenRule when a condition cannot be evaluated."""
    facts: dict[str, Any] = flow.data if flow else {}
    country = flow.site.country if flow and flow.site else ""
    active = PlanDefinition.objects.filter(key=definition.key, state=PlanDefinition.State.ACTIVE).exclude(
        pk=definition.pk
    )
    current = next((row for row in active.order_by("-starts_on", "-version") if row.holds_on(today)), None)
    book = PlanBook([row for row in (definition, current) if row])
    days = Days(today)
    then = _dates(book.plans[definition.pk], facts, days, country)
    now = _dates(book.plans[current.pk], facts, days, country) if current else {}
    made = Trial()
    names = {item.key: item for plan in book.plans.values() for item in plan.items}
    names |= {item.key: item for item in book.plans[definition.pk].items}
    order = [item.key for item in book.plans[definition.pk].items]
    for key in dict.fromkeys([*order, *now]):
        item = names[key]
        why = item.condition if key not in then else ""
        made.steps.append(Step(item.name, item.kind, now.get(key), then.get(key), why))
    made.ends_now = max((end for _, end in now.values()), default=None)
    made.ends_then = max((end for _, end in then.values()), default=None)
    return made


def _dates(plan: Plan, facts: dict[str, Any], days: Days, country: str) -> dict[str, Span]:
    shape = plan.shape(facts)
    nodes = {
        item.key: Node(item.pk, 0, days.line(item.calendar, country), float(item.duration_days)) for item in shape.items
    }
    for edge in shape.edges:
        nodes[edge.after].wait_for(nodes[edge.before], edge.kind, float(edge.lag))
    if not nodes:
        return {}
    dating.work_out(nodes.values(), days, None)
    return {key: (days.day(node.start), days.day(node.last)) for key, node in nodes.items()}
