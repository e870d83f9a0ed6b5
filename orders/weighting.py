"""Weighting: how urgent an order is: Σ (rank × weight) / Σ weight over what a decision table says of it.

Each row of the table that matches is one factor: a rank from 0 to 100, the weight it carries, and why. Without the
table, or when nothing matches, an order keeps the priority that its customer's tier gave it.
"""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from kernel import audit, decisions
from kernel.decisions import BrokenRule
from orders import checks
from orders.models import Order, OrderLine

TABLE = "order_priority"


def weigh(order: Order, lines: list[OrderLine] | None = None) -> None:
    """Set the priority of a locked order that the caller saves; the trail keeps the sum. Raises BrokenRule."""
    judge = decisions.judges([TABLE]).get(TABLE)
    found = (
        summed(hit.outputs for hit in judge(_about(order, lines, judge.mentioned)) if hit.outputs) if judge else None
    )
    if found is None:
        return
    priority, why = found
    if priority != order.priority:
        changes = {"priority": [order.priority, priority]}
        order.priority = priority
        audit.record("weighed", order, by=None, changes=changes, reason=why)


def _about(order: Order, lines: list[OrderLine] | None, mentioned: Iterable[str]) -> dict[str, Any]:
    """The facts that the table mentions; what is not at hand is looked up only if it asks for any of it."""
    known = {} if lines is None else checks.at_hand(order, lines)
    return known if known.keys() >= set(mentioned) else checks.of(order, lines).about


def summed(factors: Iterable[dict[str, Any]]) -> tuple[int, str] | None:
    """The weighted mean of the factors and its explanation, None when nothing has weight."""
    total = weights = Decimal(0)
    said = []
    for factor in factors:
        rank, weight = _number(factor, "rank"), _number(factor, "weight")
        if not 0 <= rank <= 100 or weight < 0:
            raise BrokenRule("A rank is from 0 to 100, and a weight is not below 0.")
        total, weights = total + rank * weight, weights + weight
        said.append(f"{factor.get('because') or 'No reason given'}: {rank:f} × {weight:f}")
    return (int((total / weights).to_integral_value()), "; ".join(said)) if weights else None


def _number(factor: dict[str, Any], name: str) -> Decimal:
    try:
        return Decimal(str(factor[name]))
    except (KeyError, InvalidOperation) as error:
        raise BrokenRule(f"Each row of the priorities says a {name}, which is a number.") from error
