"""Tracking: how far orders are, site by site, in a number of questions that does not grow with sites or orders."""

import datetime as dt
import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Exists, F, Max, OuterRef, Q
from django.utils import timezone

from contracts.models import Quote
from fulfillment.models import Project, Task, WorkOrder
from orders.models import Order, OrderLine
from portal import stages

ROOT = Order._meta.label_lower
UNSEEN = ("draft",)
RECENT = 20
BEFORE = ("submitted", "enrichment_in_progress", "enrichment_on_hold", "awaiting_approval")
ENDED = ("completed", "partial", "failed", "cancelled", "rejected")
SAID = {
    "approved": "Accepted, work starts now", "on_hold": "Paused", "awaiting_information": "Waiting for your answer",
    "completed": "Everything works", "partial": "Part of it works", "failed": "Could not be delivered",
    "cancelled": "Cancelled", "rejected": "Not accepted", "revision_in_progress": "Being changed",
    "assessing_cancellation": "Cancellation is being checked", "cancellation_in_progress": "Being cancelled",
}  # fmt: skip
ENDING = SAID | {"completed": "Switched off", "partial": "Partly switched off", "failed": "Could not be switched off"}
GONE = (OrderLine.State.CANCELLED, OrderLine.State.REJECTED, OrderLine.State.FAILED)

COUNTRIES = {
    "AT": "Austria", "BE": "Belgium", "CH": "Switzerland", "CZ": "Czechia", "DE": "Germany", "DK": "Denmark",
    "ES": "Spain", "FI": "Finland", "FR": "France", "GB": "United Kingdom", "HU": "Hungary", "IE": "Ireland",
    "IT": "Italy", "LU": "Luxembourg", "NL": "Netherlands", "NO": "Norway", "PL": "Poland", "PT": "Portugal",
    "RO": "Romania", "SE": "Sweden", "SK": "Slovakia", "US": "United States",
}  # fmt: skip


@dataclass
class SiteProgress:
    """One site of one order."""

    site: Any
    road: stages.Road
    products: list[str]
    promised_on: dt.date | None
    ready: list[str] = field(default_factory=list)
    works_since: dt.datetime | None = None
    visit: Any = None

    @property
    def works(self) -> bool:
        """Whether everything ordered for it works."""
        return self.road.works

    @property
    def started(self) -> bool:
        """Whether something has been done for it."""
        return self.works or any(count.begun for count in self.road.counts.values())

    @property
    def says(self) -> Any:
        """The present stage as a sentence."""
        if self.road.now == "line" and self.road.building:
            return "Line is being built"
        return stages.NOW[self.road.now] if self.road.now else stages.WORDS["working"]

    @property
    def next(self) -> Any:
        """What comes after it."""
        return stages.NEXT.get(self.road.next, "")

    @property
    def country(self) -> str:
        """The country's name."""
        return COUNTRIES.get(self.site.country, str(self.site.country))

    @property
    def steps(self) -> list[stages.Step]:
        """The bar of six stages."""
        return self.road.steps()

    @property
    def visit_soon(self) -> bool:
        """Whether an engineer's visit is booked and still ahead."""
        return bool(self.visit and self.visit.starts_at and self.visit.starts_at > timezone.now() and not self.works)


@dataclass
class Progress:
    """One order as its customer sees it."""

    order: Any
    sites: list[SiteProgress] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    @property
    def working(self) -> list[SiteProgress]:
        """Sites where everything works."""
        return [site for site in self.sites if site.works]

    @property
    def under_way(self) -> list[SiteProgress]:
        """Sites that have begun."""
        return [site for site in self.sites if not site.works and site.started]

    @property
    def ahead(self) -> list[SiteProgress]:
        """Sites that have not begun."""
        return [site for site in self.sites if not site.works and not site.started]

    @property
    def open_sites(self) -> list[SiteProgress]:
        """Sites that do not work yet, the next to work first."""
        return [site for site in self.sites if not site.works]

    @property
    def dots(self) -> list[str]:
        """One mark per site: on, go or empty."""
        return ["on"] * len(self.working) + ["go"] * len(self.under_way) + [""] * len(self.ahead)

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.order.state in ENDED

    @property
    def word(self) -> Any:
        """The order's state in the customer's words."""
        if self.before:
            return stages.NOW["ordered"]
        said = ENDING if self.order.channel == Order.Channel.CONTRACT else SAID
        return said.get(self.order.state, "Under way")

    @property
    def before(self) -> bool:
        """Whether we have not accepted it yet."""
        return self.order.state in BEFORE

    @property
    def moved(self) -> bool:
        """Whether the promise was moved."""
        first, now = self.order.first_promised_on, self.order.promised_on
        return bool(first and now and first != now)

    @property
    def digest(self) -> str:
        """A mark that changes when the page would."""
        parts = [self.order.state, self.order.promised_on, *(step.kind for site in self.sites for step in site.steps)]
        parts += [site.visit.starts_at for site in self.sites if site.visit]
        return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:16]


