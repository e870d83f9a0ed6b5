"""Panels that other pages load: the tasks of a root."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from fulfillment import queries
from fulfillment.models import Task
from kernel import htmx, workspace

SHOWN = 12


@workspace.allowed("fulfillment.view_task")
@require_safe
def tasks_of_root(request: HttpRequest, root_type: str, root_id: int) -> HttpResponse:
    """Open tasks of a root, those that need attention first."""
    rows = Task.objects.visible_to(workspace.person(request)).filter(flow__root_type=root_type, flow__root_id=root_id)
    counts = queries.of_root(root_type, root_id) if rows.exists() else []
    found = rows.filter(state__in=queries.OPEN).select_related("flow__site", "assignee", "item")
    tasks = list(found.order_by("-fell_out_at", "planned_end", "pk")[: SHOWN + 1])
    tasks.sort(key=lambda task: not task.in_fallout)
    total = sum(n for _, n, _ in counts)
    closed = sum(n for state, n, _ in counts if state in Task.CLOSED)
    context = {"tasks": tasks[:SHOWN], "more": len(tasks) > SHOWN, "total": total, "closed": closed}
    return htmx.respond(request, "fulfillment/of_root.html", context)
