"""Completeness of quotes: everything that keeps a version from being submitted, each problem at its place."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils import timezone

from catalog import composition, eligibility, memory, pricing
from catalog.composition import Clash
from catalog.models import Offering, Specification
from cmdb import feasibility
from cmdb.models import FeasibilityCheck, Product
from contracts import quotepricing
from contracts.models import Agreement, Quote, QuoteLine
from crm import accounts

LIVE = (Product.State.ACTIVE, Product.State.PENDING_ACTIVE)
Result = FeasibilityCheck.Result


@dataclass(frozen=True)
class Problem:
    """One thing to mend. `kind` is quote, account, configuration, check, rule or price; of the whole without a line."""

    kind: str
    text: str
    line_id: int | None = None
    field: str = ""
    place: str = ""


def problems(quote: Quote, lines: Sequence[QuoteLine] | None = None) -> list[Problem]:
    """All problems at once; the number of queries does not grow with the lines."""
    lines = quotepricing.lines_of(quote) if lines is None else lines
    return [*of_quote(quote, lines), *of_lines(quote, lines)]


def of_quote(quote: Quote, lines: Sequence[object]) -> list[Problem]:
    """What is wrong with the head and with the customer."""
    found = []
    if not lines:
        found.append(Problem("quote", "The quote has no lines yet."))
    if quote.valid_until < timezone.localdate():
        found.append(Problem("quote", "“Valid until” is over; choose a later day.", field="valid_until"))
    if quote.agreement and quote.agreement.state != Agreement.State.ACTIVE:
        found.append(Problem("quote", f"{quote.agreement.number} is not in force any more.", field="agreement"))
    found += [Problem("account", text) for text in accounts.gaps(quote.account.root or quote.account)]
    return found


def of_lines(quote: Quote, lines: Sequence[QuoteLine], clashes: Sequence[Clash] | None = None) -> list[Problem]:
    """What is wrong with single lines; `clashes` are those of the whole quote, when the caller knows them already."""
    found = []
    for line in lines:
        place = place_of(line)
        found += [
            Problem("configuration", text, line.pk, field, place)
            for field, texts in line.problems.items()
            for text in texts
        ]
        if text := _unchecked(line):
            found.append(Problem("check", text, line.pk, "feasibility", place))
    broken = clashes_of(quote, _present(quote)) if clashes is None else clashes
    return [*found, *_rules(lines, broken), *_eligibility(lines), *unpriced(quote, lines)]


def place_of(line: QuoteLine) -> str:
    """Where a line is, as in Dedicated internet, Rotterdam Waalhaven."""
    return f"{line.offering.name}, {line.site.name}" if line.site else line.offering.name


def _unchecked(line: QuoteLine) -> str:
    """What is missing in the answer about the site; "" when nothing is."""
    if not line.offering.needs_feasibility or not line.site_id:
        return ""
    check = line.feasibility
    if check is None:
        return "The site has not been checked yet."
    if check.result == Result.OPEN:
        return check.reason or "The site check has no answer yet."
    if check.result == Result.IMPOSSIBLE:
        return f"Not possible here. {check.reason}".strip()
    if not feasibility.still_valid(check, line.characteristics):
        return "The site check is too old, or was for another bandwidth. Check again."
    return ""


def clashes_of(quote: Quote, present: dict[int | None, set[int]]) -> list[Clash]:
    """Broken rules between the products of a quote, by site and specification, counting what is installed there."""
    add_installed(quote, present)
    return composition.missing_requirements(present)


def _present(quote: Quote) -> dict[int | None, set[int]]:
    present: dict[int | None, set[int]] = defaultdict(set)
    everything = QuoteLine.objects.filter(quote=quote, offering__specification__isnull=False).order_by()
    for site, specification in everything.values_list("site_id", "offering__specification_id").distinct():
        present[site].add(specification)
    return present


def _rules(lines: Sequence[QuoteLine], clashes: Sequence[Clash]) -> list[Problem]:
    """Broken rules at their lines."""
    by_place: dict[tuple[int | None, int], QuoteLine] = {}
    for line in lines:
        if line.offering.specification_id:
            by_place.setdefault((line.site_id, line.offering.specification_id), line)
    return [
        Problem("rule", clash.text, found.pk, "", place_of(found))
        for clash in clashes
        if (found := by_place.get((clash.site_id, clash.specification_id)))
    ]


def add_installed(quote: Quote, present: dict[int | None, set[int]]) -> None:
    """Add what is installed at these sites, by site and specification."""
    sites = QuoteLine.objects.filter(quote=quote, site__isnull=False).order_by().values("site")
    rows = Product.objects.filter(account__root=quote.account.root_id, site__in=sites, state__in=LIVE).order_by()
    for site, specification in rows.values_list("site_id", "specification_id").distinct():
        present[site].add(specification)


def _eligibility(lines: Sequence[QuoteLine]) -> list[Problem]:
    placed = [line for line in lines if line.site]
    pairs = [
        (line.offering, {"country": line.site.country, "region": line.site.region}) for line in placed if line.site
    ]
    answers = eligibility.problems_of_many(pairs) if pairs else []
    return [
        Problem("rule", text, line.pk, "", place_of(line))
        for line, texts in zip(placed, answers, strict=True)
        for text in texts
    ]


def unpriced(quote: Quote, lines: Sequence[QuoteLine]) -> list[Problem]:
    """Lines that nobody has a price for, though their configuration is whole."""
    silent = [
        line for line in lines
        if not line.problems and not line.monthly_list and not line.one_time_list
        and line.offering.kind != Offering.Kind.BUNDLE  # its members have the prices
    ]  # fmt: skip
    if not silent:
        return []
    book = pricing.PriceBook.load(quote.price_list, {line.offering_id for line in silent})
    prices = quotepricing.sites_by_offering(quote)
    found = []
    for line in silent:
        charges = pricing.price(book, quotepricing.input_of(quote, line, prices[line.offering_id], ""))
        if not charges:
            text = f"{quote.price_list.name} has no price for this configuration."
            found.append(Problem("price", text, line.pk, "", place_of(line)))
    return found


def specifications_of(lines: Iterable[QuoteLine]) -> dict[int, Specification]:
    """The specifications of these lines with their characteristics."""
    return memory.specifications(line.offering.specification_id for line in lines if line.offering.specification_id)
