"""Reports of selling and of cases: lead to deal, pipeline, forecast, won and lost, cases solved in time."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, DecimalField, Exists, F, OuterRef, Q, Sum
from django.db.models.functions import TruncDate

from crm import forecast
from crm.models import Case, Lead, Opportunity, Stage
from crm.reportfilters import SELLER, currency
from kernel import reporting
from kernel.models import AuditEntry, User
from kernel.reporting import PERIOD, Asked, Chart, Column, Dashboard, Filter, Report, Row
from kernel.reporting.medians import Percentile, days_between

LIKELY = Sum(F("monthly") * F("stage__probability") / 100, output_field=DecimalField())
SALES = "Selling"


def _territories(user: User) -> list[tuple[str, str]]:
    used = Lead.objects.exclude(territory="").order_by("territory").values_list("territory", flat=True).distinct()
    return [(name, name) for name in used]


def _sources(user: User) -> list[tuple[str, str]]:
    return [(name, name.capitalize()) for name in Lead.objects.order_by("source").values_list("source", flat=True)
            .distinct()]  # fmt: skip


CURRENCY = currency(Opportunity)
TERRITORY = Filter("territory", "Territory", _territories, all="Everywhere")
SOURCE = Filter("source", "Source", _sources, all="Any")
KIND = Filter("kind", "Kind", lambda user: Case.Kind.choices)


class LeadFunnel(Report):
    """How far the leads of a period came, each counted at every step that it reached."""

    key, title, group, head = "lead-funnel", "From lead to deal", SALES, "Step"
    lead = "how far the leads of the period have come"
    permissions = ("crm.view_lead", "crm.view_opportunity")
    filters = (PERIOD, SELLER, TERRITORY, SOURCE)
    columns = (
        Column("leads", "Leads", summed=False),
        Column("share", "Of all leads", "percent", ("leads", "all"), summed=False),
        Column("step", "Of the step before", "percent", ("leads", "before"), summed=False),
    )  # fmt: skip
    chart = Chart((("leads", "accent"),), across=True)
    records = "crm:lead_list"
    empty = "No lead came in during this period. A lead is interest that nobody has checked yet."
    STEPS = {
        "captured": ("Came in", ""), "contacted": ("Contacted", "contact"), "nurtured": ("Nurtured", "nurture"),
        "qualified": ("Qualified", "qualify"), "converted": ("Became an opportunity", "convert"), "won": ("Won", ""),
    }  # fmt: skip

    def _leads(self, asked: Asked) -> Any:
        found = Lead.objects.visible_to(asked.user).filter(asked.within("created_at"))
        return found.filter(asked.where(owner="owner", territory="territory", source="source"))

    def _reached(self, step: str) -> Q:
        """Whether a lead came as far as a step, or further."""
        if step == "captured":
            return Q()
        if step == "won":
            return Q(converted_to__state=Opportunity.State.WON)
        acts = [act for _, act in list(self.STEPS.values())[list(self.STEPS).index(step) : -1]]
        moved = AuditEntry.objects.filter(
            subject_type=Lead._meta.label_lower, subject_id=OuterRef("pk"), action__in=acts
        )
        return Q(Exists(moved))

    def rows(self, asked: Asked) -> Sequence[Row]:
        counts = {f"at_{step}": Count("pk", filter=self._reached(step)) for step in self.STEPS}
        found = self._leads(asked).aggregate(**counts)
        rows, before = [], found["at_captured"]
        for step, (label, _) in self.STEPS.items():
            count = found[f"at_{step}"]
            rows.append(Row(step, label, {"leads": count, "all": found["at_captured"], "before": before}))
            before = count
        return rows

    def behind(self, asked: Asked, row: str, column: str) -> Any:
        return self._leads(asked).filter(self._reached(row if row in self.STEPS else "captured"))


class Pipeline(Report):
    """Open deals by stage, each currency by itself."""

    key, title, group, head = "pipeline", "Pipeline by stage", SALES, "Stage"
    lead = "open deals now, and what they are likely to bring a month"
    permissions = ("crm.view_opportunity",)
    filters = (SELLER, CURRENCY)
    columns = (
        Column("deals", "Open deals"), Column("amount", "A month", "money", counts="deals"),
        Column("likely", "Likely", "money", counts="deals"),
    )  # fmt: skip
    chart = Chart((("likely", "accent"), ("amount", "idle")), across=True)
    records, headline, currency = "crm:opportunity_list", "likely", "currency"
    says = "likely a month, of all open deals"
    empty = "No deal is open. Convert a lead, or open an opportunity on a customer’s page."
    note = "Likely is the monthly revenue times the probability of the stage."

    def rows(self, asked: Asked) -> Sequence[Row]:
        found = _deals(asked).filter(state=Opportunity.State.OPEN).values("stage__key").annotate(
            deals=Count("pk"), amount=Sum("monthly"), likely=LIKELY
        )  # fmt: skip
        by_stage = {one["stage__key"]: one for one in found}
        stages = Stage.objects.filter(outcome=Stage.Outcome.OPEN)
        return [Row(one.key, f"{one.name} ({one.probability} %)", by_stage.get(one.key, {})) for one in stages]

    def behind(self, asked: Asked, row: str, column: str) -> Any:
        found = _deals(asked).filter(state=Opportunity.State.OPEN)
        return found.filter(stage__key=row) if row else found


def _deals(asked: Asked) -> Any:
    found = Opportunity.objects.visible_to(asked.user).order_by().filter(currency=asked.get("currency"))
    return found.filter(asked.where(owner="owner"))


class Forecast(Report):
    """What is likely to be signed by month."""

    key, title, group, head = "forecast", "Forecast", SALES, "Signature"
    lead = "monthly revenue by expected signature, weighted by stage"
    permissions = ("crm.view_opportunity",)
    filters = (SELLER, CURRENCY)
    columns = (
        Column("deals", "Open deals"), Column("monthly", "A month", "money", counts="deals"),
        Column("likely", "Likely", "money", counts="deals"), Column("won", "Won", "money"),
    )  # fmt: skip
    chart = Chart((("won", "ok"), ("likely", "accent")), stacked=True)
    records, headline, currency = "crm:opportunity_list", "likely", "currency"
    says = "likely a month, of all open deals"
    empty = "No deal is open. Give an opportunity its expected day of signature, and it stands here."
    note = "Won counts in the present month. Deals whose day is over stand in the first line until they get a new one."

    def rows(self, asked: Asked) -> Sequence[Row]:
        cells = forecast.by_month(_deals(asked))
        return [
            Row(key, label, {"deals": one.count, "monthly": one.total, "likely": one.likely, "won": one.won})
            for key, label in forecast.choices()
            for one in [cells[key]]
        ]

    def behind(self, asked: Asked, row: str, column: str) -> Any:
        if column == "won":
            return _deals(asked).filter(forecast.won_now())
        found = _deals(asked).filter(state=Opportunity.State.OPEN)
        return found.filter(forecast.within(row)) if row else found

    def label(self, asked: Asked, row: str) -> str:
        return dict(forecast.choices()).get(row, "")


class Outcomes(Report):
    """Deals that were decided, by owner."""

    key, title, group, head = "won-lost", "Won and lost", SALES, "Owner"
    lead = "deals decided in the period, by owner"
    permissions = ("crm.view_opportunity",)
    filters = (PERIOD, SELLER, CURRENCY)
    columns = (
        Column("won", "Won"), Column("lost", "Lost"), Column("rate", "Won of all", "percent", ("won", "all")),
        Column("amount", "Won a month", "money", counts="won"), Column("gone", "Lost a month", "money", counts="lost"),
        Column("p50", "Half decided within", "days", counts="all", summed=False),
    )  # fmt: skip
    chart = Chart((("won", "ok"), ("lost", "bad")), stacked=True, across=True)
    records, headline, currency = "crm:opportunity_list", "rate", "currency"
    empty = "No deal was won or lost in this period."

    def _decided(self, asked: Asked) -> Any:
        found = _deals(asked).exclude(state=Opportunity.State.OPEN)
        return found.filter(asked.days_within("closed_on"))

    def rows(self, asked: Asked) -> Sequence[Row]:
        won, lost = Q(state=Opportunity.State.WON), Q(state=Opportunity.State.LOST)
        names = ("owner", "owner__first_name", "owner__last_name")
        found = self._decided(asked).values(*names).annotate(
            all=Count("pk"), won=Count("pk", filter=won), lost=Count("pk", filter=lost),
            amount=Sum("monthly", filter=won), gone=Sum("monthly", filter=lost),
            p50=Percentile(days_between(TruncDate("created_at"), "closed_on"), fraction=0.5),
        )  # fmt: skip
        return [
            Row(
                str(one["owner"] or "nobody"),
                f"{one['owner__first_name'] or ''} {one['owner__last_name'] or ''}".strip() or "Nobody", one,
            )
            for one in found.order_by("-won", "owner__last_name", "owner")
        ]  # fmt: skip

    def behind(self, asked: Asked, row: str, column: str) -> Any:
        found = self._decided(asked)
        if row:
            found = found.filter(owner=None if row == "nobody" else int(row))
        return found.filter(state=column) if column in ("won", "lost") else found


class CasesInTime(Report):
    """Whether cases were solved by the time that their severity allows."""

    key, title, group, head = "cases-in-time", "Cases solved in time", "Service levels", "Severity"
    lead = "cases solved in the period, against the time of their severity"
    permissions = ("crm.view_case",)
    filters = (PERIOD, KIND)
    columns = (
        Column("solved", "Solved"), Column("in_time", "In time"), Column("late", "Too late"),
        Column("rate", "SLA kept", "percent", ("in_time", "solved")),
        Column("p50", "Half solved within", "hours", counts="solved", summed=False),
        Column("p90", "Nine of ten within", "hours", counts="solved", summed=False), Column("open", "Open now"),
        Column("over", "Over time now"),
    )  # fmt: skip
    chart = Chart((("in_time", "ok"), ("late", "bad")), stacked=True, across=True)
    records, headline = "crm:case_list", "rate"
    empty = "No case was solved in this period, and none is open."

    def _parts(self, asked: Asked) -> dict[str, Q]:
        solved = asked.within("resolved_at") & Q(state__in=(Case.State.RESOLVED, Case.State.CLOSED))
        opened = Q(state__in=Case.OPEN)
        return {
            "solved": solved, "in_time": solved & Q(resolved_at__lte=F("due_at")),
            "late": solved & Q(resolved_at__gt=F("due_at")), "open": opened,
            "over": opened & Q(due_at__lt=asked.now),
        }  # fmt: skip

    def _cases(self, asked: Asked) -> Any:
        found = Case.objects.visible_to(asked.user).order_by()
        return found.filter(asked.where(kind="kind"))

    def _measured(self, asked: Asked) -> dict[str, Any]:
        parts, hours = self._parts(asked), days_between("created_at", "resolved_at", unit=3600)
        return {name: Count("pk", filter=part) for name, part in parts.items()} | {
            name: Percentile(hours, fraction=share, filter=parts["solved"])
            for name, share in (("p50", 0.5), ("p90", 0.9))
        }

    def rows(self, asked: Asked) -> Sequence[Row]:
        found = self._cases(asked)
        by_severity = {one["severity"]: one for one in found.values("severity").annotate(**self._measured(asked))}
        return [Row(str(key), str(label), by_severity.get(key, {})) for key, label in Case.Severity.choices]

    def total(self, asked: Asked, rows: Sequence[Row]) -> dict[str, Any]:
        found = self._cases(asked)
        return dict(found.aggregate(**self._measured(asked)))

    def behind(self, asked: Asked, row: str, column: str) -> Any:
        found = self._cases(asked).filter(self._parts(asked)[column])
        return found.filter(severity=row) if row else found

    def label(self, asked: Asked, row: str) -> str:
        return str(dict(Case.Severity.choices).get(row, ""))


reporting.add(LeadFunnel(), Pipeline(), Forecast(), Outcomes(), CasesInTime())
reporting.add_dashboard(
    Dashboard(
        "sales", "Sales", "pipeline, forecast and what was won", ("sales_agent", "sales_manager"),
        ("pipeline", "forecast", "won-lost", "lead-funnel", "quotes", "monthly-revenue", "contracts-ending"), 10,
    ),
    Dashboard(
        "service", "Service levels", "what was promised, and whether it was kept", ("service_agent",),
        ("cases-in-time", "fallout-in-time", "tasks-in-time", "on-time"), 40,
    ),
)  # fmt: skip
