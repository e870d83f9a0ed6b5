"""What a quote's PDF says: site by site, line by line, from list price to the customer's price; never a cost."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db import models

from catalog import configuration, ramps
from catalog.models import Characteristic, Charge
from contracts import agreementcontent, quotepayments
from contracts.models import Clause, Contract, ContractLine, LinePrice, Quote, QuoteLine
from contracts.quotepayments import Payments
from crm.countries import NAMES
from crm.models import Site
from kernel.money import plain

ZERO = Decimal(0)
WITHOUT_AGREEMENT = ("delivery", "liability", "data", "law")  # clauses that an offer brings when no agreement does
STRETCH = 250  # lines of the schedule that are set as one part
CUSTOMER_WORDS = {"agreement": "Your agreement", "manual": "Discount of this offer", "floor": "Discount of this offer"}


@dataclass(frozen=True)
class Line:
    """One line as the customer reads it."""

    name: str
    details: str
    quantity: int
    monthly: Decimal
    one_time: Decimal
    ramp: str = ""
    term: int | None = None


@dataclass
class SiteBlock:
    """One site with its lines and sums."""

    site: Site | None
    number: int
    lines: list[Line] = field(default_factory=list)
    lead_days: int | None = None
    place: str = ""

    @property
    def monthly(self) -> Decimal:
        """Sum a month."""
        return sum((line.monthly for line in self.lines), ZERO)

    @property
    def one_time(self) -> Decimal:
        """Sum once."""
        return sum((line.one_time for line in self.lines), ZERO)


@dataclass(frozen=True)
class Country:
    """Sites of one country."""

    name: str
    blocks: list[SiteBlock]

    @property
    def site_count(self) -> int:
        """Sites, without what is for all of the company."""
        return sum(block.site is not None for block in self.blocks)

    @property
    def monthly(self) -> Decimal:
        """Sum a month."""
        return sum((block.monthly for block in self.blocks), ZERO)

    @property
    def one_time(self) -> Decimal:
        """Sum once."""
        return sum((block.one_time for block in self.blocks), ZERO)


@dataclass(frozen=True)
class Section:
    """A stretch of the site schedule; a large country has several. `ends` when the country ends with it."""

    country: Country
    blocks: list[SiteBlock]
    title: str
    follows: bool
    ends: bool


@dataclass
class Service:
    """All lines of one offering together."""

    name: str
    quantity: int = 0
    monthly: Decimal = ZERO
    one_time: Decimal = ZERO


@dataclass(frozen=True)
class Usage:
    """A price for what is used."""

    service: str
    label: str
    amount: str


@dataclass(frozen=True)
class QuoteContent:
    """The parts of the document."""

    countries: list[Country]
    blocks: list[SiteBlock]
    line_count: int
    base: Decimal
    steps: list[tuple[str, Decimal]]
    term_value: Decimal
    saved: str
    levels: list[agreementcontent.Level]
    usage: list[Usage] = field(default_factory=list)
    terms: list[Clause] = field(default_factory=list)
    payments: Payments | None = None

    @property
    def site_count(self) -> int:
        """Sites in all."""
        return sum(country.site_count for country in self.countries)

    @cached_property
    def services(self) -> list[Service]:
        """What is offered, summed over all sites, in the order in which it first stands."""
        found: dict[str, Service] = {}
        for block in self.blocks:
            for line in block.lines:
                one = found.setdefault(line.name, Service(line.name))
                one.quantity += line.quantity
                one.monthly += line.monthly
                one.one_time += line.one_time
        return list(found.values())

    @cached_property
    def sections(self) -> list[Section]:
        """The site schedule in stretches of some hundred lines, none across countries."""
        found: list[Section] = []
        for country in self.countries:
            stretches = list(_stretches(country.blocks))
            for number, blocks in enumerate(stretches, 1):
                title = country.name
                if len(stretches) > 1:
                    title = f"{country.name}, sites {blocks[0].number} to {blocks[-1].number}"
                found.append(Section(country, blocks, title, bool(found), number == len(stretches)))
        return found


def content(quote: Quote) -> QuoteContent:
    """Read the parts in a constant number of queries, however many lines there are."""
    lines = list(
        quote.lines.select_related("site__account", "offering", "feasibility").order_by(
            "site__country", "site__code", "position", "id"
        )
    )
    labels = _labels(lines)
    blocks = _blocks(lines, labels, quote.account_id, quote.term_months)
    prices = LinePrice.objects.filter(line__quote=quote)
    steps = _steps(prices.filter(charge=Charge.RECURRING).values_list("steps", flat=True))
    levels = (
        [agreementcontent.level(s.metric, s.value) for s in quote.agreement.slas.order_by("metric")]
        if quote.agreement
        else []
    )
    return QuoteContent(
        _countries(blocks), blocks, len(lines), quote.monthly - sum((amount for _, amount in steps), ZERO), steps,
        quote.value, percent_under(quote.monthly_list, quote.monthly), levels,
        _usage(prices.filter(charge=Charge.USAGE)), [] if quote.agreement_id else _terms(quote),
        quotepayments.of(quote) if quote.ramp_off or quote.terms_differ else None,
    )  # fmt: skip


def contract_lines(contract: Contract) -> list[tuple[ContractLine, str]]:
    """A contract's lines with their configuration in words, in the order of the quote."""
    lines = list(
        contract.lines.select_related("offering", "site").order_by(
            "site__country", "site__code", "quote_line__position"
        )
    )
    labels = _labels(lines)
    return [
        (line, details(line.characteristics, labels.get(line.offering.specification_id or 0, []))) for line in lines
    ]


