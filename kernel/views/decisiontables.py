"""Decision tables: the list, and the pages of one version: rows, test rows, trial, comparison, versions."""

from typing import Any

from django.db.models import Case, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from kernel import (
    cells,
    decisions,
    htmx,
    states,
    tablecheck,
    tablefit,
    tablepublication,
    tables,
    tabletrial,
    tableuse,
)  # fmt: skip
from kernel.models.decisions import DecisionTable
from kernel.tabledrafts import ID, NOTE, PRIORITY, shown
from kernel.templatetags.trunkline import state_html
from kernel.workspace import allowed, person

VIEW = "kernel.view_decisiontable"
TRIED = (20, 50, 200)

states.add(
    {
        "in_force": states.Look("circle-check", "In force", "ok"),
        "coming": states.Look("clock", "Starts later", "wait"),
        "replaced": states.Look("history", "Replaced", "idle"),
    }
)


def url_of(table: DecisionTable, name: str = "decision_table") -> str:
    """A page of one version."""
    return reverse(name, args=[table.key, table.version])


class Standing(tables.Text):
    """How the version stands, in a state's look."""

    def shown(self, value: Any, record: Any) -> Any:
        return state_html(tablepublication.standing(record, record.pk if record.counts else None))


class Tests(tables.Text):
    """How many of the test rows pass."""

    def shown(self, value: Any, record: Any) -> Any:
        return test_words(record)


def test_words(table: DecisionTable) -> Any:
    """The result of a table's test rows, as a state."""
    if not table.tests:
        return state_html("draft", word="None yet")
    failed = sum(not one.ok for one in tablecheck.run(table))
    if failed:
        return state_html("failed", word=f"{failed} of {len(table.tests)} fail")
    return state_html("done", word="1 passes" if len(table.tests) == 1 else f"All {len(table.tests)} pass")


class TableTable(tables.Table):
    """One row for each table."""

    title = tables.Name(url=url_of, sub="purpose", verbose_name="What it decides")
    askers = tables.Text(verbose_name="Asked by", orderable=False, optional=True)
    state = Standing(orderable=False, sub=lambda row: f"version {row.version}")
    valid_from = tables.Date(verbose_name="Since", orderable=False, optional=True)
    tests = Tests(verbose_name="Test rows", orderable=False)


class TableList(tables.ListPage):
    """Every table in the version that counts, or in its newest one."""

    title = "Decision tables"
    lead = "rules as rows: when this, then that"
    model = DecisionTable
    table = TableTable
    search = ("title", "key", "purpose")
    search_label = "Title or key"
    sort = "title"
    export = False
    new = tables.New("New table", "decision_table_new", "kernel.add_decisiontable")
    empty = tables.Empty(
        "table",
        "No decision table yet",
        "A decision table says in rows who approves, what is filled in, who mends what.",
    )

    def rows(self) -> Any:
        """Drafts only where nothing is in force."""
        seen = DecisionTable.objects.visible_to(person(self.request))
        counting = dict(seen.in_force().values_list("key", "pk"))
        newest = dict(seen.order_by("key", "version").values_list("key", "pk"))
        picked = [counting.get(key, pk) for key, pk in newest.items()]
        counts = Case(When(pk__in=list(counting.values()), then=Value(True)), default=Value(False))
        names = [
            When(key=key, then=Value(", ".join(use.title for use in uses)))
            for key, uses in tableuse.of_many(newest).items()
            if uses
        ]
        askers = Case(*names, default=Value("Nobody yet"))
        return seen.filter(pk__in=picked).annotate(counts=counts, askers=askers)


@allowed("kernel.use_workspace", VIEW)
@require_safe
def table_list(request: HttpRequest) -> HttpResponse:
    """The list."""
    drafts = DecisionTable.objects.visible_to(person(request)).filter(state="draft").order_by("title")
    return tables.show(request, TableList, "decisions/list.html", {"drafts": drafts})


def version_of(request: HttpRequest, key: str, version: int) -> DecisionTable:
    """The version if this person may see it. Raises Http404 otherwise."""
    found = DecisionTable.objects.visible_to(person(request)).filter(key=key, version=version).first()
    if found is None:
        raise Http404("There is no such version of a decision table.")
    return found  # type: ignore[no-any-return]


@allowed("kernel.use_workspace", VIEW)
@require_safe
def latest(request: HttpRequest, key: str) -> HttpResponse:
    """To the version in force, else to the newest; of a table that is asked and not written yet, what it is for."""
    seen = DecisionTable.objects.visible_to(person(request)).filter(key=key)
    found = seen.in_force().first() or seen.order_by("-version").first()
    if found is None and (uses := [use for use in tableuse.of(key) if use.key == key]):
        return htmx.respond(request, "decisions/unwritten.html", {"key": key, "use": uses[0]})
    if found is None:
        raise Http404("There is no such decision table.")
    return htmx.go(request, "decision_table", found.key, found.version)


