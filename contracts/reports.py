"""Reports of money: monthly recurring revenue and how it moves, contracts that end, quotes and what came of them."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import TruncMonth

from catalog.reportfilters import PRODUCT
from cmdb.models import Product
from contracts.models import BillingChange, BillingStart, Contract, Quote
from crm.models import Account
from crm.reportfilters import REGION, SELLER, TIER, currency
from kernel import reporting
from kernel.reporting import PERIOD, Asked, Chart, Column, Dashboard, Report, Row
from kernel.reporting.asking import back, month_of, months_between
from kernel.reporting.shelf import by_month, month_name

GROUP = "Revenue"
ACCEPTED = (Quote.State.ACCEPTED, Quote.State.COMPLETED)
_MOVES = """
WITH start AS ({starts}),
move AS (
    SELECT starts_on AS day, monthly AS came, 0 AS changed, 0 AS ended, 1 AS products FROM start
    UNION ALL
    SELECT c.on, 0, CASE WHEN c.ends THEN 0 ELSE c.delta END, CASE WHEN c.ends THEN c.delta ELSE 0 END,
           CASE WHEN c.ends THEN -1 ELSE 0 END
    FROM (
        SELECT c.on, c.ends,
               c.monthly - lag(c.monthly, 1, s.monthly) OVER (PARTITION BY s.id ORDER BY c.on, c.id) AS delta
        FROM contracts_billingchange c JOIN start s ON s.id = c.billing_start_id
    ) c
)
SELECT greatest(date_trunc('month', day)::date, %s::date - 1), sum(came), sum(changed), sum(ended), sum(products)
FROM move WHERE day < %s GROUP BY 1 ORDER BY 1
"""


CURRENCY = currency(Contract)


class MonthlyRevenue(Report):
    """What is billed a month at the end of each month, and what came, changed and ended in it."""

    key, title, group, head, months = "monthly-revenue", "Monthly recurring revenue", GROUP, "Month", True
    lead = "what customers are billed a month at each month’s end"
    permissions = ("contracts.view_billingstart", "contracts.view_contract", "cmdb.view_product", "crm.view_account")
    filters = (PERIOD, CURRENCY, PRODUCT, REGION, TIER)
    columns = (
        Column("revenue", "At the end", "money"), Column("came", "New", "money"),
        Column("changed", "Changed", "money"), Column("ended", "Ended", "money"),
        Column("products", "Products billed", counts="revenue"),
    )  # fmt: skip
    chart = Chart((("revenue", "accent"),))
    records, headline, currency = "cmdb:product_list", "revenue", "currency"
    says = "billed a month at the end of the period"
    empty = "Nothing is billed yet. Billing begins by itself when a product goes live."
    note = "The price that was agreed for the whole term; a ramp that begins lower is not taken off."

    def _starts(self, asked: Asked) -> Any:
        accounts = Account.objects.visible_to(asked.user)
        found = BillingStart.objects.order_by().filter(
            currency=asked.get("currency"), account__in=accounts.values("pk")
        )
        return found.filter(
            asked.where(contract_line__offering__key="product", site__region="region", account__tier="tier")
        )

    def rows(self, asked: Asked) -> Sequence[Row]:
        sql, params = self._starts(asked).values("id", "starts_on", "monthly").query.sql_with_params()
        months = asked.months()
        with connection.cursor() as cursor:
            cursor.execute(_MOVES.format(starts=sql), [*params, months[0], asked.until])
            found = {day: numbers for day, *numbers in cursor.fetchall()}
        came, changed, ended, products = found.pop(months[0] - dt.timedelta(days=1), (0, 0, 0, 0))
        revenue, rows = came + changed + ended, []
        for first in months:
            came, changed, ended, more = found.get(first, (0, 0, 0, 0))
            revenue, products = revenue + came + changed + ended, products + more
            rows.append(Row(f"{first:%Y-%m}", month_name(first), {
                "revenue": revenue, "came": came, "changed": changed, "ended": ended, "products": products,
            }))  # fmt: skip
        return rows

    def total(self, asked: Asked, rows: Sequence[Row]) -> dict[str, Any]:
        return {name: rows[-1].values[name] for name in ("revenue", "products")} if rows else {}

    def behind(self, asked: Asked, row: str, column: str) -> Any:
        starts = self._starts(asked)
        changes = BillingChange.objects.filter(asked.days_within("on", row))
        if column == "revenue":
            until = min(back(month_of(row), -1), asked.until) if row else asked.until
            over = BillingChange.objects.filter(ends=True, on__lt=until)
            starts = starts.filter(starts_on__lt=until).exclude(pk__in=over.values("billing_start"))
        elif column == "came":
            starts = starts.filter(asked.days_within("starts_on", row))
        else:
            starts = starts.filter(pk__in=changes.filter(ends=column == "ended").values("billing_start"))
        return Product.objects.visible_to(asked.user).filter(pk__in=starts.values("product"))


class Ending(Report):
    """Sales contracts in force whose term ends in the months to come."""

    key, title, group, head, months = "contracts-ending", "Contracts that end", GROUP, "Ends in", True
    lead = "terms that end in the next twelve months"
    permissions = ("contracts.view_contract", "crm.view_account")
    filters = (CURRENCY, TIER)
    columns = (
        Column("contracts", "Contracts"), Column("monthly", "A month", "money", counts="contracts"),
        Column("renewing", "Renew by themselves"), Column("leaving", "Notice given"),
        Column("open", "To be decided"),
    )  # fmt: skip
    chart = Chart((("renewing", "ok"), ("open", "wait"), ("leaving", "bad")), stacked=True)
    records, headline, currency = "contracts:contract_list", "monthly", "currency"
    says = "a month under contracts that end within a year"
    empty = "No contract ends within twelve months."

    def _parts(self) -> dict[str, Q]:
        leaving = Q(notice_given_on__isnull=False)
        return {
            "contracts": Q(), "leaving": leaving, "renewing": ~leaving & Q(auto_renew=True),
            "open": ~leaving & Q(auto_renew=False),
        }  # fmt: skip

    def _contracts(self, asked: Asked, row: str = "") -> Any:
        first = asked.today.replace(day=1)
        since, until = (month_of(row), back(month_of(row), -1)) if row else (first, back(first, -12))
        found = Contract.objects.visible_to(asked.user).order_by().filter(
            kind=Contract.Kind.SALES, state=Contract.State.ACTIVE, currency=asked.get("currency"), ends_on__gte=since,
            ends_on__lt=until,
        )  # fmt: skip
        return found.filter(asked.where(account__tier="tier"))

    def rows(self, asked: Asked) -> Sequence[Row]:
        counts = {name: Count("pk", filter=part) for name, part in self._parts().items()}
        found = self._contracts(asked).annotate(month=TruncMonth("ends_on")).values("month")
        kept = {one["month"]: one for one in found.annotate(**counts, monthly=Sum("monthly"))}
        first = asked.today.replace(day=1)
        months = months_between(first, back(first, -11))
        return [Row(f"{one:%Y-%m}", month_name(one), kept.get(one, {})) for one in months]

    def behind(self, asked: Asked, row: str, column: str) -> Any:
        return self._contracts(asked, row).filter(self._parts()[column])


class Quotes(Report):
    """Quotes that were presented, what came of them, and what is left after cost for whoever may see that."""

    key, title, group, head, months = "quotes", "Quotes and what came of them", "Selling", "Presented in", True
    lead = "quotes presented in the period"
    permissions = ("contracts.view_quote", "crm.view_account")
    filters = (PERIOD, SELLER, CURRENCY, TIER)
    columns = (
        Column("quotes", "Presented"), Column("accepted", "Accepted"), Column("declined", "Declined, expired"),
        Column("open", "Still open"), Column("rate", "Accepted of all", "percent", ("accepted", "quotes")),
        Column("amount", "Accepted a month", "money", counts="accepted"),
        Column("discount", "Discount", "percent", ("off", "listed"), counts="quotes"),
        Column("margin", "Margin", "percent", ("left", "agreed"), counts="quotes", permission="contracts.view_margin"),
    )  # fmt: skip
    chart = Chart((("accepted", "ok"), ("open", "wait"), ("declined", "bad")), stacked=True)
    records, headline, currency = "contracts:quote_list", "rate", "currency"
    empty = "No quote was presented in this period."
    note = "Versions that a later one replaced are left out. Discount and margin are of the monthly prices."

    def _parts(self) -> dict[str, Q]:
        return {
            "quotes": Q(), "accepted": Q(state__in=ACCEPTED), "open": Q(state=Quote.State.PRESENTED),
            "declined": ~Q(state__in=(*ACCEPTED, Quote.State.PRESENTED)),
        }  # fmt: skip

    def _quotes(self, asked: Asked, row: str = "") -> Any:
        found = Quote.objects.visible_to(asked.user).order_by().exclude(state=Quote.State.SUPERSEDED)
        found = found.filter(asked.where(owner="owner", account__tier="tier", currency="currency"))
        return found.filter(asked.within("presented_at", row))

    def rows(self, asked: Asked) -> Sequence[Row]:
        parts = self._parts()
        measures: dict[str, Any] = {name: Count("pk", filter=part) for name, part in parts.items()} | {
            "amount": Sum("monthly", filter=parts["accepted"]), "listed": Sum("monthly_list"),
            "off": Sum(F("monthly_list") - F("monthly")), "agreed": Sum("monthly"),
            "left": Sum(F("monthly") - F("monthly_cost")),
        }  # fmt: skip
        names = tuple(measures)
        if not asked.user.has_perm("contracts.view_margin"):
            del measures["left"]
        found = self._quotes(asked).annotate(month=TruncMonth("presented_at")).values("month")
        return by_month(asked, found.annotate(**measures), names)

    def behind(self, asked: Asked, row: str, column: str) -> Any:
        return self._quotes(asked, row).filter(self._parts()[column])


reporting.add(MonthlyRevenue(), Ending(), Quotes())
reporting.add_dashboard(
    Dashboard(
        "revenue", "Revenue", "what is billed a month, what comes and what ends",
        ("finance", "product_manager", "legal"),
        ("monthly-revenue", "contracts-ending", "quotes", "forecast", "orders-by-month"), 15,
    )
)  # fmt: skip
