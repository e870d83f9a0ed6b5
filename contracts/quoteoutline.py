"""The outline of a quote: every line in a few values, read at once, for sums, filters and what is to be mended."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from django.db.models import Case, Q, TextField, Value, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce
from django.utils import timezone

from catalog import eligibility, memory
from catalog.composition import Clash
from catalog.models import Offering
from cmdb import feasibility
from cmdb.models import FeasibilityCheck
from contracts import quotecompleteness
from contracts.models import Quote, QuoteLine
from crm import countries
from kernel.money import ZERO, digits

ROWS = 40  # sites of one block of the grid
CELL, CHECK = "cell", "check"
Result = FeasibilityCheck.Result


class Brief(NamedTuple):
    """One line. `asked` is its bandwidth, `answered` the one that its site check was for."""

    pk: int
    site_id: int | None
    offering_id: int
    parent_id: int | None
    monthly: Decimal
    listed: Decimal
    listed_once: Decimal
    wrong: bool
    asked: str | None
    country: str | None
    region: str | None
    code: str | None
    name: str | None
    city: str | None
    result: str | None
    valid_until: dt.date | None
    answered: str | None
    lead_days: int | None


@dataclass(frozen=True)
class Wanted:
    """Which rows of the grid to show. `problem` is cell, check or any."""

    text: str = ""
    country: str = ""
    offering: int | None = None
    problem: str = ""

    def __bool__(self) -> bool:
        return bool(self.text or self.country or self.offering or self.problem)


@dataclass
class Outline:
    """All lines, their offerings, and which lines have something to mend."""

    lines: list[Brief]
    offerings: dict[int, Offering]
    wrong: dict[int, set[str]] = field(default_factory=dict)
    clashes: list[Clash] | None = None
    digits: int = 2  # of the currency, after the point

    @property
    def tops(self) -> list[Brief]:
        """Lines that stand by themselves; members of bundles are part of theirs."""
        return [line for line in self.lines if line.parent_id is None]

    def lines_with(self, kind: str) -> list[int]:
        """Lines with a problem of this kind, in order."""
        return [line.pk for line in self.lines if kind in self.wrong.get(line.pk, ())]

    def sites(self, wanted: Wanted | None = None) -> list[int | None]:
        """The sites that have lines, by country and code, those that fit the filter."""
        found: dict[int | None, Brief] = {}
        fit: set[int | None] = set()
        for line in self.lines:
            found.setdefault(line.site_id, line)
            if not wanted or self._fits(line, wanted):
                fit.add(line.site_id)
        ordered = sorted((line for site, line in found.items() if site in fit), key=_place)
        return [line.site_id for line in ordered]

    def _fits(self, line: Brief, wanted: Wanted) -> bool:
        kinds = self.wrong.get(line.pk, set())
        told = f"{line.code} {line.name} {line.city}".lower()
        return (
            (not wanted.country or line.country == wanted.country)
            and (not wanted.offering or line.offering_id == wanted.offering)
            and (not wanted.problem or (bool(kinds) if wanted.problem == "any" else wanted.problem in kinds))
            and (not wanted.text or wanted.text.lower() in told)
        )

    def site_of(self, line_id: int | None) -> int | None:
        """The site of a line."""
        return next((line.site_id for line in self.lines if line.pk == line_id), None)

    def country_of(self, site_id: int | None) -> str:
        """The country of a site."""
        return next((line.country or "" for line in self.lines if line.site_id == site_id), "")

    def countries(self) -> dict[str, int]:
        """How many sites each country has."""
        sites = {line.site_id: line.country for line in self.lines if line.site_id}
        found = Counter(code or "" for code in sites.values())
        return dict(sorted(found.items(), key=lambda pair: countries.NAMES.get(pair[0], pair[0])))

    @cached_property
    def sums(self) -> dict[tuple[str, int], Decimal]:
        """Monthly sums by country and offering; a bundle counts with its members."""
        found: dict[tuple[str, int], Decimal] = defaultdict(lambda: ZERO)
        column = {line.pk: line.offering_id for line in self.lines}
        for line in self.lines:
            found[line.country or "", column.get(line.parent_id or line.pk, line.offering_id)] += line.monthly
        return found


def read(quote: Quote, *, problems: bool = True) -> Outline:
    """The outline in a number of queries that does not depend on the lines."""
    lines = [Brief._make(row) for row in _rows(quote)]
    made = Outline(lines, memory.offerings({line.offering_id for line in lines}))
    made.digits = digits(quote.currency)
    if problems:
        made.clashes = _clashes(quote, made)
        made.wrong = _wrong(quote, made)
    return made


def lines_at(quote: Quote, outline: Outline, sites: Iterable[int | None]) -> list[QuoteLine]:
    """The lines of these sites with all that a cell shows."""
    keys = set(sites)
    at = Q(site__in=[key for key in keys if key]) | (Q(site=None) if None in keys else Q(pk__in=[]))
    rows = QuoteLine.objects.filter(at, quote=quote).order_by("position", "id")
    found = list(rows.select_related("site", "feasibility"))
    for line in found:
        line.quote, line.offering = quote, outline.offerings[line.offering_id]
    return found


def _rows(quote: Quote) -> Iterable[Any]:
    def speed(column: str) -> Coalesce:
        return Coalesce(*(KeyTextTransform(name, column) for name in feasibility.BANDWIDTH), output_field=TextField())

    wrong = Case(When(problems={}, then=Value(False)), default=Value(True))
    return QuoteLine.objects.filter(quote=quote).order_by("position", "id").values_list(
        "pk", "site_id", "offering_id", "parent_id", "monthly", "monthly_list", "one_time_list", wrong,
        speed("characteristics"), "site__country", "site__region", "site__code", "site__name", "site__city",
        "feasibility__result", "feasibility__valid_until", speed("feasibility__asked"), "feasibility__lead_days",
    )  # fmt: skip


def _place(line: Brief) -> tuple[bool, str, str, int]:
    country = line.country or ""
    return (not country, countries.NAMES.get(country, country), line.code or "", line.site_id or 0)


def _wrong(quote: Quote, outline: Outline) -> dict[int, set[str]]:
    """What kind of thing is to be mended at each line that has one; the words are `quotecompleteness`'s."""
    found: dict[int, set[str]] = defaultdict(set)
    today = timezone.localdate()
    refused = _ineligible(outline)
    for line in outline.lines:
        if line.wrong or (line.offering_id, line.country, line.region) in refused:
            found[line.pk].add(CELL)
        if line.site_id and outline.offerings[line.offering_id].needs_feasibility and _unanswered(line, today):
            found[line.pk].add(CHECK)
    for line_id in (*_clashing(outline), *_unpriced(quote, outline)):
        found[line_id].add(CELL)
    return found


