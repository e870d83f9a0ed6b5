"""Lists: one mechanism for every table a person sees: columns, filters, sorting, keyset paging, saved views, export.

A list is declared once and shown with one call. An example, in `crm/views/leads.py`:

    class LeadTable(tables.Table):
        name = tables.Name(sub="company")                 # first column: a link, a second line below it
        state = tables.State()
        owner = tables.Text(optional=True)                # left out on a phone
        country = tables.Text(extra=True)                 # shown to whoever chooses it
        value = tables.Money(currency="currency", order_by="value")
        created_at = tables.Day(verbose_name="Created", optional=True)

    class LeadFilter(tables.Filters):
        state = tables.States(Lead)

        class Meta:
            model = Lead
            fields = ["owner"]

    class Leads(tables.ListPage):
        title = "Leads"
        model = Lead
        table = LeadTable
        filters = LeadFilter
        search = ("number", "name", "company")            # what ?q= looks in
        sort = "-created_at"                              # a column's name, minus for descending
        empty = tables.Empty("user-plus", "No leads yet", "A lead is interest that nobody has checked.")
        new = tables.New("New lead", "crm:lead_new", "crm.add_lead")
        related = ("owner",)                              # select_related

    @login_required
    @permission_required("crm.view_lead", raise_exception=True)
    def leads(request): return tables.show(request, Leads)

Rows come from `model.objects.visible_to(user)` (override `rows` for more). Sorting knows the columns of the table only;
a page is found by key, never by offset, and its signed token is refused with 400 when somebody made it up.
`?columns=` chooses columns, `?export=csv` or `xlsx` gives all that matches (`kernel.exporting` when it is much),
`?newer=` tells how many have come since. A page of one's own extends list.html and is named in `show(…, template=…)`.
"""

import io
from dataclasses import dataclass, field
from typing import Any, ClassVar

import django_filters
import django_tables2
from django import forms
from django.core.exceptions import BadRequest
from django.db import models
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import slugify

from kernel import counting, csvfile, exporting, htmx, listfile, many, reading, returning, rowdrawing, savedviews
from kernel.columns import Avatar, Column, Date, Day, Due, Flag, Meter, Money, Name, Number, Pill, State, Text, When
from kernel.filters import Choices, Filters, Records, States
from kernel.keyset import Page, ordering, paginate
from kernel.models.people import User
from kernel.refusal import Refusal
from kernel.reporting import figures
from kernel.workspace import person

__all__ = [
    "Avatar", "Choices", "Column", "Date", "Day", "Due", "Empty", "Filters", "Flag", "ListPage", "Meter",
    "Money", "Name", "New", "Number", "Pill", "Records", "State", "States", "Table", "Text", "When", "show",
]  # fmt: skip

Table = django_tables2.Table


@dataclass(frozen=True)
class Empty:
    """What an empty list says: what it is for, and the next step."""

    icon: str = "list-search"
    title: str = "Nothing here yet"
    text: str = ""
    action: str = ""
    url_name: str = ""


@dataclass(frozen=True)
class New:
    """The button that makes a new record."""

    label: str
    url_name: str
    permission: str


@dataclass(frozen=True)
class Ticks:
    """Boxes beside the rows: their name, and the id of the form that takes them. A row that says `tickable` is false
    has none."""

    name: str
    form: str


MANY = Ticks("pick", "many")


@dataclass
class Shown:
    """One list as a template sees it."""

    page: Page
    filters: Any
    total: str
    count: int
    active: list[dict[str, str]] = field(default_factory=list)
    columns: list[dict[str, Any]] = field(default_factory=list)
    query: str = ""
    sort: str = ""
    sort_label: str = ""
    choices: list[dict[str, Any]] = field(default_factory=list)
    views: savedviews.Shelf | None = None
    newest: int = 0
    later: str = ""
    acts: list[many.Act] = field(default_factory=list)
    slip: str = ""
    edits: returning.Offer | None = None
    cells: list[str] = field(default_factory=list)
    ticks: Ticks | None = None
    body: str = ""


class ListPage(many.Taken):
    """Declares a list; see the module's docstring. Class attributes; to override: `rows` and `searched`."""

    title: ClassVar[str] = ""
    lead: ClassVar[str] = ""
    model: ClassVar[type[models.Model]]
    table: ClassVar[type[django_tables2.Table]]
    filters: ClassVar[type[django_filters.FilterSet] | None] = None
    search: ClassVar[tuple[str, ...]] = ()
    search_label: ClassVar[str] = "Number or name"
    sort: ClassVar[str] = ""
    per_page: ClassVar[int] = 50
    empty: ClassVar[Empty] = Empty()
    new: ClassVar[New | None] = None
    crumbs: ClassVar[tuple[tuple[str, str], ...]] = ()
    export: ClassVar[bool] = True
    two_lines: ClassVar[bool] = True

    def __init__(self, request: HttpRequest, **scope: Any) -> None:
        self.request = request
        self.scope = scope
        self.figure: figures.Figure | None = None  # the number of a report that opened it

    def rows(self) -> models.QuerySet[Any]:
        """What this person may see at all, before filters."""
        manager: Any = self.model._default_manager
        return manager.visible_to(self.request.user)  # type: ignore[no-any-return]

    def searched(self, found: models.QuerySet[Any], text: str) -> models.QuerySet[Any]:
        """Of these rows, those in which a text stands; a list of a hundred thousand asks its index instead."""
        wanted = models.Q()
        for path in self.search:
            wanted |= models.Q(**{f"{path}__icontains": text})
        return found.filter(wanted)


