"""Proration: what part of a period's price a part of its days costs; the parts always add up to the whole."""

import calendar
import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from catalog.models import ProrationRule
from kernel.money import ZERO

Rule = ProrationRule.Rule
Rounding = Callable[[Decimal], Decimal]
MONTH = 30  # days of every month under Rule.THIRTY


@dataclass(frozen=True)
class Part:
    """Days that are charged together, both included, and what they cost."""

    first: dt.date
    last: dt.date
    amount: Decimal


def split(
    amount: Decimal, first: dt.date, last: dt.date, cuts: Iterable[dt.date], rule: str, rounding: Rounding
) -> list[Part]:
    """A period's price in parts that begin on its first day and on each cut; the parts add up to the rounded price.

    Where whole months are charged, the part that the period begins with carries all.
    """
    starts = [first, *sorted({cut for cut in cuts if first < cut <= last})]
    ends = [*(start - dt.timedelta(days=1) for start in starts[1:]), last]
    shares = [share(first, last, end, rule) for end in ends]
    sums = [rounding(amount * part) for part in shares[:-1]] + [rounding(amount)]
    return [
        Part(start, end, whole - before)
        for start, end, whole, before in zip(starts, ends, sums, [ZERO, *sums[:-1]], strict=True)
    ]


def span(amount: Decimal, first: dt.date, last: dt.date, rule: str, rounding: Rounding) -> list[Part]:
    """The monthly price over any days, calendar month by calendar month; a whole month costs the whole price."""
    found = []
    start = first
    while start <= last:
        begin, end = _month(start)
        cuts = [start, min(end, last) + dt.timedelta(days=1)]
        found.append(_piece(amount, begin, end, start, min(end, last), cuts, rule, rounding))
        start = end + dt.timedelta(days=1)
    return found


def share(first: dt.date, last: dt.date, day: dt.date, rule: str) -> Decimal:
    """The share of the period from its first day up to and with `day`."""
    if rule in (Rule.WHOLE, Rule.FREE):
        return Decimal(1)
    if rule == Rule.THIRTY:
        return Decimal(_commercial(first, day)) / _commercial(first, last)
    return Decimal((day - first).days + 1) / ((last - first).days + 1)


def rule_for(country: str, currency: str, on: dt.date) -> str:
    """The rule of a country and currency on a day: the one that says most, of equals the latest; by day without any."""
    rows = ProrationRule.objects.filter(country__in=("", country), currency__in=("", currency), valid_from__lte=on)
    return choose(rows, Rule.ACTUAL)


def choose(rows: Iterable[ProrationRule], otherwise: str) -> str:
    """The rule that says most, a country counting for more than a currency; of equals the latest."""
    best = max(rows, key=lambda row: (bool(row.country), bool(row.currency), row.valid_from), default=None)
    return best.rule if best else otherwise


def _piece(
    amount: Decimal, begin: dt.date, end: dt.date, start: dt.date, stop: dt.date, cuts: Sequence[dt.date], rule: str,
    rounding: Rounding,
) -> Part:  # fmt: skip
    """What the days from start to stop of one calendar month cost."""
    if rule == Rule.WHOLE:
        return Part(start, stop, rounding(amount))
    if rule == Rule.FREE:
        return Part(start, stop, rounding(amount) if start == begin else ZERO)
    parts = split(amount, begin, end, cuts, rule, rounding)
    return next(part for part in parts if part.first == start)


def _month(day: dt.date) -> tuple[dt.date, dt.date]:
    return day.replace(day=1), day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _commercial(first: dt.date, day: dt.date) -> int:
    """Days from `first` up to and with `day` where every month has thirty."""
    months = (day.year - first.year) * 12 + day.month - first.month
    return months * MONTH + _thirtieth(day) - min(first.day, MONTH) + 1


def _thirtieth(day: dt.date) -> int:
    """The last day of a month counts as the thirtieth."""
    return MONTH if day == _month(day)[1] else min(day.day, MONTH)
