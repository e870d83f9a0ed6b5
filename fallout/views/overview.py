"""The manager's view: what is open by team, age and cause, what ran over its time, how long mending takes."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from fallout import overview, queries
from fallout.models import Fallout
from kernel import htmx, workspace


@workspace.allowed("fallout.view_fallout", "fallout.assign_fallout")
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Numbers that each open their list."""
    now, rows = timezone.now(), Fallout.objects.visible_to(workspace.person(request))
    context = {
        "now": now,
        "figures": overview.figures(rows, now),
        "teams": overview.by_team(rows, now),
        "ages": queries.AGES,
        "breaches": overview.breaches(rows, now),
        "causes": overview.causes_of(rows, now),
        "people": overview.by_person(rows, now),
        "ways": overview.ways(rows, now),
    }
    return htmx.respond(request, "fallout/overview.html", context)
