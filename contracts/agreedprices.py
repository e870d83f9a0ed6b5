"""Agreed prices: a fixed price instead of one of the list, for one service and, if wanted, one configuration of it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from catalog import configuration, pricing
from catalog.models import Charge, Offering, PriceEntry
from catalog.pricing import PriceBook, PricingInput
from contracts import negotiation
from contracts.models import Agreement, AgreementPrice
from contracts.negotiation import Unfit
from kernel import audit
from kernel.models import User
from kernel.money import ZERO, digits, rounded

PLACES = ("region", "country", "term")  # of a line, beside its characteristics
LARGEST = Decimal(10_000_000)


@dataclass(frozen=True)
class Listed:
    """A price of the list that can be fixed."""

    offering: Offering
    charge: str
    label: str

    def __str__(self) -> str:
        return worded(self.offering, self.label)


def worded(offering: Offering, label: str) -> str:
    """A price as it stands in a choice."""
    return f"{offering}, {configuration.within(label)}"


@transaction.atomic
def add(
    *, agreement_id: int, offering_id: int, charge: str, label: str, amount: Decimal, by: User | None, when: str = ""
) -> AgreementPrice:
    """Fix a price; `when` names the values that it holds for, as in “bandwidth = 1G, region = metro”, or nothing.

    Raises:
        Unfit: no such price in the list, a value that the service does not have, or it is fixed already.
    """
    agreement = negotiation.open_one(agreement_id, by)
    offering = Offering.objects.select_related("specification").get(pk=offering_id)
    values, problems = _values(offering, when)
    problems |= _amount_problems(amount, agreement.currency)
    if not sold(agreement.price_list_id).filter(offering=offering_id, charge=charge, label=label).exists():
        problems["listed"] = [f"“{agreement.price_list.name}” has no such price."]
    if problems:
        raise Unfit(problems=problems)
    made = AgreementPrice(
        agreement=agreement, offering=offering, charge=charge, label=label, when=values, amount=amount
    )
    try:
        with transaction.atomic():
            made.save()
    except IntegrityError:
        raise Unfit(problems={"listed": [f"The price of {made} is fixed already; take that one out first."]}) from None
    _touch(agreement, "price fixed", [None, f"{made}: {amount}"], by)
    return made


@transaction.atomic
def change(*, agreement_id: int, price_id: int, amount: Decimal, by: User | None) -> AgreementPrice:
    """Fix another amount. Raises Unfit."""
    agreement = negotiation.open_one(agreement_id, by)
    price: AgreementPrice = agreement.prices.select_related("offering").get(pk=price_id)
    if problems := _amount_problems(amount, agreement.currency):
        raise Unfit(problems=problems)
    before, price.amount = price.amount, amount
    price.save(update_fields=["amount"])
    _touch(agreement, "fixed price changed", [f"{price}: {before}", f"{price}: {amount}"], by)
    return price


@transaction.atomic
def remove(*, agreement_id: int, price_id: int, by: User | None) -> None:
    """Let the list hold again."""
    agreement = negotiation.open_one(agreement_id, by)
    price = agreement.prices.select_related("offering").get(pk=price_id)
    told = f"{price}: {price.amount}"
    price.delete()
    _touch(agreement, "fixed price removed", [told, None], by)


def sold(price_list_id: int) -> QuerySet[PriceEntry]:
    """The monthly and one-time prices of services on sale in a list, by name; one entry of each, whatever it is for."""
    rows = PriceEntry.objects.filter(
        price_list=price_list_id, is_cost=False, charge__in=(Charge.RECURRING, Charge.ONE_TIME),
        offering__state="active",
    ).exclude(offering__kind="entitlement")  # fmt: skip
    each = ("offering_id", "charge", "label")
    first = rows.order_by(*each, "pk").distinct(*each).values("pk")
    return PriceEntry.objects.filter(pk__in=first).select_related("offering").order_by("offering__name", *each[1:])


def listed(agreement: Agreement) -> list[Listed]:
    """What of the agreement's list can be fixed."""
    return [Listed(entry.offering, entry.charge, entry.label) for entry in sold(agreement.price_list_id)]


def against_list(agreement: Agreement) -> list[tuple[AgreementPrice, Decimal | None]]:
    """Fixed prices, each with what the list says for that configuration and term; None if it says nothing."""
    rows = list(agreement.prices.select_related("offering"))
    if not rows:
        return []
    book = PriceBook.load(agreement.price_list, {row.offering_id for row in rows})
    return [(row, _list_price(book, row, agreement)) for row in rows]


def steepest(agreement: Agreement) -> Decimal:
    """By how many percent the lowest of the fixed prices is below the list; 0 if none is."""
    off = [(plain - row.amount) / plain * 100 for row, plain in against_list(agreement) if plain]
    return max([*off, ZERO])


def _list_price(book: PriceBook, row: AgreementPrice, agreement: Agreement) -> Decimal | None:
    term = int(row.when.get("term") or agreement.term_months)
    values = {name: value for name, value in row.when.items() if name not in PLACES}
    asked = PricingInput(
        row.offering_id, values, region=str(row.when.get("region", "")), country=str(row.when.get("country", "")),
        term=term,
    )  # fmt: skip
    made = pricing.price(book, asked)
    return next((one.amount for one in made if (one.charge, one.label) == (row.charge, row.label)), None)


def _values(offering: Offering, typed: str) -> tuple[dict[str, Any], dict[str, list[str]]]:
    known = {one.key: one for one in offering.specification.characteristics.all()} if offering.specification else {}
    found: dict[str, Any] = {}
    for pair in (part.strip() for part in typed.replace("\n", ",").split(",") if part.strip()):
        name, equals, value = (piece.strip() for piece in pair.partition("="))
        name = name.lower().replace(" ", "_")
        if not equals or not value:
            return {}, {"when": [f"Write “{pair}” as name = value, such as bandwidth = 1G."]}
        if name in PLACES:
            found[name] = int(value) if name == "term" and value.isdigit() else value
        elif name in known and offering.specification:
            _, problems = configuration.clean(offering.specification, {name: value}, {})
            if name in problems:
                return {}, {"when": problems[name]}
            found[name] = configuration.parse(known[name], value)
        else:
            return {}, {"when": [f"{offering} has no “{name}”. It has {', '.join([*known, *PLACES])}."]}
    return found, {}


def _amount_problems(amount: Decimal, currency: str) -> dict[str, list[str]]:
    if not amount.is_finite() or not ZERO <= amount <= LARGEST:
        return {"amount": ["A price is 0 or more."]}
    if amount != rounded(amount, currency):
        return {"amount": [f"An amount in {currency} has {digits(currency) or 'no'} digits after the point."]}
    return {}


def _touch(agreement: Agreement, action: str, change: list[Any], by: User | None) -> None:
    agreement.edition += 1
    agreement.save()
    audit.record(action, agreement, by=by, changes={"prices": change})
