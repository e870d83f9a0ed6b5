"""Explaining: the charges of a line as anybody may read them, step by step; cost and margin only with the right."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.urls import reverse

from catalog import configuration
from catalog.models import Characteristic, Charge, PriceEntry
from catalog.queries import CHARGES
from kernel.money import plain

PERIODS = {1: "a month", 3: "a quarter", 6: "half a year", 12: "a year"}
KINDS = {
    "entry": "price list", "adjustment": "rule", "matrix": "matrix", "agreement": "agreement", "manual": "by hand",
    "floor": "margin floor", "feasibility": "site check",
}  # fmt: skip

FACTS = {
    "term": "Term", "sites": "Sites", "region": "Tariff zone", "country": "Country", "quantity": "Quantity",
    "build_cost": "Build cost",
}  # fmt: skip

Finder = Callable[[str], str]
Priced = Any  # a PricedCharge, or a stored charge with the same fields


@dataclass(frozen=True)
class Step:
    """One step: what it is, what it looked at, before and after; `url` leads to the rule where there is a page."""

    step: str
    label: str
    detail: str
    given: str
    before: Decimal
    after: Decimal
    kind: str
    url: str

    @property
    def change(self) -> Decimal:
        """By how much the amount changes."""
        return self.after - self.before


@dataclass(frozen=True)
class Explained:
    """One charge with its steps. `cost` and `margin` are None for who may not see them."""

    label: str
    charge: str
    when: str
    amount: Decimal
    list_amount: Decimal
    steps: list[Step]
    digits: int = 2
    tiers: list[str] = field(default_factory=list)
    cost: Decimal | None = None
    margin: Decimal | None = None

    def as_json(self) -> dict[str, Any]:
        """For machines; without cost and margin where they are hidden."""
        told: dict[str, Any] = {
            "label": self.label, "charge": self.charge, "when": self.when, "list_amount": str(self.list_amount),
            "amount": str(self.amount), "tiers": self.tiers,
            "steps": [
                {"step": s.step, "label": s.label, "detail": s.detail, "input": s.given, "before": str(s.before),
                 "after": str(s.after), "rule": s.kind}
                for s in self.steps
            ],
        }  # fmt: skip
        if self.cost is not None:
            told |= {"cost": str(self.cost), "margin": None if self.margin is None else str(self.margin)}
        return told


def explain(
    charges: Iterable[Priced], *, with_cost: bool, find: Finder | None = None, known: Iterable[Characteristic] = ()
) -> list[Explained]:
    """Charges ready to be read; `find` says where the record behind a step is, see `url_of`.

    What a step looked at is told in the labels of the `known` characteristics.
    """
    charges, words = list(charges), {one.key: one for one in known}
    find = find or finder(charges)
    return [_explained(charge, with_cost, find, words) for charge in charges]


def finder(charges: Iterable[Priced]) -> Finder:
    """Where the prices, matrices and rules behind these charges are shown; one query for all prices."""
    refs = {step.get("rule", "") for charge in charges for step in charge.steps}
    keys = [int(ref[6:]) for ref in refs if ref.startswith("entry:") and ref[6:].isdigit()]
    rows = PriceEntry.objects.filter(pk__in=keys).values_list("pk", "price_list__key", "offering__key")
    books = {f"entry:{pk}": reverse("catalog:price_book", args=[of, sold]) for pk, of, sold in rows}

    def find(ref: str) -> str:
        kind, _, rest = ref.partition(":")
        if kind == "matrix":
            key, _, version = rest.partition(":")
            return reverse("catalog:matrix", args=[key, int(version)])
        if kind == "adjustment":
            return next((f"{url}#rule-{rest}" for url in books.values()), "")
        return books.get(ref, "")

    return find


def margin(amount: Decimal, cost: Decimal) -> Decimal | None:
    """Percent of the price that is left over its cost; None without a price."""
    return ((amount - cost) * 100 / amount).quantize(Decimal("0.1")) if amount else None


def _explained(charge: Priced, with_cost: bool, find: Finder, words: Mapping[str, Characteristic]) -> Explained:
    amount, cost = Decimal(charge.amount), Decimal(charge.cost)
    usage = charge.usage
    return Explained(
        charge.label, CHARGES[Charge(charge.charge)], _when(charge), amount, Decimal(charge.list_amount),
        [_step(step, find, words) for step in charge.steps], 4 if usage else 2, _tiers(usage) if usage else [],
        cost if with_cost else None, margin(amount, cost) if with_cost else None,
    )  # fmt: skip


def _looked_at(given: str, words: Mapping[str, Characteristic]) -> str:
    """What a step looked at, as in Bandwidth 1G, Routing Static; names that nobody knows stay readable."""
    return ", ".join(_worded(part, words) for part in given.split(", ")) if given else ""


def _worded(part: str, words: Mapping[str, Characteristic]) -> str:
    name, _, value = part.partition(" ")
    if found := words.get(name):
        return f"{found.name} {configuration.told(found, configuration.parse(found, value))}"
    return f"{FACTS[name]} {value}" if name in FACTS else part


def _step(step: dict[str, str], find: Finder, words: Mapping[str, Characteristic]) -> Step:
    rule = step.get("rule", "")
    return Step(
        step["step"], step["label"], step["detail"], _looked_at(step.get("input", ""), words), Decimal(step["before"]),
        Decimal(step["after"]), KINDS.get(rule.partition(":")[0], ""), find(rule),
    )  # fmt: skip


def _when(charge: Priced) -> str:
    if charge.usage:
        return f"for each {charge.usage['unit']}"
    if charge.charge == Charge.ONE_TIME:
        return "once"
    return PERIODS.get(charge.period, f"every {charge.period} months")


def _tiers(usage: dict[str, Any]) -> list[str]:
    """What is included and the tiers, in words."""
    unit, said = usage["unit"], []
    if Decimal(usage["allowance"]):
        said.append(f"the first {usage['allowance']} {unit} are included")
    tiers = usage["tiers"]
    if len(tiers) > 1:
        said += [f"over {tier['over']} {unit}: {plain(Decimal(tier['amount']))}" for tier in tiers]
        how = "each unit at the price of its tier" if usage["tiering"] == "tiered" else "all at the tier reached"
        said.append(how)
    return said
