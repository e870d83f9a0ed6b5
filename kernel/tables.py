"""Lists: one mechanism for every table a person sees: columns, filters, sorting, keyset paging, export.

A list is declared once and shown with one call. An example, in `crm/views/leads.py`:

    class LeadTable(tables.Table):
        name = tables.Name(sub="company")                 # first column: a link, a second line below it
        state = tables.State()
        owner = tables.Text(optional=True)                # left out on a phone
        value = tables.Money(currency="currency", order_by="value")
        created_at = tables.Day(verbose_name="Created", optional=True)

    class LeadFilter(tables.Filters):
        state = tables.Choices(choices=Lead.State.choices)

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
`?export=csv` gives all that matches. A page of one's own extends list.html and is named in `show(…, template=…)`.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

import django_filters
import django_tables2
from django import forms
from django.core.exceptions import BadRequest
from django.db import connection, models
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse

from kernel.columns import Avatar, Column, Date, Day, Due, Flag, Meter, Money, Name, Number, Pill, State, Text, When
from kernel.csvfile import FORMULA
from kernel.keyset import Page, paginate

__all__ = [
    "Avatar", "Choices", "Column", "Date", "Day", "Due", "Empty", "Filters", "Flag", "ListPage", "Meter",
    "Money", "Name", "New", "Number", "Pill", "State", "Table", "Text", "When", "show",
]  # fmt: skip

EXPORT_LIMIT = 100_000
COUNT_EXACTLY_UP_TO = 10_000
Table = django_tables2.Table


class Filters(django_filters.FilterSet):
    """Filters of a list, drawn as chips; their state lives in the URL."""


class Choices(django_filters.ChoiceFilter):
    """A chip with a closed list of values."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("empty_label", "All")
        super().__init__(*args, **kwargs)


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


@dataclass
class Shown:
    """One list as a template sees it."""

    page: Page
    table: Any
    filters: Any
    total: str
    active: list[dict[str, str]] = field(default_factory=list)
    columns: list[dict[str, Any]] = field(default_factory=list)
    query: str = ""
    sort: str = ""
    sort_label: str = ""


class ListPage:
    """Declares a list; see the module's docstring. Class attributes only, one method to override: `rows`."""

    title: ClassVar[str] = ""
    lead: ClassVar[str] = ""
    model: ClassVar[type[models.Model]]
    table: ClassVar[type[django_tables2.Table]]
    filters: ClassVar[type[django_filters.FilterSet] | None] = None
    search: ClassVar[tuple[str, ...]] = ()
    search_label: ClassVar[str] = "Number or name"
    sort: ClassVar[str] = ""
    related: ClassVar[tuple[str, ...]] = ()
    per_page: ClassVar[int] = 50
    empty: ClassVar[Empty] = Empty()
    new: ClassVar[New | None] = None
    crumbs: ClassVar[tuple[tuple[str, str], ...]] = ()
    export: ClassVar[bool] = True
    two_lines: ClassVar[bool] = True

    def __init__(self, request: HttpRequest, **scope: Any) -> None:
        self.request = request
        self.scope = scope

    def rows(self) -> models.QuerySet[Any]:
        """What this person may see at all, before filters."""
        manager: Any = self.model._default_manager
        return manager.visible_to(self.request.user)  # type: ignore[no-any-return]


def show(
    request: HttpRequest,
    declared: type[ListPage],
    template: str = "list.html",
    context: dict[str, Any] | None = None,
    **scope: Any,
) -> HttpResponse:
    """Answer a request for a list: the page, its fragment, or the export. Raises BadRequest for a crafted query."""
    declared_list = declared(request, **scope)
    shown, matching = _shown(declared_list)
    if request.GET.get("export") == "csv" and declared_list.export:
        return cast(HttpResponse, _export(declared_list, shown, matching))
    fragment = getattr(request, "htmx", False) and not request.htmx.boosted and request.htmx.target == "list"  # type: ignore[attr-defined]
    values = {"list": shown, "spec": declared_list, "new_url": _new_url(declared_list), **(context or {})}
    return render(request, "components/list.html" if fragment else template, values)


def _new_url(declared: ListPage) -> str:
    new = declared.new
    return reverse(new.url_name) if new and declared.request.user.has_perm(new.permission) else ""


