"""Checking a sheet against a quote: each site and product of its rows, every problem at its column."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils import timezone

from catalog import configuration, eligibility
from catalog.models import Offering
from contracts import celltext, discountlimits, sheetmapping
from contracts.models import Quote, SheetImport
from contracts.sheetmapping import DISCOUNT, REQUESTED, TERM
from crm import siteimport
from crm.models import Site
from crm.siteimport import Row
from kernel import csvfile, decisions
from kernel.sheets import Record

LONGEST_NUMBER = 5  # digits of a term
REGION = str(Site._meta.get_field("region").default)


@dataclass
class Wish:
    """One product at one site as the sheet wants it."""

    offering: Offering
    values: dict[str, Any]
    quantity: int | None = None


@dataclass
class SheetRow:
    """One row: its site as checked, its products, and what the lines of the row get."""

    row: Row
    wishes: list[Wish] = field(default_factory=list)
    discount: Decimal | None = None
    requested_on: dt.date | None = None
    term_months: int | None = None

    @property
    def bad(self) -> bool:
        """Whether the row is refused."""
        return bool(self.row.problems)


def check(sheet: SheetImport, quote: Quote) -> list[SheetRow]:
    """Every row with its problems; the number of queries does not grow with the rows."""
    offerings = {one.key: one for one in sheetmapping.products()}
    records = [Record(int(row[0]), sheet.cells(row), _surplus(sheet, row)) for row in sheet.rows]
    found = [SheetRow(row) for row in _site_rows(sheet, quote, records)]
    limit = discountlimits.limit_for(sheet.by)
    with decisions.holding():
        for one, record in zip(found, records, strict=True):
            _check_discount(one, record.cells, limit)
            _check_date(one, record.cells)
            _check_term(one, record.cells, quote)
            for offering, parts in _by_product(record.cells, offerings).items():
                _check_product(one, offerings[offering], parts, quote)
    _check_eligibility(found)
    return found


def problems_of(row: Row) -> list[tuple[str, str]]:
    """(column, sentence) pairs."""
    return [(column, text) for column, texts in row.problems.items() for text in texts]


def _surplus(sheet: SheetImport, row: list[Any]) -> int:
    return len([cell for cell in row[1][len(sheet.columns) :] if cell])


def _site_rows(sheet: SheetImport, quote: Quote, records: list[Record]) -> list[Row]:
    if not sheetmapping.only_lines(sheet.mapping):
        return siteimport.checked(sheet.mapping, records, quote.account.root or quote.account).rows
    wanted = {record.cells.get("code", "") for record in records}
    sites = Site.objects.filter(account__root=quote.account.root_id or quote.account_id, code__in=wanted)
    by_code: dict[str, list[Site]] = defaultdict(list)
    for site in sites.select_related("account"):
        by_code[site.code].append(site)
    seen: dict[str, int] = {}
    return [_known_row(record, by_code[record.cells.get("code", "")], seen) for record in records]


def _known_row(record: Record, sites: list[Site], seen: dict[str, int]) -> Row:
    """A row that names a site by its code alone."""
    row, code = Row(record.line, record.cells), record.cells.get("code", "")
    if not code:
        row.refuse("code", "The site code is empty.")
    elif not sites:
        row.refuse("code", f"This customer has no site “{code[:30]}”. Add address columns to make it.")
    elif len(sites) > 1:
        row.refuse("code", f"Two companies of this customer have a site “{code[:30]}”. Add the address columns.")
    elif (first := seen.setdefault(code, record.line)) != record.line:
        row.refuse("code", f"Line {first} has the code {code[:30]} too.")
    else:
        row.site_id, row.account = sites[0].pk, sites[0].account
        row.values = {"country": sites[0].country, "region": sites[0].region, "code": code, "name": sites[0].name}
    return row


def _by_product(cells: dict[str, str], offerings: dict[str, Offering]) -> dict[str, dict[str, str]]:
    """Product cells that say something: offering → part ("" for the whole) → text."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for target, cell in cells.items():
        key, _, part = target.partition(".")
        if key in offerings and cell:
            found[key][part] = cell
    return found


