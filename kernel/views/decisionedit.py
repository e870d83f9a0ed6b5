"""Editing decision tables: cells, rows, columns, test rows, files, and the moves of a version."""

import json
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kernel import cells, csvfile, htmx, tabledrafts, tablefile, tablepublication, tableuse
from kernel.forms import PublishForm, SheetField, add_errors
from kernel.models.decisions import DecisionTable
from kernel.refusal import Refusal
from kernel.views.decisiontables import VIEW, cell, rows_context, tests_context, url_of, version_of
from kernel.workspace import allowed, person

EDIT, PUBLISH = "kernel.change_decisiontable", "kernel.publish_decisiontable"


class NewTable(forms.Form):
    """A table that does not exist yet."""

    key = forms.CharField(max_length=80, label="Key", help_text="Whoever asks the table finds it by its key.")
    title = forms.CharField(max_length=120, label="Title", help_text="What it decides, such as Who mends what.")
    hit = forms.ChoiceField(choices=DecisionTable.Hit.choices, label="Which rows count")


class Describe(forms.Form):
    """Title, purpose, and which rows count."""

    title = forms.CharField(max_length=120, label="Title")
    purpose = forms.CharField(max_length=300, label="What it decides", required=False,
                              widget=forms.Textarea(attrs={"rows": 2}))  # fmt: skip
    hit = forms.ChoiceField(choices=DecisionTable.Hit.choices, label="Which rows count")


class Column(forms.Form):
    """One column."""

    name = forms.CharField(max_length=60, label="Name", help_text="The fact or the answer, as in distance_m.")
    label = forms.CharField(max_length=80, label="Heading", required=False)
    kind = forms.ChoiceField(choices=list(cells.TYPES.items()), label="Holds")
    values = forms.CharField(
        max_length=2000, label="Allowed values", required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One a line. Empty allows all.",
    )  # fmt: skip


class RowsFile(forms.Form):
    """A file of rows."""

    file = SheetField(label="CSV or Excel file", accept=".csv,.xlsx,text/csv")


@allowed("kernel.use_workspace", VIEW, "kernel.add_decisiontable")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """The form of a new table; made, it is a draft."""
    form = NewTable(request.POST or None, initial={"key": request.GET.get("key", "")})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = tabledrafts.create(**form.cleaned_data, by=person(request))
                return htmx.go(request, url_of(made), toast="The draft is made. Add its columns and rows.")
            except Refusal as error:
                add_errors(form, error)
    taken = set(DecisionTable.objects.values_list("key", flat=True))
    uses = [use for use in tableuse.fixed() if use.key.endswith("*") or use.key not in taken]
    return htmx.respond(request, "decisions/new.html", {"form": form, "uses": uses}, status=status)


