"""Forecast: what is likely to be signed, by owner and month, each currency by itself."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Count, DecimalField, F, Q, Sum
from django.db.models.functions import TruncMonth
from django.utils import timezone

from crm.models import Opportunity
from kernel import writing
from kernel.models import User
from kernel.money import ZERO

MONTHS = 6
LATE, LATER = "late", "later"


@dataclass
class Cell:
    """Monthly revenue of one owner and one column: of all open deals, of it what is likely, and what is won."""

    key: str = ""
    count: int = 0
    total: Decimal = ZERO
    likely: Decimal = ZERO
    won: Decimal = ZERO

    def add(self, other: "Cell") -> None:
        """Add another cell's sums."""
        self.count += other.count
        self.total += other.total
        self.likely += other.likely
        self.won += other.won


@dataclass(frozen=True)
class Column:
    """One column: its key in the filter of the list (late, 2026-11, …, later) and its heading."""

    key: str
    label: str


@dataclass
class Row:
    """One owner, or nobody, with a cell a column and their sum."""

    owner: User | None
    cells: list[Cell]
    sum: Cell = field(default_factory=Cell)


@dataclass
class Forecast:
    """The table in one currency, with the other currencies that deals have."""

    currency: str
    currencies: list[str]
    columns: list[Column]
    rows: list[Row]
    totals: list[Cell]
    sum: Cell


def forecast(user: User, *, currency: str = "", mine: bool = False) -> Forecast:
    """Open deals by owner and month of signature, weighted by stage, beside what was won; three queries.

    Without a currency that deals have, the one with the most open deals is taken.
    """
    deals = Opportunity.objects.visible_to(user).order_by()
    if mine:
        deals = deals.filter(owner=user)
    used = deals.exclude(state=Opportunity.State.LOST).values("currency").annotate(n=Count("pk"))
    currencies = [row["currency"] for row in used.order_by("-n", "currency")]
    chosen = currency if currency in currencies else (currencies[0] if currencies else settings.HOME_CURRENCY)
    columns = [Column(key, label) for key, label in choices()]
    cells = _cells(deals.filter(currency=chosen), columns)
    owners = User.objects.in_bulk([pk for pk, _ in cells if pk])
    rows = []
    for pk in sorted({pk for pk, _ in cells}, key=lambda pk: str(owners[pk]) if pk else "~"):
        row = Row(owners.get(pk or 0), [replace(cells[pk, column.key], key=column.key) for column in columns])
        for cell in row.cells:
            row.sum.add(cell)
        rows.append(row)
    totals = [Cell(column.key) for column in columns]
    for row in rows:
        for total, cell in zip(totals, row.cells, strict=True):
            total.add(cell)
    everything = Cell()
    for total in totals:
        everything.add(total)
    return Forecast(chosen, sorted(currencies), columns, rows, totals, everything)


def by_month(deals: Any) -> dict[str, Cell]:
    """Cells by the keys of `choices`, over all owners; the deals are of one currency."""
    found: dict[str, Cell] = {key: Cell(key) for key, _ in choices()}
    for (_, key), cell in _cells(deals, [Column(key, label) for key, label in choices()]).items():
        found[key].add(cell)
    return found


def won_now() -> Q:
    """Deals that were won since the first of this month, as the forecast counts them."""
    return Q(state=Opportunity.State.WON, closed_on__gte=_months()[0])


def _cells(deals: Any, columns: list[Column]) -> dict[tuple[int | None, str], Cell]:
    """Cells by owner and column, empty ones made when asked for."""
    keys = {column.key for column in columns}
    first = _months()[0]
    found: dict[tuple[int | None, str], Cell] = defaultdict(Cell)
    likely = Sum(F("monthly") * F("stage__probability") / 100, output_field=DecimalField())
    opened = deals.filter(state=Opportunity.State.OPEN).annotate(month=TruncMonth("close_on"))
    for owner, month, n, total, part in opened.values_list("owner", "month").annotate(
        n=Count("pk"), total=Sum("monthly"), part=likely
    ):
        key = f"{month:%Y-%m}"
        key = LATE if month < first else key if key in keys else LATER
        found[owner, key].add(Cell(key, n, total, part))
    won = deals.filter(won_now())
    for owner, total in won.values_list("owner").annotate(total=Sum("monthly")):
        found[owner, f"{first:%Y-%m}"].add(Cell(won=total))
    return found


def choices() -> list[tuple[str, str]]:
    """Late, this month and the five after it, later: for the columns and for the filter of the list."""
    months = [(f"{month:%Y-%m}", writing.day(month, "F Y")) for month in _months()]
    return [(LATE, "Before this month"), *months, (LATER, "Later")]


def within(key: str) -> Q:
    """The condition on deals that a column's key stands for."""
    months = _months()
    if key == LATE:
        return Q(close_on__lt=months[0])
    if key == LATER:
        return Q(close_on__gte=_next(months[-1]))
    month = dt.date.fromisoformat(f"{key}-01")
    return Q(close_on__gte=month, close_on__lt=_next(month))


def _months() -> list[dt.date]:
    months = [timezone.localdate().replace(day=1)]
    while len(months) < MONTHS:
        months.append(_next(months[-1]))
    return months


def _next(month: dt.date) -> dt.date:
    return (month + dt.timedelta(days=32)).replace(day=1)
