"""Ramps: a price or a quantity that rises in steps over the term, such as half the price in months 1 to 6."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from kernel import writing
from kernel.money import plain
from kernel.refusal import Refusal

MOST = 24  # steps of one ramp
WHOLE = Decimal(100)
LARGEST = 1_000_000
LONGEST = 9_999  # months that a stored ramp may speak of; what lies beyond a shorter term is left out

Rounding = Callable[[Decimal], Decimal]


@dataclass(frozen=True)
class Step:
    """Up to and with month `until` of the term, `percent` of the price is charged, for `quantity` pieces if given.

    `monthly` is what a month of it costs, once that was priced; it is what the offer says, and what is billed.
    """

    until: int
    percent: Decimal = WHOLE
    quantity: int | None = None
    monthly: Decimal | None = None


class BadRamp(Refusal):
    """The steps make no ramp; every problem at its place, such as ramp-0-until."""


def read(raw: Iterable[dict[str, Any]], term: int) -> list[Step]:
    """Steps from their stored or typed form; after the last one the full price holds to the end of the term.

    Raises:
        BadRamp: a month outside the term or not after the step before, a percentage or a quantity that makes no sense.
    """
    steps: list[Step] = []
    problems: dict[str, list[str]] = {}
    last = 0
    for place, entry in enumerate(raw):
        until, percent, quantity = _until(entry), _percent(entry), _quantity(entry)
        if until is None or not last < until <= term:
            problems[f"ramp-{place}-until"] = [f"Choose a month from {last + 1} to {term}, the end of the term."]
        if percent is None:
            problems[f"ramp-{place}-percent"] = ["A step charges 0 to 100 % of the price."]
        if quantity == 0:
            problems[f"ramp-{place}-quantity"] = [f"A quantity is a whole number from 1 to {LARGEST}, or empty."]
        if until is not None and percent is not None and quantity != 0:
            steps.append(Step(until, percent, quantity, Decimal(entry["monthly"]) if "monthly" in entry else None))
        last = max(last, until or 0)
    if len(steps) > MOST:
        problems["ramp"] = [f"A ramp has at most {MOST} steps."]
    if problems:
        raise BadRamp(problems=problems)
    return steps


def stored(steps: Iterable[Step]) -> list[dict[str, Any]]:
    """Steps as they are kept."""
    return [
        {"until": step.until, "percent": f"{step.percent:f}"}
        | ({} if step.quantity is None else {"quantity": step.quantity})
        | ({} if step.monthly is None else {"monthly": f"{step.monthly:f}"})
        for step in steps
    ]


def at(steps: Sequence[Step], month: int) -> Step | None:
    """The step that holds in a month of the term, counted from 1; None when the full price does."""
    return next((step for step in steps if month <= step.until), None)


def monthly(price: Decimal, step: Step | None, rounding: Rounding) -> Decimal:
    """What one month of a step costs when its full price is `price`."""
    return rounding(price) if step is None else rounding(price * step.percent / WHOLE)


def phases(steps: Sequence[Step], term: int) -> list[tuple[int, int, Step | None]]:
    """The term in pieces: first month, last month, the step that holds; a piece beyond the term is left out."""
    found: list[tuple[int, int, Step | None]] = []
    first = 1
    for step in steps:
        last = min(step.until, term)
        if first <= last:
            found.append((first, last, step))
            first = last + 1
    if first <= term:
        found.append((first, term, None))
    return found


def priced(prices: Callable[[int | None], Decimal], steps: Iterable[Step], rounding: Rounding) -> list[Step]:
    """The steps with what a month of each costs; fewer pieces never cost more than all.

    `prices` gives the full monthly price of a quantity, None being the line's own.
    """
    full = prices(None)
    return [replace(step, monthly=monthly(min(prices(step.quantity), full), step, rounding)) for step in steps]


def charged(full: Decimal, step: Step | None, pieces: int, rounding: Rounding) -> Decimal:
    """What one month of a step is charged where all `pieces` cost `full`.

    A step that was kept without a price of its own charges the share of its pieces.
    """
    if step is None:
        return full
    if step.monthly is not None:
        return step.monthly
    share = full * min(step.quantity, pieces) / pieces if step.quantity and pieces else full
    return monthly(share, step, rounding)


def months(full: Decimal, steps: Sequence[Step], term: int, pieces: int, rounding: Rounding) -> list[Decimal]:
    """What each month of the term is charged."""
    found: list[Decimal] = []
    for first, last, step in phases(steps, term):
        found += [charged(full, step, pieces, rounding)] * (last - first + 1)
    return found


def worded(steps: Sequence[Step], term: int) -> list[str]:
    """The ramp in words: months 1–6 at 50 %, 10 pieces."""
    said = []
    for first, last, step in phases(steps, term):
        months = f"months {first}–{last}" if last > first else f"month {first}"
        part = "the full price" if step is None or step.percent == WHOLE else f"{plain(step.percent)} % of the price"
        pieces = f", {step.quantity} pieces" if step and step.quantity else ""
        said.append(f"{months}: {part}{pieces}")
    return said


def _until(entry: dict[str, Any]) -> int | None:
    text = str(entry.get("until", "")).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else None


def _percent(entry: dict[str, Any]) -> Decimal | None:
    text = str(entry.get("percent", "")).strip() or "100"
    try:
        number = Decimal(writing.typed(text))
    except InvalidOperation:
        return None
    return number if number.is_finite() and 0 <= number <= WHOLE else None


def _quantity(entry: dict[str, Any]) -> int | None:
    """None when it is not said, 0 when it cannot be."""
    text = str(entry.get("quantity") or "").strip()
    if not text:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 and int(text) <= LARGEST else 0