def show(
    request: HttpRequest,
    declared: type[ListPage],
    template: str = "list.html",
    context: dict[str, Any] | None = None,
    **scope: Any,
) -> HttpResponse:
    """Answer a request for a list: the page, its fragment, how many are newer, or the export.

    Raises:
        BadRequest: a crafted query.
        Refusal: a file of more rows than are written while somebody waits.
    """
    made = declared(request, **scope)
    found, filterset, query = matching(made)
    if "newer" in request.GET:
        return _newer(request, found)
    table = made.table(data=[], request=request)
    sort, columns = _sort(made, table), _columns(request, table)
    if request.GET.get("export") and made.export:
        return _export(made, table, found, columns, _path(table, sort))
    fragment = getattr(request, "htmx", False) and not request.htmx.boosted and request.htmx.target == "list"  # type: ignore[attr-defined]
    with reading.at_once():
        shown = _shown(made, table, found, filterset, query, (sort, columns))
        values = {"list": shown, "spec": made, "new_url": _new_url(made), **(context or {})}
        return render(request, "components/list.html" if fragment else template, values)


def matching(made: ListPage) -> tuple[models.QuerySet[Any], Any, str]:
    """The rows that a request's filters and search leave, the filters, and the searched words."""
    request = made.request
    found = made.rows().select_related(*made.related) if made.related else made.rows()
    query = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    filterset = made.filters(request.GET, queryset=found, request=request) if made.filters else None
    if filterset is not None:
        for one in filterset.form.fields.values():
            if isinstance(one, forms.DateField):
                one.widget.input_type = "date"
        filterset.form.is_valid()  # a value that is not valid filters nothing and is marked at its chip
        found = filterset.filter_queryset(found) if filterset.form.is_valid() else found
    if told := request.GET.get("figure"):
        found, made.figure = figures.narrowed(found, told, person(request))
    if query and made.search:
        found = made.searched(found, query)
    return found, filterset, query


def _as_if(declared: type[ListPage], path: str, query: str, user: User) -> ListPage:
    """The list as this person's page at an address would have it."""
    request = HttpRequest()
    request.method, request.path, request.user, request.GET = "GET", path, user, QueryDict(query)
    return declared(request)


def found(declared: type[ListPage], path: str, query: str, user: User) -> models.QuerySet[Any]:
    """All rows of a list that match what somebody sees at an address."""
    return matching(_as_if(declared, path, query, user))[0]


def cells(declared: type[ListPage], path: str, query: str, user: User) -> tuple[Any, models.QuerySet[Any]]:
    """The chosen columns of a list and all rows that match, in their order, as somebody sees them at an address."""
    made = _as_if(declared, path, query, user)
    found, _, _ = matching(made)
    table = made.table(data=[], request=made.request)
    columns, sort = _columns(made.request, table), _sort(made, table)
    return [table.columns[name] for name in columns], found.order_by(*ordering(made.model, _path(table, sort)))


def _new_url(declared: ListPage) -> str:
    new = declared.new
    return reverse(new.url_name) if new and declared.request.user.has_perm(new.permission) else ""


def _shown(
    made: ListPage, table: Any, found: models.QuerySet[Any], filterset: Any, query: str, chosen: tuple[str, list[str]]
) -> Shown:
    request, (sort, names) = made.request, chosen
    page = paginate(found, _path(table, sort), request.GET, size=made.per_page)
    columns = [column for column in table.columns if column.name in names]
    choices = [{"name": c.name, "label": c.header, "on": c.name in names} for c in table.columns][1:]
    active = _active(request, filterset, query, made.figure)
    estimate, newest = counting.measured(made.model)
    count, total = counting.told(found, filtered=bool(active), estimate=estimate)
    shown = Shown(page, filterset, total, count, active)
    shown.columns, shown.query, shown.sort, shown.choices = _heads(columns, sort), query, sort, choices
    shown.sort_label = next((c["label"] for c in shown.columns if c["name"] == sort.lstrip("-")), "")
    shown.views = savedviews.shelf(request.path, request.GET.urlencode(), request.user)
    shown.newest = newest
    shown.acts = many.offered(made.acts, request.user)
    shown.ticks = MANY if shown.acts else None
    shown.edits = returning.offered(type(made), request.path, request.user, count)
    if made.edits is not None and shown.edits:
        shown.cells = [name for name in made.edits.names(request.user) if name in made.edits.cells]
    shown.body = rowdrawing.body(table, columns, page.rows, shown.ticks, made.edits, shown.cells)
    if shown.acts:
        shown.slip = many.slip(type(made), request.path, shown.views.query if shown.views else "")
    if count > listfile.AT_ONCE and made.export and not made.scope:
        shown.later = exporting.order(type(made), request.path, request.GET.urlencode())
    return shown


