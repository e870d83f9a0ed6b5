"""Choosing: offerings for the forms of sellers and of the catalogue's keepers."""

from typing import Any

from django.db.models import Case, Q, When

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


def open_ones(by: User) -> Any:
    """Of every offering but entitlements one version: that in force, else the newest in design or on trial."""
    rows = Offering.objects.visible_to(by).exclude(kind="entitlement").exclude(state="retired")
    first = rows.order_by("key", Case(When(state="active", then=0), default=1), "-version").distinct("key")
    return Offering.objects.filter(pk__in=first.values("pk")).order_by("name", "key")


def members(by: User, bundle: str = "") -> Any:
    """What a bundle may hold: every active offering but itself."""
    return active(by).exclude(key=bundle)


def specifications(by: User, kind: str = "", also: tuple[int, ...] = ()) -> Any:
    """Every active specification, or those of a kind, and these."""
    rows = Specification.objects.visible_to(by).filter(Q(state="active") | Q(pk__in=also)).order_by("name", "key")
    return rows.filter(kind=kind) if kind else rows


def usable(by: User) -> Any:
    """Versions of specifications that an offering may sell, products first."""
    rows = Specification.objects.visible_to(by).exclude(kind="resource").exclude(state="retired")
    return rows.order_by(Case(When(kind="product", then=0), default=1), "kind", "name", "version")


def versioned(one: Specification) -> str:
    """A version with its number and state."""
    kind = "" if one.kind == "product" else f", {one.get_kind_display().lower()}"
    return f"{one.name}{kind}, version {one.version} ({one.get_state_display().lower()})"


choosing.register("catalog.usable", rows=usable, search=("name", "key"), label=versioned)
choosing.register(
    "catalog.specification", rows=specifications, search=("name", "key"),
    label=lambda one: f"{one.name} ({one.get_kind_display().lower()}, {one.key})",
)  # fmt: skip
choosing.register("catalog.for_sale", rows=for_sale, search=SEARCH)
choosing.register("catalog.active", rows=active, search=SEARCH)
choosing.register("catalog.open", rows=open_ones, search=SEARCH, key="key")
choosing.register("catalog.member", rows=members, search=SEARCH)
