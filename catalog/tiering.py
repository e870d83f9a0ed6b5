"""Tiering: what a number of units costs by tiers, after the units that are included; pure functions of numbers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from kernel import writing
from kernel.money import ZERO
from kernel.refusal import Refusal

TIERED, VOLUME = "tiered", "volume"
MOST = 20  # tiers of one price
LARGEST = Decimal(10) ** 9


@dataclass(frozen=True)
class Tier:
    """The price of one unit for the units above `over`, up to the next tier."""

    over: Decimal
    amount: Decimal


class BadTiers(Refusal):
    """The tiers cannot be kept like this; every problem at its place, such as tiers-1-over."""


def read(raw: Iterable[dict[str, Any]]) -> list[Tier]:
    """Tiers from their stored or typed form, in rising order, the first over 0. Raises BadTiers."""
    found: list[Tier] = []
    problems: dict[str, list[str]] = {}
    for place, entry in enumerate(raw):
        over, amount = _number(entry.get("over")), _number(entry.get("amount"))
        if over is None:
            problems[f"tiers-{place}-over"] = ["Say over how many units, as a number from 0 on."]
        elif found and over <= found[-1].over:
            problems[f"tiers-{place}-over"] = [f"This tier has to begin above {found[-1].over:f}."]
        elif not found and over != 0 and place == 0:
            problems[f"tiers-{place}-over"] = ["The first tier begins over 0 units."]
        if amount is None:
            problems[f"tiers-{place}-amount"] = ["Say what one unit costs, as a number from 0 on."]
        if over is not None and amount is not None:
            found.append(Tier(over, amount))
    if len(found) > MOST:
        problems["tiers"] = [f"A price has at most {MOST} tiers."]
    if problems:
        raise BadTiers(problems=problems)
    return found


def stored(tiers: Iterable[Tier]) -> list[dict[str, str]]:
    """Tiers as they are kept."""
    return [{"over": f"{tier.over:f}", "amount": f"{tier.amount:f}"} for tier in tiers]


def cost(units: Decimal, tiers: Sequence[Tier], how: str, allowance: Decimal = ZERO) -> Decimal:
    """What so many units cost, unrounded; `how` is tiered or volume, anything else has the first tier's price."""
    counted = max(units - allowance, ZERO)
    if not tiers or not counted:
        return ZERO
    if how == TIERED:
        ends = [tier.over for tier in tiers[1:]] + [counted]
        return sum(
            ((min(counted, end) - tier.over) * tier.amount
             for tier, end in zip(tiers, ends, strict=True) if counted > tier.over),
            ZERO,
        )  # fmt: skip
    if how == VOLUME:
        return counted * reached(counted, tiers).amount
    return counted * tiers[0].amount


def reached(units: Decimal, tiers: Sequence[Tier]) -> Tier:
    """The tier that so many units come to."""
    return next((tier for tier in reversed(tiers) if units > tier.over), tiers[0])


def _number(value: Any) -> Decimal | None:
    try:
        number = Decimal(writing.typed(str(value).strip()))
    except InvalidOperation:
        return None
    return number if number.is_finite() and 0 <= number <= LARGEST else None
