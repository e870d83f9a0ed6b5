"""Price queries: what a list prices, the price book of an offering, costs beside prices, what holds on a day."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.urls import reverse
from django.utils import timezone

from catalog import explaining
from catalog.models import Offering, PriceAdjustment, PriceEntry, PriceList, PriceMatrix
from kernel.money import plain

STEPS = {"attribute": 0, "matrix": 1, "volume": 2}


@dataclass(frozen=True)
class BookRow:
    """One price or cost with the values that it is for, and what the price leaves over its cost."""

    entry: PriceEntry
    when: str
    tiers: list[str]
    cost: Decimal | None = None
    margin: Decimal | None = None

    @property
    def digits(self) -> int:
        """Decimals that the amount needs, two at least."""
        return digits_of(self.entry.amount)

    @property
    def cost_digits(self) -> int:
        """Decimals that the cost needs, two at least."""
        return digits_of(self.cost or Decimal(0))


@dataclass
class Priced:
    """One offering in a list: how many prices, of which charges, how many costs."""

    offering: Offering
    prices: int = 0
    costs: int = 0
    charges: str = ""


def book(price_list: PriceList, offering: Offering, *, with_costs: bool) -> list[BookRow]:
    """Prices, and with the right costs, of one offering in one list."""
    rows = list(PriceEntry.objects.filter(price_list=price_list, offering=offering).order_by("charge", "label", "id"))
    costs = {(r.charge, r.label, repr(r.when)): r.amount for r in rows if r.is_cost}
    plain = {(r.charge, r.label): r.amount for r in rows if r.is_cost and not r.when}
    found = []
    for row in rows:
        if row.is_cost and not with_costs:
            continue
        cost = costs.get((row.charge, row.label, repr(row.when)), plain.get((row.charge, row.label)))
        shown = cost if with_costs and not row.is_cost else None
        left = explaining.margin(row.amount, shown) if shown is not None else None
        tiers = [f"over {tier['over']}: {tier['amount']}" for tier in row.tiers]
        found.append(BookRow(row, when_words(row.when), tiers, shown, left))
    return found


def digits_of(amount: Decimal) -> int:
    """Decimals that an amount needs to be shown whole, two at least."""
    _, _, decimals = plain(amount).partition(".")
    return max(2, len(decimals))


def priced(price_list: PriceList, *, with_costs: bool) -> list[Priced]:
    """What a list prices, by name; two queries."""
    found: dict[int, Priced] = {}
    charges: dict[int, list[str]] = defaultdict(list)
    for entry in PriceEntry.objects.filter(price_list=price_list).select_related("offering").order_by("offering__name"):
        one = found.setdefault(entry.offering_id, Priced(entry.offering))
        if not entry.is_cost:
            one.prices += 1
            charges[entry.offering_id].append(str(entry.get_charge_display()).lower())
        elif with_costs:
            one.costs += 1
    for key, one in found.items():
        one.charges = ", ".join(dict.fromkeys(charges[key]))
    return list(found.values())


def unpriced(price_list: PriceList) -> list[Offering]:
    """What is for sale and has no price in a list."""
    sold = Offering.objects.filter(state="active", sellable=True).exclude(kind="entitlement")
    has = PriceEntry.objects.filter(price_list=price_list, is_cost=False).values("offering")
    return list(sold.exclude(pk__in=has).order_by("name"))


def rules_of(price_list: PriceList, offering: Offering) -> list[PriceAdjustment]:
    """Rules that change prices of an offering in a list, in the order in which they count."""
    of_list = Q(price_list=None) | Q(price_list=price_list)
    rows = PriceAdjustment.objects.filter(of_list, Q(offerings=offering) | Q(offerings=None), active=True).distinct()
    return sorted(rows, key=lambda rule: (STEPS[rule.step], rule.position, rule.pk))


def matrices_of(price_list: PriceList, offering: Offering | None = None) -> list[PriceMatrix]:
    """Matrices of a list that are published or drafted, by name; the older of two versions last."""
    rows = PriceMatrix.objects.filter(price_list=price_list).exclude(state=PriceMatrix.State.RETIRED)
    rows = rows.filter(offering=offering) if offering else rows
    return list(rows.select_related("offering").order_by("name", "-version"))


def costs() -> QuerySet[PriceEntry]:
    """Costs with the list price for the same values beside them."""
    same = PriceEntry.objects.filter(
        price_list=OuterRef("price_list"), offering=OuterRef("offering"), charge=OuterRef("charge"),
        label=OuterRef("label"), when=OuterRef("when"), is_cost=False,
    )  # fmt: skip
    return PriceEntry.objects.filter(is_cost=True).annotate(price=Subquery(same.values("amount")[:1]))


def book_url(entry: PriceEntry) -> str:
    """The price book that an entry stands in."""
    return reverse("catalog:price_book", args=[entry.price_list.key, entry.offering.key])


def when_words(when: dict[str, Any]) -> str:
    """For which values, in words."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in when.items())


def holding(
    rows: Sequence[Any], place: Callable[[Any], Hashable], today: dt.date | None = None
) -> list[tuple[Any, str]]:
    """Rows with a word for each: the one that holds today, those to come, those of before; newest first per place."""
    day = today or timezone.localdate()
    seen: set[Hashable] = set()
    found = []
    for row in rows:
        if row.valid_from > day:
            found.append((row, "coming"))
        elif place(row) in seen:
            found.append((row, "replaced"))
        else:
            seen.add(place(row))
            found.append((row, "in_force"))
    return found
