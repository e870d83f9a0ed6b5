"""Cells of the quote grid on the screen: typed into one, pasted over many, filled down, edited together."""

import json
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST

from catalog import configuration
from catalog.models import Specification
from contracts import quotecells, quotecompleteness, quotegrid, quoteoutline
from contracts.forms.quotes import TogetherForm
from contracts.models import Quote, QuoteLine
from contracts.quotecells import Done, Wanted
from contracts.quoting import Frozen
from contracts.views import quotescreen
from contracts.views.quotelines import WRITES
from kernel import htmx, workspace
from kernel.refusal import Refusal

SHOWN = 60  # cells of a preview
LONGEST = 2_000_000  # characters of a pasted block


@workspace.allowed(*WRITES)
@require_POST
def change(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """Put a text into each cell of `cells`, [site, offering, text, edition] each; changed rows come back."""
    quote = quotescreen.load(request, number, version)
    done = quotecells.apply(quote_id=quote.pk, wanted=_wanted(request), by=workspace.person(request))
    if not done.lines and done.refused:
        raise Refusal(" ".join(dict.fromkeys(one.refusal for one in done.refused[:3])))
    return _changed(request, number, version, done)


@workspace.allowed(*WRITES)
@require_POST
def paste(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """Lay a block of text over the grid from the anchor on, and show what it would change, cell by cell."""
    quote = quotescreen.load(request, number, version)
    if quote.state != Quote.State.DRAFT:
        raise Frozen(f"{quote} was submitted and does not change any more. Make a new version.")
    outline = quoteoutline.read(quote, problems=True)
    sites = outline.sites(quotescreen.chosen(request))
    columns = [column.offering_id for column in quotegrid.columns_of(outline, quotescreen.columns_to_offer(quote))]
    anchor = tuple(_key(request.POST.get(name, "")) for name in ("site", "offering"))
    text = request.POST.get("text", "").replace("\x00", "")[:LONGEST]
    wanted = quotecells.spread(sites, columns, (anchor[0], anchor[1]), text)
    editions = {
        (site, offering): edition
        for site, offering, edition in QuoteLine.objects.filter(quote=quote, parent=None).values_list(
            "site_id", "offering_id", "edition"
        )
    }
    wanted = [one._replace(edition=editions.get((one.site_id, one.offering_id), 0)) for one in wanted]
    changes = quotecells.plan(quote, wanted)
    good = [one for one in changes if not one.refusal and not one.same]
    context = {
        "quote": quote,
        "good": good[:SHOWN],
        "more": max(0, len(good) - SHOWN),
        "count": len(good),
        "refused": [one for one in changes if one.refusal],
        "same": sum(one.same for one in changes),
        "cells": json.dumps([list(one.wanted) for one in good]),
    }
    return render(request, "contracts/quote_cells.html#paste", context)


@workspace.allowed(*WRITES)
@require_POST
def fill(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """Give every chosen cell what the uppermost one of its column says."""
    quote = quotescreen.load(request, number, version)
    first: dict[int, str] = {}
    wanted = []
    for one in _wanted(request):
        if one.offering_id not in first:
            first[one.offering_id] = one.text
        else:
            wanted.append(one._replace(text=first[one.offering_id]))
    done = quotecells.apply(quote_id=quote.pk, wanted=wanted, by=workspace.person(request))
    return _changed(request, number, version, done)


@workspace.allowed(*WRITES)
@require_http_methods(["GET", "HEAD", "POST"])
def together(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """Edit several lines of one product at once: the dialog, and the act."""
    quote = quotescreen.load(request, number, version)
    lines = _lines(request, quote)
    specification = quotecompleteness.specifications_of(lines[:1]).get(lines[0].offering.specification_id or 0)
    fields = configuration.form_fields(specification, _common(lines)) if specification else []
    form = TogetherForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and (said := _edited(request, quote, fields, specification, form)):
        return htmx.go(request, f"{quote.get_absolute_url()}?line={lines[0].pk}", toast=said)
    context = {
        "quote": quote, "lines": lines, "offering": lines[0].offering, "fields": fields, "form": form,
        "editions": [f"{line.pk}:{line.edition}" for line in lines],
    }  # fmt: skip
    return render(request, "contracts/quote_cells.html#together", context, status=422 if form.errors else 200)


def _edited(
    request: HttpRequest, quote: Quote, fields: list[configuration.Field], specification: Specification | None,
    form: TogetherForm,
) -> str:  # fmt: skip
    """What was done, in words; "" when the act refused, which then stands at the fields."""
    raw = {field.key: request.POST[f"c-{field.key}"] for field in fields if request.POST.get(f"c-{field.key}")}
    known = {one.key: one for one in specification.characteristics.all()} if specification else {}
    try:
        changed, stale = quotecells.edit_together(
            quote_id=quote.pk, editions=_editions(request), by=workspace.person(request), fields=form.chosen(),
            values={key: configuration.parse(known[key], text) for key, text in raw.items()},
        )  # fmt: skip
    except Refusal as error:
        if error.status != Refusal.status:
            raise
        for name, texts in error.problems.items():
            place = {"manual_discount": "discount"}.get(name, name)
            form.add_error(place if place in form.fields else None, texts)
        return ""
    said = f"{len(changed)} line{'' if len(changed) == 1 else 's'} changed."
    return said + (f" {len(stale)} were changed by somebody else meanwhile and left as they are." if stale else "")


def _changed(request: HttpRequest, number: str, version: int, done: Done) -> HttpResponse:
    """The rows that look different now, or the page where htmx did not ask."""
    count = len(done.lines)
    said = f"{count} cell{'' if count == 1 else 's'} changed." if count else "The cells say this already."
    said += "".join(f" Not at {one.site}: {one.refusal}" for one in done.refused[:2])
    quote = quotescreen.load(request, number, version)
    if not getattr(request, "htmx", False) or len(done.sites) > quoteoutline.ROWS:
        return htmx.go(request, quote.get_absolute_url(), toast=said)
    context = quotescreen.changed_rows(request, quote, done.sites)
    return htmx.respond(request, "contracts/quote_cells.html", context, part="changed", toast=said)


def _wanted(request: HttpRequest) -> list[Wanted]:
    try:
        cells = json.loads(request.POST.get("cells", "[]"))
        wanted = [Wanted(int(site), int(offering), str(text)[:500], int(edition))
                  for site, offering, text, edition in cells]  # fmt: skip
    except (ValueError, TypeError) as error:
        raise Refusal("These cells cannot be read; choose them again.") from error
    if len(wanted) > quotecells.MOST:
        raise Refusal(f"That is more than {quotecells.MOST:,} cells; change them in parts.")
    return [one for one in wanted if 0 < one.site_id < 2**62 and 0 < one.offering_id < 2**62]


def _editions(request: HttpRequest) -> dict[int, int]:
    """Line → edition from texts such as 17:3."""
    given = request.POST.getlist("line") or request.GET.getlist("line")
    found = {}
    for one in given[: quotecells.MOST]:
        line, _, edition = one.partition(":")
        found[_key(line)] = _key(edition or "0")
    return found


def _lines(request: HttpRequest, quote: Quote) -> list[QuoteLine]:
    keys = _editions(request)
    rows = QuoteLine.objects.filter(quote=quote, pk__in=keys).select_related("offering", "site")
    lines = list(rows.order_by("position", "id"))
    if not lines:
        raise Refusal("Choose at least one cell that has a line.")
    return [line for line in lines if line.offering_id == lines[0].offering_id]


def _common(lines: list[QuoteLine]) -> dict[str, Any]:
    """Answers that all lines share."""
    first = lines[0].characteristics
    return {key: value for key, value in first.items() if all(one.characteristics.get(key) == value for one in lines)}


def _key(text: str) -> int:
    if not (text.isdigit() and len(text) < quotescreen.LONGEST_KEY):
        raise Http404("There is no such cell.")
    return int(text)
