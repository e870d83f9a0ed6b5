"""Pricing: what a configured line costs, charge by charge, with every step that led there.

The steps run in this order: list → attribute → matrix → volume → agreement → manual → floor. A price book holds all
tables that a pass needs, so that pricing thousands of lines asks the database a handful of times.
"""

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from catalog.models import Charge, Offering, PriceAdjustment, PriceEntry, PriceList
from kernel import decisions
from kernel.money import ZERO, percent, rounded

EXACT = Decimal("0.00000001")  # digits kept between the steps
FLOOR_MARGIN = Decimal(5)  # percent of margin that a manual discount leaves on a monthly price
BUILD = "Build of the access"
ORDER = (PriceAdjustment.Step.ATTRIBUTE, PriceAdjustment.Step.MATRIX, PriceAdjustment.Step.VOLUME)

Facts = dict[str, Any]
Step = dict[str, str]


@dataclass(frozen=True)
class Negotiated:
    """A discount that an agreement grants: on one offering or, with None, on all; `label` says which agreement."""

    offering_id: int | None
    charge: str
    percent: Decimal
    label: str


@dataclass(frozen=True)
class PricingInput:
    """One line to price. `sites` is the number of sites of the quote with this offering; percents are 0 to 100."""

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
    """One charge of a line. `agreed` is the amount before the manual discount; amounts are rounded, steps are exact."""

    charge: str
    label: str
    list_amount: Decimal
    agreed: Decimal
    amount: Decimal
    cost: Decimal
    steps: list[Step]


@dataclass
class PriceBook:
    """Entries and adjustments of a price list, read once."""

    currency: str
    entries: dict[int, list[PriceEntry]]
    adjustments: dict[int, list[PriceAdjustment]]
    negotiated: list[Negotiated] = field(default_factory=list)
    _prices: dict[Hashable, list[PricedCharge]] = field(default_factory=dict)
    _answers: dict[Hashable, Any] = field(default_factory=dict)

    @classmethod
    def load(
        cls, price_list: PriceList, offerings: Iterable[int], negotiated: Iterable[Negotiated] = ()
    ) -> "PriceBook":
        """Everything needed to price these offerings (keys), in three queries."""
        wanted = set(offerings)
        entries: dict[int, list[PriceEntry]] = defaultdict(list)
        for entry in PriceEntry.objects.filter(price_list=price_list, offering__in=wanted).order_by("id"):
            entries[entry.offering_id].append(entry)
        rules = list(
            PriceAdjustment.objects.filter(active=True).exclude(
                pk__in=PriceAdjustment.objects.filter(price_list__isnull=False)
                .exclude(price_list=price_list)
                .values("pk")
            )
        )
        only: dict[int, set[int]] = defaultdict(set)
        for rule_id, offering_id in PriceAdjustment.offerings.through.objects.values_list(
            "priceadjustment_id", "offering_id"
        ):
            only[rule_id].add(offering_id)
        rules.sort(key=lambda rule: (ORDER.index(PriceAdjustment.Step(rule.step)), rule.position, rule.pk))
        adjustments = {
            offering: [rule for rule in rules if rule.pk not in only or offering in only[rule.pk]]
            for offering in wanted
        }
        return cls(price_list.currency, dict(entries), adjustments, list(negotiated))


def price(book: PriceBook, item: PricingInput) -> list[PricedCharge]:
    """The charges of one line, monthly ones first. Raises BrokenRule if a condition cannot be read."""
    key = item.key()
    if key not in book._prices:
        book._prices[key] = _price(book, item)
    return book._prices[key]


def sells(book: PriceBook, offering: Offering) -> bool:
    """Whether the list has any price of the offering."""
    return any(not entry.is_cost for entry in book.entries.get(offering.pk, ()))


def _price(book: PriceBook, item: PricingInput) -> list[PricedCharge]:
    facts = item.facts()
    entries = book.entries.get(item.offering_id, [])
    listed = _best([e for e in entries if not e.is_cost], facts)
    costs = _costs(_best([e for e in entries if e.is_cost], facts), listed, facts)
    made = [_charge(book, item, facts, entry, costs.get((entry.charge, entry.label), ZERO)) for entry in listed]
    for (charge, label), cost in costs.items():
        if cost and not any((c.charge, c.label) == (charge, label) for c in made):
            made.append(PricedCharge(charge, label, ZERO, ZERO, ZERO, rounded(cost, book.currency), [_free(label)]))
    if item.build_cost:
        made.append(_build(item.build_cost, book.currency))
    rank = {Charge.RECURRING: 0, Charge.ONE_TIME: 1, Charge.USAGE: 2}
    return sorted(made, key=lambda c: rank[Charge(c.charge)])


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


def _times(entry: PriceEntry, facts: Facts) -> Decimal:
    """How often the amount counts: the characteristic named by `per`, times the quantity."""
    quantity = Decimal(facts["quantity"])
    if not entry.per or entry.per == "quantity":
        return quantity
    try:
        count = Decimal(str(facts.get(entry.per, 0) or 0))
    except InvalidOperation:
        return ZERO
    return max(count, ZERO) * quantity if count.is_finite() else ZERO


