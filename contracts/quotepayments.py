"""Payments of a quote: what each month and each year of its term comes to, with ramps and the lines' own terms."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from catalog import currencies, proration, ramps
from catalog.models import ProrationRule
from contracts import quotepricing
from contracts.models import Quote, QuoteLine
from kernel.money import ZERO

YEAR = 12
SHOWN = 50  # lines with a term of their own
PARTS = {
    ProrationRule.Rule.ACTUAL: "A service that starts within a month is charged by its days in that month.",
    ProrationRule.Rule.THIRTY: "A service that starts within a month is charged by days of 30 a month.",
    ProrationRule.Rule.WHOLE: "The month in which a service starts is charged in full.",
    ProrationRule.Rule.FREE: "The month in which a service starts is not charged.",
}


@dataclass(frozen=True)
class Phase:
    """Months of the term, both included, that cost the same."""

    first: int
    last: int
    monthly: Decimal


@dataclass(frozen=True)
class Year:
    """One year of the term; what is paid once belongs to the first."""

    number: int
    monthly: Decimal
    once: Decimal

    @property
    def total(self) -> Decimal:
        """Both."""
        return self.monthly + self.once


@dataclass(frozen=True)
class Ramped:
    """A line that rises in steps, and what that takes off."""

    line: QuoteLine
    words: list[str]


@dataclass(frozen=True)
class Payments:
    """The term of a quote in phases and years; both add up to the quote's value."""

    phases: list[Phase]
    years: list[Year]
    ramped: list[Ramped]
    shorter: list[QuoteLine]
    parts: str

    @property
    def uneven(self) -> bool:
        """Whether not every month costs the same."""
        return len(self.phases) > 1


def of(quote: Quote) -> Payments:
    """Read them from what is stored, in a number of queries that does not depend on the lines."""
    lines = QuoteLine.objects.filter(quote=quote)
    ramped = list(lines.exclude(ramp=[]).select_related("site", "offering").order_by("position", "id"))
    rows = lines.filter(ramp=[]).order_by().values_list(Coalesce("term_months", quote.term_months))
    months = [ZERO] * quote.term_months
    for term, amount in rows.annotate(Sum("monthly")):
        _add(months, [amount] * term)
    rounding = currencies.rounding(quote.currency, timezone.localdate())
    for line in ramped:
        _add(months, _of_line(quote, line, rounding))
    rule = proration.rule_for("", quote.currency, timezone.localdate())
    own = lines.filter(term_months__isnull=False, parent=None).select_related("site", "offering").order_by("id")
    return Payments(
        list(_phases(months)), list(_years(months, quote.one_time)),
        [Ramped(line, ramps.worded(_steps(line), quotepricing.term_of(quote, line))) for line in ramped],
        list(own[:SHOWN]), PARTS[ProrationRule.Rule(rule)],
    )  # fmt: skip


def _of_line(quote: Quote, line: QuoteLine, rounding: currencies.Rounding) -> list[Decimal]:
    """Each month of a ramped line."""
    return ramps.months(line.monthly, _steps(line), quotepricing.term_of(quote, line), line.quantity, rounding)


def _steps(line: QuoteLine) -> list[ramps.Step]:
    return ramps.read(line.ramp, ramps.LONGEST)


def _add(months: list[Decimal], amounts: Iterable[Decimal]) -> None:
    for place, amount in zip(range(len(months)), amounts, strict=False):
        months[place] += amount


def _phases(months: list[Decimal]) -> Iterable[Phase]:
    first = 0
    for place in range(1, len(months) + 1):
        if place == len(months) or months[place] != months[first]:
            yield Phase(first + 1, place, months[first])
            first = place


def _years(months: list[Decimal], once: Decimal) -> Iterable[Year]:
    for start in range(0, len(months), YEAR):
        yield Year(start // YEAR + 1, sum(months[start : start + YEAR], ZERO), ZERO if start else once)
