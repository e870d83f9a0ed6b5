"""Importing leads: upload, see what would happen row by row, apply the good rows, undo the whole."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import leadimport
from crm.forms import UploadForm, refuse
from crm.models import Lead, LeadImport
from kernel import htmx, tables
from kernel.refusal import Refusal
from kernel.workspace import allowed, person

SHOWN = 200  # rows of a kind shown on the page
CRUMBS = (("Leads", "crm:lead_list"), ("Imports", "crm:lead_import_list"))
EXAMPLE = (
    "Havel Glass", "Ewa", "Kral", "Head of IT", "ewa.kral@example.com", "+420 2 700 1000",
    "One network for twelve depots", "fair", "hot", "40", "Central Europe", "CZ", "", "SD-WAN for depots", "12",
)  # fmt: skip


class ImportTable(tables.Table):
    """Columns of the list of imports."""

    name = tables.Name(url="crm:lead_import_check", arg="pk", verbose_name="File")
    row_count = tables.Number(verbose_name="Rows", optional=True)
    added_count = tables.Number(verbose_name="Leads added")
    applied_at = tables.When(verbose_name="Imported")
    undone_at = tables.When(verbose_name="Undone", optional=True)
    started_by = tables.Avatar(verbose_name="By", optional=True, order_by=("started_by__last_name",))


class Imports(tables.ListPage):
    """Files of leads that were sent, newest first."""

    title = "Imports of leads"
    model = LeadImport
    table = ImportTable
    search = ("name",)
    search_label = "File name"
    sort = "-pk"
    related = ("started_by",)
    crumbs = (("Leads", "crm:lead_list"),)
    empty = tables.Empty("upload", "No file was imported yet", "Leads from a fair or a bought list come in as a file.")
    new = tables.New("Import a file", "crm:lead_import", "crm.add_leadimport")


@allowed("crm.view_leadimport")
@require_safe
def imports(request: HttpRequest) -> Any:
    """All imports of leads."""
    return tables.show(request, Imports)


@allowed("crm.add_leadimport", "crm.add_lead")
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """Take a file; it is kept and checked on the next page."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        name = str(getattr(request.FILES["file"], "name", "") or "leads.csv")
        try:
            made = leadimport.start(form.cleaned_data["file"], name=name, by=person(request))
        except Refusal as error:
            refuse(form, error)
        else:
            return htmx.go(request, made)
    context = {"form": form, "known": leadimport.KNOWN, "required": leadimport.REQUIRED, "crumbs": CRUMBS}
    return htmx.respond(request, "crm/lead_import.html", context, status=422 if form.errors else 200)


@allowed("crm.view_leadimport", "crm.add_lead")
@require_http_methods(["GET", "HEAD", "POST"])
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """What an import would do, row by row; a POST does it for the good rows."""
    user = person(request)
    made = _import(request, pk)
    if request.method == "POST":
        made = leadimport.apply(import_id=pk, by=user, doubles=request.POST.get("doubles") == "yes")
        added = f"{made.added_count} lead{'s' if made.added_count > 1 else ''}"
        return htmx.go(request, made, toast=f"{added} added. You can undo this import here.")
    context: dict[str, Any] = {"made": made, "crumbs": CRUMBS, "title": made.name}
    if made.applied_at:
        leads = Lead.objects.visible_to(user).filter(came_with=made).select_related("owner").order_by("pk")
        return htmx.respond(request, "crm/lead_import_done.html", {**context, "leads": leads[:SHOWN]})
    rows = leadimport.rows_of(made, user)
    found = {name: rows.of(name) for name in ("new", "double", "bad")}
    context["found"] = {name: some[:SHOWN] for name, some in found.items()}
    context["counts"] = {name: len(some) for name, some in found.items()}
    return htmx.respond(request, "crm/lead_import_check.html", context)


@allowed("crm.view_leadimport", "crm.add_lead")
@require_POST
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take out the leads of an import that nobody touched."""
    done = leadimport.undo(import_id=_import(request, pk).pk, by=person(request))
    said = f"{done.removed} leads taken out."
    if done.kept:
        said += f" {len(done.kept)} stay, because somebody worked on them."
    return htmx.go(request, "crm:lead_import_check", pk, toast=said)


@allowed("crm.view_leadimport", "crm.add_lead")
@require_safe
def problems(request: HttpRequest, pk: int) -> HttpResponse:
    """The refused rows as CSV, to be mended and sent again."""
    rows = leadimport.rows_of(_import(request, pk), person(request))
    return htmx.download(leadimport.error_file(rows), "leads-to-mend.csv")


@allowed("crm.add_leadimport", "crm.add_lead")
@require_safe
def example(request: HttpRequest) -> HttpResponse:
    """A file to start from."""
    return htmx.download(
        "\r\n".join(["\ufeff" + ",".join(leadimport.KNOWN), ",".join(EXAMPLE), ""]), "leads-example.csv"
    )


def _import(request: HttpRequest, pk: int) -> LeadImport:
    rows = LeadImport.objects.visible_to(person(request)).select_related("started_by")
    found: LeadImport = get_object_or_404(rows, pk=pk)
    return found
