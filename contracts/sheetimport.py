"""Sheets into quotes: kept when they come, mapped, then taken row by row in the background, what is bad given back."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog import configuration
from catalog.models import Offering
from contracts import quotechecks, quotepricing, quoting, sheetchecks, sheetmapping
from contracts.models import Quote, QuoteLine, SheetImport
from contracts.sheetchecks import SheetRow, Wish
from crm import siteimport
from crm.siteimport import Rows
from kernel import audit, csvfile, jobs, sheets
from kernel.models import User
from kernel.refusal import Conflict, Refusal

AT_ONCE = 250  # rows that are taken while the person waits
CHUNK = 250  # rows of one transaction; the progress moves with each


class AlreadyTaken(Conflict):
    """The sheet was started before; it is taken once."""


class BadMapping(Refusal):
    """The columns do not go where they would have to."""


@transaction.atomic
def keep(*, quote_id: int, name: str, content: bytes, by: User | None) -> SheetImport:
    """Read a file and keep its rows with a guessed mapping; nothing else is stored.

    Raises:
        Frozen: the version is no draft.
        Unreadable: the file as a whole cannot be taken.
    """
    quote = quoting.draft(quote_id)
    sheet = sheets.read(content)
    return SheetImport.objects.create(
        quote=quote, by=by, name=name[-120:] or "sheet", columns=sheet.columns, rows=sheet.rows, notes=sheet.notes,
        mapping=sheetmapping.guess(sheet.columns),
    )  # fmt: skip


@transaction.atomic
def map_columns(*, sheet_id: int, mapping: list[str], update_sites: bool = False) -> SheetImport:
    """Say where the columns go; wrong choices are kept too, so that they can be mended. Raises AlreadyTaken."""
    sheet = SheetImport.objects.select_for_update().get(pk=sheet_id)
    if sheet.started_at:
        raise AlreadyTaken(f"{sheet.name} was imported already.")
    known = {target.key for target in sheetmapping.targets()}
    sheet.mapping = [key if key in known else "" for key in mapping[: len(sheet.columns)]]
    sheet.mapping += [""] * (len(sheet.columns) - len(sheet.mapping))
    sheet.update_sites = update_sites
    sheet.save(update_fields=["mapping", "update_sites"])
    return sheet


@transaction.atomic
def start(*, sheet_id: int, by: User | None) -> SheetImport:
    """Check every row, keep the refused ones, take the good ones: at once, or a long sheet in the background.

    Raises:
        AlreadyTaken: it was started before.
        BadMapping: a column that is needed has no place.
        Frozen: the version is no draft any more.
    """
    sheet = SheetImport.objects.select_for_update().get(pk=sheet_id)
    if sheet.started_at:
        raise AlreadyTaken(f"{sheet.name} was imported already.")
    if said := sheetmapping.problems(sheet.mapping):
        raise BadMapping(problems={"mapping": said})
    quote = quoting.draft(sheet.quote_id)
    rows = sheetchecks.check(sheet, quote)
    bad = {one.row.line: one for one in rows if one.bad}
    sheet.refused = [
        {"line": row[0], "cells": row[1], "problems": sheetchecks.problems_of(bad[row[0]].row)}
        for row in sheet.rows if row[0] in bad
    ]  # fmt: skip
    sheet.rows = [row for row in sheet.rows if row[0] not in bad]
    sheet.total, sheet.started_at, sheet.by = len(sheet.rows), timezone.now(), by
    sheet.save(update_fields=["refused", "rows", "total", "started_at", "by"])
    if sheet.total > AT_ONCE:
        jobs.wake("contracts.tasks.take_sheet", queue="documents", sheet_id=sheet.pk)
        return sheet
    while not sheet.finished_at:
        sheet = _take_some(sheet.pk)
    return sheet


def take(sheet_id: int) -> SheetImport:
    """Take what is left of a started sheet, a part in each transaction; run again it goes on where it stopped."""
    while True:
        try:
            with transaction.atomic():
                sheet = _take_some(sheet_id)
        except Refusal as error:
            return _stopped(sheet_id, str(error))
        if sheet.finished_at:
            return sheet


def refused_file(sheet: SheetImport) -> str:
    """The refused rows as CSV with their problems, to be mended and sent again."""
    names, rows = names_of(sheet), []
    for row in sheet.refused:
        cells = [csvfile.plain(str(cell)) for cell in row["cells"][: len(sheet.columns)]]
        cells += [""] * (len(sheet.columns) - len(cells))
        told = " ".join(f"{names.get(key, key)}: {text}" if key else text for key, text in row["problems"])
        rows.append([*cells, told, row["line"]])
    return "".join(csvfile.lines([[*sheet.columns, "problems", "line"], *rows]))


def names_of(sheet: SheetImport) -> dict[str, str]:
    """Target → the name that the file gives its column."""
    found = {key: name for key, name in zip(sheet.mapping, sheet.columns, strict=False) if key}
    for key, name in list(found.items()):
        found.setdefault(key.partition(".")[0], name)
    return found


def _take_some(sheet_id: int) -> SheetImport:
    """One part, in the caller's transaction."""
    sheet = SheetImport.objects.select_for_update().get(pk=sheet_id)
    if sheet.finished_at or not sheet.started_at:
        return sheet
    quote = quoting.draft(sheet.quote_id)
    everything = sheet.rows
    sheet.rows = everything[sheet.done : sheet.done + CHUNK]
    rows = [one for one in sheetchecks.check(sheet, quote) if not one.bad]
    part, sheet.rows = len(sheet.rows), everything
    _take_rows(sheet, quote, rows)
    sheet.done += part
    if sheet.done >= sheet.total:
        sheet.finished_at = timezone.now()
        quotepricing.price_lines(quote, quotepricing.lines_of(quote))
        told = f"{sheet.lines_made} made, {sheet.lines_changed} changed, {len(sheet.refused)} rows refused"
        audit.record("imported", quote, by=sheet.by, changes={"lines": [None, told]}, reason=sheet.name)
    sheet.save(update_fields=["done", "finished_at", "sites_made", "lines_made", "lines_changed"])
    return sheet