def _check_discount(one: SheetRow, cells: dict[str, str], limit: Decimal) -> None:
    if text := cells.get(DISCOUNT, "").rstrip("% "):
        try:
            percent = Decimal(text.replace(",", "."))
        except InvalidOperation:
            percent = Decimal("NaN")
        if not percent.is_finite() or not 0 <= percent <= 100:
            one.row.refuse(DISCOUNT, f"A discount is a number from 0 to 100, not “{cells[DISCOUNT][:20]}”.")
        elif percent > limit:
            one.row.refuse(DISCOUNT, f"Your role may give up to {limit.normalize():f} %, not {percent:f} %.")
        else:
            one.discount = round(percent, 2)


def _check_date(one: SheetRow, cells: dict[str, str]) -> None:
    if text := cells.get(REQUESTED, ""):
        day = _day(text)
        if day is None:
            one.row.refuse(REQUESTED, f"“{text[:20]}” is not a date. Write it as 2027-03-31.")
        elif day < timezone.localdate():
            one.row.refuse(REQUESTED, f"{text[:20]} is over; give a later day or leave the cell empty.")
        else:
            one.requested_on = day


def _check_term(one: SheetRow, cells: dict[str, str], quote: Quote) -> None:
    text = cells.get(TERM, "")
    if not text:
        return
    months = int(text) if text.isascii() and text.isdigit() and len(text) < LONGEST_NUMBER else 0
    if 1 <= months <= quote.term_months:
        one.term_months = None if months == quote.term_months else months
    else:
        one.row.refuse(TERM, f"A term is a number of months from 1 to {quote.term_months}, the quote’s own.")


def _day(text: str) -> dt.date | None:
    for form in ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y"):
        try:
            return dt.datetime.strptime(text, form).date()  # noqa: DTZ007 – a day has no zone
        except ValueError:
            continue
    return None


def _check_product(one: SheetRow, offering: Offering, parts: dict[str, str], quote: Quote) -> None:
    asked = {row.key: row for row in celltext.asked_of(offering)}
    wish = Wish(offering, {})
    for part, cell in parts.items():
        target = f"{offering.key}.{part}" if part else offering.key
        if cell.startswith(csvfile.FORMULA) and cell not in celltext.NOTHING:
            one.row.refuse(target, f"“{cell[:20]}” begins like a formula; write the value itself.")
            return
        text = csvfile.plain(cell)
        if not part:
            reading = celltext.read(offering, text)
            for said in reading.problems:
                one.row.refuse(target, said)
            if reading.nothing:
                return
            wish.values, wish.quantity = reading.values, reading.quantity
        elif part in asked:
            wish.values[part] = configuration.parse(asked[part], text)
    for key, texts in _wrong_values(offering, wish.values, quote).items():
        for text in texts:
            one.row.refuse(f"{offering.key}.{key}" if key in parts else offering.key, text)
    one.wishes.append(wish)


def _wrong_values(offering: Offering, values: dict[str, Any], quote: Quote) -> dict[str, list[str]]:
    """What is wrong with given values; what is still missing is for the configuration to ask."""
    if offering.specification is None:
        return {}
    whole = {**configuration.defaults(offering.specification), **values}
    found = configuration.validate(offering.specification, whole, complete=False, account_id=quote.account_id)
    return {key: texts for key, texts in found.items() if key in values or key == ""}


def _check_eligibility(rows: Iterable[SheetRow]) -> None:
    pairs = [(one, wish) for one in rows for wish in one.wishes if one.row.values.get("country")]
    facts = [
        (wish.offering, {"country": one.row.values["country"], "region": one.row.values.get("region", REGION)})
        for one, wish in pairs
    ]
    answers = eligibility.problems_of_many(facts) if facts else []
    for (one, wish), texts in zip(pairs, answers, strict=True):
        for text in texts:
            one.row.refuse(wish.offering.key, text)
