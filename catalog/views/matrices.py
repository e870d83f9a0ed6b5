"""Price matrices: one version as a grid, filled like a spreadsheet, set against the one in force, published, as CSV."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalog import matrices, matrixfile, matrixmaking
from catalog.forms.prices import MatrixFile, MatrixForm
from catalog.models import PriceMatrix
from catalog.views import matrixgrid, tabs
from kernel import editing, htmx, tables
from kernel.csvfile import Unreadable
from kernel.refusal import Refusal
from kernel.workspace import allowed, person

State = PriceMatrix.State
SEES, ADDS, CHANGES, PUBLISHES = (
    "catalog.view_pricematrix", "catalog.add_pricematrix", "catalog.change_pricematrix", "catalog.publish_prices",
)  # fmt: skip


class MatrixTable(tables.Table):
    """Columns of the list."""

    name = tables.Name(sub=lambda one: f"{one.key}, version {one.version}", verbose_name="Matrix")
    offering = tables.Text(accessor="offering__name", order_by="offering__name", verbose_name="Prices of")
    price_list = tables.Text(accessor="price_list__name", order_by="price_list__name", optional=True)
    how = tables.Text(accessor="get_how_display", orderable=False, verbose_name="A cell says", optional=True)
    state = tables.State()
    starts_on = tables.Date(verbose_name="In force from", optional=True)


class MatrixFilter(tables.Filters):
    """Chips of the list."""

    state = tables.States(PriceMatrix)

    class Meta:
        model = PriceMatrix
        fields = ["price_list"]


class Matrices(tables.ListPage):
    """The list."""

    title = "Prices"
    lead = "matrices: prices as a grid of bandwidth, term, region and the like"
    model = PriceMatrix
    table = MatrixTable
    filters = MatrixFilter
    search = ("name", "key", "offering__name")
    search_label = "Matrix or offering"
    sort = "name"
    related = ("offering", "price_list")
    empty = tables.Empty(
        "table", "No price matrix yet",
        "A matrix holds prices that depend on two or more things at once, such as bandwidth and term.",
    )  # fmt: skip
    new = tables.New("New matrix", "catalog:matrix_new", ADDS)


@allowed(SEES)
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """The list."""
    return tables.show(request, Matrices, "catalog/prices.html", {"tabs": tabs.of(request, "matrices", tabs.PRICES)})


@allowed(SEES, ADDS)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A new matrix: what it prices, and what stands on its rows and columns."""
    start = {name: request.GET.get(name, "") for name in ("price_list", "offering")}
    form = MatrixForm(request.POST if request.method == "POST" else None, initial=start, by=person(request))
    if request.method == "POST" and form.is_valid():
        try:
            made = matrixmaking.draft(by=person(request), **form.asked())
        except Refusal as error:
            form.take(error)
        else:
            return htmx.go(request, made.get_absolute_url(), toast=f"{made} is a draft. Fill in its prices.")
    status = 422 if form.is_bound and form.errors else 200
    return htmx.respond(request, "catalog/matrix_form.html", {"form": form}, part="axes", status=status)


