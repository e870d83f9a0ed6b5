"""Lists as people keep them: saved views in a dialog, and files of long lists with their progress."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kernel import exporting, htmx, savedviews
from kernel.forms import ViewForm, add_errors
from kernel.listfile import TYPES
from kernel.models import Export, SavedView
from kernel.refusal import Refusal
from kernel.workspace import allowed, may_open, person

WORKS = "kernel.use_workspace"
SHOWN = 50


@allowed(WORKS)
@require_http_methods(["GET", "HEAD", "POST"])
def new_view(request: HttpRequest) -> HttpResponse:
    """Keep what a list shows under a name."""
    asked = request.POST if request.method == "POST" else request.GET
    path, query = asked.get("path", ""), asked.get("query", "")
    form = ViewForm(request.POST or None)
    made = _made(request, form, partial(savedviews.save, by=person(request), path=path, query=query))
    if made:
        return htmx.go(request, made.url, toast=f"“{made}” is kept.")
    return _dialog(request, form, reverse("view_new"), "Save this view", "Save", {"path": path, "query": query})


@allowed(WORKS)
@require_http_methods(["GET", "HEAD", "POST"])
def edit_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Another name, shared or not; of one's own view only."""
    view = _view(request, pk)
    form = ViewForm(request.POST or None, initial={"name": view.name, "shared": view.shared})
    made = _made(request, form, partial(savedviews.change, view_id=pk, by=person(request)))
    if made:
        return htmx.go(request, made.url, toast=f"“{made}” is changed.")
    return _dialog(request, form, reverse("view", args=[pk]), "Rename or share", "Save", {})


def _made(request: HttpRequest, form: ViewForm, act: Callable[..., SavedView]) -> SavedView | None:
    """What the act makes of a form that was sent; none when it was not, or when its fields say why not."""
    if request.method != "POST" or not form.is_valid():
        return None
    try:
        return act(**form.cleaned_data)
    except Refusal as error:
        if error.status != 422:
            raise
        add_errors(form, error)
    return None


@allowed(WORKS)
@require_POST
def keep_view(request: HttpRequest, pk: int) -> HttpResponse:
    """The view keeps what the list shows now."""
    _view(request, pk)
    made = savedviews.change(view_id=pk, by=person(request), query=request.POST.get("query", ""))
    return htmx.go(request, made.url, toast=f"“{made}” shows this from now on.")


@allowed(WORKS)
@require_POST
def delete_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Throw a view away; the list stays as it is."""
    _view(request, pk)
    gone = savedviews.delete(view_id=pk, by=person(request))
    query = QueryDict(gone.query).urlencode()
    return htmx.go(request, f"{gone.path}?{query}" if query else gone.path, toast=f"“{gone}” is deleted.")


@allowed(WORKS)
@require_safe
def exports(request: HttpRequest) -> HttpResponse:
    """Files of long lists: under way, ready, or why not."""
    found = list(Export.objects.visible_to(person(request)).order_by("-pk")[:SHOWN])
    for one in found:
        one.done = exporting.progress(one) if one.ended_at is None else one.rows
    context = {"exports": found, "working": any(one.ended_at is None for one in found), "kept": exporting.KEPT_DAYS}
    return htmx.respond(request, "exports.html", context, part="rows")


@allowed(WORKS)
@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Have the file of a list written."""
    exporting.ask(request.POST.get("slip", ""), request.POST.get("form", ""), person(request))
    return htmx.go(request, "exports", toast="The file is being written. You will be told when it is ready.")


@allowed(WORKS)
@require_safe
def download(request: HttpRequest, pk: int) -> HttpResponse:
    """A file that is ready, for whoever asked for it and may still open its list."""
    export = _export(request, pk)
    if not export.file or not may_open(person(request), export.path):
        raise Http404("There is no such file.")
    try:
        with export.file.open("rb") as file:
            return htmx.download(file.read(), f"{export.title}.{export.form}".lower(), TYPES[export.form])
    except OSError:
        raise Http404("The file is gone. Open the list and ask again.") from None


@allowed(WORKS)
@require_POST
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Leave a file unwritten."""
    exporting.stop(_export(request, pk))
    return htmx.go(request, "exports", toast="It stops at the next rows.")


def _view(request: HttpRequest, pk: int) -> SavedView:
    found: SavedView = get_object_or_404(SavedView.objects.visible_to(person(request)), pk=pk)
    return found


def _export(request: HttpRequest, pk: int) -> Export:
    found: Export = get_object_or_404(Export.objects.visible_to(person(request)), pk=pk)
    return found


def _dialog(request: HttpRequest, form: Any, url: str, title: str, word: str, hidden: dict[str, str]) -> HttpResponse:
    context = {"form": form, "url": url, "title": title, "word": word, "hidden": hidden}
    return render(request, "components/dialog_form.html", context, status=422 if form.errors else 200)
