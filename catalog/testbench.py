"""Test bench: a stored sample order checked, priced and decomposed as if a draft version were the active one.

Decomposition itself is done by whoever registers a grower (orders does), so that the bench shows what a real order
would come to. Nothing is stored.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from catalog import composition, configuration, consistency, eligibility, pricing, rulebook
from catalog.models import Charge, DecompositionRule, Offering, SampleOrder, Specification
from catalog.queries import CHARGES
from kernel import decisions
from kernel.money import ZERO
from kernel.refusal import Refusal


@dataclass
class Line:
    """One line of a sample at one site, resolved."""

    key: str
    position: int
    offering: Offering
    specification: Specification
    site: dict[str, Any]
    quantity: int
    values: dict[str, Any]
    term: int
    sites: int
    currency: str
    monthly: Decimal = ZERO

    @property
    def place(self) -> str:
        """The site's name, empty where the offering needs none."""
        return str(self.site.get("name") or self.site.get("code") or "")


@dataclass(frozen=True)
class Node:
    """One node of a sample's tree: its path, what it is, its values and what it waits for."""

    path: str
    name: str
    kind: str
    depth: int
    values: dict[str, Any]
    waits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cost:
    """One charge of a sample in all: what is sold, which price, per month or once."""

    offering: str
    label: str
    charge: str
    amount: Decimal
    before: Decimal | None = None

    @property
    def charged(self) -> str:
        """When, in words."""
        return CHARGES[Charge(self.charge)]

    @property
    def difference(self) -> Decimal:
        """How much more than before."""
        return self.amount - (self.before or ZERO)


@dataclass
class Outcome:
    """What a sample comes to; `problems` are what keeps it from being sold or delivered."""

    problems: list[str] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    costs: dict[tuple[str, str, str], Decimal] = field(default_factory=dict)

    def total(self, charge: str = "recurring") -> Decimal:
        """The sum of one kind of charge."""
        return sum((amount for (_, _, kind), amount in self.costs.items() if kind == charge), ZERO)


@dataclass(frozen=True)
class Shift:
    """One node that is not as before: added, gone or changed, with field → (before, after) in words."""

    what: str
    path: str
    name: str
    depth: int
    changes: dict[str, tuple[str, str]]


@dataclass
class Verdict:
    """A sample under a draft beside the same under what is active. Red when the draft breaks it."""

    sample: SampleOrder
    before: Outcome
    after: Outcome
    shifts: list[Shift]
    costs: list[Cost]

    @property
    def red(self) -> bool:
        """Whether the sample cannot be sold or delivered under the draft."""
        return bool(self.after.problems)

    @property
    def differs(self) -> bool:
        """Whether anything comes out other than before."""
        return bool(self.shifts) or any(cost.before != cost.amount for cost in self.costs)

    def count(self, what: str) -> int:
        """How many nodes were added, are gone or changed."""
        return sum(shift.what == what for shift in self.shifts)


Grower = Callable[[list[Line], list[DecompositionRule]], list[Node]]
_growers: list[Grower] = []
Entry = Specification | Offering


def register(grower: Grower) -> None:
    """Say who decomposes samples; called while apps load."""
    _growers[:] = [grower]


def judge(sample: SampleOrder, draft: Entry | None = None) -> Verdict:
    """The sample as things stand, and with the draft in the place of the active version of its key."""
    before = run(sample, None)
    after = run(sample, draft) if draft is not None else before
    return Verdict(sample, before, after, _shifts(before.nodes, after.nodes), compared(before, after))


def judge_all(draft: Entry) -> list[Verdict]:
    """Every stored sample that the draft has to do with."""
    samples = SampleOrder.objects.select_related("price_list").order_by("name")
    return [judge(sample, draft) for sample in samples if concerns(sample, draft)]


def concerns(sample: SampleOrder, draft: Entry) -> bool:
    """Whether a draft can change what comes of a sample: it sells it, or something below what it sells."""
    keys = {str(line.get("offering")) for line in sample.lines}
    if isinstance(draft, Offering):
        return draft.key in keys
    sold = Offering.objects.filter(key__in=keys, state="active", specification__isnull=False)
    below = set(sold.values_list("specification__key", flat=True))
    rules = rulebook.in_force()
    while more := {rule.target.key for rule in rules if rule.source.key in below} - below:
        below |= more
    return draft.key in below


def run(sample: SampleOrder, draft: Entry | None) -> Outcome:
    """Check, price and decompose one sample. A rule that cannot be evaluated becomes a problem."""
    outcome = Outcome()
    lines = _lines(sample, draft, outcome.problems)
    try:
        with decisions.holding():
            _check(lines, outcome.problems)
        _price(sample, lines, outcome)
        for grower in _growers:
            outcome.nodes = grower(lines, _rules(draft))
    except Refusal as error:
        outcome.problems += [text for texts in error.problems.values() for text in texts]
    return outcome


def priced(sample: SampleOrder) -> Outcome:
    """What one sample costs as things stand, and nothing else of it."""
    outcome = Outcome()
    lines = _lines(sample, None, outcome.problems)
    try:
        _price(sample, lines, outcome)
    except Refusal as error:
        outcome.problems.append(str(error))
    return outcome


