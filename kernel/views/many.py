"""Many at once: the preview below a list's bar, the act with its progress, and what was done to many before."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.module_loading import import_string
from django.views.decorators.http import require_POST, require_safe

from kernel import freezing, htmx, many, tables
from kernel.forms import add_errors
from kernel.models import Many, ManyItem
from kernel.refusal import Refusal
from kernel.workspace import allowed, person

WORKS = "kernel.use_workspace"
TEMPLATE = "many.html"
SHOWN = 50  # answers on a page; the rest by their kind


class ManyTable(tables.Table):
    """Columns of what was done to many."""

    label = tables.Name(url="many", verbose_name="What was done", sub=lambda row: row.about or row.path)
    total = tables.Number(verbose_name="Records")
    by = tables.Avatar(order_by="by__last_name")
    stopped = tables.Flag(optional=True)
    asked_at = tables.When(verbose_name="Started")
    ended_at = tables.When(verbose_name="Ended", optional=True)


class ManyPage(tables.ListPage):
    """What one did to many, and what was done on desks that one works on, newest first."""

    title = "Done to many"
    model = Many
    table = ManyTable
    sort = "-asked_at"
    related = ("by",)
    export = False
    empty = tables.Empty(
        "stack-2", "Nothing was done to many yet", "Tick rows of a list and choose an act; its answers are kept here."
    )


@allowed(WORKS)
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """What an act would do to the ticked rows, or to all that match."""
    return htmx.respond(request, TEMPLATE, _previewed(request), part="preview")


def _previewed(request: HttpRequest) -> dict[str, Any]:
    picked = [int(pk) for pk in request.POST.getlist("pick") if pk.isdecimal() and len(pk) < 19][: many.LIMIT]
    slip, key = request.POST.get("slip", ""), request.POST.get("act", "")
    everything = (request.GET.get("scope") or request.POST.get("scope")) == "all"
    made = many.preview(slip, key, picked=picked, everything=everything, by=person(request))
    form = many.asking(made.act, person(request))
    return {"preview": made, "slip": slip, "form": form, "path": made.path}


@allowed(WORKS)
@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Do it: a few at once, more by a worker while the page tells how far it is."""
    user = person(request)
    frozen = freezing.thaw(many.PREVIEW, request.POST.get("token", ""), user)
    act = next((one for one in import_string(frozen["list"]).acts if one.key == frozen["act"]), None)
    form = many.asking(act, user, request.POST) if act else None
    if form is not None and not form.is_valid():
        return _asked_again(request, form)
    typed = {name: request.POST.get(name, "") for name in form.fields} if form else {}
    values = {name: str(getattr(form.cleaned_data[name], "pk", text)) for name, text in typed.items()} if form else {}
    try:
        made = many.start(frozen, values, user)
    except Refusal as error:
        if error.status != 422 or form is None:
            raise
        add_errors(form, error)
        return _asked_again(request, form)
    if made.total <= many.AT_ONCE:
        many.work(made.pk)
    return answered(request, made.pk)


def answered(request: HttpRequest, pk: int) -> HttpResponse:
    """One act for many with its answers so far; the fragment asks again until all are there."""
    return htmx.respond(request, TEMPLATE, _progress(request, _many(request, pk)), part="live")


def _asked_again(request: HttpRequest, form: Any) -> HttpResponse:
    context = _previewed(request) | {"form": form}
    return htmx.respond(request, TEMPLATE, context, part="preview", status=422)


@allowed(WORKS)
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """What one did to many."""
    return tables.show(request, ManyPage)


@allowed(WORKS)
@require_safe
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """One act for many with its answers."""
    return answered(request, pk)


@allowed(WORKS)
@require_POST
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Leave the rest as it is."""
    _many(request, pk)
    many.stop(many_id=pk, by=person(request))
    return answered(request, pk)


def _many(request: HttpRequest, pk: int) -> Many:
    found: Many = get_object_or_404(Many.objects.visible_to(person(request)).select_related("by"), pk=pk)
    return found


def _progress(request: HttpRequest, made: Many) -> dict[str, Any]:
    user, show, counts = person(request), request.GET.get("show", ""), many.progress(made)
    items = made.items.exclude(answer="")
    if show in ManyItem.Answer.values:
        items = items.filter(answer=show)
    shown = list(items.order_by("-answer", "pk")[:SHOWN])
    rows: Any = many.declared_by(made).model._default_manager
    known = rows.visible_to(user).in_bulk([item.subject_id for item in shown])
    refused = made.items.filter(answer=ManyItem.Answer.REFUSED).order_by("why").values_list("why", flat=True).distinct()
    return {
        "made": made, "counts": counts, "answered": made.total - counts[""], "working": made.ended_at is None,
        "items": [(item, known.get(item.subject_id)) for item in shown], "show": show, "path": made.path,
        "reasons": list(refused[:5]), "may_stop": many.may_stop(made, user),
    }  # fmt: skip
