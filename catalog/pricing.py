"""Pricing: what a configured line costs, charge by charge, with every step that led there.

The steps run in this order: list → attribute → matrix → volume → agreement → manual → floor. A price book holds all
tables that a pass needs, so that pricing thousands of lines asks the database a handful of times. Nothing here does.
"""

import re
from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from catalog import tiering
from catalog.matrices import Grid
from catalog.models import Charge, Offering, PriceAdjustment, PriceEntry
from catalog.pricebook import FLOOR_MARGIN, Negotiated, PriceBook, Rule, Terms
from catalog.tiering import Tier
from kernel import decisions
from kernel.money import ZERO, percent, plain

EXACT = Decimal("0.00000001")  # digits kept between the steps
DIGITS = 12  # of a count that is charged; a longer one is nobody's wish, and refused at its field
RATE = Decimal("0.000001")  # digits of the price of one unit of usage
BUILD = "Build of the access"
RANK = {Charge.RECURRING: 0, Charge.ONE_TIME: 1, Charge.USAGE: 2}

Facts = dict[str, Any]
Step = dict[str, str]


@dataclass(frozen=True)
class PricingInput:
    """One line to price. `sites` is the number of sites of the quote with this offering; percents are 0 to 100.

    `build_cost` is in the currency of the prices.
    """

    offering_id: int
    values: dict[str, Any]
    region: str = ""
    country: str = ""
    term: int = 1
    sites: int = 1
    quantity: int = 1
    build_cost: Decimal = ZERO
    manual: Decimal = ZERO
    manual_by: str = ""

    def facts(self) -> Facts:
        """What conditions and price entries may speak of."""
        return {
            **self.values, "region": self.region, "country": self.country, "term": self.term, "sites": self.sites,
            "quantity": self.quantity, "build_cost": float(self.build_cost),
        }  # fmt: skip

    def key(self) -> Hashable:
        """Two lines with the same key have the same price."""
        values = tuple(sorted((name, repr(value)) for name, value in self.values.items()))
        return (
            self.offering_id, values, self.region, self.country, self.term, self.sites, self.quantity,
            self.build_cost, self.manual, self.manual_by,
        )  # fmt: skip


@dataclass(frozen=True)
class PricedCharge:
    """One charge of a line. `agreed` is the amount before the manual discount; amounts are rounded, steps are exact.

    A recurring charge is for `period` months. A usage charge is the price of one unit; `usage` then says the unit, how
    many are included, and the price by tiers.
    """

    charge: str
    label: str
    list_amount: Decimal
    agreed: Decimal
    amount: Decimal
    cost: Decimal
    steps: list[Step]
    period: int = 1
    usage: dict[str, Any] | None = None


def price(book: PriceBook, item: PricingInput) -> list[PricedCharge]:
    """The charges of one line, monthly ones first. Raises BrokenRule if a condition cannot be read."""
    key = item.key()
    if key not in book.prices:
        book.prices[key] = _price(book, item)
    return book.prices[key]  # type: ignore[no-any-return]


def sells(book: PriceBook, offering: Offering) -> bool:
    """Whether the list has any price of the offering."""
    return any(not entry.is_cost for entry in book.entries.get(offering.pk, ()))


def _price(book: PriceBook, item: PricingInput) -> list[PricedCharge]:
    facts = item.facts()
    entries = book.entries.get(item.offering_id, [])
    listed = _best([e for e in entries if not e.is_cost], facts)
    costs = _costs(_best([e for e in entries if e.is_cost], facts), listed, facts)
    made = [_charge(book, item, facts, entry, costs.pop((entry.charge, entry.label), ZERO)) for entry in listed]
    made += [_included(book, charge, label, cost) for (charge, label), cost in costs.items() if cost]
    if item.build_cost:
        made.append(_build(book, item.build_cost))
    return sorted(made, key=lambda c: RANK[Charge(c.charge)])


def _best(entries: list[PriceEntry], facts: Facts) -> list[PriceEntry]:
    """Per charge and label the entry that says most about this line; of two equals the first."""
    best: dict[tuple[str, str], PriceEntry] = {}
    for entry in entries:
        if not all(_same(facts.get(name), wanted) for name, wanted in entry.when.items()):
            continue
        place = (entry.charge, entry.label)
        if place not in best or len(entry.when) > len(best[place].when):
            best[place] = entry
    return list(best.values())


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return any(_same(value, one) for one in wanted)
    return value == wanted or (value is not None and str(value).lower() == str(wanted).lower())


