"""Choosing: what customers have, for every form that names an installed product."""

from typing import Any

from cmdb.models import Product
from kernel import choosing
from kernel.models import User


def installed(by: User, below: str = "") -> Any:
    """Products that work or rest, of all customers, or of the account at a path and below it."""
    states = (Product.State.ACTIVE, Product.State.SUSPENDED)
    rows = Product.objects.visible_to(by).filter(state__in=states).select_related("site").order_by("name", "pk")
    return rows.filter(account__path__startswith=below) if below else rows


def label(product: Product) -> str:
    """Where it is and how it stands."""
    where = f", {product.site.name}" if product.site else ""
    return f"{product.name}{where} ({product.number}, {product.get_state_display().lower()})"


choosing.register("cmdb.installed", rows=installed, search=("name", "number", "site__name", "site__code"), label=label)
