"""A cell of a list that is changed in its place: the field, what is wrong with what was typed, the cell again."""

import re
from typing import Any

from django.core.exceptions import BadRequest
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods

from kernel import amending, htmx, returning, rowdrawing
from kernel.editing import Changed
from kernel.forms import add_errors
from kernel.listfields import Fields
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal
from kernel.workspace import allowed, person

CELL = re.compile(r"(\d{1,18})\.(\w{1,60})")
TEMPLATE = "components/cell.html"


@allowed("kernel.use_workspace")
@require_http_methods(["GET", "HEAD", "POST"])
def cell(request: HttpRequest) -> HttpResponse:
    """The field of a cell; a POST stores it and answers with the cell, or with the field and what is wrong."""
    user = person(request)
    declared, path = returning.behind(request.GET.get("slip", ""), user)
    pk, name = _meant(request.GET.get("cell", ""), declared, user)
    record = _record(declared, pk, user)
    fields = Fields(declared.edits, user)
    if request.method != "POST":
        if why := declared.edits.why_not(record):
            raise Conflict(why)
        return _asked(request, record, name, _form(fields, name, record))
    form = _form(fields, name, record, request.POST)
    if not form.is_valid():
        return _asked(request, record, name, form, status=422, edition=request.POST.get("edition", ""))
    typed = {name: fields.raw(name, form.cleaned_data[name])}
    try:
        amending.amend(declared.edits, declared.model, pk, edition=_edition(request), by=user, typed=typed)
    except Changed as error:
        return _asked(request, record, name, form, status=409, edition=str(error.edition), conflict=error)
    except Refusal as error:
        if error.status != 422:
            raise
        add_errors(form, error)
        return _asked(request, record, name, form, status=422, edition=request.POST.get("edition", ""))
    return _drawn(request, declared, name, _record(declared, pk, user), path)


def _meant(told: str, declared: Any, user: User) -> tuple[int, str]:
    """The record's key and the field of a cell. Raises BadRequest, or NotPermitted."""
    found = CELL.fullmatch(told)
    if not found or found[2] not in declared.edits.cells:
        raise BadRequest("Open the list again.")
    if found[2] not in declared.edits.names(user):
        raise NotPermitted("Your roles do not include the right to change this.")
    return int(found[1]), found[2]


def _record(declared: Any, pk: int, user: User) -> Any:
    rows: Any = declared.model._default_manager
    return get_object_or_404(rows.visible_to(user).select_related(*declared.related), pk=pk)


def _edition(request: HttpRequest) -> int:
    shown = request.POST.get("edition", "")
    return int(shown) if shown.isdecimal() and len(shown) < 10 else 0


def _form(fields: Fields, name: str, record: Any, data: Any = None) -> Form:
    value = getattr(record, name)
    form = Form(data, auto_id="cell_%s", initial={name: getattr(value, "pk", value)})
    form.fields[name] = fields.each[name]
    form.fields[name].widget.attrs["aria-label"] = fields.label(name)
    return form


def _asked(
    request: HttpRequest, record: Any, name: str, form: Form, *, status: int = 200, edition: str = "",
    conflict: Changed | None = None,
) -> HttpResponse:  # fmt: skip
    context = {
        "record": record, "field": form[name], "form": form, "edition": edition or record.edition,
        "conflict": conflict, "url": request.get_full_path(),
    }  # fmt: skip
    return htmx.respond(request, TEMPLATE, context, status=status)


def _drawn(request: HttpRequest, declared: Any, name: str, record: Any, path: str) -> HttpResponse:
    table = declared.table(data=[], request=request)
    drawn = rowdrawing.cell(table, table.columns[name], record, declared.edits)
    toast = f"{table.columns[name].header} of {record} is saved."
    if not getattr(request, "htmx", False):
        return htmx.go(request, path, toast=toast)
    return htmx.respond(request, TEMPLATE, {"drawn": drawn}, part="drawn", toast=toast)