def _units(entry: PriceEntry, facts: Facts) -> Decimal:
    """How many units are charged: the characteristic named by `per`, times the quantity; usage is counted later."""
    if entry.charge == Charge.USAGE:
        return Decimal(1)
    quantity = Decimal(facts["quantity"])
    if not entry.per or entry.per == "quantity":
        return quantity
    try:
        count = Decimal(str(facts.get(entry.per, 0) or 0))
    except InvalidOperation:
        return ZERO
    return max(count, ZERO) * quantity if count.is_finite() and count.adjusted() <= DIGITS else ZERO


def _tiers(entry: PriceEntry) -> list[Tier]:
    return tiering.read(entry.tiers) if entry.tiering and entry.tiers else [Tier(ZERO, entry.amount)]


def _amount(entry: PriceEntry, facts: Facts) -> Decimal:
    """What the entry says for this line, in the list's currency; for usage the price of one unit."""
    units = _units(entry, facts)
    if entry.charge == Charge.USAGE:
        return _tiers(entry)[0].amount
    return tiering.cost(units, _tiers(entry), entry.tiering, entry.allowance)


def _costs(found: list[PriceEntry], listed: list[PriceEntry], facts: Facts) -> dict[tuple[str, str], Decimal]:
    """Costs by charge and label; one without a price of its own label is carried by the first charge of its kind.

    A cost for another number of months than its price's is brought to the price's.
    """
    periods = {(entry.charge, entry.label): entry.period for entry in listed}
    costs: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    for entry in found:
        place = (entry.charge, entry.label)
        if place not in periods:
            place = next((p for p in periods if p[0] == entry.charge), place)
        costs[place] += _amount(entry, facts) * periods.get(place, 1) / entry.period
    return costs


@dataclass
class _Running:
    """An amount on its way through the steps."""

    amount: Decimal
    steps: list[Step]

    def take(self, step: str, label: str, detail: str, after: Decimal, rule: str, given: str = "") -> None:
        after = max(after, ZERO).quantize(EXACT)
        if after != self.amount:
            self.steps.append(_step(step, label, detail, self.amount, after, rule, given))
            self.amount = after


def _charge(book: PriceBook, item: PricingInput, facts: Facts, entry: PriceEntry, cost: Decimal) -> PricedCharge:
    listed = book.money(_amount(entry, facts)).quantize(EXACT)
    first = _step("list", "List price", _list_detail(book, entry, facts), ZERO, listed, f"entry:{entry.pk}",
                  _said(facts, [*entry.when, entry.per]))  # fmt: skip
    running = _Running(listed, [first])
    for rule in book.adjustments.get(item.offering_id, ()):
        _follow(book, running, rule, entry, facts)
    if fixed := _fixed(book, item.offering_id, entry, facts):
        after = book.money(fixed.price or ZERO) * _units(entry, facts)
        detail = f"{fixed.label}, fixed price {plain(fixed.price or ZERO)}"
        given = _said(facts, list(fixed.when))
        running.take("agreement", "Agreement", detail, after, f"agreement:{fixed.label}", given)
    elif discount := _negotiated(book, item.offering_id, entry.charge):
        after = running.amount - percent(running.amount, discount.percent)
        detail = f"{discount.label}, − {plain(discount.percent)} %"
        running.take("agreement", "Agreement", detail, after, f"agreement:{discount.label}")
    agreed = running.amount
    own = book.money(cost)
    if item.manual and entry.charge == Charge.RECURRING:
        _discount(running, item, own, book.floor)
    if entry.charge == Charge.USAGE:
        return _usage(book, entry, running, listed, own)
    return PricedCharge(
        entry.charge, entry.label, book.round(listed), book.round(agreed), book.round(running.amount), book.round(own),
        running.steps, entry.period if entry.charge == Charge.RECURRING else 1,
    )  # fmt: skip


