"""One list of all records, also of what is mended."""

import datetime as dt
from typing import Any

import django_filters
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from fallout import clock, detection, queries
from fallout.models import Fallout
from kernel import tables, workspace


class Left(tables.Date):
    """Time left of the service level."""

    newest_first = False

    def shown(self, value: Any, record: Any) -> Any:
        if record.state not in detection.OPEN:
            return "–"
        left = clock.left(value, timezone.now(), record.sla_left)
        return format_html(
            '<span class="nowrap num {}">{}</span>', f"c-{left.tone} strong" if left.tone else "soft", left.text
        )


class FalloutTable(tables.Table):
    """Columns of the one list."""

    cause = tables.Name(url="fallout:record", arg="number", sub="number")
    account = tables.Text(sub="site.name", verbose_name="Customer and site", order_by="account__name")
    severity = tables.State(order_by="severity", accessor="severity", optional=True)
    type = tables.Text(accessor="get_type_display", order_by="type", optional=True)
    team = tables.Text(optional=True)
    state = tables.Pill(loud=lambda row: row.state == "open" and row.sla_due_at < timezone.now())
    owner = tables.Avatar(optional=True, order_by="owner__last_name")
    sla_due_at = Left(verbose_name="SLA left")


class FalloutFilter(tables.Filters):
    """Filters of the one list."""

    standing = tables.Choices(
        label="Which", choices=[("open", "To be mended"), ("mended", "Mended")], method="by_standing"
    )
    state = tables.States(Fallout)
    severity = tables.Choices(choices=Fallout.Severity.choices)
    type = tables.Choices(choices=Fallout.Type.choices)
    due = tables.Choices(
        label="SLA",
        choices=[("over", "Missed"), ("soon", "Ends within 4 h"), ("paused", "Clock stands")],
        method="by_due",
    )
    age = tables.Choices(label="Age", choices=queries.AGES, method="by_age")
    cause = django_filters.CharFilter(field_name="fingerprint", label="Mark of the cause")
    mended = tables.Choices(label="Mended", choices=[("7", "Last 7 days"), ("30", "Last 30 days")], method="by_mended")
    resolution = tables.Choices(choices=Fallout.Resolution.choices)
    team = django_filters.CharFilter(lookup_expr="iexact")
    owner = tables.Choices(label="Owner", choices=[("me", "Me"), ("nobody", "Nobody")], method="by_owner")

    class Meta:
        model = Fallout
        fields: list[str] = []

    def by_standing(self, found: Any, name: str, value: str) -> Any:
        return queries.standing(found) if value == "open" else found.exclude(state__in=detection.OPEN)

    def by_due(self, found: Any, name: str, value: str) -> Any:
        """Where the clock stands."""
        return queries.standing(found).filter(queries.by_clock(value, timezone.now()))

    def by_age(self, found: Any, name: str, value: str) -> Any:
        """How long ago it fell out."""
        return found.filter(queries.of_age(value, timezone.now()))

    def by_mended(self, found: Any, name: str, value: str) -> Any:
        """When it was mended."""
        return found.filter(resolved_at__gte=timezone.now() - dt.timedelta(days=int(value)))

    def by_owner(self, found: Any, name: str, value: str) -> Any:
        return found.filter(owner=self.request.user if value == "me" else None)


class AllFallout(tables.ListPage):
    """One list of all records."""

    title = "Fallout"
    model = Fallout
    table = FalloutTable
    filters = FalloutFilter
    search = ("number", "cause", "account__name", "site__name", "order__number")
    search_label = "Number, cause, customer or order"
    sort = "sla_due_at"
    related = ("account", "site", "owner", "task")
    empty = tables.Empty(
        "circle-check", "Nothing fell out", "A task that fails for good lands here with its cause and a clock."
    )


@workspace.allowed("fallout.view_fallout")
@require_safe
def every(request: HttpRequest) -> HttpResponse:
    """One list, also of what is mended."""
    user = workspace.person(request)
    mine = queries.standing(Fallout.objects.filter(owner=user)).count()
    return tables.show(request, AllFallout, "fallout/list.html", {"mine": mine})
