"""Reports of orders: what came in, cycle time by phase, delivery on time, promises in danger."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db.models import Avg, Count, Exists, F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce, TruncDate, TruncMonth

from catalog.reportfilters import PRODUCT
from crm.reportfilters import REGION, TIER
from fulfillment.models import Level
from kernel import reporting
from kernel.models import AuditEntry, User
from kernel.reporting import PERIOD, Asked, Chart, Column, Dashboard, Filter, Report, Row
from kernel.reporting.medians import Percentile, days_between
from kernel.reporting.shelf import by_month
from orders import queries
from orders.models import Order, OrderLine
from orders.roles import TONES

AGAINST = Filter(
    "against", "Against",
    lambda user: (("first", "The first promise"), ("last", "The present promise"), ("wish", "The customer’s wish")),
    usual="first",
)  # fmt: skip
PROMISES = {"first": "first_promised_on", "last": "promised_on", "wish": "requested_on"}
DONE = (Order.State.COMPLETED, Order.State.PARTIAL)
GROUP = "Delivery"


def _managers(user: User) -> list[tuple[str, str]]:
    rows = User.objects.filter(groups__name="order_manager", is_active=True).distinct()
    return [(str(one.pk), str(one)) for one in rows.order_by("first_name", "last_name")]


MANAGER = Filter("manager", "Owner", _managers, all="Anyone")
CHANNEL = Filter("channel", "Came by", lambda user: Order.Channel.choices)
FILTERS = (MANAGER, PRODUCT, CHANNEL, REGION, TIER)


def _orders(asked: Asked) -> Any:
    """Orders that the reader may see, as the filters leave them."""
    found, lines = Order.objects.visible_to(asked.user).order_by(), OrderLine.objects.filter(order=OuterRef("pk"))
    found = found.filter(asked.where(manager="manager", channel="channel", account__tier="tier"))
    if asked.get("product"):
        found = found.filter(Exists(lines.filter(offering__key=asked.get("product"))))
    return found.filter(Exists(lines.filter(site__region=asked.get("region")))) if asked.get("region") else found


class Intake(Report):
    """Orders that came in and that ended, by month."""

    key, title, group, head, months = "orders-by-month", "Orders by month", GROUP, "Month", True
    lead = "what came in, what was delivered, what was cancelled"
    permissions = ("orders.view_order", "crm.view_account")
    filters = (PERIOD, *FILTERS)
    columns = (
        Column("submitted", "Came in"), Column("monthly", f"A month, {settings.HOME_CURRENCY}", "money"),
        Column("done", "Delivered"), Column("cancelled", "Cancelled"),
    )  # fmt: skip
    chart = Chart((("submitted", "run"), ("done", "ok"), ("cancelled", "idle")))
    records, headline = "orders:order_list", "submitted"
    empty = "No order came in or ended in this period."
    note = "The monthly amount is of the orders that came in."

    def rows(self, asked: Asked) -> Sequence[Row]:
        orders = _orders(asked)
        home = Q(currency=settings.HOME_CURRENCY)
        came = orders.filter(self._part(asked, "submitted")).annotate(month=TruncMonth("submitted_at")).values("month")
        ended = orders.filter(asked.within("ended_at")).annotate(month=TruncMonth("ended_at")).values("month")
        found: dict[Any, dict[str, Any]] = {
            one["month"]: one for one in came.annotate(submitted=Count("pk"), monthly=Sum("monthly", filter=home))
        }
        counts = {name: Count("pk", filter=self._part(asked, name)) for name in ("done", "cancelled")}
        for one in ended.annotate(**counts):
            found[one["month"]] = {**found.get(one["month"], {}), **one}
        return by_month(asked, found.values(), ("submitted", "monthly", "done", "cancelled"))

    def _part(self, asked: Asked, column: str, month: str = "") -> Q:
        return {
            "submitted": asked.within("submitted_at", month),
            "monthly": asked.within("submitted_at", month) & Q(currency=settings.HOME_CURRENCY),
            "done": asked.within("ended_at", month) & Q(state__in=DONE),
            "cancelled": asked.within("ended_at", month) & Q(state=Order.State.CANCELLED),
        }[column]

    def behind(self, asked: Asked, row: str, column: str) -> Any:
        return _orders(asked).filter(self._part(asked, column, row))


class CycleTime(Report):
    """How long the phases of delivered orders took: half of them, and nine of ten."""

    key, title, group, head = "cycle-time", "Cycle time by phase", GROUP, "Phase"
    lead = "calendar days that each phase of delivered orders took"
    permissions = ("orders.view_order", "crm.view_account")
    filters = (PERIOD, *FILTERS)
    columns = (
        Column("orders", "Orders", summed=False), Column("p50", "Half within", "days", summed=False),
        Column("p90", "Nine of ten within", "days", summed=False), Column("mean", "Mean", "days", counts="orders",
        summed=False),
    )  # fmt: skip
    chart = Chart((("p50", "accent"), ("p90", "risk")), across=True)
    records = "orders:order_list"
    empty = "No order was delivered in this period. Phases are counted once an order has ended."
    note = "A number of days opens the orders that took longer."
    PHASES = {
        "enrichment": ("Enrichment", "submitted_at", "asked_at"), "approval": ("Approval", "asked_at", "agreed_at"),
        "planning": ("Planning", "agreed_at", "started_at"), "delivery": ("Delivery", "started_at", "ended_at"),
        "whole": ("From order to delivery", "submitted_at", "ended_at"),
    }  # fmt: skip

    def _timed(self, asked: Asked) -> Any:
        moved = AuditEntry.objects.filter(subject_type=queries.ROOT, subject_id=OuterRef("pk")).order_by("id")
        found = _orders(asked).filter(asked.within("ended_at"), state__in=DONE)
        found = found.annotate(
            asked_at=Subquery(moved.filter(action="ask_approval").values("at")[:1]),
            agreed_at=Subquery(moved.filter(action="approve").values("at")[:1]),
        )
        return found.annotate(**{key: days_between(begin, end) for key, (_, begin, end) in self.PHASES.items()})

    def rows(self, asked: Asked) -> Sequence[Row]:
        measures: dict[str, Any] = {}
        for key in self.PHASES:
            measures |= {
                f"{key}_orders": Count(key), f"{key}_mean": Avg(key), f"{key}_p50": Percentile(key, fraction=0.5),
                f"{key}_p90": Percentile(key, fraction=0.9),
            }  # fmt: skip
        found = self._timed(asked).aggregate(**measures)
        names = ("orders", "mean", "p50", "p90")
        return [
            Row(key, label, {name: found[f"{key}_{name}"] for name in names})
            for key, (label, *_) in self.PHASES.items()
        ]

    def behind(self, asked: Asked, row: str, column: str) -> Any:
        phase = row if row in self.PHASES else "whole"
        found = self._timed(asked).filter(**{f"{phase}__isnull": False})
        if column == "orders":
            return found
        share = {"p50": 0.5, "p90": 0.9}[column]
        bound = self._timed(asked).aggregate(bound=Percentile(phase, fraction=share))["bound"]
        return found.filter(**{f"{phase}__gt": bound}) if bound is not None else found.none()

    def label(self, asked: Asked, row: str) -> str:
        return self.PHASES[row][0] if row in self.PHASES else ""


class OnTime(Report):
    """Whether delivered orders kept their promise, by the month of delivery."""

    key, title, group, head, months = "on-time", "On-time delivery", GROUP, "Delivered in", True
    lead = "delivered orders against what was promised"
    permissions = ("orders.view_order", "crm.view_account")
    filters = (PERIOD, AGAINST, *FILTERS)
    columns = (
        Column("delivered", "Delivered"), Column("on_time", "On time"), Column("late", "Late"),
        Column("rate", "Share on time", "percent", ("on_time", "promised")),
        Column("days", "Days late, mean", "days", counts="late", summed=False),
        Column("none", "Without a promise"),
    )  # fmt: skip
    chart = Chart((("on_time", "ok"), ("late", "bad")), stacked=True)
    records, headline = "orders:order_list", "rate"
    empty = "No order was delivered in this period."
    note = "On time means delivered on the promised day or before. Orders without a promise count in neither."

    def _parts(self, asked: Asked) -> dict[str, Q]:
        promise = PROMISES[asked.get("against") or "first"]
        promised = Q(**{f"{promise}__isnull": False})
        return {
            "delivered": Q(), "promised": promised, "none": ~promised,
            "on_time": promised & Q(ended_on__lte=F(promise)), "late": promised & Q(ended_on__gt=F(promise)),
        }  # fmt: skip

    def _delivered(self, asked: Asked, month: str = "") -> Any:
        found = _orders(asked).filter(asked.within("ended_at", month), state__in=DONE)
        return found.annotate(ended_on=TruncDate("ended_at"))

    def _measures(self, asked: Asked) -> dict[str, Any]:
        parts, promise = self._parts(asked), PROMISES[asked.get("against") or "first"]
        measures: dict[str, Any] = {name: Count("pk", filter=part) for name, part in parts.items()}
        return measures | {"days": Avg(days_between(promise, "ended_on"), filter=parts["late"])}

    def rows(self, asked: Asked) -> Sequence[Row]:
        found = self._delivered(asked).annotate(month=TruncMonth("ended_at")).values("month")
        names = ("delivered", "promised", "none", "on_time", "late", "days")
        rows = by_month(asked, found.annotate(**self._measures(asked)), names)
        return [Row(row.key, row.label, {**row.values, "days": row.values["days"] or None}) for row in rows]

    def total(self, asked: Asked, rows: Sequence[Row]) -> dict[str, Any]:
        return dict(self._delivered(asked).aggregate(days=self._measures(asked)["days"]))

    def behind(self, asked: Asked, row: str, column: str) -> Any:
        return self._delivered(asked, row).filter(self._parts(asked)[column])


class InDanger(Report):
    """Open orders by the level of their jeopardy, now."""

    key, title, group, head = "jeopardy", "Promises in danger", GROUP, "Jeopardy"
    lead = "open orders now, by how badly their date is in danger"
    permissions = ("orders.view_order", "orders.view_orderforecast", "crm.view_account")
    filters = FILTERS
    columns = (
        Column("orders", "Open orders"), Column("share", "Of all", "percent", ("orders", "all"), summed=False),
        Column("monthly", f"A month, {settings.HOME_CURRENCY}", "money"),
        Column("days", "Working days late, mean", "days", counts="orders", summed=False),
        Column("paused", "Of them held"),
    )  # fmt: skip
    chart = Chart((("orders", "risk"),), across=True)
    records, headline = "orders:order_list", "orders"
    says = "open orders now"
    empty = "No order is open. Orders at work are projected every other minute from what their tasks really take."

    def _open(self, asked: Asked) -> Any:
        found = _orders(asked).exclude(state__in=(*queries.ENDED, Order.State.DRAFT))
        return found.annotate(level=Coalesce("forecast__level", 0))

    def _part(self, column: str) -> Q:
        parts = {"monthly": Q(currency=settings.HOME_CURRENCY), "paused": Q(forecast__paused=True), "orders": Q()}
        return parts[column]

    def rows(self, asked: Asked) -> Sequence[Row]:
        late = Q(forecast__slip_days__gt=0)
        found = self._open(asked).values("level").annotate(
            orders=Count("pk"), monthly=Sum("monthly", filter=self._part("monthly")),
            days=Avg("forecast__slip_days", filter=late), paused=Count("pk", filter=self._part("paused")),
        )  # fmt: skip
        by_level = {one["level"]: one for one in found}
        everything = sum(one["orders"] for one in by_level.values())
        return [
            Row(
                level.name.lower(), "On time" if level == Level.NONE else str(level.label),
                {"all": everything, **by_level.get(level.value, {})},
                TONES[level],
            )
            for level in reversed(Level)
        ]  # fmt: skip

    def behind(self, asked: Asked, row: str, column: str) -> Any:
        found = self._open(asked).filter(self._part(column))
        return found.filter(level=Level[row.upper()]) if row else found

    def label(self, asked: Asked, row: str) -> str:
        return str(Level[row.upper()].label) if row else ""


reporting.add(Intake(), OnTime(), CycleTime(), InDanger())
reporting.add_dashboard(
    Dashboard(
        "delivery", "Delivery", "what comes in, how long it takes, what is in danger",
        ("order_agent", "order_manager", "order_approver", "order_fulfilment_agent", "fulfilment_manager",
         "technician", "process_admin"),
        ("on-time", "jeopardy", "cycle-time", "bottlenecks", "orders-by-month", "tasks-in-time",
         "fallout-by-specification"), 20,
    )
)  # fmt: skip