def _follow(book: PriceBook, running: _Running, rule: Rule, entry: PriceEntry, facts: Facts) -> None:
    """Let one rule or matrix change the amount, if it speaks of this price of this line."""
    if isinstance(rule, Grid):
        if rule.covers(entry.charge, entry.label) and (found := rule.cell(facts)):
            matrix = rule.matrix
            names = [*matrix.rows["by"], *matrix.columns["by"]]
            after = _by_cell(book, running.amount, matrix.how, found.value, _units(entry, facts))
            detail = f"{', '.join([*found.row, *found.column])}: {_cell_detail(matrix.how, found.value)}"
            running.take(
                "matrix", matrix.name, detail, after, f"matrix:{matrix.key}:{matrix.version}", _said(facts, names)
            )
    elif rule.charge == entry.charge and _applies(book, rule, facts):
        names = decisions.names_in(rule.condition) + decisions.names_in(rule.value)
        after = _adjusted(book, rule, running.amount, facts)
        detail = _explained(rule, facts)
        running.take(rule.step, rule.label, detail, after, f"adjustment:{rule.key}", _said(facts, names))


def _by_cell(book: PriceBook, amount: Decimal, how: str, value: Decimal, units: Decimal) -> Decimal:
    if how == "amount":
        return book.money(value) * units
    return amount * value if how == "factor" else amount + percent(amount, value)


def _cell_detail(how: str, value: Decimal) -> str:
    if how == "percent":
        return f"{'−' if value < 0 else '+'} {plain(abs(value))} %"
    return f"× {plain(value)}" if how == "factor" else plain(value)


def _discount(running: _Running, item: PricingInput, cost: Decimal, floor_margin: Decimal) -> None:
    """The manual discount, and the floor that it cannot go through; what was lower before stays as it was."""
    agreed = running.amount
    who = f"{item.manual_by}, " if item.manual_by else ""
    detail = f"{who}− {plain(item.manual)} %"
    running.take("manual", "Manual", detail, agreed - percent(agreed, item.manual), "manual")
    floor = min(agreed, cost * 100 / (100 - floor_margin))
    if running.amount < floor:
        running.take("floor", "Floor", "The lowest price that we may offer", floor, "floor")


def _usage(book: PriceBook, entry: PriceEntry, running: _Running, listed: Decimal, cost: Decimal) -> PricedCharge:
    """The price of one unit, and the tiers brought down or up by the same steps."""
    share = running.amount / listed if listed else Decimal(1)
    tiers = [replace(tier, amount=(book.money(tier.amount) * share).quantize(RATE)) for tier in _tiers(entry)]
    usage = {
        "unit": entry.unit or "unit", "allowance": plain(entry.allowance), "tiering": entry.tiering,
        "tiers": tiering.stored(tiers),
    }  # fmt: skip
    of_list, agreed, own = (amount.quantize(RATE) for amount in (listed, running.amount, cost))
    return PricedCharge(entry.charge, entry.label, of_list, agreed, agreed, own, running.steps, 1, usage)


def _build(book: PriceBook, cost: Decimal) -> PricedCharge:
    amount = cost.quantize(EXACT)
    steps = [_step("list", BUILD, "From the feasibility check of the site", ZERO, amount, "feasibility")]
    whole = book.round(amount)
    return PricedCharge(Charge.ONE_TIME, BUILD, whole, whole, whole, whole, steps)


def _included(book: PriceBook, charge: str, label: str, cost: Decimal) -> PricedCharge:
    """A cost that no price carries."""
    steps = [_step("list", "List price", f"{label} is included", ZERO, ZERO)]
    return PricedCharge(charge, label, ZERO, ZERO, ZERO, book.round(book.money(cost)), steps)


def _applies(book: PriceBook, rule: PriceAdjustment, facts: Facts) -> bool:
    if not rule.condition.strip():
        return True
    names = decisions.names_in(rule.condition)
    key = (rule.key, tuple((name, repr(facts.get(name))) for name in names if name in facts))
    if key not in book.answers:
        book.answers[key] = decisions.holds_by_now(rule.condition, facts)
    return bool(book.answers[key])


