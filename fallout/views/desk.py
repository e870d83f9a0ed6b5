"""The fallout desk: by cause, the records of a cause, the record beside them."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from fallout import clock, queries, resolution, showing
from fallout.acts import Mending
from fallout.models import Fallout
from fallout.views import record as record_views
from kernel import htmx, many, workspace
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
    if asked.get("severity") in Fallout.Severity.values:
        found = found.filter(severity=asked["severity"])
    if asked.get("due") in ("over", "soon", "paused"):
        found = found.filter(queries.by_clock(asked["due"], timezone.now()))
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
        "severities": Fallout.Severity.choices,
        "teams": _teams(user),
        "running": many.running(Mending)[:3],
        "may_manage": user.has_perm(resolution.ASSIGN),
    }
    live = getattr(request, "htmx", None) and request.htmx.target == "desk-live"  # type: ignore[attr-defined]
    asked = request.GET.get("cause", "")
    group = next((one for one in groups if one.fingerprint == asked), groups[0] if groups else None)
    context["group"] = group
    if group and not live:
        context |= _chosen(request, rows, group)
    context |= {} if live else record_views.choices(request)
    return htmx.respond(request, "fallout/desk.html", context, part="live" if live else "desk")


def _teams(user: Any) -> list[str]:
    found = queries.standing(Fallout.objects.visible_to(user)).order_by("team")
    return list(found.values_list("team", flat=True).distinct())


def _chosen(request: HttpRequest, rows: Any, group: queries.Group) -> dict[str, Any]:
    found = queries.standing(rows).filter(fingerprint=group.fingerprint)
    page = paginate(showing.rows(found), "sla_due_at", request.GET, size=PAGE)
    now = timezone.now()
    for row in page.rows:
        row.left = clock.left(row.sla_due_at, now, row.sla_left)
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
