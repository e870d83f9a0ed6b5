"""Many at once: a preview that freezes the records, then the act with an answer for each."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from fallout import batch, queries, resolution
from fallout.views.desk import selection
from fallout.views.record import menders, person_named
from kernel import htmx, workspace
from kernel.refusal import Refusal

TEMPLATE = "fallout/many.html"


@workspace.allowed("fallout.view_fallout", resolution.RESOLVE)
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """What would happen to the ticked rows, or to all that match the group."""
    user, act = workspace.person(request), request.POST.get("act", "")
    matching = queries.standing(selection(request)).filter(
        fingerprint=request.POST.get("cause", "").replace("\x00", "")
    )
    picked = [int(pk) for pk in request.POST.getlist("pick") if pk.isdigit() and len(pk) < 19]
    everything = "all" in (request.POST.get("scope"), request.GET.get("scope"))
    if not picked and not everything:
        raise Refusal("Tick at least one record.")
    rows = matching if everything else matching.filter(pk__in=picked)
    context = {
        "preview": batch.preview(rows, act, user),
        "scope": "all" if everything else "page",
        "frozen_at": timezone.now(),
        "picked": picked,
        "matching": matching.count(),
        "kept": [(name, request.POST.get(name, "")) for name in ("cause", "team", "type", "due", "back")],
        "people": menders() if act == "assign" else [],
        "back": request.POST.get("back") or reverse("fallout:fallout_list"),
    }
    return htmx.respond(request, TEMPLATE, context, part="preview")


@workspace.allowed("fallout.view_fallout", resolution.RESOLVE)
@require_POST
def run(request: HttpRequest) -> HttpResponse:
    """Do it, and say what happened to each record."""
    user = workspace.person(request)
    owner = person_named(request.POST["owner"]) if "owner" in request.POST else None
    outcomes = batch.run(request.POST.get("token", ""), user, owner=owner)
    refused = [outcome for outcome in outcomes if outcome.why]
    context = {
        "outcomes": outcomes,
        "refused": refused,
        "done": len(outcomes) - len(refused),
        "back": request.POST.get("back") or reverse("fallout:fallout_list"),
    }
    return htmx.respond(request, TEMPLATE, context, part="outcome")
