"""Cells of the quote grid changed as in a sheet: typed, pasted or filled, seen beforehand, refused one by one."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import transaction

from catalog import configuration, eligibility
from catalog.models import Offering
from contracts import celltext, discountlimits, linefields, quotepricing, quoting, sheetmapping
from contracts.models import Quote, QuoteLine
from crm.models import Site
from kernel import audit, decisions
from kernel.models import User
from kernel.refusal import Refusal

MOST = 5_000  # cells of one change


class Wanted(NamedTuple):
    """What a cell is to say. `edition` is that of the line that was shown there, 0 for none."""

    site_id: int
    offering_id: int
    text: str
    edition: int = 0


@dataclass
class Change:
    """What would happen at one cell; with a `refusal` nothing does."""

    wanted: Wanted
    site: Site | None
    offering: Offering | None
    line: QuoteLine | None = None
    before: str = ""
    after: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    quantity: int = 1
    refusal: str = ""

    @property
    def same(self) -> bool:
        """Whether the cell says so already, or was left empty."""
        return not self.refusal and self.before == self.after


@dataclass(frozen=True)
class Done:
    """What a change of cells did."""

    lines: list[QuoteLine]
    made: int
    refused: list[Change]

    @property
    def sites(self) -> list[int | None]:
        """Sites whose rows look different now."""
        return list(dict.fromkeys(line.site_id for line in self.lines))


def spread(sites: Sequence[int | None], columns: Sequence[int], anchor: tuple[int, int], text: str) -> list[Wanted]:
    """A block of tab-separated text laid over the grid from its anchor cell on; what hangs over the edge is left out.

    Raises:
        Refusal: the anchor is not in the grid, or the block is too large.
    """
    site, offering = anchor
    if site not in sites or offering not in columns:
        raise Refusal("Choose the cell where the first value goes, then paste.")
    below, beside = list(sites)[list(sites).index(site) :], list(columns)[list(columns).index(offering) :]
    rows = [line.split("\t") for line in text.replace("\r\n", "\n").rstrip("\n").split("\n")]
    if sum(map(len, rows)) > MOST:
        raise Refusal(f"That is more than {MOST:,} cells; paste it in parts, or import it as a file.")
    return [
        Wanted(place, column, cell.strip())
        for place, row in zip(below, rows, strict=False)
        for column, cell in zip(beside, row, strict=False)
        if place and cell.strip()
    ]


def plan(quote: Quote, wanted: Sequence[Wanted]) -> list[Change]:
    """What each cell would become, priced by nobody yet; the number of queries does not grow with the cells."""
    offerings = {one.pk: one for one in sheetmapping.products()}
    sites = {site.pk: site for site in quoting.sites_of(quote).filter(pk__in={one.site_id for one in wanted})}
    rows = QuoteLine.objects.filter(quote=quote, parent=None, site__in=sites).prefetch_related("site")
    there = {(line.site_id, line.offering_id): line for line in rows}
    with decisions.holding():
        changes = [
            _change(quote, one, sites.get(one.site_id), offerings.get(one.offering_id),
                    there.get((one.site_id, one.offering_id)))
            for one in wanted
        ]  # fmt: skip
    _refuse_ineligible(changes)
    return changes


@transaction.atomic
def apply(*, quote_id: int, wanted: Sequence[Wanted], by: User | None) -> Done:
    """Change the cells that can be changed; the others come back with their reason, and so does what others changed.

    Raises:
        Frozen: the version is no draft.
    """
    quote = quoting.draft(quote_id)
    changes = plan(quote, wanted)
    good = [one for one in changes if not one.refusal and not one.same]
    touched = [_put(one) for one in good if one.line]
    QuoteLine.objects.bulk_update(touched, ["characteristics", "problems", "quantity", "edition"], batch_size=500)
    fresh: dict[int, list[Change]] = defaultdict(list)
    for one in good:
        if one.line is None and one.offering:
            fresh[one.offering.pk].append(one)
    made: list[QuoteLine] = []
    for group in fresh.values():
        made += _made(quote, group)
    if good:
        quoting.settle(quote, [*touched, *made], by=by)
        told = [f"{one.site} {one.offering}: {one.before or 'nothing'} → {one.after}" for one in good[:50]]
        audit.record("cells changed", quote, by=by, changes={"cells": [None, told]})
    return Done([*touched, *made], len(made), [one for one in changes if one.refusal])


@transaction.atomic
def edit_together(
    *, quote_id: int, editions: dict[int, int], values: dict[str, Any], by: User | None,
    fields: dict[str, Any] | None = None,
) -> tuple[list[QuoteLine], list[QuoteLine]]:  # fmt: skip
    """Give several lines the same answers, and `fields`: manual_discount, requested_on, term_months.

    Returns the changed lines, and the others.
    Lines whose edition is not the one that was shown are left alone and come back as the second list.

    Raises:
        Frozen: the version is no draft.
        Refusal: a discount beyond what this person may give, a term or a date that cannot be.
    """
    quote, fields = quoting.draft(quote_id), fields or {}
    percent = fields.get("manual_discount")
    problems = linefields.problems(quote, fields)
    if percent is not None and (found := discountlimits.problem(percent, by)):
        problems["manual_discount"] = [found]
    if problems:
        raise Refusal(problems=problems)
    lines = [line for line in quotepricing.lines_of(quote) if line.pk in editions]
    stale = [line for line in lines if line.edition != editions[line.pk]]
    lines = [line for line in lines if line.edition == editions[line.pk]]
    offerings = {one.pk: one for one in sheetmapping.products()}
    for line in lines:
        for name, value in fields.items():
            setattr(line, name, value)
        offering = offerings.get(line.offering_id, line.offering)
        line.characteristics = {**line.characteristics, **values}
        line.problems = _problems(quote, offering, line.characteristics)
        line.edition += 1
    names = ["characteristics", "problems", "edition", *fields]
    QuoteLine.objects.bulk_update(lines, names, batch_size=500)
    if lines:
        quoting.settle(quote, lines, by=by)
        said = {**values, **{name: str(value) for name, value in fields.items()}}
        audit.record("edited together", quote, by=by, changes={"lines": [[str(line) for line in lines[:50]], said]})
    return lines, stale


def text_of(offering: Offering, line: QuoteLine | None) -> str:
    """What a cell says, as it can be pasted elsewhere."""
    return celltext.written(offering, line.characteristics, line.quantity) if line else ""


def _change(
    quote: Quote, wanted: Wanted, site: Site | None, offering: Offering | None, line: QuoteLine | None
) -> Change:
    found = Change(wanted, site, offering, line)
    if site is None or offering is None:
        found.refusal = "This is not a site of this customer." if site is None else "This product is not for sale."
        return found
    found.before = text_of(offering, line)
    reading = celltext.read(offering, wanted.text)
    if reading.nothing:
        found.after = found.before
    elif reading.problems:
        found.refusal = " ".join(reading.problems)
    elif line is not None and line.edition != wanted.edition:
        found.refusal = f"Somebody else changed this cell meanwhile; it says {found.before} now."
    else:
        start = line.characteristics if line else _start(offering)
        found.values = {**start, **reading.values}
        found.quantity = reading.quantity or (line.quantity if line else 1)
        found.after = celltext.written(offering, found.values, found.quantity)
        wrong = _problems(quote, offering, found.values, complete=False)
        found.refusal = " ".join(text for key, texts in wrong.items() if key in reading.values or not key
                                 for text in texts)  # fmt: skip
    return found


def _start(offering: Offering) -> dict[str, Any]:
    return configuration.defaults(offering.specification) if offering.specification else {}


def _problems(
    quote: Quote, offering: Offering, values: dict[str, Any], *, complete: bool = True
) -> dict[str, list[str]]:
    if offering.specification is None:
        return {}
    return configuration.validate(offering.specification, values, complete=complete, account_id=quote.account_id)


def _refuse_ineligible(changes: list[Change]) -> None:
    fresh = [one for one in changes if one.line is None and not one.refusal and not one.same]
    pairs = [
        (one.offering, {"country": one.site.country, "region": one.site.region})
        for one in fresh if one.site and one.offering
    ]  # fmt: skip
    answers = eligibility.problems_of_many(pairs) if pairs else []
    for one, texts in zip(fresh, answers, strict=True):
        one.refusal = " ".join(texts)


def _put(change: Change) -> QuoteLine:
    line, offering = change.line, change.offering
    assert line is not None and offering is not None  # noqa: S101, PT018 – the caller chose changes of lines
    line.characteristics, line.quantity = change.values, change.quantity
    line.problems = _problems(line.quote, offering, change.values)
    line.edition += 1
    return line


def _made(quote: Quote, group: list[Change]) -> list[QuoteLine]:
    """New lines of one offering."""
    offering = quoting.sellable(group[0].wanted.offering_id)
    made, refused = quoting.place(quote, offering, {one.wanted.site_id: one.values for one in group})
    counts = {one.wanted.site_id: one.quantity for one in group if one.quantity > 1}
    many = [line for line in made if line.parent_id is None and line.site_id in counts]
    for line in many:
        line.quantity = counts[line.site_id or 0]
    QuoteLine.objects.bulk_update(many, ["quantity"])
    why = {one.site_id: one.reason for one in refused}
    for one in group:
        one.refusal = why.get(one.wanted.site_id, "")
    return made
