"""The engine for operators: what is open, what waits, what is full or down, and the switch."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from fulfillment import maintenance, standing
from fulfillment.models import Pause
from kernel import htmx, workspace
from kernel.refusal import Refusal

RIGHT = "fulfillment.view_pause"
EARLIER = 5


@workspace.allowed(RIGHT)
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The page; its figures refresh by themselves."""
    return _page(request)


@workspace.allowed(RIGHT)
@require_POST
def pause(request: HttpRequest) -> HttpResponse:
    """Nothing new starts; the reason is asked for."""
    reason = request.POST.get("reason", "").replace("\x00", "")
    try:
        maintenance.pause(by=workspace.person(request), reason=reason)
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        return _page(request, problems=refusal.problems, status=422)
    return htmx.go(request, reverse("fulfillment:engine"), toast="The engine is paused. Nothing new starts.")


@workspace.allowed(RIGHT)
@require_POST
def resume(request: HttpRequest) -> HttpResponse:
    """The engine goes on."""
    maintenance.resume(by=workspace.person(request))
    return htmx.go(request, reverse("fulfillment:engine"), toast="The engine goes on.")


def _page(request: HttpRequest, *, problems: dict[str, list[str]] | None = None, status: int = 200) -> HttpResponse:
    now = standing.now()
    people = workspace.person(request)
    context = {
        "title": "Engine", "now": now, "pause": now.pause, "problems": problems or {},
        "may_pause": people.has_perm(maintenance.RIGHT),
        "earlier": Pause.objects.filter(ended_at__isnull=False).select_related("by", "ended_by").order_by("-pk")[
            :EARLIER
        ],
        "rows": [
            (state, now.tasks.get(state, 0), now.flows.get(state, 0))
            for state in dict.fromkeys([*now.tasks, *now.flows])
        ],
    }  # fmt: skip
    return htmx.respond(request, "fulfillment/engine.html", context, part="live", status=status)
