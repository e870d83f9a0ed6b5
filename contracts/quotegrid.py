"""The quote as a grid: sites by country down, offerings across, each cell ready to draw; and its prices explained."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from catalog import configuration
from catalog.models import Characteristic, Offering, Specification
from cmdb.models import FeasibilityCheck
from contracts import celltext, quoteoutline
from contracts.building import Builds
from contracts.models import LinePrice, QuoteLine
from contracts.quotecompleteness import Problem
from contracts.quoteoutline import Outline
from crm import countries
from crm.models import Site
from kernel.money import ZERO
from kernel.templatetags.trunkline import number_text

Result = FeasibilityCheck.Result
# result → class of the cell, icon, word; worst last
ACCESS = {
    Result.ON_NET: ("acc-on", "circle-check", "On-net"),
    Result.NEAR_NET: ("acc-near", "circle-half-2", "Near-net"),
    Result.OFF_NET: ("acc-off", "circle-dashed", "Off-net"),
    Result.OPEN: ("acc-check", "clock", "Not checked"),
    Result.IMPOSSIBLE: ("acc-no", "circle-x", "Not possible"),
}
WORST = list(ACCESS)
SHORT = 26  # characters of a problem in a cell
CAPITAL = 2  # words of a cell that begin with a capital letter


@dataclass(frozen=True)
class Cell:
    """One offering at one site. `line_id` is None where nothing is ordered; `edition` is that of the line shown."""

    offering_id: int
    line_id: int | None = None
    edition: int = 0
    head: str = ""
    amount: str = ""
    note: str = ""
    text: str = ""  # the whole configuration, to be copied
    kind: str = ""  # err, build, or empty


@dataclass(frozen=True)
class Access:
    """How a site is reached, as the grid says it."""

    cls: str
    icon: str
    word: str
    lead: str


@dataclass
class Row:
    """One site with its cells, in the order of the columns."""

    site: Site | None
    cells: list[Cell]
    access: Access | None
    total: str
    key: str

    @property
    def name(self) -> str:
        """The site's name, or what stands for the whole quote."""
        return self.site.name if self.site else "Whole company"


@dataclass
class Group:
    """The sites of one country: all of them in `sites` and the sums, those of this block in `rows`."""

    key: str
    name: str
    totals: list[str]
    total: str
    sites: int
    rows: list[Row] = field(default_factory=list)
    begins: bool = True  # the head stands above the first row of the country


@dataclass(frozen=True)
class Column:
    """One offering."""

    offering_id: int
    name: str
    needs_site: bool


@dataclass
class Grid:
    """A block of the table: `first` to `last` of `found` sites; `totals` are of the whole quote."""

    columns: list[Column]
    groups: list[Group] = field(default_factory=list)
    totals: list[str] = field(default_factory=list)
    sites: int = 0
    lines: int = 0
    found: int = 0
    page: int = 1
    first: int = 1
    last: int = 0

    @property
    def more(self) -> int:
        """How many sites follow this block."""
        return self.found - self.last

    def row_of(self, site_id: int | None) -> tuple[Group, Row] | None:
        """The group and row of a site."""
        for group in self.groups:
            for row in group.rows:
                if (row.site.pk if row.site else None) == site_id:
                    return group, row
        return None


@dataclass(frozen=True)
class WaterfallStep:
    """One step of “Why this price”; `x` and `width` are percents of the bar, `kind` its class."""

    label: str
    detail: str
    change: str
    after: str
    x: str
    width: str
    kind: str


@dataclass(frozen=True)
class Waterfall:
    """The steps of one charge and their end."""

    label: str
    steps: list[WaterfallStep]
    amount: Decimal
    list_amount: Decimal
    under_list: str
    once: bool


@dataclass(frozen=True)
class Block:
    """What a block of rows is drawn from: its sites in order, their lines, what those have to mend and to build."""

    sites: Sequence[int | None]
    lines: Sequence[QuoteLine]
    specifications: dict[int, Specification]
    problems: Sequence[Problem]
    builds: Builds


