"""Currencies: how amounts are rounded and what they are worth in another currency, each from a stated day on."""

import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

from catalog.models import CurrencyRule, ExchangeRate
from kernel.money import KEPT, digits
from kernel.refusal import Refusal

How = CurrencyRule.How
MODES = {
    How.HALF_UP: ROUND_HALF_UP, How.HALF_EVEN: ROUND_HALF_EVEN, How.UP: ROUND_CEILING, How.DOWN: ROUND_FLOOR,
}  # fmt: skip


class NoRate(Refusal):
    """There is no exchange rate for the day; nothing is converted by guess."""


@dataclass(frozen=True)
class Rounding:
    """How amounts of one currency are rounded: to multiples of `smallest`. Calling it rounds."""

    currency: str
    smallest: Decimal
    how: str = How.HALF_UP

    def __call__(self, amount: Decimal) -> Decimal:
        """The amount as it is charged."""
        whole = (amount / self.smallest).quantize(Decimal(1), rounding=MODES[How(self.how)])
        return whole * self.smallest


@dataclass(frozen=True)
class Rate:
    """One `source` is worth `rate` of `target` from the day `on`."""

    source: str
    target: str
    rate: Decimal
    on: dt.date

    def convert(self, amount: Decimal) -> Decimal:
        """The amount in the target currency, unrounded."""
        return amount * self.rate

    def worded(self) -> str:
        """As in 1 EUR = 0.94 CHF of 1 November 2026."""
        return f"1 {self.source} = {self.rate.normalize():f} {self.target}, rate of {self.on:%-d %B %Y}"


def usual(currency: str) -> Rounding:
    """The rounding of a currency for which nobody wrote a rule: half up at its smallest unit."""
    return Rounding(currency, Decimal(1).scaleb(-min(digits(currency), KEPT)))


def rounding(currency: str, on: dt.date) -> Rounding:
    """How amounts of a currency are rounded on a day."""
    row = CurrencyRule.objects.filter(currency=currency, valid_from__lte=on).order_by("-valid_from").first()
    return Rounding(currency, row.smallest, row.how) if row else usual(currency)


def rate(source: str, target: str, on: dt.date) -> Rate:
    """The rate that holds on a day; one entered the other way round is turned.

    Raises:
        NoRate: nobody entered one that had begun by then.
    """
    rows = ExchangeRate.objects.filter(valid_from__lte=on).order_by("-valid_from", "-id")
    row = rows.filter(source=source, target=target).first()
    turned = rows.filter(source=target, target=source).first()
    if row and (turned is None or row.valid_from >= turned.valid_from):
        return Rate(source, target, row.rate, row.valid_from)
    if turned:
        return Rate(source, target, (1 / turned.rate).quantize(Decimal("0.00000001")), turned.valid_from)
    raise NoRate(f"There is no exchange rate from {source} to {target} for {on:%-d %B %Y}. Enter one first.")