@allowed("kernel.use_workspace", VIEW)
@require_safe
def rows(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """The grid of rows."""
    return htmx.respond(request, "decisions/rows.html", rows_context(request, version_of(request, key, version)))


@allowed("kernel.use_workspace", VIEW)
@require_safe
def checks(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """What the checks of the rows say, for the panel under the grid; `?words=` sums up the test rows."""
    table = version_of(request, key, version)
    if "words" in request.GET:
        context = {"table": table, "test_words": test_words(table)}
        return htmx.respond(request, "decisions/base.html", context, part="words")
    return htmx.respond(request, "decisions/rows.html", {"table": table, **checked(table)}, part="checks")


@allowed("kernel.use_workspace", VIEW)
@require_safe
def tests(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Test rows with their results."""
    return htmx.respond(request, "decisions/tests.html", tests_context(request, version_of(request, key, version)))


@allowed("kernel.use_workspace", VIEW)
@require_safe
def trial(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """One set of facts by hand, and the newest real cases by this version and the one in force."""
    table = version_of(request, key, version)
    in_force = DecisionTable.objects.in_force().filter(key=key).first()
    asked = request.GET.get("cases", "")
    limit = int(asked) if asked in map(str, TRIED) else TRIED[1]
    context = head(request, table, "trial") | {"limit": limit, "limits": TRIED, "in_force": in_force}
    context |= _by_hand(request, table)
    try:
        other = in_force if in_force and in_force.pk != table.pk else None
        context["trial"] = tabletrial.run(table, other, by=person(request), limit=limit)
        context["against"] = other
    except decisions.BrokenRule as error:
        context["broken"] = str(error)
    return htmx.respond(request, "decisions/trial.html", context)


@allowed("kernel.use_workspace", VIEW)
@require_safe
def comparison(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """This version against another one, the one in force unless said otherwise."""
    table = version_of(request, key, version)
    others = DecisionTable.objects.visible_to(person(request)).filter(key=key).exclude(pk=table.pk).order_by("-version")
    asked = request.GET.get("with", "")
    in_force = DecisionTable.objects.in_force().filter(key=key).exclude(pk=table.pk).first()
    other = others.filter(version=int(asked)).first() if asked.isdecimal() and len(asked) < 9 else None
    other = other or in_force or others.filter(version__lt=version).first() or others.first()
    context = head(request, table, "compare") | {"other": other, "others": others}
    if other is not None:
        old, new = sorted((other, table), key=lambda one: int(one.version))
        said, changes = tabletrial.compare(old, new)
        context |= {"old": old, "new": new, "said": said, "changes": changes}
    return htmx.respond(request, "decisions/compare.html", context)


@allowed("kernel.use_workspace", VIEW)
@require_safe
def versions(request: HttpRequest, key: str, version: int) -> HttpResponse:
    """Every version with its days, who asks the table, and what was done."""
    table = version_of(request, key, version)
    return htmx.respond(request, "decisions/versions.html", head(request, table, "versions"))


def head(request: HttpRequest, table: DecisionTable, here: str) -> dict[str, Any]:
    """What every page of a version shows: title, standing, versions, tabs, and what this person may do."""
    user = person(request)
    all_versions = list(DecisionTable.objects.visible_to(user).filter(key=table.key).order_by("-version"))
    in_force = DecisionTable.objects.in_force().filter(key=table.key).values_list("pk", flat=True).first()
    edits = user.has_perm("kernel.change_decisiontable")
    draft = next((one for one in all_versions if one.state == "draft"), None)
    tabs = [
        ("rows", "Rows", "decision_table", len(table.rows)),
        ("tests", "Test rows", "decision_tests", len(table.tests)),
        ("trial", "Try it", "decision_trial", None),
        ("compare", "Compare", "decision_compare", None),
        ("versions", "Versions and use", "decision_versions", len(all_versions)),
    ]
    return {
        "table": table, "record": table, "here": here, "in_force_pk": in_force, "draft": draft,
        "standing": tablepublication.standing(table, in_force),
        "versions": [(one, tablepublication.standing(one, in_force), url_of(one)) for one in all_versions],
        "uses": tableuse.of(table.key), "needed": tableuse.needed(table.key),
        "hit": dict(DecisionTable.Hit.choices)[table.hit], "test_words": test_words(table),
        "may_edit": edits and table.state == "draft", "may_revise": edits and draft is None and table.state != "draft",
        "may_publish": user.has_perm("kernel.publish_decisiontable"),
        "tabs": [{"label": label, "url": url_of(table, name), "count": count, "here": key == here}
                 for key, label, name, count in tabs],
    }  # fmt: skip


def rows_context(request: HttpRequest, table: DecisionTable) -> dict[str, Any]:
    """The page of rows: heads, cells and checks."""
    inputs, outputs = cells.typed(table)
    columns = [(c, False) for c in inputs] + [(c, True) for c in outputs]
    if table.hit == DecisionTable.Hit.PRIORITY:
        columns.append(({"name": PRIORITY, "label": "Priority", "type": "priority"}, False))
    columns.append(({"name": NOTE, "label": "Why", "type": "note"}, False))
    lines = [_line(row, number, columns) for number, row in enumerate(table.rows, 1)]
    return {
        **head(request, table, "rows"), **checked(table), "inputs": inputs, "outputs": outputs, "lines": lines,
        "kinds": cells.TYPES, "suggested": _suggested(table, inputs, outputs),
    }  # fmt: skip


def _suggested(table: DecisionTable, *sides: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """Columns of a draft with the values that their cells suggest while somebody types."""
    if table.state != DecisionTable.State.DRAFT:
        return []
    fit = tablefit.Fit(table.key)
    return [
        (c["name"], ["yes", "no"] if c["type"] == "boolean" else list(c["values"] or fit.offers(c["name"], output=out)))
        for columns, out in zip(sides, (False, True), strict=True)
        for c in columns
    ]  # fmt: skip


def _line(row: dict[str, Any], number: int, columns: list[tuple[dict[str, Any], bool]]) -> dict[str, Any]:
    mark = str(row.get(ID, ""))
    drawn = [cell(mark, number, c, shown(c, row.get(c["name"]), output=out), out) for c, out in columns]
    return {"id": mark, "number": number, "cells": drawn}


def cell(row: str, number: int, column: dict[str, Any], text: str, output: bool, problem: str = "") -> dict[str, Any]:
    """One cell as the grid draws it."""
    kind = column["type"]
    return {
        "row": row, "name": column["name"], "text": text, "problem": problem, "output": output, "kind": kind,
        "label": f"Row {number}, {column['label']}", "was": text,
        "placeholder": "" if output or kind in ("note", "priority") else "any",
        "offered": kind in ("boolean", "text"),
    }  # fmt: skip


def checked(table: DecisionTable) -> dict[str, Any]:
    """Problems, hints and failing test rows."""
    problems = tablecheck.problems(table)
    results = [] if problems else tablecheck.run(table)
    return {
        "problems": problems, "hints": [] if problems else tablecheck.hints(table),
        "failing": [(number, one) for number, one in enumerate(results, 1) if not one.ok], "results": results,
    }  # fmt: skip


def tests_context(request: HttpRequest, table: DecisionTable) -> dict[str, Any]:
    """The page of test rows."""
    looked_at, outputs = looks(table), cells.typed(table)[1]
    lines = [test_line(one, number, looked_at, outputs) for number, one in enumerate(tablecheck.run(table), 1)]
    return {
        **head(request, table, "tests"), "given": looked_at, "outputs": outputs, "lines": lines,
        "failing": sum(not line["ok"] for line in lines),
    }  # fmt: skip


def looks(table: DecisionTable) -> list[dict[str, Any]]:
    """Everything that the table looks at as columns: its inputs, and facts that its cells calculate with."""
    inputs, outputs = cells.typed(table)
    named = {c["name"].partition(".")[0] for c in inputs} | {c["name"] for c in outputs}
    others = [name for name in decisions.mentioned(table) if name not in named]
    return [*inputs, *({"name": name, "label": cells.said(name), "type": "any"} for name in others)]


def test_line(one: tablecheck.Checked, number: int, given: list[Any], outputs: list[Any]) -> dict[str, Any]:
    """One test row as the page draws it."""
    test = one.test
    return {
        "id": test.get(ID, ""), "number": number, "ok": one.ok, "whole": one.wrong.get("", ""),
        "rows": ", ".join(map(str, one.rows)), "note": test.get(NOTE, ""),
        "given": [{"name": c["name"], "label": c["label"], "text": test.get("given", {}).get(c["name"], "")}
                  for c in given],
        "expect": [{"name": c["name"], "label": c["label"], "text": test.get("expect", {}).get(c["name"], ""),
                    "got": one.got.get(c["name"], ""), "wrong": one.wrong.get(c["name"], "")} for c in outputs],
    }  # fmt: skip


def _by_hand(request: HttpRequest, table: DecisionTable) -> dict[str, Any]:
    """The answer to facts that were typed into the form of the page."""
    outputs = cells.typed(table)[1]
    fields, facts = [], {}
    for column in looks(table):
        typed = request.GET.get(f"in-{column['name']}", "").replace("\x00", "")[:200]
        problem = ""
        try:
            if (value := cells.value(column, typed)) is not None:
                facts[column["name"]] = value
        except cells.CellRefused as error:
            problem = str(error)
        fields.append({**column, "typed": typed, "problem": problem})
    found: dict[str, Any] = {"fields": fields}
    if "ask" in request.GET and not any(field["problem"] for field in fields):
        try:
            hits = decisions.judge(table)(facts)
            found["answers"] = [
                (hit.row + 1, [(c["label"], cells.plain(hit.outputs.get(c["name"])) or "–") for c in outputs])
                for hit in hits
            ]
        except decisions.BrokenRule as error:
            found["broken_by_hand"] = str(error)
        found["asked"] = True
    return found
