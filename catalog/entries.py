"""Entries: prices and costs of an offering in a list are added, changed and taken out; each on the record."""

from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from catalog import tiering
from catalog.models import Charge, Offering, PriceEntry, PriceList
from kernel import audit
from kernel.models import User
from kernel.refusal import Refusal

FIELDS = ("charge", "label", "amount", "per", "period", "unit", "allowance", "tiering", "tiers", "when")
LARGEST = Decimal(10) ** 9
ADDED, CHANGED, TAKEN = (  # what the trail says of a price, and of a cost
    ("price added", "cost added"), ("price changed", "cost changed"), ("price taken out", "cost taken out"),
)  # fmt: skip
audit.guard("catalog.view_cost", *(cost for _, cost in (ADDED, CHANGED, TAKEN)))


@transaction.atomic
def keep(
    *, price_list: PriceList, offering: Offering, values: dict[str, Any], by: User, is_cost: bool = False,
    pk: int | None = None,
) -> PriceEntry:  # fmt: skip
    """Add a price or a cost, or change one.

    Raises:
        Refusal: with every problem at its field; nothing is stored.
    """
    values = sound(values)
    PriceList.objects.locked(price_list.pk)
    entry = PriceEntry(price_list=price_list, offering=offering, is_cost=is_cost)
    if pk is not None:
        entry = PriceEntry.objects.select_for_update().get(
            pk=pk, price_list=price_list, offering=offering, is_cost=is_cost
        )
    before = {name: getattr(entry, name) for name in FIELDS}
    for name, value in values.items():
        setattr(entry, name, value)
    try:
        with transaction.atomic():
            entry.save()
    except IntegrityError as error:
        said = "There is a price of this name for these values already. Change that one, or name this one differently."
        raise Refusal(problems={"label": [said]}) from error
    audit.record(
        (CHANGED if pk else ADDED)[is_cost], entry, by=by,
        changes=audit.difference(before, values) if pk else {"amount": [None, str(entry.amount)]},
        reason=f"{offering.name}, {price_list.name}",
    )  # fmt: skip
    return entry


@transaction.atomic
def drop(*, entry: PriceEntry, by: User) -> None:
    """Take a price or a cost out; quotes keep what they stored."""
    audit.record(TAKEN[entry.is_cost], entry, by=by, changes={"amount": [str(entry.amount), None]}, reason=str(entry))
    entry.delete()


def sound(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a price, with tiers read. Raises Refusal with every problem at its field."""
    values = dict(values)
    problems: dict[str, list[str]] = {}
    if not 0 <= values["amount"] <= LARGEST:
        problems["amount"] = ["A price is 0 or more."]
    if not 1 <= values["period"] <= 120:
        problems["period"] = ["A period is 1 to 120 months."]
    elif values["period"] != 1 and values["charge"] != Charge.RECURRING:
        problems["period"] = ["Only a recurring price has a period."]
    if values["charge"] == Charge.USAGE and not values["unit"]:
        problems["unit"] = ["Say what is counted, such as minute or GB."]
    if values["allowance"] < 0:
        problems["allowance"] = ["What is included is 0 or more."]
    try:
        values["tiers"] = tiering.stored(tiering.read(values["tiers"])) if values["tiering"] else []
    except tiering.BadTiers as error:
        texts = [f"Line {_line(place)}: {text}" for place, found in error.problems.items() for text in found]
        problems["tiers"] = texts
    if values["tiering"] and not values.get("tiers") and "tiers" not in problems:
        problems["tiers"] = ["Write the tiers, one a line."]
    if problems:
        raise Refusal(problems=problems)
    return values


def _line(place: str) -> str:
    number = place.split("-")[1] if "-" in place else "0"
    return str(int(number) + 1)
