"""Choosing: offerings for the forms of sellers and of the catalogue's keepers."""

from typing import Any

from catalog.models import Offering
from kernel import choosing
from kernel.models import User

SEARCH = ("name", "key", "description")


def for_sale(by: User, specified: bool = False) -> Any:
    """What can be sold by itself today; `specified` leaves out bundles without a specification of their own."""
    rows = Offering.objects.visible_to(by).filter(pk__in=Offering.objects.on_sale().values("pk"))
    rows = rows.filter(sellable=True).exclude(kind="entitlement").order_by("position", "key")
    return rows.filter(specification__isnull=False) if specified else rows


def active(by: User) -> Any:
    """Every active offering but entitlements, for terms and rules."""
    return Offering.objects.visible_to(by).filter(state="active").exclude(kind="entitlement").order_by("name")


choosing.register("catalog.for_sale", rows=for_sale, search=SEARCH)
choosing.register("catalog.active", rows=active, search=SEARCH)