def percent_under(listed: Decimal, price: Decimal) -> str:
    """How far a price is under the list, such as 12.5; empty when it is not."""
    if not listed or price >= listed:
        return ""
    return plain((100 * (listed - price) / listed).quantize(Decimal("0.1")))


def _ramp(line: QuoteLine, term: int) -> str:
    """The steps of a ramp in words."""
    return "; ".join(ramps.worded(ramps.read(line.ramp, ramps.LONGEST), line.term_months or term)) if line.ramp else ""


def _blocks(
    lines: list[QuoteLine], labels: dict[int, list[Characteristic]], account_id: int, term: int
) -> list[SiteBlock]:
    found: dict[int | None, SiteBlock] = {}
    for line in lines:
        block = found.get(line.site_id)
        if block is None:
            block = found[line.site_id] = SiteBlock(line.site, 0, place=_place(line.site, account_id))
        block.lines.append(
            Line(
                line.offering.name, details(line.characteristics, labels.get(line.offering.specification_id or 0, [])),
                line.quantity, line.monthly, line.one_time, _ramp(line, term), line.term_months,
            )
        )  # fmt: skip
        if line.feasibility and line.feasibility.lead_days:
            block.lead_days = max(block.lead_days or 0, line.feasibility.lead_days)
    for number, block in enumerate(found.values(), 1):
        block.number = number
    return list(found.values())


def _place(site: Site | None, account_id: int) -> str:
    """Whose site it is, when not the customer's own, and where."""
    if site is None:
        return ""
    where = ", ".join(filter(None, (site.street, f"{site.postcode} {site.city}".strip())))
    return where if site.account_id == account_id else f"{site.account.name}, {where}"


def _stretches(blocks: list[SiteBlock]) -> Iterator[list[SiteBlock]]:
    stretch: list[SiteBlock] = []
    lines = 0
    for block in blocks:
        if stretch and lines + len(block.lines) > STRETCH:
            yield stretch
            stretch, lines = [], 0
        stretch.append(block)
        lines += len(block.lines)
    yield stretch


def _usage(prices: models.QuerySet[LinePrice]) -> list[Usage]:
    rows = prices.order_by("line__offering__name", "label", "amount").values_list(
        "line__offering__name", "label", "amount"
    )
    return [Usage(name, label, plain(amount)) for name, label, amount in rows.distinct()]


def _terms(quote: Quote) -> list[Clause]:
    """The standard clauses, for an offer that no agreement stands behind."""
    values = {"customer": quote.account.name, "term_months": str(quote.term_months), "currency": quote.currency}
    found = list(Clause.objects.filter(state="approved", language="en", standard=True, key__in=WITHOUT_AGREEMENT))
    for clause in found:
        for name, value in values.items():
            clause.text = clause.text.replace(f"{{{name}}}", value)
    return found


def _country(block: SiteBlock) -> str:
    return NAMES.get(block.site.country, block.site.country) if block.site else "Company-wide"


def _countries(blocks: list[SiteBlock]) -> list[Country]:
    found: dict[str, list[SiteBlock]] = defaultdict(list)
    for block in blocks:
        found[_country(block)].append(block)
    return [Country(name, of) for name, of in found.items()]


def _labels(lines: Iterable[QuoteLine | ContractLine]) -> dict[int, list[Characteristic]]:
    wanted = {line.offering.specification_id for line in lines if line.offering.specification_id}
    found: dict[int, list[Characteristic]] = defaultdict(list)
    rows = Characteristic.objects.filter(specification_id__in=wanted, source=Characteristic.Source.CUSTOMER)
    for characteristic in rows.order_by("position", "id"):
        found[characteristic.specification_id].append(characteristic)
    return found


def details(values: dict[str, Any], characteristics: list[Characteristic]) -> str:
    """A configuration in one line: Bandwidth 1G · Routing BGP · Addresses /28."""
    found = []
    for characteristic in characteristics:
        value = values.get(characteristic.key)
        if configuration.is_empty(value) or value is False:
            continue
        if value is True:
            found.append(characteristic.name)
        else:
            found.append(f"{characteristic.name} {configuration.told(characteristic, value)}")
    return " · ".join(found)


def _steps(stored: Iterable[list[dict[str, Any]]]) -> list[tuple[str, Decimal]]:
    """Monthly reductions by their label, largest first; what raises a price is part of the price before them."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for steps in stored:
        for step in steps:
            if step.get("step") != "list":
                label = CUSTOMER_WORDS.get(step.get("step", ""), str(step.get("label", "")))
                sums[label] += Decimal(str(step["after"])) - Decimal(str(step["before"]))
    found = [(label, amount.quantize(Decimal("0.01"))) for label, amount in sums.items() if amount < 0]
    return sorted(found, key=lambda pair: pair[1])