def orders_of(user: Any) -> Any:
    """Orders that this customer follows; a draft is ours until it is submitted."""
    rows = Order.objects.visible_to(user).exclude(state__in=UNSEEN).select_related("account", "manager", "contact")
    return rows.order_by(F("submitted_at").desc(nulls_last=True), "-pk")


def open_first(user: Any) -> Any:
    """The same orders, those under way before those that ended."""
    return (
        orders_of(user)
        .annotate(over=Q(state__in=ENDED))
        .order_by("over", F("submitted_at").desc(nulls_last=True), "-pk")
    )


def signed(user: Any) -> list[Any]:
    """Quotes that were signed and whose order is still ours to prepare, the latest first."""
    drafts = Order.objects.filter(quote=OuterRef("pk"), state__in=UNSEEN)
    rows = Quote.objects.visible_to(user).filter(Q(state=Quote.State.ACCEPTED) | Exists(drafts))
    return list(rows.order_by("-accepted_at")[:RECENT])


def follow(orders: list[Any]) -> list[Progress]:
    """How far each of these orders is, in four questions for all of them."""
    keys = [order.pk for order in orders]
    lines = _lines(keys)
    counts, builds, visits = _counts(keys), _building(orders), _visits(keys)
    found = []
    for order in orders:
        accepted = order.state not in BEFORE
        progress = Progress(order)
        for site, members in lines[order.pk].items():
            names = [line.offering.name for line in members]
            if site is None:
                progress.others += names
                continue
            works = all(line.state == OrderLine.State.COMPLETED for line in members)
            per_stage = counts[order.pk, site.pk]
            progress.sites.append(
                SiteProgress(
                    site=site, products=names,
                    road=stages.Road(accepted, works, per_stage, (order.number, site.pk) in builds),
                    ready=[line.offering.name for line in members if line.state == OrderLine.State.COMPLETED],
                    promised_on=_promise(order, members), visit=visits.get((order.pk, site.pk)),
                    works_since=_since(per_stage) if works else None,
                )
            )  # fmt: skip
        progress.sites.sort(key=lambda one: (one.promised_on or dt.date.max, one.site.name))
        found.append(progress)
    return found


def _promise(order: Any, members: list[Any]) -> dt.date | None:
    """A site is promised when its last line is, never later than the order as a whole."""
    dates = [line.promised_on for line in members if line.promised_on]
    mine: dt.date | None = max(dates) if dates else order.promised_on
    return min(mine, order.promised_on) if mine and order.promised_on else mine


def _since(per_stage: dict[str, stages.Count]) -> dt.datetime | None:
    ended = [count.ended_at for count in per_stage.values() if count.ended_at]
    return max(ended) if ended else None


def _lines(keys: list[int]) -> dict[int, dict[Any, list[Any]]]:
    rows = OrderLine.objects.filter(order__in=keys).exclude(state__in=GONE).select_related("site", "offering")
    found: dict[int, dict[Any, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for line in rows.order_by("order", "position", "pk"):
        found[line.order_id][line.site].append(line)
    return found


def _counts(keys: list[int]) -> dict[tuple[int, int], dict[str, stages.Count]]:
    rows = (
        Task.objects.filter(flow__root_type=ROOT, flow__root_id__in=keys, flow__site__isnull=False, mode=Task.Mode.DO)
        .exclude(item__stage="")
        .exclude(state__in=["discarded", "cancelled"])
        .values_list("flow__root_id", "flow__site", "item__stage")
        .annotate(
            total=Count("pk"),
            done=Count("pk", filter=Q(state__in=["completed", "skipped"])),
            begun=Count("pk", filter=~Q(state="planned")),
            ended=Max("ended_at"),
        )
        .order_by()
    )
    found: dict[tuple[int, int], dict[str, stages.Count]] = defaultdict(dict)
    for root, site, stage, total, done, begun, ended in rows:
        found[root, site][stage] = stages.Count(total, done, begun, ended if done == total else None)
    return found


def _building(orders: list[Any]) -> set[tuple[str, int]]:
    running = Project.objects.filter(root_number__in=[order.number for order in orders], site__isnull=False)
    return set(running.filter(state__in=["in_progress", "on_hold"]).values_list("root_number", "site"))


def _visits(keys: list[int]) -> dict[tuple[int, int], Any]:
    """The next booked visit of each site."""
    rows = (
        WorkOrder.objects.filter(task__flow__root_type=ROOT, task__flow__root_id__in=keys, starts_at__isnull=False)
        .exclude(task__state__in=Task.CLOSED)
        .select_related("task__flow", "technician", "site")
        .order_by("-starts_at")
    )
    return {(visit.task.flow.root_id, visit.site_id): visit for visit in rows}