@allowed("kernel.use_workspace", VIEW, EDIT)
@require_POST
def write_cell(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Store one cell and draw it again; refused, it keeps what was typed and says why."""
    table = version_of(request, key, version)
    row, name, typed = (request.POST.get(part, "") for part in ("row", "name", "typed"))
    column, output = tabledrafts.column_of(table, name)
    number = next((n for n, line in enumerate(table.rows, 1) if line.get(tabledrafts.ID) == row), 0)
    try:
        text = tabledrafts.write_cell(
            table_id=table.pk, row=row, name=name, typed=typed, was=request.POST.get("was"), by=person(request)
        )
    except (cells.CellRefused, tabledrafts.CellChanged) as error:
        drawn = cell(row, number, column, typed, output, str(error))
        drawn["was"] = error.stored if isinstance(error, tabledrafts.CellChanged) else request.POST.get("was", "")
        return render(request, "decisions/rows.html#cell", {"cell": drawn, "table": table}, status=error.status)
    drawn = cell(row, number, column, text, output)
    return _with(render(request, "decisions/rows.html#cell", {"cell": drawn, "table": table}))


@allowed("kernel.use_workspace", VIEW, EDIT)
@require_POST
def row(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Add, copy, move or remove one row, and draw the grid again."""
    table, by = version_of(request, key, version), person(request)
    act, at = request.POST.get("act", ""), request.POST.get("row", "")
    focus = at
    if act in ("add", "copy"):
        focus = tabledrafts.add_row(table_id=table.pk, after=at, by=by, copy=act == "copy")
    elif act in ("up", "down"):
        tabledrafts.move_row(table_id=table.pk, row=at, by=by, steps=-1 if act == "up" else 1)
    elif act == "remove":
        tabledrafts.remove_row(table_id=table.pk, row=at, by=by)
    else:
        raise Refusal("There is no such thing to do with a row.")
    return _grid(request, table, focus)


@allowed("kernel.use_workspace", VIEW, EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def column(request: HttpRequest, key: str, version: int, side: str) -> HttpResponse:
    """The form of one column, new or present, in a dialog; `?name=` is the present one."""
    table, by = version_of(request, key, version), person(request)
    old = request.GET.get("name", "") or request.POST.get("old", "")
    if side not in tabledrafts.SIDES:
        raise Http404("A column is an input or an output.")
    if request.method == "POST":
        if "remove" in request.POST:
            tabledrafts.remove_column(table_id=table.pk, name=old, by=by)
            return htmx.go(request, url_of(table), toast="The column is gone.")
        form = Column(request.POST)
        if form.is_valid():
            try:
                tabledrafts.write_column(
                    table_id=table.pk, side=side, old=old, by=by, name=form.cleaned_data["name"],
                    label=form.cleaned_data["label"], kind=form.cleaned_data["kind"],
                    values=form.cleaned_data["values"].splitlines(),
                )  # fmt: skip
                return htmx.go(request, url_of(table))
            except Refusal as error:
                add_errors(form, error)
    else:
        form = Column(initial=_initial(table, old))
    known = tableuse.facts_for(key) if side == "in" else tableuse.answers_for(key)
    taken = {c["name"] for c in [*table.inputs, *table.outputs]}
    context = {
        "form": form, "table": table, "side": side, "old": old,
        "known": [{"label": fact.label, "fill": _fill(fact)} for fact in known if fact.name not in taken],
    }  # fmt: skip
    return render(request, "decisions/column.html", context, status=422 if form.errors else 200)


@allowed("kernel.use_workspace", VIEW, EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def describe(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Title, purpose, and which rows count, in a dialog."""
    table = version_of(request, key, version)
    initial = {"title": table.title, "purpose": table.purpose, "hit": table.hit}
    form = Describe(request.POST) if request.method == "POST" else Describe(initial=initial)
    if request.method == "POST" and form.is_valid():
        tabledrafts.describe(table_id=table.pk, **form.cleaned_data, by=person(request))
        return htmx.go(request, url_of(table))
    context = {"form": form, "url": url_of(table, "decision_describe"), "title": "Describe this table", "word": "Save"}
    return render(request, "components/dialog_form.html", context, status=422 if form.errors else 200)


@allowed("kernel.use_workspace", VIEW, EDIT)
@require_POST
def revise(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """A draft of the next version."""
    made = tabledrafts.revise(table_id=version_of(request, key, version).pk, by=person(request))
    return htmx.go(
        request, url_of(made), toast=f"Version {made.version} is a draft. Nothing changes until you publish it."
    )


@allowed("kernel.use_workspace", VIEW, EDIT)
@require_POST
def discard(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Throw the draft away."""
    table = version_of(request, key, version)
    tabledrafts.discard(table_id=table.pk, by=person(request))
    left = DecisionTable.objects.filter(key=key).exists()
    return htmx.go(
        request, *(("decision_table_latest", key) if left else ("decision_tables",)), toast="The draft is gone."
    )


@allowed("kernel.use_workspace", VIEW, PUBLISH)
@require_http_methods(["GET", "HEAD", "POST"])
def publish(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """The form that asks for the start date, in a dialog, with all that still keeps the draft back."""
    table = version_of(request, key, version)
    form = (
        PublishForm(request.POST)
        if request.method == "POST"
        else PublishForm(initial={"valid_from": timezone.localdate()})
    )
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = tablepublication.publish(table_id=table.pk, by=person(request), **form.cleaned_data)
                return htmx.go(
                    request, url_of(made), toast=f"Version {made.version} counts from {made.valid_from:%-d %b %Y}."
                )
            except tablepublication.NotReady as error:
                add_errors(form, error)
    stops = tablepublication.obstacles(table, timezone.localdate()) if table.state == "draft" else {}
    uses = tableuse.of(key)
    context = {
        "form": form, "version": version, "stops": stops.get("", []), "who": uses[0].title if uses else "",
        "url": url_of(table, "decision_publish"), "trial_url": url_of(table, "decision_trial"),
    }  # fmt: skip
    return render(request, "decisions/publish.html", context, status=status)


@allowed("kernel.use_workspace", VIEW, PUBLISH)
@require_POST
def retire(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Take a version out of force."""
    reason = request.POST.get("reason", "").replace("\x00", "")
    made = tablepublication.retire(table_id=version_of(request, key, version).pk, by=person(request), reason=reason)
    return htmx.go(request, url_of(made), toast=f"Version {made.version} is retired.")


@allowed("kernel.use_workspace", VIEW)
@require_safe
def export(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """All rows as CSV; it can be imported again."""
    table = version_of(request, key, version)
    return htmx.download("".join(csvfile.lines(tablefile.lines(table))), f"{key.replace(':', '-')}-{version}.csv")


@allowed("kernel.use_workspace", VIEW, EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def take_file(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Rows of a file in place of all rows, in a dialog; with one cell that cannot be read nothing is taken."""
    table = version_of(request, key, version)
    form = RowsFile(request.POST, request.FILES) if request.method == "POST" else RowsFile()
    if request.method == "POST" and form.is_valid():
        try:
            found = tablefile.read(table, form.cleaned_data["file"].read(tablefile.LARGEST + 1))
            tabledrafts.replace_rows(table_id=table.pk, rows=found, by=person(request))
            return htmx.go(request, url_of(table), toast=f"{len(found)} rows are taken.")
        except csvfile.Unreadable as error:
            add_errors(form, error)
    context = {"form": form, "table": table, "heads": tablefile.lines(table)[0]}
    return render(request, "decisions/import.html", context, status=422 if form.errors else 200)


@allowed("kernel.use_workspace", VIEW, EDIT)
@require_POST
def test_row(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Add or remove a test row; a real case of the trial can become one."""
    table, by = version_of(request, key, version), person(request)
    if request.POST.get("act") == "remove":
        tabledrafts.remove_test(table_id=table.pk, row=request.POST.get("row", ""), by=by)
    else:
        names = [name for name in request.POST if name.startswith("given-")]
        given = {name[6:]: request.POST[name].replace("\x00", "")[:200] for name in names}
        tabledrafts.add_test(table_id=table.pk, by=by, given=given)
        if given:
            return htmx.go(
                request, url_of(table, "decision_tests"), toast="The case is a test row. Say what should come out."
            )
    return _tests(request, version_of(request, key, version))


@allowed("kernel.use_workspace", VIEW, EDIT)
@require_POST
def write_test(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Store one cell of a test row and draw the row's result again."""
    table = version_of(request, key, version)
    row, part, name, typed = (request.POST.get(one, "") for one in ("row", "part", "name", "typed"))
    try:
        tabledrafts.write_test(table_id=table.pk, row=row, part=part, name=name, typed=typed, by=person(request))
    except cells.CellRefused as error:
        one = {"name": name, "text": typed, "problem": str(error), "label": name}
        context = {"one": one, "part": part, "line": {"id": row}, "table": table, "may_edit": True}
        return render(request, "decisions/tests.html#test_cell", context, status=422)
    return _test_cell(request, version_of(request, key, version), row, part, name)


def _test_cell(request: HttpRequest, table: DecisionTable, row: str, part: str, name: str) -> HttpResponse:
    context = tests_context(request, table)
    line = next(one for one in context["lines"] if one["id"] == row)
    found: Any = {"name": "", "text": line["note"], "label": "Why"}
    if part != "note":
        side = "given" if part == "given" else "expect"
        found = next((one for one in line[side] if one["name"] == name), {"name": name, "text": "", "label": name})
    context |= {"one": found, "part": part, "line": line, "with_result": True}
    return _with(render(request, "decisions/tests.html#test_cell", context))


def _tests(request: HttpRequest, table: DecisionTable) -> HttpResponse:
    return htmx.respond(request, "decisions/tests.html", tests_context(request, table), part="tests")


def _grid(request: HttpRequest, table: DecisionTable, focus: str) -> HttpResponse:
    fresh = version_of(request, table.key, table.version)
    context = rows_context(request, fresh) | {"focus": focus}
    if not getattr(request, "htmx", False):
        return htmx.go(request, url_of(fresh))
    return _with(render(request, "decisions/rows.html#grid", context))


def _with(response: HttpResponse) -> HttpResponse:
    response["HX-Trigger"] = json.dumps({"table-changed": {}})
    return response


def _fill(fact: tableuse.Fact) -> str:
    return json.dumps({"name": fact.name, "label": fact.label, "kind": fact.type, "values": "\n".join(fact.values)})


def _initial(table: DecisionTable, name: str) -> dict[str, Any]:
    if not name:
        return {}
    found, _ = tabledrafts.column_of(table, name)
    return {"name": found["name"], "label": found["label"], "kind": found["type"],
            "values": "\n".join(map(str, found.get("values") or []))}  # fmt: skip
