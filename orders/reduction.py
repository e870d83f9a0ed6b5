"""Reduction: an order wants fewer of something than is installed; a person picks which of them end."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from catalog import rulebook, telling
from kernel import audit
from kernel.decisions import BrokenRule
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal
from orders import decomposition, installed
from orders.installed import Standing, Surplus
from orders.models import Order, OrderLine

BEFORE = frozenset({"draft", "submitted", "enrichment_in_progress", "enrichment_on_hold", "awaiting_approval"})
MOST_TOLD = 20
TOLD = 4  # values that tell an installed part from its likes


class NotPicked(Refusal):
    """Too few or too many were picked, or something that is no part of the line's product."""


@dataclass(frozen=True)
class Part:
    """An installed part with the values that tell it from its likes."""

    number: str
    values: list[tuple[str, str]] = field(default_factory=list)
    picked: bool = False


@dataclass(frozen=True)
class Choice:
    """Of these parts, `ends` have to be picked."""

    name: str
    ends: int
    parts: list[Part]

    @property
    def open(self) -> bool:
        """Whether the right number is not picked yet."""
        return sum(part.picked for part in self.parts) != self.ends

    @property
    def ask(self) -> str:
        """What to pick, in words."""
        return f"Pick which {self.ends} of {len(self.parts)} end: {self.name}."

    @property
    def numbers(self) -> str:
        """What there is to pick from, for who sees no list."""
        more = len(self.parts) - MOST_TOLD
        listed = ", ".join(part.number for part in self.parts[:MOST_TOLD])
        return f"{listed} and {more} more" if more > 0 else listed


def choices(order: Order, lines: Iterable[OrderLine]) -> dict[int, list[Choice]]:
    """Line key → the choices it calls for; only lines that change a product can call for one."""
    changing = [line for line in lines if line.action == "modify" and (line.product_id or line.service_id)]
    if not changing:
        return {}
    try:
        tree = decomposition.target(order, changing, rulebook.in_force(timezone.now()), {})
    except BrokenRule:
        return {}
    surplus = installed.compute_actions(order, tree, changing)
    ending = {line.pk: set(line.ending) for line in changing}
    keys = {key for one in surplus for part in one.standing for key in _values(part)}
    known = telling.of(keys)
    found: dict[int, list[Choice]] = {}
    for one in surplus:
        found.setdefault(one.line_id, []).append(_choice(one, ending[one.line_id], known))
    return found


def lacking(order: Order, lines: Iterable[OrderLine]) -> dict[int, str]:
    """Line key → what still has to be picked, in words."""
    found = choices(order, lines)
    return {
        line: " ".join(one.ask for one in theirs if one.open)
        for line, theirs in found.items()
        if any(one.open for one in theirs)
    }


@transaction.atomic
def pick(*, line_id: int, numbers: Iterable[str], by: User) -> OrderLine:
    """Say which installed parts end, by their numbers.

    Raises:
        NotPicked: not as many as are too many, or a number that is none of the line's parts.
        Conflict: the order is past approval, so that its parts are at work already.
        NotPermitted: the person may not change orders.
    """
    if not by.has_perm("orders.change_order"):
        raise NotPermitted("Your roles do not include the right to change orders.")
    order_id = OrderLine.objects.values_list("order", flat=True).get(pk=line_id)
    order: Order = Order.objects.select_related("account").select_for_update(of=("self",)).get(pk=order_id)
    if order.state not in BEFORE:
        raise Conflict("The order is past approval; what ends cannot be picked any more.")
    line = next(line for line in decomposition.lines_of(order) if line.pk == line_id)
    before, line.ending = list(line.ending), sorted(set(numbers))
    asked = choices(order, [line]).get(line.pk, [])
    known = {part.number for choice in asked for part in choice.parts}
    if unknown := set(line.ending) - known:
        raise NotPicked(problems={"": [f"{', '.join(sorted(unknown))[:120]} is no part of this product."]})
    if wrong := {choice.name: [choice.ask] for choice in asked if choice.open}:
        raise NotPicked(problems=wrong)
    OrderLine.objects.filter(pk=line.pk).update(ending=line.ending)
    if before != line.ending:
        audit.record("picked what ends", order, by=by, changes={f"line {line.position}": [before, line.ending]})
    return line


def _choice(one: Surplus, ending: set[str], known: telling.Glossary) -> Choice:
    all_values = [_values(part) for part in one.standing]
    common = Counter((key, str(value)) for values in all_values for key, value in values.items())
    parts = []
    for part, values in zip(one.standing, all_values, strict=True):
        own = {key: value for key, value in values.items() if common[key, str(value)] < len(all_values)}
        told = known.told(dict(list(own.items())[:TOLD]))
        parts.append(Part(part.record.number, told, part.record.number in ending))
    return Choice(one.specification.name, one.ends, parts)


def _values(part: Standing) -> dict[str, object]:
    """The values of a part and of all that stands below it; the nearest count."""
    found: dict[str, object] = {}
    for below in part.below:
        found |= _values(below)
    return found | {key: value for key, value in part.record.characteristics.items() if value not in (None, "", [])}