def _costs(found: list[PriceEntry], listed: list[PriceEntry], facts: Facts) -> dict[tuple[str, str], Decimal]:
    """Costs by charge and label; one without a price of its own label is carried by the first charge of its kind."""
    places = [(entry.charge, entry.label) for entry in listed]
    costs: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    for entry in found:
        place = (entry.charge, entry.label)
        if place not in places:
            place = next((p for p in places if p[0] == entry.charge), place)
        costs[place] += entry.amount * _times(entry, facts)
    return costs


@dataclass
class _Running:
    """An amount on its way through the steps."""

    amount: Decimal
    steps: list[Step]

    def take(self, step: str, label: str, detail: str, after: Decimal) -> None:
        after = max(after, ZERO).quantize(EXACT)
        if after != self.amount:
            self.steps.append(_step(step, label, detail, self.amount, after))
            self.amount = after


def _charge(book: PriceBook, item: PricingInput, facts: Facts, entry: PriceEntry, cost: Decimal) -> PricedCharge:
    listed = (entry.amount * _times(entry, facts)).quantize(EXACT)
    running = _Running(listed, [_step("list", "List price", _list_detail(entry, facts), ZERO, listed)])
    for rule in book.adjustments.get(item.offering_id, ()):
        if rule.charge == entry.charge and _applies(book, rule, facts):
            running.take(rule.step, rule.label, _explained(rule, facts), _adjusted(rule, running.amount, facts))
    if discount := _negotiated(book, item.offering_id, entry.charge):
        after = running.amount - percent(running.amount, discount.percent)
        running.take("agreement", "Agreement", f"{discount.label}, − {_plain(discount.percent)} %", after)
    agreed = running.amount
    if item.manual and entry.charge == Charge.RECURRING:
        _discount(running, item, cost)
    currency = book.currency
    return PricedCharge(
        entry.charge, entry.label, rounded(listed, currency), rounded(agreed, currency),
        rounded(running.amount, currency), rounded(cost, currency), running.steps,
    )  # fmt: skip


def _discount(running: _Running, item: PricingInput, cost: Decimal) -> None:
    """The manual discount, and the floor that it cannot go through; what was lower before stays as it was."""
    agreed = running.amount
    who = f"{item.manual_by}, " if item.manual_by else ""
    running.take("manual", "Manual", f"{who}− {_plain(item.manual)} %", agreed - percent(agreed, item.manual))
    floor = min(agreed, cost * 100 / (100 - FLOOR_MARGIN))
    if running.amount < floor:
        running.take("floor", "Floor", "The lowest price that we may offer", floor)


def _build(cost: Decimal, currency: str) -> PricedCharge:
    amount = cost.quantize(EXACT)
    steps = [_step("list", BUILD, "From the feasibility check of the site", ZERO, amount)]
    whole = rounded(amount, currency)
    return PricedCharge(Charge.ONE_TIME, BUILD, whole, whole, whole, whole, steps)


def _applies(book: PriceBook, rule: PriceAdjustment, facts: Facts) -> bool:
    if not rule.condition.strip():
        return True
    key = (rule.pk, tuple((name, repr(facts.get(name))) for name in _names(rule.condition) if name in facts))
    if key not in book._answers:
        book._answers[key] = _holds(rule.condition, facts)
    return bool(book._answers[key])


def _holds(condition: str, facts: Facts) -> bool:
    try:
        return decisions.holds(condition, facts)
    except decisions.BrokenRule:
        decisions.check(condition)  # a mistake in the rule is said; a value that is not there yet is none
        return False


def _names(expression: str) -> list[str]:
    return re.findall(r"[A-Za-z_]\w*", expression)


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


def _adjusted(rule: PriceAdjustment, amount: Decimal, facts: Facts) -> Decimal:
    if rule.how == PriceAdjustment.How.WAIVE:
        return ZERO
    value = _value(rule, facts)
    if rule.how == PriceAdjustment.How.FACTOR:
        return amount * value
    if rule.how == PriceAdjustment.How.PERCENT:
        return amount + percent(amount, value)
    return amount + value * Decimal(facts["quantity"])


def _explained(rule: PriceAdjustment, facts: Facts) -> str:
    if rule.explanation:
        return re.sub(r"\{(\w+)\}", lambda m: _told(facts.get(m.group(1), m.group(0))), rule.explanation)
    value = rule.value.replace("-", "− ").strip()
    return {"factor": f"× {value}", "percent": f"{value} %", "amount": f"{value}", "waive": "waived"}[rule.how]


def _list_detail(entry: PriceEntry, facts: Facts) -> str:
    said = [_told(facts.get(name)) for name in entry.when]
    if entry.per and entry.per != "quantity":
        said.append(f"{_plain(entry.amount)} × {_told(facts.get(entry.per) or 0)} {entry.per.replace('_', ' ')}")
    if facts["quantity"] != 1:
        said.append(f"× {facts['quantity']}")
    return ", ".join([said[0] if said else entry.label, *said[1:]])


def _negotiated(book: PriceBook, offering_id: int, charge: str) -> Negotiated | None:
    """The discount of this offering, else the one of all."""
    found = [n for n in book.negotiated if n.charge == charge and n.offering_id in (offering_id, None)]
    return min(found, key=lambda n: n.offering_id is None, default=None)


def _step(step: str, label: str, detail: str, before: Decimal, after: Decimal) -> Step:
    return {"step": step, "label": label, "detail": detail, "before": _plain(before), "after": _plain(after)}


def _free(label: str) -> Step:
    return _step("list", "List price", f"{label} is included", ZERO, ZERO)


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _told(value: Any) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
