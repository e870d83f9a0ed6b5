"""The quote as a grid: sites by country down, offerings across, each cell ready to draw; and its prices explained."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from catalog import configuration
from catalog.models import Characteristic, Offering, Specification
from cmdb.models import FeasibilityCheck
from contracts.models import LinePrice, QuoteLine
from contracts.quotecompleteness import Problem
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
    """One offering at one site. `line_id` is None where nothing is ordered."""

    offering_id: int
    line_id: int | None = None
    head: str = ""
    amount: str = ""
    note: str = ""
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
    """The sites of one country."""

    key: str
    name: str
    rows: list[Row]
    totals: list[str]
    total: str


@dataclass(frozen=True)
class Column:
    """One offering."""

    offering_id: int
    name: str
    needs_site: bool


@dataclass
class Grid:
    """Everything that the table shows."""

    columns: list[Column]
    groups: list[Group] = field(default_factory=list)
    totals: list[str] = field(default_factory=list)
    sites: int = 0
    lines: int = 0

    def row_of(self, line_id: int) -> tuple[Group, Row] | None:
        """The group and row that hold a line."""
        for group in self.groups:
            for row in group.rows:
                if any(cell.line_id == line_id for cell in row.cells):
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


def grid(
    lines: Sequence[QuoteLine], specifications: dict[int, Specification], problems: Iterable[Problem],
    extra: Iterable[Offering] = (),
) -> Grid:  # fmt: skip
    """The grid of these lines; `extra` are offerings that get a column although nothing is ordered of them yet."""
    wrong: dict[int, list[Problem]] = defaultdict(list)
    for problem in problems:
        if problem.line_id:
            wrong[problem.line_id].append(problem)
    tops = [line for line in lines if line.parent_id is None]
    made = Grid(_columns(tops, extra), lines=len(tops))
    by_site: dict[int | None, dict[int, QuoteLine]] = defaultdict(dict)
    for line in tops:
        by_site[line.site_id][line.offering_id] = line
    described = {key: list(spec.characteristics.all()) for key, spec in specifications.items()}
    placed: dict[str, list[tuple[Row, list[QuoteLine]]]] = defaultdict(list)
    for site_id, here in by_site.items():
        first = next(iter(here.values()))
        cells = [_cell(column, here.get(column.offering_id), described, wrong) for column in made.columns]
        total = number_text(sum((line.monthly for line in here.values()), ZERO), 2)
        row = Row(first.site, cells, _access(here.values()), total, f"s{site_id or 0}")
        placed[first.site.country if first.site else ""].append((row, list(here.values())))
    for country in sorted(placed, key=lambda code: (not code, countries.NAMES.get(code, code))):
        made.groups.append(_group(country, placed[country], made.columns))
    made.sites = sum(row.site is not None for group in made.groups for row in group.rows)
    made.totals = _totals(made.columns, tops)
    return made


def waterfall(charges: Iterable[LinePrice]) -> list[Waterfall]:
    """Each charge of a line with its steps, the monthly ones first."""
    rank = {"recurring": 0, "one_time": 1, "usage": 2}
    return [_falls(charge) for charge in sorted(charges, key=lambda c: (rank.get(c.charge, 3), c.pk or 0))]


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


def _columns(lines: Sequence[QuoteLine], extra: Iterable[Offering]) -> list[Column]:
    offerings = {line.offering_id: line.offering for line in lines} | {one.pk: one for one in extra}
    ordered = sorted(offerings.values(), key=lambda one: (one.position, one.key))
    return [Column(one.pk, one.short_name or one.name, one.needs_site) for one in ordered]


def _cell(
    column: Column, line: QuoteLine | None, described: dict[int, list[Characteristic]], wrong: dict[int, list[Problem]]
) -> Cell:
    if line is None:
        return Cell(column.offering_id)
    head, note = details(described.get(line.offering.specification_id or 0, []), line.characteristics)
    if line.quantity > 1:
        head = f"{line.quantity} × {head}"
    amount = number_text(line.monthly, 2)
    if problems := wrong.get(line.pk):
        text = problems[0].text.rstrip(".")
        note = text if len(text) <= SHORT else f"{text[: SHORT - 1].rstrip()}…"
        if len(problems) > 1:
            note = f"{len(problems)} things to mend"
        return Cell(column.offering_id, line.pk, head or "–", amount, note, "err")
    if line.feasibility and line.feasibility.build_cost:
        note = f"+ {number_text(line.feasibility.build_cost, 0)} build"
        return Cell(column.offering_id, line.pk, head, amount, note, "build")
    return Cell(column.offering_id, line.pk, head or "–", amount, note)


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
    return Access(*ACCESS[Result(worst.result)], f"{worst.lead_days} days" if worst.lead_days else "")


def _group(country: str, rows: list[tuple[Row, list[QuoteLine]]], columns: list[Column]) -> Group:
    rows.sort(key=lambda pair: pair[0].site.code if pair[0].site else "")
    lines = [line for _, here in rows for line in here]
    total = number_text(sum((line.monthly for line in lines), ZERO), 2)
    name = countries.NAMES.get(country, country) or "Without a site"
    return Group(country or "none", name, [row for row, _ in rows], _totals(columns, lines)[:-1], total)


def _totals(columns: list[Column], lines: Iterable[QuoteLine]) -> list[str]:
    """Monthly sums by column, the overall sum last."""
    sums: dict[int, Decimal] = defaultdict(lambda: ZERO)
    for line in lines:
        sums[line.offering_id] += line.monthly
    each = [number_text(sums[column.offering_id], 2) if column.offering_id in sums else "" for column in columns]
    return [*each, number_text(sum(sums.values(), ZERO), 2)]


def _falls(charge: LinePrice) -> Waterfall:
    amounts = [Decimal(step["after"]) for step in charge.steps]
    top = max([*amounts, Decimal("0.01")])
    steps = []
    for step, after in zip(charge.steps, amounts, strict=True):
        before = Decimal(step["before"])
        first = step["step"] == "list"
        low, high = (ZERO, after) if first else sorted((before, after))
        change = "" if first else _signed(after - before)
        kind = "wf-base" if first else "wf-up" if after > before else "wf-down"
        x, width = (_share(part, top) for part in (low, high - low))
        steps.append(WaterfallStep(step["label"], step["detail"], change, number_text(after, 2), x, width, kind))
    under = ""
    if charge.list_amount and charge.amount < charge.list_amount:
        share = (charge.list_amount - charge.amount) * 100 / charge.list_amount
        under = f"{number_text(share, 1)} % under list"
    return Waterfall(charge.label, steps, charge.amount, charge.list_amount, under, charge.charge == "one_time")


def _signed(amount: Decimal) -> str:
    text = number_text(abs(amount), 2)
    return f"+{text}" if amount > 0 else f"−{text}"


def _share(part: Decimal, whole: Decimal) -> str:
    return f"{part * 100 / whole:.1f}%"
