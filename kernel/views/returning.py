"""Lists' files that come back changed: the file, its columns, what its rows would do, what was stored, the way back."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kernel import htmx, many, returnedrows, returning, tables
from kernel.forms import ReturnedFileForm, add_errors
from kernel.models import Many, ReturnedFile
from kernel.refusal import Refusal
from kernel.workspace import allowed, person

WORKS = "kernel.use_workspace"
TEMPLATE = "returned_file.html"
SHOWN = 100  # rows of a kind on the page
SAMPLES = 3  # values shown of a column


class ReturnedTable(tables.Table):
    """Columns of the files that came back."""

    name = tables.Name(url="returned_file", verbose_name="File", sub="title")
    row_count = tables.Number(verbose_name="Rows", optional=True)
    sent_at = tables.When(verbose_name="Sent")
    stored = tables.When(accessor="stored__asked_at", verbose_name="Stored", order_by=("stored__asked_at",))
    undone = tables.When(accessor="undone__asked_at", verbose_name="Undone", optional=True, orderable=False)


class ReturnedFiles(tables.ListPage):
    """One's own files, newest first."""

    title = "Files that came back"
    model = ReturnedFile
    table = ReturnedTable
    search = ("name", "title")
    search_label = "File or list"
    sort = "-sent_at"
    related = ("stored", "undone")
    export = False
    empty = tables.Empty(
        "upload", "No file came back yet",
        "Export a list to edit it in a spreadsheet, then give it back: you see each change before it is stored.",
    )  # fmt: skip

    def rows(self) -> Any:
        return super().rows().defer("rows", "columns", "notes", "mapping")


@allowed(WORKS)
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """One's own files."""
    return tables.show(request, ReturnedFiles)


@allowed(WORKS)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Take a file; the next page shows what it would do."""
    slip = (request.POST if request.method == "POST" else request.GET).get("slip", "")
    user = person(request)
    declared, path = returning.behind(slip, user)
    form = ReturnedFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            made = returning.keep(slip, name=str(file.name), content=file.read(), by=user)
        except Refusal as error:
            add_errors(form, error)
        else:
            return htmx.go(request, made)
    context = {
        "form": form, "slip": slip, "path": path, "list_title": declared.title, "most": returning.MOST,
        "fields": [label for _, label in returnedrows.targets(declared, user)[2:]],
    }  # fmt: skip
    return htmx.respond(request, "returned_file_new.html", context, status=422 if form.errors else 200)


@allowed(WORKS)
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """One file: its columns and what its rows would do, or what came of it. A POST maps the columns or stores it."""
    file, user = _file(request, pk), person(request)
    if request.method == "POST":
        if request.POST.get("act") == "store":
            made = returning.store(file_id=pk, shown=request.POST.get("shown", ""), by=user)
            return _begun(request, pk, made)
        mapping = [request.POST.get(f"to-{place}", "") for place in range(len(file.columns))]
        file = returning.map_columns(file_id=pk, mapping=mapping, by=user)
        return htmx.go(request, file)
    declared = returning.declared_by(file, user)
    context: dict[str, Any] = {"file": file, "title": file.name, "path": file.path, "list_title": file.title}
    if file.stored is not None:
        context |= {"counts": many.progress(file.stored), "ended": file.stored.ended_at}
        return htmx.respond(request, TEMPLATE, context)
    context |= {"columns": _columns(file), "targets": returnedrows.targets(declared, user)}
    context["problems"] = returnedrows.problems(file)
    if not context["problems"]:
        context |= _compared(file, user)
    return htmx.respond(request, TEMPLATE, context)


@allowed(WORKS)
@require_safe
def problems(request: HttpRequest, pk: int) -> HttpResponse:
    """The rows that are not stored, with the reason, as a file."""
    return htmx.download(returning.error_file(_file(request, pk), person(request)), "rows-to-mend.csv")


@allowed(WORKS)
@require_POST
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Put back what the file changed."""
    return _begun(request, pk, returning.undo(file_id=_file(request, pk).pk, by=person(request)))


def _begun(request: HttpRequest, pk: int, made: Many) -> HttpResponse:
    if made.total <= many.AT_ONCE:
        many.work(made.pk)
        return htmx.go(request, "returned_file", pk)
    return htmx.go(request, "many", made.pk)


def _file(request: HttpRequest, pk: int) -> ReturnedFile:
    rows = ReturnedFile.objects.visible_to(person(request)).select_related("stored", "undone")
    found: ReturnedFile = get_object_or_404(rows, pk=pk)
    return found


def _columns(file: ReturnedFile) -> list[dict[str, Any]]:
    found = []
    for place, (name, target) in enumerate(zip(file.columns, file.mapping, strict=True)):
        cells = [cells[place] for _, cells in file.rows[:20] if place < len(cells) and cells[place]]
        found.append({"place": place, "name": name, "target": target, "samples": cells[:SAMPLES]})
    return found


def _compared(file: ReturnedFile, user: Any) -> dict[str, Any]:
    rows = returnedrows.compare(file, returning.declared_by(file, user), user)
    found = {
        name: rows.of(name)
        for name in (returnedrows.UPDATE, returnedrows.CONFLICT, returnedrows.BAD, returnedrows.SAME)
    }
    return {
        "counts": {name: len(some) for name, some in found.items()},
        "found": {name: some[:SHOWN] for name, some in found.items()},
        "shown": rows.shown, "versions": returnedrows.VERSION in file.mapping,
    }  # fmt: skip
