"""Many at once: the desk's own preview, which freezes the records; what follows is the same as for any list."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from catalog import answering
from fallout import batch, previewing, queries, resolution
from fallout.forms import OwnerForm
from fallout.views.desk import selection
from fallout.views.record import VALUE
from kernel import htmx, many, workspace
from kernel.picking import chosen
from kernel.refusal import Refusal
from kernel.views import many as many_views

TEMPLATE = "fallout/many.html"
KEPT = ("cause", "team", "type", "due", "severity", "back")


@workspace.allowed("fallout.view_fallout", resolution.RESOLVE)
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """What would happen to the ticked rows, or to all that match the group."""
    return htmx.respond(request, TEMPLATE, _previewed(request), part="preview")


def _previewed(request: HttpRequest) -> dict[str, Any]:
    user, act = workspace.person(request), request.POST.get("act", "")
    matching = queries.standing(selection(request)).filter(
        fingerprint=request.POST.get("cause", "").replace("\x00", "")
    )
    picked = [int(pk) for pk in request.POST.getlist("pick") if pk.isdecimal() and len(pk) < 19]
    everything = (request.GET.get("scope") or request.POST.get("scope")) == "all"
    if not picked and not everything:
        raise Refusal("Tick at least one record, or take all that match.")
    rows = matching if everything else matching.filter(pk__in=picked)
    shown, typed = previewing.preview(rows, act, user), answering.listed(request.POST, VALUE)
    return {
        "preview": shown,
        "fields": _fields(shown, typed, {}),
        "scope": "all" if everything else "page",
        "picked": picked,
        "matching": matching.count(),
        "kept": [(name, request.POST.get(name, "")) for name in KEPT],
        "giving": OwnerForm(request.POST if "owner" in request.POST else None, by=user) if act == "assign" else None,
        "back": request.POST.get("back") or reverse("fallout:fallout_list"),
        "reason": request.POST.get("reason", ""),
        "ends_as": request.POST.get("ends_as", ""),
    }


def _fields(shown: previewing.Preview, typed: dict[str, Any], problems: dict[str, list[str]]) -> list[dict[str, Any]]:
    """What the act asks for, each with what the records have now, what was typed and what is wrong with it."""
    return [
        {
            "field": value.field(typed.get(value.key, ""), problems.get(value.key, [])),
            "was": f"now {now}" if (now := shown.now.get(value.key)) else "",
        }
        for value in shown.asks
    ]


@workspace.allowed("fallout.view_fallout", resolution.RESOLVE)
@require_POST
def run(request: HttpRequest) -> HttpResponse:
    """Start it: a few are done at once, more go to a worker, and the page tells how far it is."""
    user = workspace.person(request)
    typed = answering.listed(request.POST, VALUE)
    try:
        owner = chosen(OwnerForm(request.POST, by=user), "owner") if "owner" in request.POST else None
        made = batch.start(
            request.POST.get("token", ""), user, owner=owner, values=typed, note=request.POST.get("reason", ""),
            ends_as=request.POST.get("ends_as", ""),
        )  # fmt: skip
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        context = _previewed(request) | {"problems": refusal.problems, "whole": refusal.problems.get("", [])}
        context["fields"] = _fields(context["preview"], typed, refusal.problems)
        return htmx.respond(request, TEMPLATE, context, part="preview", status=422)
    if made.total <= many.AT_ONCE:
        many.work(made.pk)
    return many_views.answered(request, made.pk)