def _value(rule: PriceAdjustment, facts: Facts) -> Decimal:
    text = rule.value.strip()
    try:
        return Decimal(text)
    except InvalidOperation:
        pass
    try:
        return Decimal(str(decisions.calculate(text, facts)))
    except InvalidOperation as error:
        raise decisions.BrokenRule(f"“{rule.label}” does not give a number: {rule.value}") from error


def _adjusted(book: PriceBook, rule: PriceAdjustment, amount: Decimal, facts: Facts) -> Decimal:
    if rule.how == PriceAdjustment.How.WAIVE:
        return ZERO
    value = _value(rule, facts)
    if rule.how == PriceAdjustment.How.FACTOR:
        return amount * value
    if rule.how == PriceAdjustment.How.PERCENT:
        return amount + percent(amount, value)
    return amount + book.money(value) * Decimal(facts["quantity"])


def _explained(rule: PriceAdjustment, facts: Facts) -> str:
    if rule.explanation:
        return re.sub(r"\{(\w+)\}", lambda m: _told(facts.get(m.group(1), m.group(0))), rule.explanation)
    value = rule.value.replace("-", "− ").strip()
    return {"factor": f"× {value}", "percent": f"{value} %", "amount": f"{value}", "waive": "waived"}[rule.how]


def _list_detail(book: PriceBook, entry: PriceEntry, facts: Facts) -> str:
    said = [_told(facts.get(name)) for name in entry.when]
    said.append(_counted(entry, facts))
    if entry.allowance:
        said.append(f"{plain(entry.allowance)} included")
    if facts["quantity"] != 1 and entry.charge != Charge.USAGE:
        said.append(f"× {facts['quantity']}")
    if book.rate:
        said.append(f"{plain(_amount(entry, facts))} {book.rate.source}, {book.rate.worded()}")
    return ", ".join([part for part in said if part] if any(said[:1]) else [entry.label, *filter(None, said)])


def _counted(entry: PriceEntry, facts: Facts) -> str:
    """How the units are counted, as in 6 × 60 channels."""
    if entry.charge == Charge.USAGE:
        tiers = ", by tiers" if entry.tiering else ""
        return f"per {entry.unit or 'unit'}{tiers}"
    per = entry.per if entry.per != "quantity" else ""
    if not per:
        return "by tiers" if entry.tiering else ""
    count = f"{_told(facts.get(per) or 0)} {per.replace('_', ' ')}"
    return f"{count} by tiers" if entry.tiering else f"{plain(entry.amount)} × {count}"


def _negotiated(book: PriceBook, offering_id: int, charge: str) -> Negotiated | None:
    """The discount of this offering, else the one of all."""
    granted = [n for n in book.negotiated if n.price is None and n.charge == charge]
    found = [n for n in granted if n.offering_id in (offering_id, None)]
    return min(found, key=lambda n: n.offering_id is None, default=None)


def _fixed(book: PriceBook, offering_id: int, entry: PriceEntry, facts: Facts) -> Negotiated | None:
    """The fixed price of this list price that says most about the line."""
    place = (offering_id, entry.charge, entry.label)
    fixed = [n for n in book.negotiated if n.price is not None and (n.offering_id, n.charge, n.of) == place]
    able = [n for n in fixed if all(_same(facts.get(name), wanted) for name, wanted in n.when.items())]
    return max(able, key=lambda n: len(n.when), default=None)


def _step(
    step: str, label: str, detail: str, before: Decimal, after: Decimal, rule: str = "", given: str = ""
) -> Step:  # fmt: skip
    """One step; `rule` says which record led to it, `input` the values of the line that it looked at."""
    made = {"step": step, "label": label, "detail": detail, "before": plain(before), "after": plain(after)}
    return made | ({"rule": rule} if rule else {}) | ({"input": given} if given else {})


def _said(facts: Facts, names: list[str]) -> str:
    """Values of the line by name, as in bandwidth 1G, term 36."""
    return ", ".join(f"{name} {_told(facts[name])}" for name in dict.fromkeys(names) if name in facts)


def _told(value: Any) -> str:
    """A value as people read it; several ones with commas."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(_told, value)) if isinstance(value, list) else str(value)


__all__ = ["BUILD", "FLOOR_MARGIN", "Grid", "Negotiated", "PriceBook", "PricedCharge", "PricingInput", "Terms", "price",
           "sells"]  # fmt: skip