def _shown(declared: ListPage) -> tuple[Shown, models.QuerySet[Any]]:
    request = declared.request
    found = declared.rows().select_related(*declared.related) if declared.related else declared.rows()
    query = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    filterset = declared.filters(request.GET, queryset=found, request=request) if declared.filters else None
    if filterset is not None:
        for one in filterset.form.fields.values():
            if isinstance(one, forms.DateField):
                one.widget.input_type = "date"
        filterset.form.is_valid()  # a value that is not valid filters nothing and is marked at its chip
        found = filterset.filter_queryset(found) if filterset.form.is_valid() else found
    if query and declared.search:
        wanted = models.Q()
        for path in declared.search:
            wanted |= models.Q(**{f"{path}__icontains": query})
        found = found.filter(wanted)
    table = declared.table(data=[], request=request)
    sort = _sort(declared, table)
    page = paginate(found, _path(table, sort), request.GET, size=declared.per_page)
    table = declared.table(data=page.rows, request=request)
    active = _active(request, filterset, query)
    shown = Shown(
        page, table, filterset, _total(found, filtered=bool(active)), active, _heads(declared, table, sort), query, sort
    )
    shown.sort_label = next((c["label"] for c in shown.columns if c["name"] == sort.lstrip("-")), "")
    return shown, found.order_by(*page.ordering)


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


def _heads(declared: ListPage, table: Any, sort: str) -> list[dict[str, Any]]:
    heads = []
    for column in table.columns:
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


def _active(request: HttpRequest, filterset: Any, query: str) -> list[dict[str, str]]:
    """Filters in force, each with the URL without it."""

    def without(name: str) -> str:
        left = request.GET.copy()
        for key in (name, "after", "before", f"{name}_min", f"{name}_max"):
            left.pop(key, None)
        return f"?{left.urlencode()}"

    found = [{"label": "Search", "value": query, "without": without("q")}] if query else []
    if filterset is None or not filterset.form.is_valid():
        return found
    for name, value in filterset.form.cleaned_data.items():
        if value in (None, "", []) or (hasattr(value, "exists") and not value.exists()):
            continue
        choices = dict(list(getattr(filterset.form.fields[name], "choices", ())))
        label = filterset.form.fields[name].label or name.replace("_", " ").capitalize()
        found.append({"label": str(label), "value": str(choices.get(value, value)), "without": without(name)})
    return found


def _total(found: models.QuerySet[Any], *, filtered: bool) -> str:
    """How many match: exact up to 10,000, then the database's estimate, or “10,000+” under a filter."""
    some = found.order_by()[: COUNT_EXACTLY_UP_TO + 1].count()
    if some <= COUNT_EXACTLY_UP_TO:
        return f"{some:,}"
    if filtered or found.query.where.children:
        return f"{COUNT_EXACTLY_UP_TO:,}+"
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [found.model._meta.db_table])
        (estimate,) = cursor.fetchone() or (0,)
    return f"about {max(estimate, COUNT_EXACTLY_UP_TO):,}"


class _Echo:
    """A file that hands back what is written, for the streaming CSV writer."""

    def write(self, value: str) -> str:
        return value


def neutral(value: Any) -> Any:
    """A CSV cell that no spreadsheet runs as a formula; numbers stay numbers."""
    if isinstance(value, str) and value.lstrip(" ").startswith((*FORMULA, "\t", "\r", "\n")):
        return f"'{value}"
    return value


def _export(declared: ListPage, shown: Shown, matching: models.QuerySet[Any]) -> StreamingHttpResponse:
    writer = csv.writer(_Echo())

    def lines() -> Iterator[str]:
        yield "\ufeff"
        names = [c for c in shown.table.columns if hasattr(c.column, "plain_cells")]
        heads = [part for c in names for part in c.column.plain_heads(c)]
        yield writer.writerow([neutral(head) for head in heads])
        for row in matching[:EXPORT_LIMIT].iterator(chunk_size=2000):
            yield writer.writerow([neutral(cell) for c in names for cell in c.column.plain_cells(c, row)])

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    name = (declared.title or declared.model._meta.verbose_name_plural or "list").lower().replace(" ", "-")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response["X-Content-Type-Options"] = "nosniff"
    return response
