"""Agreed discounts: what an agreement grants on a day, brought down from categories to the offerings below them."""

import datetime as dt
from collections import defaultdict
from decimal import Decimal

from django.db.models import Q, Sum

from catalog.models import Category, Offering
from catalog.pricing import Negotiated
from contracts.models import Agreement, AgreementDiscount, AgreementPrice, Contract
from kernel.money import ZERO


def of(agreement_id: int, on: dt.date) -> list[Negotiated]:
    """Fixed prices, and discounts that hold on that day; of the offering, else of its category, else of all."""
    begun = Q(valid_from__isnull=True) | Q(valid_from__lte=on)
    running = Q(valid_until__isnull=True) | Q(valid_until__gte=on)
    rows = list(
        AgreementDiscount.objects.filter(begun, running, agreement=agreement_id).select_related("agreement", "offering")
    )
    found = _of_offerings([row for row in rows if row.category_id is None])
    own = {(one.offering_id, one.charge) for one in found}
    by_category = [row for row in rows if row.category_id]
    if by_category:
        found += [one for one in _of_categories(by_category) if (one.offering_id, one.charge) not in own]
    return found + _prices(agreement_id)


def committed(agreement: Agreement) -> tuple[Decimal, Decimal]:
    """What the customer promised to spend a month under the agreement, and what contracts in force come to."""
    promised = agreement.discounts.aggregate(most=Sum("commitment"))["most"] or ZERO
    running = Contract.objects.filter(
        agreement__number=agreement.number, kind=Contract.Kind.SALES, state=Contract.State.ACTIVE
    )
    return promised, running.aggregate(monthly=Sum("monthly"))["monthly"] or ZERO


def _of_offerings(rows: list[AgreementDiscount]) -> list[Negotiated]:
    """One for every version of the offerings that are named, and those on everything."""
    versions: dict[str | None, list[int | None]] = {None: [None]}
    keys = {row.offering.key for row in rows if row.offering}
    for pk, key in Offering.objects.filter(key__in=keys).values_list("pk", "key") if keys else ():
        versions.setdefault(key, []).append(pk)
    return [
        Negotiated(offering, row.charge, row.percent, row.agreement.number)
        for row in rows
        for offering in versions[row.offering.key if row.offering else None]
    ]


def _prices(agreement_id: int) -> list[Negotiated]:
    """Fixed prices, one for every version of their offering."""
    rows = list(AgreementPrice.objects.filter(agreement=agreement_id).select_related("agreement", "offering"))
    if not rows:
        return []
    versions: dict[str, list[int]] = defaultdict(list)
    for pk, key in Offering.objects.filter(key__in={row.offering.key for row in rows}).values_list("pk", "key"):
        versions[key].append(pk)
    return [
        Negotiated(pk, row.charge, ZERO, row.agreement.number, row.amount, row.label, row.when)
        for row in rows
        for pk in versions[row.offering.key]
    ]


def _of_categories(rows: list[AgreementDiscount]) -> list[Negotiated]:
    """One for each offering in a category or below it; of two the nearer category counts."""
    parents = dict(Category.objects.values_list("pk", "parent_id"))
    granted: dict[str, dict[int, AgreementDiscount]] = defaultdict(dict)
    for row in rows:
        granted[row.charge][row.category_id or 0] = row
    found = []
    for offering, category in Offering.objects.values_list("pk", "category_id"):
        for charge, by_category in granted.items():
            at: int | None = category
            while at is not None and at not in by_category:
                at = parents.get(at)
            if at is not None:
                row = by_category[at]
                found.append(Negotiated(offering, charge, row.percent, row.agreement.number))
    return found
