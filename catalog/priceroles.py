"""Who keeps prices, who reads them, who sees what things cost us; where prices stand in the frame."""

from collections.abc import Iterable

from django.db.models import Q
from django.urls import reverse

from catalog.models import PriceList, PriceMatrix
from kernel import finding, frame, roles, states
from kernel.finding import Found
from kernel.frame import NavItem
from kernel.models import User
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


def find(user: User, text: str, limit: int) -> Iterable[Found]:
    """Price lists and published matrices by name or key."""
    named = Q(name__icontains=text) | Q(key__icontains=text)
    for one in PriceList.objects.visible_to(user).filter(named)[:limit]:
        yield Found(one.name, reverse("catalog:price_list", args=[one.key]), one.currency, "", "coin")
    matrices = PriceMatrix.objects.visible_to(user).filter(named, state=PriceMatrix.State.ACTIVE)
    for matrix in matrices.order_by("key")[:limit]:
        yield Found(matrix.name, matrix.get_absolute_url(), f"version {matrix.version}", matrix.key, "table")


finding.register("Prices", "coin", "catalog.view_pricelist", find, order=41)