def _rules(draft: Entry | None) -> list[DecompositionRule]:
    book = rulebook.in_force()
    if not isinstance(draft, Specification):
        return book
    changed = {rule.key: rule for rule in consistency.followers(draft)}
    return [changed.get(rule.key, rule) for rule in book]


def _lines(sample: SampleOrder, draft: Entry | None, problems: list[str]) -> list[Line]:
    keys = {str(line.get("offering")) for line in sample.lines}
    rows = Offering.objects.filter(key__in=keys, state="active").select_related("specification")
    sold = {row.key: row for row in rows.prefetch_related("specification__characteristics")}
    if isinstance(draft, Offering):
        sold[draft.key] = draft
    sites = {str(site.get("code")): site for site in sample.sites}
    found = []
    for number, given in enumerate(sample.lines, 1):
        offering = sold.get(str(given.get("offering")))
        if offering is None or offering.specification is None:
            problems.append(f"Line {number}: “{given.get('offering')}” is not sold.")
            continue
        specification = _specification(offering, draft)
        wanted = given.get("sites", "all")
        places = list(sites.values()) if wanted == "all" else [sites[c] for c in wanted if c in sites]
        values = {**configuration.defaults(specification), **given.get("values", {})}
        for at, site in enumerate(places if offering.needs_site else [{}]):
            found.append(
                Line(
                    f"{number}-{at + 1}", number, offering, specification, site, int(given.get("quantity", 1)), values,
                    sample.term, len(places) or 1, sample.price_list.currency,
                )
            )  # fmt: skip
    return found


def _specification(offering: Offering, draft: Entry | None) -> Specification:
    own = offering.specification
    assert own is not None  # noqa: S101 – asked before
    return draft if isinstance(draft, Specification) and draft.key == own.key else own


def _check(lines: list[Line], problems: list[str]) -> None:
    for line in lines:
        found = configuration.validate(line.specification, line.values, complete=True)
        names = {c.key: c.name for c in line.specification.characteristics.all()}
        for key, texts in found.items():
            problems += [f"{line.offering.name}, {names.get(key, key)}: {text}" for text in texts]
    pairs = [(line.offering, {"country": line.site.get("country", ""), "region": line.site.get("region", "")})
             for line in lines]  # fmt: skip
    for line, texts in zip(lines, eligibility.problems_of_many(pairs) if pairs else [], strict=True):
        problems += [f"{line.place or line.offering.name}: {text}" for text in texts]
    present: dict[int | None, set[int]] = {}
    places = {code: n for n, code in enumerate(dict.fromkeys(str(line.site.get("code", "")) for line in lines))}
    for line in lines:
        present.setdefault(places[str(line.site.get("code", ""))], set()).add(line.specification.pk)
    problems += list(dict.fromkeys(clash.text for clash in composition.missing_requirements(present)))
    problems[:] = list(dict.fromkeys(problems))


def _price(sample: SampleOrder, lines: list[Line], outcome: Outcome) -> None:
    book = pricing.PriceBook.load(sample.price_list, {line.offering.pk for line in lines})
    for line in lines:
        priced = pricing.price(
            book,
            pricing.PricingInput(
                line.offering.pk, line.values, str(line.site.get("region", "")), str(line.site.get("country", "")),
                sample.term, line.sites, line.quantity,
            ),
        )  # fmt: skip
        if not priced and line.offering.kind == Offering.Kind.PRODUCT:
            text = f"{line.offering.name} has no price for this in {sample.price_list.name}."
            outcome.problems[:] = list(dict.fromkeys([*outcome.problems, text]))
        for one in priced:
            key = (line.offering.name, one.label, one.charge)
            outcome.costs[key] = outcome.costs.get(key, ZERO) + one.amount
            line.monthly += one.amount if one.charge == Charge.RECURRING else ZERO


def _shifts(before: Iterable[Node], after: Iterable[Node]) -> list[Shift]:
    old, new = ({node.path: node for node in nodes} for nodes in (before, after))
    found = [Shift("gone", path, node.name, node.depth, {}) for path, node in old.items() if path not in new]
    for path, node in new.items():
        if path not in old:
            found.append(Shift("added", path, node.name, node.depth, _differing({}, node)))
        elif changes := _differing(_facts(old[path]), node):
            found.append(Shift("changed", path, node.name, node.depth, changes))
    return sorted(found, key=lambda shift: shift.path)


def _facts(node: Node) -> dict[str, Any]:
    return {**node.values, "waits for": ", ".join(node.waits)}


def _differing(old: dict[str, Any], node: Node) -> dict[str, tuple[str, str]]:
    new = _facts(node)
    names = sorted({*old, *new})
    return {name: (_said(old.get(name)), _said(new.get(name))) for name in names
            if _said(old.get(name)) != _said(new.get(name))}  # fmt: skip


def _said(value: Any) -> str:
    return "" if configuration.is_empty(value) else configuration.plain_value(value)


def compared(before: Outcome, after: Outcome) -> list[Cost]:
    """Every charge of either, as it is after and was before."""
    keys = list(dict.fromkeys([*before.costs, *after.costs]))
    return [Cost(*key, after.costs.get(key, ZERO), before.costs.get(key)) for key in keys]
