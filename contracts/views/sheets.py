"""Sheets into quotes on the screen: the file, where its columns go, what its rows would do, the progress, the rest."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from contracts import sheetchecks, sheetimport, sheetmapping
from contracts.forms.quotes import ImportForm
from contracts.models import Quote, SheetImport
from contracts.quoting import Frozen
from contracts.sheetchecks import SheetRow
from contracts.views import quotescreen
from contracts.views.quotelines import WRITES
from kernel import htmx, workspace
from kernel.csvfile import Unreadable

TEMPLATE = "contracts/quote_sheet.html"
SAMPLES = 3  # values shown of a column
SHOWN = 100  # refused rows on the page; the file holds all


@workspace.allowed(*WRITES)
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """Choose a file: the dialog; a file that can be read leads on to its columns."""
    quote = quotescreen.load(request, number, version)
    form = ImportForm(request.POST if request.method == "POST" else None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            sheet = sheetimport.keep(
                quote_id=quote.pk, name=str(file.name), content=file.read(), by=workspace.person(request)
            )
        except Unreadable as error:
            form.add_error("file", [text for texts in error.problems.values() for text in texts])
        else:
            return htmx.go(request, address(quote, sheet))
    status = 422 if form.is_bound and form.errors else 200
    context = {"form": form, "quote": quote, "earlier": _earlier(quote)}
    return render(request, "contracts/quote_dialogs.html#import", context, status=status)


@workspace.allowed(*WRITES)
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, number: str, version: int, sheet_id: int) -> HttpResponse:
    """One sheet: its columns and what its rows would do, or how far it is, or what came of it."""
    quote = quotescreen.load(request, number, version)
    sheet = _sheet(quote, sheet_id)
    if request.method == "POST":
        mapping = [request.POST.get(f"to-{place}", "") for place in range(len(sheet.columns))]
        sheet = sheetimport.map_columns(
            sheet_id=sheet.pk, mapping=mapping, update_sites=request.POST.get("update") == "yes"
        )
        if request.POST.get("act") == "import" and not sheetmapping.problems(sheet.mapping):
            sheetimport.start(sheet_id=sheet.pk, by=workspace.person(request))
        return htmx.go(request, address(quote, sheet))
    if sheet.started_at:
        return htmx.respond(request, TEMPLATE, _taken(quote, sheet), part="progress")
    return render(request, TEMPLATE, _mapped(quote, sheet))


@workspace.allowed(*WRITES)
@require_safe
def refused(request: HttpRequest, number: str, version: int, sheet_id: int) -> HttpResponse:
    """The refused rows as a file."""
    sheet = _sheet(quotescreen.load(request, number, version), sheet_id)
    return htmx.download(sheetimport.refused_file(sheet), "rows-to-mend.csv")


def address(quote: Quote, sheet: SheetImport) -> str:
    """Where a sheet is seen."""
    return reverse("contracts:quote_sheet", args=[quote.number, quote.version, sheet.pk])


def _sheet(quote: Quote, sheet_id: int) -> SheetImport:
    found: SheetImport = get_object_or_404(SheetImport.objects.filter(quote=quote), pk=sheet_id)
    return found


def _earlier(quote: Quote) -> list[SheetImport]:
    rows = SheetImport.objects.filter(quote=quote, started_at__isnull=False).defer("rows", "refused")
    return list(rows.order_by("-id")[:5])


def _base(quote: Quote, sheet: SheetImport) -> dict[str, Any]:
    return {"quote": quote, "sheet": sheet, "here": quote.get_absolute_url(), "address": address(quote, sheet)}


def _mapped(quote: Quote, sheet: SheetImport) -> dict[str, Any]:
    """The columns with their first values, and what the rows would do with this mapping."""
    if quote.state != Quote.State.DRAFT:
        raise Frozen(f"{quote} was submitted and takes no sheet any more. Make a new version.")
    problems = sheetmapping.problems(sheet.mapping)
    rows = [] if problems else sheetchecks.check(sheet, quote)
    bad = [one for one in rows if one.bad]
    good = [one for one in rows if not one.bad]
    return {
        **_base(quote, sheet),
        "columns": _columns(sheet),
        "groups": _groups(),
        "mapping_problems": problems,
        "counts": {
            "rows": len(sheet.rows), "good": len(good), "bad": len(bad),
            "new": sum(one.row.verdict == "new" for one in good),
            "differ": sum(one.row.verdict == "update" for one in good),
            "lines": sum(len(one.wishes) for one in good),
        },
        "bad": _told(sheet, bad[:SHOWN]),
        "more_bad": max(0, len(bad) - SHOWN),
    }  # fmt: skip


def _taken(quote: Quote, sheet: SheetImport) -> dict[str, Any]:
    names = sheetimport.names_of(sheet)
    bad = [
        {"line": row["line"], "name": _name(sheet.cells([row["line"], row["cells"]])),
         "cells": [(names.get(key, key), sheet.cells([0, row["cells"]]).get(key, ""), text)
                   for key, text in row["problems"]]}
        for row in sheet.refused[:SHOWN]
    ]  # fmt: skip
    return {**_base(quote, sheet), "bad": bad, "more_bad": max(0, len(sheet.refused) - SHOWN)}


def _told(sheet: SheetImport, rows: list[SheetRow]) -> list[dict[str, Any]]:
    """Refused rows with each problem at its column and what stands there."""
    names = sheetimport.names_of(sheet)
    return [
        {"line": one.row.line, "name": _name(one.row.cells),
         "cells": [(names.get(key, key), one.row.cells.get(key, ""), text)
                   for key, text in sheetchecks.problems_of(one.row)]}
        for one in rows
    ]  # fmt: skip


def _name(cells: dict[str, str]) -> str:
    return " ".join(filter(None, (cells.get("code", ""), cells.get("name", "")))) or "–"


def _columns(sheet: SheetImport) -> list[dict[str, Any]]:
    found = []
    for place, (name, target) in enumerate(zip(sheet.columns, sheet.mapping, strict=True)):
        values = [row[1][place] for row in sheet.rows if place < len(row[1]) and row[1][place]]
        samples = list(dict.fromkeys(values))[:SAMPLES]
        found.append({"place": place, "name": name or "(no name)", "target": target, "samples": samples})
    return found


def _groups() -> list[tuple[str, list[sheetmapping.Target]]]:
    groups: dict[str, list[sheetmapping.Target]] = {}
    for target in sheetmapping.targets():
        groups.setdefault(target.group, []).append(target)
    return list(groups.items())
