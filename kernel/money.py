"""Money: Decimal amounts with a currency, rounded once, the same way everywhere."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from kernel.refusal import Refusal

KEPT = 2  # digits after the point that stored amounts have
DIGITS = {
    **dict.fromkeys(("CLP", "HUF", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$", "CHF": "CHF", "PLN": "zł", "SEK": "kr", "CZK": "Kč"}
ZERO = Decimal(0)


class NotKept(Refusal):
    """Amounts in this currency are finer than those that are stored."""


class CurrencyMix(Refusal, ValueError):
    """Amounts of different currencies were about to be taken for one another."""


def digits(currency: str) -> int:
    """How many digits after the point amounts of a currency have."""
    return DIGITS.get(currency, KEPT)


def refusal(currency: str) -> str:
    """Why prices and accounts cannot be kept in a currency, "" when they can."""
    if digits(currency) <= KEPT:
        return ""
    return (
        f"{currency} has {digits(currency)} digits after the point, and amounts are kept with {KEPT}, so prices would "
        "be off. Use another currency, such as USD."
    )


def require_kept(currency: str, field: str = "currency") -> None:
    """Raises NotKept at the field for a currency whose amounts would lose a digit."""
    if said := refusal(currency):
        raise NotKept(problems={field: [said]})


def rounded(amount: Decimal, currency: str) -> Decimal:
    """The amount at the currency's smallest unit, half up."""
    return amount.quantize(Decimal(1).scaleb(-digits(currency)), rounding=ROUND_HALF_UP)


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