@transaction.atomic
def _stopped(sheet_id: int, problem: str) -> SheetImport:
    sheet = SheetImport.objects.select_for_update().get(pk=sheet_id)
    sheet.problem, sheet.finished_at = problem[:300], timezone.now()
    sheet.save(update_fields=["problem", "finished_at"])
    return sheet


def _take_rows(sheet: SheetImport, quote: Quote, rows: list[SheetRow]) -> None:
    if sheetmapping.only_lines(sheet.mapping):
        sites = {one.row.line: one.row.site_id or 0 for one in rows}
    else:
        of_sites = Rows((), [one.row for one in rows])
        account = quote.account.root or quote.account
        applied = siteimport.apply(account, of_sites, by=sheet.by, update=sheet.update_sites)
        sites = {line: site.pk for line, site in applied.sites.items()}
        sheet.sites_made += applied.created
    wanted: dict[int, dict[int, tuple[SheetRow, Wish]]] = defaultdict(dict)
    offerings: dict[int, Offering] = {}
    for one in rows:
        for wish in one.wishes:
            offerings[wish.offering.pk] = wish.offering
            wanted[wish.offering.pk][sites[one.row.line]] = (one, wish)
    touched: list[QuoteLine] = []
    for key, offering in offerings.items():
        made, changed = _take_product(quote, offering, wanted[key])
        sheet.lines_made += len(made)
        sheet.lines_changed += len(changed)
        touched += [*made, *changed]
    quotechecks.answer(touched, by=sheet.by)


def _take_product(
    quote: Quote, offering: Offering, wanted: dict[int, tuple[SheetRow, Wish]]
) -> tuple[list[QuoteLine], list[QuoteLine]]:
    """Lines of one offering: those there take the sheet's values, the others are made."""
    standing = [
        line for line in quotepricing.lines_of(quote, offering_id=offering.pk)
        if line.site_id in wanted and line.parent_id is None
    ]  # fmt: skip
    changed = [line for line in standing if _changed(quote, offering, line, *wanted[line.site_id or 0])]
    columns = ["characteristics", "problems", "quantity", "manual_discount", "requested_on", "term_months", "edition"]
    QuoteLine.objects.bulk_update(changed, columns, batch_size=500)
    there = {line.site_id for line in standing}
    rest: dict[int | None, dict[str, Any]] = {
        site: wish.values for site, (_, wish) in wanted.items() if site not in there
    }
    made: Sequence[QuoteLine] = quoting.place(quote, offering, rest)[0] if rest else []
    tops = [line for line in made if line.parent_id is None]
    for line in tops:
        one, wish = wanted[line.site_id or 0]
        line.quantity, line.manual_discount = wish.quantity or 1, one.discount
        line.requested_on, line.term_months = one.requested_on, one.term_months
    QuoteLine.objects.bulk_update(tops, ["quantity", "manual_discount", "requested_on", "term_months"], batch_size=500)
    return list(made), changed


def _changed(quote: Quote, offering: Offering, line: QuoteLine, one: SheetRow, wish: Wish) -> bool:
    """Put the sheet's values on a line; whether anything is new to it."""
    values = {**line.characteristics, **wish.values}
    after = {
        "characteristics": values, "quantity": wish.quantity or line.quantity,
        "manual_discount": line.manual_discount if one.discount is None else one.discount,
        "requested_on": one.requested_on or line.requested_on,
        "term_months": one.term_months or line.term_months,
    }  # fmt: skip
    if all(getattr(line, name) == value for name, value in after.items()):
        return False
    for name, value in after.items():
        setattr(line, name, value)
    if offering.specification:
        line.problems = configuration.validate(
            offering.specification, values, complete=True, account_id=quote.account_id
        )
    line.edition += 1
    return True