def _newer(request: HttpRequest, found: models.QuerySet[Any]) -> HttpResponse:
    """A pill that tells how many have come since the list was drawn; nothing at all if none has."""
    since = request.GET["newer"]
    if not since.isdecimal() or len(since) > 18:
        raise BadRequest("Open the list again.")
    count = found.filter(pk__gt=int(since)).order_by()[:100].count()
    if not count:
        return HttpResponse(status=204)
    return render(request, "components/list.html#newer", {"count": count})


def _columns(request: HttpRequest, table: Any) -> list[str]:
    """Names of the columns to show, in the table's order; the first always is. Raises BadRequest for an unknown one."""
    names = list(table.columns.names())
    wanted = {name for part in request.GET.getlist("columns") for name in part.split(",") if name}
    if not wanted:
        return [name for name in names if not getattr(table.columns[name].column, "extra", False)]
    if unknown := wanted - set(names):
        raise BadRequest(f"This list has no column “{min(unknown)[:40]}”.")
    return [name for at, name in enumerate(names) if at == 0 or name in wanted]


def _sort(declared: ListPage, table: Any) -> str:
    wanted = str(declared.request.GET.get("sort") or declared.sort)
    name = wanted.lstrip("-")
    if not wanted:
        return ""
    if wanted != declared.sort and (
        name not in table.columns.names() or not table.columns[name].orderable or wanted.startswith("--")
    ):
        raise BadRequest(f"This list cannot be sorted by “{name[:40]}”.")
    return wanted


def _path(table: Any, sort: str) -> str:
    """The ORM path of a sort, with its sign."""
    name = sort.lstrip("-")
    if not name:
        return "-pk"
    if name not in table.columns.names():
        return sort.replace(".", "__")
    path = str(next(iter(table.columns[name].order_by))).lstrip("-").replace(".", "__")
    return f"-{path}" if sort.startswith("-") else path


def _heads(columns: list[Any], sort: str) -> list[dict[str, Any]]:
    heads = []
    for column in columns:
        here = sort.lstrip("-") == column.name
        first = "-" if getattr(column.column, "newest_first", False) else ""
        opposite = column.name if sort.startswith("-") else f"-{column.name}"
        heads.append(
            {
                "name": column.name,
                "label": column.header,
                "cls": column.attrs["th"].get("class", ""),
                "orderable": column.orderable,
                "sorted": ("descending" if sort.startswith("-") else "ascending") if here else "",
                "next": opposite if here else f"{first}{column.name}",
            }
        )
    return heads


def _active(request: HttpRequest, filterset: Any, query: str, figure: figures.Figure | None) -> list[dict[str, str]]:
    """Filters in force, each with the URL without it."""

    def without(name: str) -> str:
        left = request.GET.copy()
        for key in (name, "after", "before", f"{name}_min", f"{name}_max", f"{name}_typed"):
            left.pop(key, None)
        return f"?{left.urlencode()}"

    found = [{"label": "Search", "value": query, "without": without("q")}] if query else []
    found += [{"label": "Report", "value": figure.words, "without": without("figure")}] if figure else []
    if filterset is None or not filterset.form.is_valid():
        return found
    for name, value in filterset.form.cleaned_data.items():
        if value in (None, "", []) or (hasattr(value, "exists") and not value.exists()):
            continue
        field = filterset.form.fields[name]
        choices = {} if isinstance(value, models.Model) else dict(list(getattr(field, "choices", ())))
        label = field.label or name.replace("_", " ").capitalize()
        found.append({"label": str(label), "value": str(choices.get(value, value)), "without": without(name)})
    return found


def _export(made: ListPage, table: Any, found: models.QuerySet[Any], columns: list[str], path: str) -> HttpResponse:
    form = made.request.GET["export"]
    if form not in listfile.TYPES:
        raise BadRequest("A list is given as csv or xlsx.")
    if not made.scope and counting.counted(found) > listfile.AT_ONCE:
        raise Refusal("This file is written in the background. Open the list and choose Export.")
    found = found.order_by(*ordering(made.model, path))
    if "edit" in made.request.GET:
        rows = returning.cells(made, found, person(made.request))
    else:
        rows = listfile.rows([table.columns[name] for name in columns], found)
    name = f"{slugify(made.title or str(made.model._meta.verbose_name_plural)) or 'list'}.{form}"
    if form == "csv":
        return htmx.download(csvfile.lines(rows), name)
    content = io.BytesIO()
    listfile.write_workbook(rows, content)
    return htmx.download(content.getvalue(), name, listfile.TYPES[form])