def grid(outline: Outline, block: Block, extra: Iterable[Offering] = (), *, found: int = 0, page: int = 1) -> Grid:
    """The grid of one block; `extra` are offerings that get a column although nothing is ordered of them yet."""
    wrong: dict[int, list[Problem]] = defaultdict(list)
    for problem in block.problems:
        if problem.line_id:
            wrong[problem.line_id].append(problem)
    made = Grid(columns_of(outline, extra), lines=len(outline.tops), found=found, page=page)
    made.first = (page - 1) * quoteoutline.ROWS + 1
    made.last = made.first - 1 + len(block.sites)
    described = {key: list(spec.characteristics.all()) for key, spec in block.specifications.items()}
    known = _Known(described, wrong, _builds(outline, block), outline.digits)
    here: dict[int | None, list[QuoteLine]] = defaultdict(list)
    for line in block.lines:
        here[line.site_id].append(line)
    groups = _groups(outline, made.columns)
    for site_id in block.sites:
        row = _row(here[site_id], made.columns, known)
        group = groups[row.site.country if row.site else ""]
        if not group.rows:
            made.groups.append(group)
        group.rows.append(row)
    made.sites = sum(group.sites for group in groups.values())
    sums: dict[int, Decimal] = defaultdict(lambda: ZERO)
    for (_, offering), amount in outline.sums.items():
        sums[offering] += amount
    made.totals = [*_told(outline, made.columns, sums), number_text(sum(sums.values(), ZERO), outline.digits)]
    return made


def waterfall(charges: Iterable[LinePrice], digits: int = 2) -> list[Waterfall]:
    """Each charge of a line with its steps, the monthly ones first; amounts with so many digits after the point."""
    rank = {"recurring": 0, "one_time": 1, "usage": 2}
    charges = [charge for charge in charges if charge.charge != "usage"]  # priced by the unit, rated later
    return [_falls(charge, digits) for charge in sorted(charges, key=lambda c: (rank.get(c.charge, 3), c.pk or 0))]


def details(characteristics: Sequence[Characteristic], values: dict[str, Any]) -> tuple[str, str]:
    """A configuration in a few words: the head, and the rest."""
    said = []
    for characteristic in characteristics:
        value = values.get(characteristic.key)
        if configuration.is_empty(value) or value is False or value == "none":
            continue
        if value is True:
            said.append(characteristic.name)
            continue
        text = configuration.told(characteristic, value)
        if characteristic.type == Characteristic.Type.NUMBER and not characteristic.unit:
            text = f"{text} {configuration.within(characteristic.name)}"
        said.append(text.capitalize() if len(said) < CAPITAL and text.islower() and text.isalpha() else text)
    return (said[0], " · ".join(said[1:])) if said else ("", "")


def columns_of(outline: Outline, extra: Iterable[Offering] = ()) -> list[Column]:
    """The columns: every offering that is ordered by itself, and the extra ones."""
    ordered_ones = {line.offering_id: outline.offerings[line.offering_id] for line in outline.tops}
    offerings = ordered_ones | {one.pk: one for one in extra}
    ordered = sorted(offerings.values(), key=lambda one: (one.position, one.key))
    return [Column(one.pk, one.short_name or one.name, one.needs_site) for one in ordered]


@dataclass(frozen=True)
class _Known:
    """What cells are drawn from beside their lines: characteristics by specification, the rest by line."""

    described: dict[int, list[Characteristic]]
    wrong: dict[int, list[Problem]]
    builds: dict[int, str]
    digits: int


def _builds(outline: Outline, block: Block) -> dict[int, str]:
    """Of each line whose access is to be built: what it costs, or which product at the site pays for it."""
    offering = {line.pk: line.offering_id for line in outline.lines}
    found = {}
    for line in block.lines:
        payer = block.builds.paid_by(line)
        if payer == line.pk and line.feasibility:
            found[line.pk] = f"+ {number_text(line.feasibility.build_cost, 0)} build"
        elif payer in offering:
            one = outline.offerings[offering[payer]]
            found[line.pk] = f"Built with {one.short_name or one.name}"
    return found


def _row(lines: list[QuoteLine], columns: list[Column], known: _Known) -> Row:
    tops = {line.offering_id: line for line in lines if line.parent_id is None}
    members: dict[int, list[QuoteLine]] = defaultdict(list)
    for line in lines:
        if line.parent_id:
            members[line.parent_id].append(line)
    cells = []
    for column in columns:
        top = tops.get(column.offering_id)
        cells.append(_cell(top, members[top.pk], known) if top else Cell(column.offering_id))
    site = lines[0].site if lines else None
    total = number_text(sum((line.monthly for line in lines), ZERO), known.digits)
    return Row(site, cells, _access(lines), total, f"s{site.pk if site else 0}")


