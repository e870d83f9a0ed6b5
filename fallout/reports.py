"""Reports of fallout: its rate by cause and by specification, and whether it was mended within its time."""

from collections.abc import Sequence
from typing import Any

from django.db.models import BigIntegerField, Count, Exists, F, Max, OuterRef, Q, Subquery

from catalog.reportfilters import SPECIFICATION, specifications
from fallout import causes, detection, queries
from fallout.models import Fallout
from fulfillment.models import Flow
from kernel import reporting
from kernel.models import User
from kernel.reporting import PERIOD, Asked, Chart, Column, Dashboard, Filter, Report, Row
from kernel.reporting.medians import Percentile, days_between
from orders.models import Order
from orders.queries import ROOT

TYPE = Filter("type", "Type", lambda user: Fallout.Type.choices, all="Any")
MOST = 20  # causes: the most frequent ones
MENDED = Q(resolved_at__isnull=False) & ~Q(state=Fallout.State.CANCELLED)
PERMISSIONS = ("fallout.view_fallout", "orders.view_order", "crm.view_account")
LIST = "fallout:fallout_every"


def _teams(user: User) -> list[tuple[str, str]]:
    names = Fallout.objects.visible_to(user).order_by("team").values_list("team", flat=True).distinct()
    return [(name, name) for name in names if name]


TEAM = Filter("team", "Team", _teams, all="Any")


def _records(asked: Asked) -> Any:
    found = Fallout.objects.visible_to(asked.user).order_by()
    return found.filter(asked.where(type="type", team="team", task__flow__specification_key="specification"))


def _at_work(asked: Asked) -> Any:
    """Orders that were at work at some time of the period."""
    found = Order.objects.visible_to(asked.user).order_by().filter(started_at__isnull=False)
    begun = asked.within("started_at") | Q(started_at__lt=reporting.start_of(asked.since))
    return found.filter(begun).exclude(ended_at__lt=reporting.start_of(asked.since))


def _hours(fraction: float) -> Percentile:
    return Percentile(days_between("created_at", "resolved_at", unit=3600), fraction=fraction, filter=MENDED)


class ByCause(Report):
    """What fell out in the period by cause, and how many of all orders at work it hit."""

    key, title, group, head = "fallout-by-cause", "Fallout by cause", "Fallout", "Cause"
    lead = "what failed for good in the period, and how many orders it hit"
    permissions = PERMISSIONS
    filters = (PERIOD, TYPE, TEAM, SPECIFICATION)
    columns = (
        Column("records", "Fallouts"), Column("orders", "Orders hit", records="orders:order_list"),
        Column("rate", "Of orders at work", "percent", ("orders", "all"), records="orders:order_list"),
        Column("open", "Open now"),
        Column("p50", "Half mended within", "hours", counts="mended", summed=False),
        Column("p90", "Nine of ten within", "hours", counts="mended", summed=False),
    )  # fmt: skip
    chart = Chart((("records", "bad"),), across=True)
    records, headline = LIST, "rate"
    empty = "Nothing fell out in this period. A task that fails for good is counted here with its cause."
    note = f"At most {MOST} causes are shown. The rate is of all orders that were at work in the period."

    def _measures(self) -> dict[str, Any]:
        return {
            "records": Count("pk"), "orders": Count("order", distinct=True),
            "open": Count("pk", filter=Q(state__in=detection.OPEN)), "p50": _hours(0.5), "p90": _hours(0.9),
        }  # fmt: skip

    def _found(self, asked: Asked) -> Any:
        return _records(asked).filter(asked.within("created_at"))

    def rows(self, asked: Asked) -> Sequence[Row]:
        found = self._found(asked).values("fingerprint").annotate(
            words=Max("cause"), kinds=Count("cause", distinct=True), **self._measures()
        )  # fmt: skip
        everything = _at_work(asked).count()
        return [
            Row(
                one["fingerprint"], one["words"] if one["kinds"] == 1 else causes.plain(one["words"]),
                {**one, "all": everything},
            )
            for one in found.order_by("-records", "fingerprint")[:MOST]
        ]  # fmt: skip

    def total(self, asked: Asked, rows: Sequence[Row]) -> dict[str, Any]:
        return {**self._found(asked).aggregate(**self._measures()), "all": rows[0].values["all"] if rows else 0}

    def behind(self, asked: Asked, row: str, column: str) -> Any:
        found = self._found(asked)
        found = found.filter(fingerprint=row) if row else found
        if column == "orders":
            return Order.objects.visible_to(asked.user).filter(pk__in=found.values("order"))
        return found.filter({"open": Q(state__in=detection.OPEN), "mended": MENDED, "records": Q()}[column])

    def label(self, asked: Asked, row: str) -> str:
        return _records(asked).filter(fingerprint=row).values_list("cause", flat=True).first() or "" if row else ""


