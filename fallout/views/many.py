"""Many at once: a preview that freezes the records, then the act as a batch with its progress and answers."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from catalog import answering
from fallout import batch, previewing, queries, resolution
from fallout.models import Batch, BatchItem
from fallout.views.desk import selection
from fallout.views.record import VALUE, menders, person_named
from kernel import htmx, tables, workspace
from kernel.models import User
from kernel.refusal import Refusal

TEMPLATE = "fallout/many.html"
KEPT = ("cause", "team", "type", "due", "severity", "back")
SHOWN = 50  # answers on a batch's page; the rest by their kind


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
        "people": menders() if act == "assign" else [],
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
        owner = person_named(request.POST["owner"]) if "owner" in request.POST else None
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
    if made.total <= batch.AT_ONCE:
        batch.work(made.pk)
    return htmx.respond(request, TEMPLATE, _progress(_batch(user, made.number)), part="outcome")


@workspace.allowed("fallout.view_fallout")
@require_safe
def page(request: HttpRequest, number: str) -> HttpResponse:
    """A batch with its progress; the fragment asks again until it is done."""
    made = _batch(workspace.person(request), number)
    context = _progress(made, request.GET.get("show", "")) | {"page_view": request.GET.get("from") != "desk"}
    if getattr(request, "htmx", False) and request.htmx.target == "batch-live":  # type: ignore[attr-defined]
        return htmx.respond(request, TEMPLATE, context, part="live")
    return htmx.respond(request, "fallout/batch.html", context)


@workspace.allowed("fallout.view_fallout", resolution.RESOLVE)
@require_POST
def stop(request: HttpRequest, number: str) -> HttpResponse:
    """Leave the rest as it is."""
    user = workspace.person(request)
    made = _batch(user, number)
    batch.stop(batch_id=made.pk, by=user)
    return htmx.respond(request, TEMPLATE, _progress(_batch(user, number)), part="outcome")


def _batch(user: User, number: str) -> Batch:
    found: Batch = get_object_or_404(Batch.objects.select_related("by", "owner"), number=number)
    return found


def _progress(made: Batch, show: str = "") -> dict[str, Any]:
    counts = batch.progress(made)
    items = made.items.select_related("fallout__account", "fallout__site").exclude(state="waiting")
    if show in BatchItem.State.values:
        items = items.filter(state=show)
    answered = made.total - counts["waiting"]
    refused = made.items.filter(state="refused").order_by().values_list("why", flat=True).distinct()
    return {
        "batch": made,
        "counts": counts,
        "answered": answered,
        "working": made.state in batch.WORKING,
        "items": list(items.order_by("-state", "pk")[:SHOWN]),
        "reasons": list(refused[:5]),
        "show": show,
        "back": reverse("fallout:fallout_list") + (f"?cause={made.fingerprint}" if made.fingerprint else ""),
    }


class BatchTable(tables.Table):
    """Columns of the list of batches."""

    act = tables.Name(accessor="get_act_display", url="fallout:batch", arg="number", sub="number", order_by="act")
    cause = tables.Text(sub=lambda row: row.fingerprint[:6], optional=True)
    total = tables.Number()
    state = tables.State()
    by = tables.Avatar(order_by="by__last_name")
    created_at = tables.When(verbose_name="Started", optional=True)


class Batches(tables.ListPage):
    """What was done to many at once, newest first."""

    title = "Done to many"
    model = Batch
    table = BatchTable
    search = ("number", "cause")
    search_label = "Number or cause"
    sort = "-created_at"
    related = ("by",)
    crumbs = (("Fallout", "fallout:fallout_list"),)
    empty = tables.Empty(
        "stack-2", "Nothing was done to many yet",
        "Tick rows on the desk and choose an act; it is kept here with its answers.",
        "Open the desk", "fallout:fallout_list",
    )  # fmt: skip


@workspace.allowed("fallout.view_fallout")
@require_safe
def batches(request: HttpRequest) -> HttpResponse:
    """The list of batches."""
    return tables.show(request, Batches)
