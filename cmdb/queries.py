"""Questions about the inventory: what a customer has, and what stands on one thing."""

from typing import Any

from django.db.models import Count, Q

from cmdb.models import Product, Resource, Service
from crm.models import Account
from kernel.models import User

LIVING = ("created", "pending_active", "active", "suspended", "pending_terminate")
NEAR = ("account", "site", "specification")


def products_of(account: Account, user: User) -> Any:
    """Living products of an account and of all below it, by site."""
    under = Account.objects.under(account).values("pk")
    rows = Product.objects.visible_to(user).filter(account__in=under, state__in=LIVING)
    return rows.select_related("account", "site", "offering").order_by("account__name", "site__name", "name", "pk")


def counts(user: User) -> dict[str, int]:
    """How many there are of each kind, in one query each."""
    return {
        "products": Product.objects.visible_to(user).filter(state__in=LIVING).count(),
        "services": Service.objects.visible_to(user).exclude(state="terminated").count(),
        "resources": Resource.objects.visible_to(user).exclude(state="retired").count(),
    }


def product_figures(account: Account, user: User) -> dict[str, int]:
    """An account's products by whether they work."""
    rows = products_of(account, user).order_by()
    found: dict[str, int] = rows.aggregate(
        active=Count("pk", filter=Q(state="active")),
        coming=Count("pk", filter=Q(state__in=["created", "pending_active"])),
    )
    return found


def above(service: Service) -> list[Any]:
    """Services that stand directly on this one."""
    return [relation.service for relation in service.carries.select_related("service__specification").order_by("pk")]


def below(service: Service) -> list[Any]:
    """Services that this one stands directly on."""
    return [relation.on for relation in service.stands_on.select_related("on__specification").order_by("pk")]
