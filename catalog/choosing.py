"""Choosing: offerings for the forms of sellers and of the catalogue's keepers."""

from typing import Any

from django.db.models import Q

from catalog.models import Offering, Specification
from kernel import choosing
from kernel.models import User

SEARCH = ("name", "key", "description")


def for_sale(by: User, specified: bool = False, also: tuple[int, ...] = ()) -> Any:
    """What can be sold by itself today, and these; `specified` leaves out bundles without a specification."""
    sold = Q(pk__in=Offering.objects.on_sale().values("pk"), sellable=True) & ~Q(kind="entitlement")
    rows = Offering.objects.visible_to(by).filter(sold | Q(pk__in=also)).order_by("position", "key")
    return rows.filter(specification__isnull=False) if specified else rows


def active(by: User) -> Any:
    """Every active offering but entitlements, for terms and rules."""
    return Offering.objects.visible_to(by).filter(state="active").exclude(kind="entitlement").order_by("name")


def specifications(by: User, kind: str = "", also: tuple[int, ...] = ()) -> Any:
    """Every active specification, or those of a kind, and these."""
    rows = Specification.objects.visible_to(by).filter(Q(state="active") | Q(pk__in=also)).order_by("name", "key")
    return rows.filter(kind=kind) if kind else rows


choosing.register(
    "catalog.specification", rows=specifications, search=("name", "key"),
    label=lambda one: f"{one.name} ({one.get_kind_display().lower()}, {one.key})",
)  # fmt: skip
choosing.register("catalog.for_sale", rows=for_sale, search=SEARCH)
choosing.register("catalog.active", rows=active, search=SEARCH)
