"""The price book: every table that pricing of some offerings needs, read once in a handful of queries."""

import datetime as dt
from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils import timezone

from catalog import currencies, memory
from catalog.currencies import Rate, Rounding
from catalog.matrices import Grid
from catalog.models import MarginFloor, Offering, PriceAdjustment, PriceEntry, PriceList, PriceMatrix
from kernel.money import CurrencyMix

FLOOR_MARGIN = Decimal(5)  # percent of margin that a manual discount leaves where nobody wrote another floor
ORDER = (PriceAdjustment.Step.ATTRIBUTE, PriceAdjustment.Step.MATRIX, PriceAdjustment.Step.VOLUME)

_ENTRIES = "SELECT * FROM catalog_priceentry WHERE price_list_id = %s AND offering_id = ANY(%s) ORDER BY id"

Rule = PriceAdjustment | Grid


@dataclass(frozen=True)
class Negotiated:
    """What an agreement grants: a discount on one offering or, with None, on all, or instead a fixed price of one.

    `label` says which agreement. A fixed price replaces the list price called `of` for lines with the values of `when`;
    it is that of one piece.
    """

    offering_id: int | None
    charge: str
    percent: Decimal
    label: str
    price: Decimal | None = None
    of: str = ""
    when: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Terms:
    """On which terms a list is read: the currency of the prices with the rate that leads to it, the floor, the day."""

    currency: str = ""
    rate: Rate | None = None
    floor: Decimal = FLOOR_MARGIN
    on: dt.date | None = None


@dataclass
class PriceBook:
    """Entries, rules and matrices of a price list, read once; amounts come out in `currency`."""

    currency: str
    entries: dict[int, list[PriceEntry]]
    adjustments: dict[int, list[Rule]]
    negotiated: list[Negotiated] = field(default_factory=list)
    rounding: Rounding | None = None
    rate: Rate | None = None
    floor: Decimal = FLOOR_MARGIN
    prices: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    answers: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def load(
        cls, price_list: PriceList, offerings: Iterable[int], negotiated: Iterable[Negotiated] = (),
        terms: Terms = Terms(),
    ) -> "PriceBook":  # fmt: skip
        """Everything needed to price these offerings (keys), in two queries where the process knows the rules.

        Raises:
            CurrencyMix: prices in another currency than the list's are wanted, and no rate is given.
        """
        currency, on = terms.currency or price_list.currency, terms.on or timezone.localdate()
        if currency != price_list.currency and (
            terms.rate is None or (terms.rate.source, terms.rate.target) != (price_list.currency, currency)
        ):
            raise CurrencyMix(f"{price_list.name} is in {price_list.currency}; {currency} needs an exchange rate.")
        wanted = set(offerings)
        entries: dict[int, list[PriceEntry]] = defaultdict(list)
        for entry in PriceEntry.objects.raw(_ENTRIES, [price_list.pk, list(wanted)]):
            entries[entry.offering_id].append(entry)
        rules, rounding = memory.recall(
            ("book", price_list.pk, frozenset(wanted), currency, on),
            lambda: (_rules(price_list, wanted, on), currencies.rounding(currency, on)),
        )
        return cls(
            currency, dict(entries), rules, list(negotiated), rounding,
            None if currency == price_list.currency else terms.rate, terms.floor,
        )  # fmt: skip

    def round(self, amount: Decimal) -> Decimal:
        """The amount as it is charged."""
        return (self.rounding or currencies.usual(self.currency))(amount)

    def money(self, amount: Decimal) -> Decimal:
        """An amount of the list in the book's currency, unrounded."""
        return self.rate.convert(amount) if self.rate else amount


def grids(price_list: PriceList, offerings: Iterable[int], on: dt.date) -> list[Grid]:
    """One version of each matrix of these offerings: the latest that is published and has begun on that day."""
    rows = PriceMatrix.objects.filter(
        price_list=price_list, state=PriceMatrix.State.ACTIVE, starts_on__lte=on,
        offering__key__in=Offering.objects.filter(pk__in=list(offerings)).values("key"),
    ).select_related("offering")  # fmt: skip
    newest = {matrix.key: matrix for matrix in rows.order_by("starts_on", "version")}
    return [Grid(newest[key]) for key in sorted(newest)]


def floor_for(roles: Iterable[str], segment: str) -> Decimal:
    """The least margin for a person of these roles in a segment: what says most counts, of equals the lowest."""
    rows = MarginFloor.objects.filter(Q(role="") | Q(role__in=roles), segment__in=("", segment))
    return choose_floor(rows)


def choose_floor(rows: Iterable[MarginFloor]) -> Decimal:
    """The floor that says most, a role counting for more than a segment; of equals the lowest."""
    best = max(rows, key=lambda row: (bool(row.role), bool(row.segment), -row.percent), default=None)
    return best.percent if best else FLOOR_MARGIN


def _placed(price_list: PriceList, wanted: set[int], on: dt.date) -> list[tuple[int, Grid]]:
    """Matrices with the offerings that they count for: the version that each names, and those after it."""
    matrices = grids(price_list, wanted, on)
    if not matrices:
        return []
    versions: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for pk, key, version in Offering.objects.filter(pk__in=wanted).values_list("pk", "key", "version"):
        versions[key].append((pk, version))
    return [
        (pk, grid)
        for grid in matrices
        for pk, version in versions[grid.matrix.offering.key]
        if version >= grid.matrix.offering.version
    ]


def _rules(price_list: PriceList, wanted: set[int], on: dt.date) -> dict[int, list[Rule]]:
    """Offering → matrices and rules in the order in which they count; matrices come first in their step."""
    rows = PriceAdjustment.objects.filter(Q(price_list=None) | Q(price_list=price_list), active=True)
    rules = sorted(rows, key=lambda rule: (rule.position, rule.pk))
    only: dict[int, set[int]] = defaultdict(set)
    pairs = PriceAdjustment.offerings.through.objects.filter(priceadjustment__in=[rule.pk for rule in rules])
    for rule_id, offering_id in pairs.values_list("priceadjustment_id", "offering_id"):
        only[rule_id].add(offering_id)
    found: dict[int, list[Rule]] = {offering: [] for offering in wanted}
    placed = _placed(price_list, wanted, on)
    for step in ORDER:
        if step == PriceAdjustment.Step.MATRIX:
            for offering, grid in placed:
                found[offering].append(grid)
        for rule in rules:
            if rule.step == step:
                for offering in only[rule.pk] & wanted if rule.pk in only else wanted:
                    found[offering].append(rule)
    return found