def _unanswered(line: Brief, today: dt.date) -> bool:
    if line.result in (None, Result.OPEN, Result.IMPOSSIBLE) or line.valid_until is None or line.valid_until < today:
        return True
    return line.asked != line.answered and _mbps(line.asked) != _mbps(line.answered)


@lru_cache(maxsize=256)
def _mbps(text: str | None) -> int:
    return feasibility.mbps({"bandwidth": text})


def _ineligible(outline: Outline) -> set[tuple[int, str | None, str | None]]:
    places = sorted({(line.offering_id, line.country, line.region) for line in outline.lines if line.site_id})
    pairs = [
        (outline.offerings[offering], {"country": country, "region": region}) for offering, country, region in places
    ]
    answers = eligibility.problems_of_many(pairs) if pairs else []
    return {place for place, texts in zip(places, answers, strict=True) if texts}


def _clashes(quote: Quote, outline: Outline) -> list[Clash]:
    specifications = {key: one.specification_id for key, one in outline.offerings.items()}
    present: dict[int | None, set[int]] = defaultdict(set)
    for line in outline.lines:
        if specification := specifications[line.offering_id]:
            present[line.site_id].add(specification)
    return quotecompleteness.clashes_of(quote, present)


def _clashing(outline: Outline) -> list[int]:
    """The first line of each specification that clashes at its site."""
    places = {(clash.site_id, clash.specification_id) for clash in outline.clashes or ()}
    first: dict[tuple[int | None, int | None], int] = {}
    for line in outline.lines if places else ():
        place = (line.site_id, outline.offerings[line.offering_id].specification_id)
        if place in places:
            first.setdefault(place, line.pk)
    return list(first.values())


def _unpriced(quote: Quote, outline: Outline) -> list[int]:
    bundles = {pk for pk, one in outline.offerings.items() if one.kind == Offering.Kind.BUNDLE}
    silent = [
        line.pk for line in outline.lines
        if not line.wrong and not line.listed and not line.listed_once and line.offering_id not in bundles
    ]  # fmt: skip
    if not silent:
        return []
    rows = QuoteLine.objects.filter(pk__in=silent).prefetch_related("site", "offering", "feasibility")
    return [problem.line_id for problem in quotecompleteness.unpriced(quote, list(rows)) if problem.line_id]