def _cell(line: QuoteLine, members: list[QuoteLine], known: _Known) -> Cell:
    described = known.described.get(line.offering.specification_id or 0, [])
    head, note = details(described, line.characteristics)
    if line.quantity > 1:
        head = f"{line.quantity} × {head}"
    if members:
        head, note = head or "Bundle", " · ".join(one.offering.short_name or one.offering.name for one in members)
    amount = number_text(sum((one.monthly for one in members), line.monthly), known.digits)
    kind = ""
    if problems := [problem for one in (line, *members) for problem in known.wrong.get(one.pk, ())]:
        text = problems[0].text.rstrip(".")
        note = text if len(text) <= SHORT else f"{text[: SHORT - 1].rstrip()}…"
        if len(problems) > 1:
            note = f"{len(problems)} things to mend"
        kind = "err"
    elif line.pk in known.builds:
        note, kind = known.builds[line.pk], "build"
    text = celltext.told(described, line.characteristics, line.quantity)
    return Cell(line.offering_id, line.pk, line.edition, head or "–", amount, note, text, kind)


def _access(lines: Iterable[QuoteLine]) -> Access | None:
    """The worst answer among the lines of a site that want one."""
    worst: FeasibilityCheck | None = None
    asked = False
    for line in lines:
        if not line.offering.needs_feasibility:
            continue
        asked = True
        check = line.feasibility
        if check is None:
            return Access(*ACCESS[Result.OPEN], "")
        if worst is None or WORST.index(Result(check.result)) > WORST.index(Result(worst.result)):
            worst = check
    if not asked or worst is None:
        return None
    if worst.result == Result.OPEN and worst.provider:
        return Access("acc-check", "clock", "Checking", "with a partner")
    return Access(*ACCESS[Result(worst.result)], f"{worst.lead_days} days" if worst.lead_days else "")


def _groups(outline: Outline, columns: list[Column]) -> dict[str, Group]:
    """Every country with its sums, still without rows."""
    sums: dict[str, dict[int, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    for (country, offering), amount in outline.sums.items():
        sums[country][offering] += amount
    sites = outline.countries()
    return {
        country: Group(
            country or "none", countries.NAMES.get(country, country) or "Without a site", _told(outline, columns, here),
            number_text(sum(here.values(), ZERO), outline.digits), sites.get(country, 0),
        )
        for country, here in sums.items()
    }  # fmt: skip


def _told(outline: Outline, columns: list[Column], sums: dict[int, Decimal]) -> list[str]:
    """Monthly sums by column."""
    digits = outline.digits
    return [number_text(sums[column.offering_id], digits) if column.offering_id in sums else "" for column in columns]


def _falls(charge: LinePrice, digits: int) -> Waterfall:
    amounts = [Decimal(step["after"]) for step in charge.steps]
    top = max([*amounts, Decimal("0.01")])
    steps = []
    for step, after in zip(charge.steps, amounts, strict=True):
        before = Decimal(step["before"])
        first = step["step"] == "list"
        low, high = (ZERO, after) if first else sorted((before, after))
        change = "" if first else _signed(after - before, digits)
        kind = "wf-base" if first else "wf-up" if after > before else "wf-down"
        x, width = (_share(part, top) for part in (low, high - low))
        steps.append(WaterfallStep(step["label"], step["detail"], change, number_text(after, digits), x, width, kind))
    under = ""
    if charge.list_amount and charge.amount < charge.list_amount:
        share = (charge.list_amount - charge.amount) * 100 / charge.list_amount
        under = f"{number_text(share, 1)} % under list"
    return Waterfall(charge.label, steps, charge.amount, charge.list_amount, under, charge.charge == "one_time")


def _signed(amount: Decimal, digits: int) -> str:
    text = number_text(abs(amount), digits)
    return f"+{text}" if amount > 0 else f"−{text}"


def _share(part: Decimal, whole: Decimal) -> str:
    return f"{part * 100 / whole:.1f}%"
