"""Charge feed: what a calendar month comes to, product by product and day by day, as billing systems take it.

Monthly prices are charged for the days they hold, by the proration rule of the country that pays; a new price cuts the
month in two. Set-up prices fall due on the day they begin, charges of early ends on their due day.
"""

import calendar
import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import QuerySet

from catalog import proration
from catalog.models import ProrationRule
from contracts import periods, ramped
from contracts.models import BillingChange, BillingStart, ContractCharge, ContractLine
from crm.models import BillingProfile
from kernel.money import ZERO, rounded

CUT = (ProrationRule.Rule.WHOLE, ProrationRule.Rule.FREE)  # rules by which one part carries the whole month


@dataclass(frozen=True)
class Item:
    """One charge. `kind` is recurring, one_time, early_termination or reduction; both days are included."""

    kind: str
    product: str
    name: str
    site: str
    first: dt.date
    last: dt.date
    monthly: Decimal
    amount: Decimal
    currency: str
    profile: BillingProfile | None
    detail: str = ""
    contract: str = ""
    customer_id: int = 0


@dataclass(frozen=True)
class _Span:
    """Days that one price holds for."""

    first: dt.date
    last: dt.date
    monthly: Decimal
    detail: str


def of_month(starts: QuerySet[BillingStart], first: dt.date, charges: QuerySet[ContractCharge]) -> list[Item]:
    """Every charge of the month that begins on `first`; a constant number of queries."""
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    rules = _Rules(first)
    found: list[Item] = []
    over = BillingChange.objects.filter(ends=True, on__lte=first).values("billing_start")
    rows = starts.filter(starts_on__lte=last).exclude(pk__in=over)
    rows = rows.select_related(
        "product", "site", "account", "billing_profile", "contract_line__contract", "contract_line__amendment"
    ).prefetch_related("changes__contract_line__contract", "changes__contract_line__amendment", "pauses")
    for start in rows.order_by("site__country", "site__code", "product", "pk"):
        found += [*_once(start, first, last), *_recurring(start, first, last, rules)]
    due = charges.filter(due_on__range=(first, last)).select_related(
        "line__site", "billing_profile", "contract__account"
    )
    return [*found, *(_charge(row) for row in due.order_by("due_on", "pk"))]


class _Rules:
    """Proration rules that hold on a day, by country and currency."""

    def __init__(self, on: dt.date) -> None:
        self.rows = list(ProrationRule.objects.filter(valid_from__lte=on))

    def of(self, country: str, currency: str) -> str:
        rows = [one for one in self.rows if one.country in ("", country) and one.currency in ("", currency)]
        return proration.choose(rows, ProrationRule.Rule.ACTUAL)


def _once(start: BillingStart, first: dt.date, last: dt.date) -> Iterator[Item]:
    sums = [(start.starts_on, start.one_time, "Set-up")]
    sums += [(one.on, one.one_time, one.because) for one in start.changes.all()]
    for day, amount, detail in sums:
        if amount and first <= day <= last:
            yield _item(start, "one_time", _Span(day, day, ZERO, detail), amount)


def _recurring(start: BillingStart, first: dt.date, last: dt.date, rules: _Rules) -> Iterator[Item]:
    rule = rules.of(start.billing_profile.country, start.currency)
    carried = False
    for span in _spans(start, first, last):
        (part,) = proration.span(
            span.monthly, span.first, span.last, rule, lambda amount: rounded(amount, start.currency)
        )
        amount = ZERO if carried and rule in CUT else part.amount
        carried = True
        if amount:
            yield _item(start, "recurring", span, amount)


def _spans(start: BillingStart, first: dt.date, last: dt.date) -> Iterator[_Span]:
    """The days of the month in pieces of one price, those of a ramp among them."""
    steps: list[tuple[dt.date, BillingStart | BillingChange]] = [(start.starts_on, start)]
    ends = None
    for change in start.changes.all():
        if change.ends:
            ends = change.on - periods.DAY
        else:
            steps = [one for one in steps if one[0] < change.on] + [(change.on, change)]
    last = min(last, ends) if ends else last
    for place, (day, row) in enumerate(steps):
        until = steps[place + 1][0] - periods.DAY if place + 1 < len(steps) else last
        for begin, stop in _working(start, max(day, first), min(until, last)):
            yield from _ramped(row, begin, stop)


def _working(start: BillingStart, first: dt.date, last: dt.date) -> Iterator[tuple[dt.date, dt.date]]:
    """The days of a span in pieces, without those on which the product rests."""
    for pause in start.pauses.all():
        if pause.on <= last and (pause.until is None or pause.until > first):
            if pause.on > first:
                yield first, pause.on - periods.DAY
            first = pause.until or last + periods.DAY
    if first <= last:
        yield first, last


def _ramped(row: BillingStart | BillingChange, first: dt.date, last: dt.date) -> Iterator[_Span]:
    line: ContractLine | None = row.contract_line
    detail = row.because if isinstance(row, BillingChange) else ""
    if line is None or not line.ramp or line.contract.starts_on is None:
        yield _Span(first, last, row.monthly, detail)
        return
    contract, begins = line.contract, line.contract.starts_on
    cuts = [periods.first_of(begins, month - 1) for month in ramped.steps_at(contract, line)]
    days = [first, *(cut for cut in cuts if first < cut <= last)]
    for day, stop in zip(days, [*(cut - periods.DAY for cut in days[1:]), last], strict=True):
        month = max(periods.begun(begins, day), 1)
        yield _Span(day, stop, ramped.monthly(contract, line, month), detail or f"Ramp, month {month} of the term")


def _item(start: BillingStart, kind: str, span: _Span, amount: Decimal) -> Item:
    return Item(
        kind, start.product.number, start.product.name, start.site.name if start.site else "", span.first, span.last,
        span.monthly, amount, start.currency, start.billing_profile, span.detail,
        start.contract_line.contract.number if start.contract_line else "", start.account.root_id or start.account_id,
    )  # fmt: skip


def _charge(row: ContractCharge) -> Item:
    site = row.line.site.name if row.line and row.line.site else ""
    return Item(
        row.kind, "", row.label, site, row.due_on, row.due_on, ZERO, row.amount, row.currency, row.billing_profile,
        row.contract.number, row.contract.number, row.contract.account.root_id or row.contract.account_id,
    )  # fmt: skip


def total(items: Iterable[Item]) -> Decimal:
    """What they come to."""
    return sum((item.amount for item in items), ZERO)
