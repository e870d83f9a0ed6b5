"""Price lists: which one holds for a currency, a segment and a day, by which rate when it is in another currency."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.text import slugify

from catalog import currencies
from catalog.currencies import NoRate, Rate
from catalog.models import PriceEntry, PriceList
from kernel import audit, editing, money
from kernel.models import User
from kernel.refusal import Refusal

FIELDS = ("name", "currency", "segment", "valid_from", "valid_until")


class NoPrices(Refusal):
    """Nobody has prices for this customer today."""


def standing(on: dt.date) -> QuerySet[PriceList]:
    """The lists that hold on a day."""
    current = Q(valid_until__isnull=True) | Q(valid_until__gte=on)
    found: QuerySet[PriceList] = PriceList.objects.filter(current, valid_from__lte=on)
    return found


def choose(*, currency: str, segment: str, on: dt.date) -> tuple[PriceList, Rate | None]:
    """The list of a currency: the segment's own before one for all, then the latest. Without any, the one in the
    company's currency with the rate of the day.

    Raises:
        NoPrices: there is neither; the message says what is missing.
    """
    if own := _first(currency, segment, on):
        return own, None
    home = _first(settings.HOME_CURRENCY, segment, on) if currency != settings.HOME_CURRENCY else None
    if home is None:
        raise NoPrices(f"There is no price list in {currency} for {segment} customers today.")
    try:
        return home, currencies.rate(home.currency, currency, on)
    except NoRate as error:
        raise NoPrices(f"There is no price list in {currency} for {segment} customers today. {error}") from error


@transaction.atomic
def keep(*, by: User, values: dict[str, Any], pk: int | None = None, edition: int = 0) -> PriceList:
    """Make a list, or change the head of one that was shown at `edition`.

    Raises:
        Refusal: it ends before it begins, or its currency is to change although it has prices; each at its field.
        editing.Changed: somebody else saved it meanwhile.
    """
    old = PriceList.objects.get(pk=pk) if pk else None
    if problems := wrong(values, old):
        raise Refusal(problems=problems)
    if old is not None:
        return editing.edit(PriceList, old.pk, edition=edition, values=values, by=by)
    made: PriceList = PriceList.objects.create(key=_free_key(values["name"]), **values)
    audit.record("made", made, by=by, changes={"currency": [None, made.currency]})
    return made


def wrong(values: dict[str, Any], old: PriceList | None) -> dict[str, list[str]]:
    """What is wrong with the head of a list, by field; `old` is the list as it is."""
    problems: dict[str, list[str]] = {}
    if said := money.refusal(values["currency"]):
        problems["currency"] = [said]
    until = values.get("valid_until")
    if until and until < values["valid_from"]:
        problems["valid_until"] = ["It cannot end before it begins."]
    if old and old.currency != values["currency"] and old.entries.exists():
        problems["currency"] = [
            f"Its prices are in {old.currency} and would be taken for {values['currency']}. Make another list."
        ]
    return problems


@transaction.atomic
def copy_prices(*, source: PriceList, target: PriceList, by: User) -> int:
    """Copy prices and costs of one list into an empty one, converted by the rate that the newer one begins with.

    Rules and matrices of the source stay with it. Raises Refusal when the target has prices, NoRate without a rate.
    """
    target = PriceList.objects.locked(target.pk)
    if target.entries.exists():
        raise Refusal(problems={"source": [f"{target.name} has prices already; nothing was copied over them."]})
    rate = None if source.currency == target.currency else currencies.rate(
        source.currency, target.currency, target.valid_from
    )  # fmt: skip
    made = []
    for entry in source.entries.order_by("id"):
        entry.pk, entry.price_list = None, target
        if rate:
            rounds = currencies.rounding(target.currency, target.valid_from)
            entry.amount = rounds(rate.convert(entry.amount))
            entry.tiers = [
                {"over": tier["over"], "amount": str(rate.convert(Decimal(str(tier["amount"]))))}
                for tier in entry.tiers
            ]
        made.append(entry)
    PriceEntry.objects.bulk_create(made)
    said = f"{len(made)} prices of {source.name}" + (f", {rate.worded()}" if rate else "")
    audit.record("prices copied", target, by=by, changes={"prices": [None, said]})
    return len(made)


def _first(currency: str, segment: str, on: dt.date) -> PriceList | None:
    rows = standing(on).filter(currency=currency, segment__in=("", segment))
    return rows.order_by("-segment", "-valid_from", "pk").first()


def _free_key(name: str) -> str:
    stem = slugify(name)[:54] or "prices"
    taken = set(PriceList.objects.filter(key__startswith=stem).values_list("key", flat=True))
    return next(key for key in (stem, *(f"{stem}-{n}" for n in range(2, 10_000))) if key not in taken)