class BySpecification(Report):
    """How many of the orders with a specification had fallout in it."""

    key, title, group, head = "fallout-by-specification", "Fallout by specification", "Fallout", "Specification"
    lead = "orders whose work on it began in the period, and how many of them fell out"
    permissions = (*PERMISSIONS, "fulfillment.view_flow")
    filters = (PERIOD, TYPE)
    columns = (
        Column("orders", "Orders with it"), Column("hit", "Fell out"),
        Column("rate", "Fallout rate", "percent", ("hit", "orders")),
    )  # fmt: skip
    chart = Chart((("orders", "idle"), ("hit", "bad")), across=True)
    records, headline = "orders:order_list", "rate"
    empty = "No order began work in this period."

    def _flows(self, asked: Asked) -> Any:
        found = Flow.objects.visible_to(asked.user).order_by().filter(asked.within("created_at"), root_type=ROOT)
        fell = Fallout.objects.filter(task__flow=OuterRef("pk"))
        fell = fell.filter(asked.where(type="type"))
        return found.annotate(fell=Exists(fell))

    def _measures(self) -> dict[str, Any]:
        fell = Q(fell=True)
        return {
            "orders": Count("root_id", distinct=True), "hit": Count("root_id", distinct=True, filter=fell),
        }  # fmt: skip

    def rows(self, asked: Asked) -> Sequence[Row]:
        names = dict(specifications(asked.user))
        found = self._flows(asked).values("specification_key").annotate(**self._measures())
        return [
            Row(one["specification_key"], names.get(one["specification_key"], one["specification_key"]), one)
            for one in found.order_by("-hit", "-orders", "specification_key")
        ]

    def total(self, asked: Asked, rows: Sequence[Row]) -> dict[str, Any]:
        return dict(self._flows(asked).aggregate(**self._measures()))

    def behind(self, asked: Asked, row: str, column: str) -> Any:
        found = self._flows(asked)
        found = found.filter(specification_key=row) if row else found
        found = found.filter(fell=True) if column == "hit" else found
        roots = Subquery(found.values("root_id"), output_field=BigIntegerField())
        return Order.objects.visible_to(asked.user).filter(pk__in=roots)

    def label(self, asked: Asked, row: str) -> str:
        return dict(specifications(asked.user)).get(row, row)


class InTime(Report):
    """Whether fallout was mended within its service level, by team."""

    key, title, group, head = "fallout-in-time", "Fallout mended in time", "Service levels", "Team"
    lead = "fallout mended in the period, against its clock"
    permissions = PERMISSIONS
    filters = (PERIOD, TYPE, TEAM)
    columns = (
        Column("mended", "Mended"), Column("in_time", "In time"), Column("late", "Too late"),
        Column("rate", "SLA kept", "percent", ("in_time", "mended")),
        Column("p50", "Half mended within", "hours", counts="mended", summed=False),
        Column("open", "Open now"), Column("over", "Over time now"),
    )  # fmt: skip
    chart = Chart((("in_time", "ok"), ("late", "bad")), stacked=True, across=True)
    records, headline = LIST, "rate"
    empty = "Nothing was mended in this period, and nothing is open."

    def _parts(self, asked: Asked) -> dict[str, Q]:
        mended, opened = MENDED & asked.within("resolved_at"), Q(state__in=detection.OPEN)
        return {
            "mended": mended, "in_time": mended & Q(resolved_at__lte=F("sla_due_at")),
            "late": mended & Q(resolved_at__gt=F("sla_due_at")), "open": opened,
            "over": opened & queries.by_clock("over", asked.now),
        }  # fmt: skip

    def _measures(self, asked: Asked) -> dict[str, Any]:
        parts = self._parts(asked)
        took = Percentile(days_between("created_at", "resolved_at", unit=3600), fraction=0.5, filter=parts["mended"])
        return {name: Count("pk", filter=part) for name, part in parts.items()} | {"p50": took}

    def _counted(self, asked: Asked) -> Any:
        parts = self._parts(asked)
        return _records(asked).filter(parts["mended"] | parts["open"])

    def rows(self, asked: Asked) -> Sequence[Row]:
        found = self._counted(asked).values("team").annotate(**self._measures(asked))
        return [Row(one["team"], one["team"] or "No team", one) for one in found.order_by("team")]

    def total(self, asked: Asked, rows: Sequence[Row]) -> dict[str, Any]:
        return dict(self._counted(asked).aggregate(**self._measures(asked)))

    def behind(self, asked: Asked, row: str, column: str) -> Any:
        found = _records(asked).filter(self._parts(asked)[column])
        return found.filter(team=row) if row else found

    def label(self, asked: Asked, row: str) -> str:
        return row


reporting.add(ByCause(), BySpecification(), InTime())
reporting.add_dashboard(
    Dashboard(
        "fallout", "Fallout", "what fails, why, and how fast it is mended", ("fallout_agent", "fallout_manager"),
        ("fallout-by-cause", "fallout-by-specification", "fallout-in-time", "jeopardy", "bottlenecks"), 30,
    )
)  # fmt: skip
