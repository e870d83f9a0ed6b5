"""Catalogue files in the browser: the whole catalogue out, and a file in after its differences were looked at."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from catalog import publication
from catalog.forms.exchange import ImportForm
from catalog.views import tabs
from kernel import htmx
from kernel.refusal import Refusal
from kernel.workspace import allowed, person

SEES = ("catalog.view_offering", "catalog.publish_catalogue")
SHOWN = 300  # changes


@allowed(*SEES)
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The form; a file is shown as differences first, and applied only when `apply` says so."""
    form = ImportForm(request.POST or None, request.FILES or None)
    changes, problems, text = None, {}, ""
    if request.method == "POST" and form.is_valid():
        text, apply = form.cleaned_data["text"], "apply" in request.POST
        try:
            changes = publication.load(publication.read_text(text), person(request), dry_run=not apply)
        except Refusal as error:
            problems = error.problems
        if changes is not None and apply:
            touched = sum(change.kind != "same" for change in changes)
            return htmx.go(request, "catalog:exchange", toast=f"{touched} entries are created or changed.")
    touched_rows = [change for change in changes or [] if change.kind != "same"]
    context = {
        "form": form, "tabs": tabs.of(request, "exchange"), "problems": problems, "text": text,
        "looked": changes is not None, "changes": touched_rows[:SHOWN], "more": max(0, len(touched_rows) - SHOWN),
        "same": len(changes or []) - len(touched_rows), "sections": publication.sections(),
        "counts": [(k, sum(c.kind == k for c in touched_rows)) for k in ("created", "changed", "removed")],
        "crumbs": [("Catalogue", reverse("catalog:offering_list"))],
    }  # fmt: skip
    status = 422 if problems or form.errors else 200
    return htmx.respond(request, "catalog/exchange.html", context, status=status)


@allowed(*SEES)
@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """The catalogue as one YAML file, or `?section=` of it."""
    wanted = [name for name in request.GET.getlist("section") if name]
    name = f"catalogue-{timezone.localdate():%Y-%m-%d}.yaml"
    return htmx.download(publication.write_text(publication.dump(wanted)), name, "application/yaml")
