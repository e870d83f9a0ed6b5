"""Who keeps prices, who reads them, who sees what things cost us; where prices stand in the frame."""

from collections.abc import Iterable
from typing import Any

from django.urls import reverse

from catalog.models import PriceList, PriceMatrix
from kernel import finding, frame, roles, states
from kernel.finding import Found, Sought
from kernel.frame import NavItem
from kernel.states import Look

KEPT = (
    "pricelist", "priceentry", "priceadjustment", "pricematrix", "currencyrule", "exchangerate", "marginfloor",
    "prorationrule",
)  # fmt: skip

for _role in ("process_admin", "finance"):
    for _verb in ("view", "add", "change"):
        roles.grant(_role, *(f"catalog.{_verb}_{_name}" for _name in KEPT))
    roles.grant(_role, "catalog.publish_prices", "catalog.view_cost")
roles.grant("process_admin", *(f"catalog.delete_{_name}" for _name in KEPT))
roles.grant("product_manager", "catalog.add_pricematrix", "catalog.change_pricematrix", "catalog.publish_prices")
for _role in roles.ROLES:
    if _role not in ("customer", "technician"):
        roles.grant(_role, "catalog.view_pricematrix", "catalog.view_exchangerate")
roles.grant("sales_manager", "catalog.view_cost", "catalog.view_marginfloor")

frame.add(NavItem("Look up", "Prices", "coin", "catalog:price_lists", "catalog.view_pricelist", 41))
states.add(
    {
        "catalog.pricematrix.active": Look("circle-check", "Published", "ok"),
        "catalog.pricematrix.draft": Look("pencil", "Draft", "idle"),
    }
)


def _named(rows: Any, sought: Sought) -> Iterable[Any]:
    """By name or key."""
    yield rows.filter(sought.within("name", "key"))


def _tell_list(one: PriceList) -> Found:
    return Found(one.name, reverse("catalog:price_list", args=[one.key]), one.currency, "", "coin")


def _tell_matrix(matrix: PriceMatrix) -> Found:
    return Found(matrix.name, matrix.get_absolute_url(), f"version {matrix.version}", matrix.key, "table")


finding.register(
    "Prices", "coin", "catalog.view_pricelist", order=41, ways=_named, tell=_tell_list,
    rows=PriceList.objects.visible_to,
)  # fmt: skip
finding.register(
    "Prices", "table", "catalog.view_pricelist", order=41, ways=_named, tell=_tell_matrix,
    rows=lambda user: PriceMatrix.objects.visible_to(user).filter(state=PriceMatrix.State.ACTIVE).order_by("key"),
)  # fmt: skip
