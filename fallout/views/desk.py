"""The fallout desk: by cause, one list, the record beside it."""

from typing import Any

import django_filters
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from fallout import clock, detection, queries, showing
from fallout.models import Fallout
from kernel import htmx, tables, workspace
from kernel.keyset import paginate

PAGE = 20


def selection(request: HttpRequest) -> Any:
    """Records that this person sees, narrowed by the query's team, type and due."""
    found = Fallout.objects.visible_to(workspace.person(request))
    asked = request.GET if request.method == "GET" else request.POST
    if team := asked.get("team", "").replace("\x00", ""):
        found = found.filter(team=team)
    if asked.get("type") in Fallout.Type.values:
        found = found.filter(type=asked["type"])
    now = timezone.now()
    if asked.get("due") == "over":
        found = found.filter(sla_due_at__lt=now)
    elif asked.get("due") == "soon":
        found = found.filter(sla_due_at__gte=now, sla_due_at__lt=now + clock.SOON)
    return found


@workspace.allowed("fallout.view_fallout")
@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    """Groups by cause, the chosen group's records, the chosen record."""
    user, now, rows = workspace.person(request), timezone.now(), selection(request)
    groups = queries.groups(rows, now)
    context: dict[str, Any] = {
        "now": now,
        "figures": queries.figures(Fallout.objects.visible_to(user), now),
        "groups": groups,
        "total": sum(group.count for group in groups),
        "mine": queries.standing(Fallout.objects.filter(owner=user)).count(),
        "types": Fallout.Type.choices,
        "teams": _teams(user),
    }
    live = getattr(request, "htmx", None) and request.htmx.target == "desk-live"  # type: ignore[attr-defined]
    asked = request.GET.get("cause", "")
    group = next((one for one in groups if one.fingerprint == asked), groups[0] if groups else None)
    context["group"] = group
    if group and not live:
        context |= _chosen(request, rows, group)
    return htmx.respond(request, "fallout/desk.html", context, part="live" if live else "desk")


def _teams(user: Any) -> list[str]:
    found = queries.standing(Fallout.objects.visible_to(user)).order_by("team")
    return list(found.values_list("team", flat=True).distinct())


def _chosen(request: HttpRequest, rows: Any, group: queries.Group) -> dict[str, Any]:
    found = queries.standing(rows).filter(fingerprint=group.fingerprint)
    page = paginate(showing.rows(found), "sla_due_at", request.GET, size=PAGE)
    now = timezone.now()
    for row in page.rows:
        row.left = clock.left(row.sla_due_at, now)
    number = request.GET.get("record", "")
    record = next((row for row in page.rows if row.number == number), page.rows[0] if page.rows else None)
    at = page.rows.index(record) if record else 0
    return {
        "page": page,
        "record": record,
        "shown": showing.show(record, workspace.person(request)) if record else None,
        "previous": page.rows[at - 1].number if at > 0 else "",
        "following": page.rows[at + 1].number if record and at + 1 < len(page.rows) else "",
    }


class Left(tables.Date):
    """Time left of the service level."""

    newest_first = False

    def shown(self, value: Any, record: Any) -> Any:
        if record.state not in detection.OPEN:
            return "–"
        left = clock.left(value, timezone.now())
        return format_html(
            '<span class="nowrap num {}">{}</span>', f"c-{left.tone} strong" if left.tone else "soft", left.text
        )


class FalloutTable(tables.Table):
    """Columns of the one list."""

    cause = tables.Name(url="fallout:record", arg="number", sub="number")
    account = tables.Text(sub="site.name", verbose_name="Customer and site", order_by="account__name")
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
    state = tables.Choices(choices=Fallout.State.choices)
    type = tables.Choices(choices=Fallout.Type.choices)
    team = django_filters.CharFilter(lookup_expr="iexact")
    owner = tables.Choices(label="Owner", choices=[("me", "Me"), ("nobody", "Nobody")], method="by_owner")

    class Meta:
        model = Fallout
        fields: list[str] = []

    def by_standing(self, found: Any, name: str, value: str) -> Any:
        return queries.standing(found) if value == "open" else found.exclude(state__in=detection.OPEN)

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