@allowed(SEES)
@require_safe
def page(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """One version."""
    matrix = _matrix(request, key, version)
    return shown(request, matrix, matrixgrid.of(matrix))


def shown(
    request: HttpRequest, matrix: PriceMatrix, grid: matrixgrid.Drawn, *, problems: dict[str, list[str]] | None = None,
    status: int = 200, part: str = "", file: MatrixFile | None = None, edition: int | None = None,
) -> HttpResponse:  # fmt: skip
    """The page of one version with its grid, and what was refused if something was."""
    user = person(request)
    versions = list(PriceMatrix.objects.filter(key=matrix.key).order_by("-version"))
    active = matrixmaking.in_force(matrix.key)
    other = active if active and active.pk != matrix.pk else None
    stored = not problems or file is not None  # else the grid is what was typed, and refused
    changes = matrices.differences(other, matrix) if other and stored else []
    grid.mark(changes)
    draft = matrix.state == State.DRAFT
    context = {
        "record": matrix, "title": matrix.name, "grid": grid, "versions": versions, "active": active, "other": other,
        "changes": changes, "stored": stored, "standing": standing(matrix, active), "problems": problems or {},
        "today": timezone.localdate(),
        "crumbs": [("Prices", reverse("catalog:price_lists")), ("Matrices", reverse("catalog:matrices"))],
        "draft": next((one for one in versions if one.state == State.DRAFT), None),
        "may_change": user.has_perm(CHANGES), "may_publish": user.has_perm(PUBLISHES),
        "may_edit": draft and user.has_perm(CHANGES), "file": file or MatrixFile(),
        "edition": edition or request.POST.get("edition") or matrix.edition, "known": matrixgrid.choices(matrix),
    }  # fmt: skip
    return htmx.respond(request, "catalog/matrix.html", context, part=part, status=status)


def standing(matrix: PriceMatrix, active: PriceMatrix | None) -> str:
    """Whether prices follow this version today, in words."""
    if matrix.state == State.DRAFT:
        return "A draft: no price follows it yet."
    if matrix.state == State.RETIRED:
        return "Retired: new prices no longer follow it. Quotes keep the prices that it made."
    if matrix.starts_on and matrix.starts_on > timezone.localdate():
        return "Published, and its day is still to come."
    if active and active.pk != matrix.pk:
        return f"Replaced by version {active.version}."
    return "New prices follow it."


@allowed(SEES, CHANGES)
@require_POST
def save(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Keep the grid as typed, or draw it again with a row or column more or less."""
    matrix = _matrix(request, key, version)
    typed = matrixgrid.posted(matrix, request.POST)
    if typed.redrawn:
        return shown(request, matrix, typed, part="grid")
    try:
        kept = matrixmaking.change(
            pk=matrix.pk, edition=_number(request.POST.get("edition", "")), rows=typed.rows, columns=typed.columns,
            cells=typed.texts, by=person(request), note=request.POST.get("note"),
        )  # fmt: skip
    except editing.Changed as error:
        return shown(request, matrix, typed, problems={"": [str(error)]}, status=error.status, edition=error.edition)
    except Refusal as error:
        typed.problems = error.problems
        return shown(request, matrix, typed, problems=error.problems, status=error.status)
    return htmx.go(request, kept.get_absolute_url(), toast="The prices are kept in the draft.")


@allowed(SEES, CHANGES)
@require_POST
def take_file(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Fill a draft from a CSV file."""
    matrix = _matrix(request, key, version)
    form = MatrixFile(request.POST, request.FILES)
    if form.is_valid():
        try:
            content = form.cleaned_data["file"].read()
            matrixfile.take(pk=matrix.pk, edition=matrix.edition, content=content, by=person(request))
        except (Unreadable, matrixfile.BadFile) as error:
            for text in error.problems.get("file", [str(error)]):
                form.add_error("file", text)
        else:
            return htmx.go(request, matrix.get_absolute_url(), toast="The file is in the draft. Look at what changed.")
    problems = {"file": [str(text) for text in form.errors.get("file", [])]}
    return shown(request, matrix, matrixgrid.of(matrix), problems=problems, status=422, file=form)


@allowed(SEES)
@require_safe
def as_file(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """The matrix as CSV."""
    matrix = _matrix(request, key, version)
    return htmx.download(matrixfile.write(matrix), f"{matrix.key}-v{matrix.version}.csv")


@allowed(SEES, CHANGES)
@require_POST
def next_version(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """A draft that begins as a copy."""
    made = matrixmaking.next_version(pk=_matrix(request, key, version).pk, by=person(request))
    return htmx.go(request, made.get_absolute_url(), toast=f"Version {made.version} is a draft.")


@allowed(SEES, PUBLISHES)
@require_POST
def publish(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Into force, from a day on."""
    matrix = _matrix(request, key, version)
    try:
        done = matrixmaking.publish(pk=matrix.pk, starts_on=_day(request.POST.get("starts_on", "")), by=person(request))
    except Refusal as error:
        return shown(request, matrix, matrixgrid.of(matrix), problems=error.problems, status=error.status)
    said = f"Version {done.version} is published, in force from {done.starts_on:%-d %b %Y}."
    return htmx.go(request, done.get_absolute_url(), toast=said)


@allowed(SEES, PUBLISHES)
@require_POST
def retire(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Out of force at once."""
    matrix = _matrix(request, key, version)
    matrixmaking.retire(pk=matrix.pk, reason=request.POST.get("reason", "")[:2000], by=person(request))
    return htmx.go(request, matrix.get_absolute_url(), toast=f"Version {version} is retired.")


@allowed(SEES, CHANGES)
@require_POST
def discard(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Throw a draft away."""
    matrixmaking.discard(pk=_matrix(request, key, version).pk, by=person(request))
    return htmx.go(request, "catalog:matrices", toast="The draft is gone.")


def _matrix(request: HttpRequest, key: str, version: int) -> PriceMatrix:
    rows: Any = PriceMatrix.objects.visible_to(person(request)).select_related("offering__specification", "price_list")
    found: PriceMatrix = get_object_or_404(rows, key=key, version=version)
    return found


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _day(text: str) -> Any:
    try:
        return parse_date(text)
    except ValueError:  # a day that no calendar has
        return None
