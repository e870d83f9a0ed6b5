"""The engine for operators: what is open, what waits, what is full or down, and the switch."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fulfillment import limits, maintenance, outage, standing
from fulfillment.forms.limits import LimitForm
from fulfillment.models import Capacity, Pause
from fulfillment.simulator import control
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


@workspace.allowed(RIGHT, limits.RIGHT)
@require_http_methods(["GET", "HEAD", "POST"])
def capacity(request: HttpRequest, pk: int = 0) -> HttpResponse:
    """How much of one system or team runs at once, in a dialog; a new limit without a key."""
    old = get_object_or_404(Capacity, pk=pk) if pk else None
    by, what = workspace.person(request), f"{old.kind}:{old.name}" if old else ""
    if request.method == "POST" and old and "remove" in request.POST:
        said = f"{limits.lift(pk=old.pk, by=by)} has no limit any more."
        return htmx.go(request, "fulfillment:engine", toast=said)
    form = LimitForm(request.POST or None, fixed=what, initial={"most": old.most} if old else None)
    if request.method == "POST" and form.is_valid():
        row = limits.limit(what=what or form.cleaned_data["what"], most=form.cleaned_data["most"], by=by)
        return htmx.go(request, "fulfillment:engine", toast=f"{row}.")
    title = f"{old.get_kind_display()}: {old.name}" if old else "Limit a system or a team"
    context = {
        "form": form, "url": request.path, "title": title, "word": "Save" if old else "Limit",
        "remove": "Take the limit away" if old else "",
    }  # fmt: skip
    return htmx.respond(request, "components/dialog_form.html", context, status=422 if form.errors else 200)


@workspace.allowed(RIGHT, outage.RIGHT)
@require_POST
def call_again(request: HttpRequest, system: str) -> HttpResponse:
    """A system that was left alone is called again at once."""
    outage.reset(system=system, by=workspace.person(request))
    return htmx.go(request, "fulfillment:engine", toast=f"{system.capitalize()} is called again.")


def _page(request: HttpRequest, *, problems: dict[str, list[str]] | None = None, status: int = 200) -> HttpResponse:
    now = standing.now()
    people = workspace.person(request)
    context = {
        "title": "Engine", "now": now, "systems": standing.systems(),
        "simulated": control.in_use(), "pause": now.pause, "problems": problems or {},
        "may_pause": people.has_perm(maintenance.RIGHT), "may_limit": people.has_perm(limits.RIGHT),
        "earlier": Pause.objects.filter(ended_at__isnull=False).select_related("by", "ended_by").order_by("-pk")[
            :EARLIER
        ],
        "rows": [
            (state, now.tasks.get(state, 0), now.flows.get(state, 0))
            for state in dict.fromkeys([*now.tasks, *now.flows])
        ],
    }  # fmt: skip
    return htmx.respond(request, "fulfillment/engine.html", context, part="live", status=status)
