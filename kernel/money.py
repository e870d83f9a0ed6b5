"""Money: Decimal amounts with a currency, rounded once, the same way everywhere."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from kernel.refusal import Refusal

DIGITS = {"JPY": 0, "HUF": 0, "BHD": 3, "KWD": 3, "TND": 3}
SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$", "CHF": "CHF", "PLN": "zł", "SEK": "kr", "CZK": "Kč"}
ZERO = Decimal(0)


class CurrencyMix(Refusal, ValueError):
    """Amounts of different currencies were about to be taken for one another."""


def rounded(amount: Decimal, currency: str) -> Decimal:
    """The amount at the currency's smallest unit, half up."""
    return amount.quantize(Decimal(1).scaleb(-DIGITS.get(currency, 2)), rounding=ROUND_HALF_UP)


def total(amounts: Iterable[tuple[Decimal, str]], currency: str) -> Decimal:
    """The sum of (amount, currency) pairs. Raises CurrencyMix if any is in another currency."""
    result = ZERO
    for amount, of in amounts:
        if of != currency:
            raise CurrencyMix(f"{of} cannot be added to {currency}")
        result += amount
    return result


def percent(amount: Decimal, rate: Decimal) -> Decimal:
    """`rate` percent of an amount, unrounded."""
    return amount * rate / 100


def plain(number: Decimal) -> str:
    """A number as people write it: no trailing zeros, no exponent, no minus before nothing."""
    return f"{number.normalize():f}" if number else "0"
