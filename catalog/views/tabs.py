"""The tabs over the screens of the catalogue and of prices, each for whoever may open it."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

TABS = (
    ("offerings", "Offerings", "catalog:offering_list", "catalog.view_offering"),
    ("specifications", "Specifications", "catalog:specification_list", "catalog.view_specification"),
    ("samples", "Test bench", "catalog:sample_list", "catalog.view_sampleorder"),
    ("exchange", "Import and export", "catalog:exchange", "catalog.publish_catalogue"),
)


PRICES = (
    ("lists", "Price lists", "catalog:price_lists", "catalog.view_pricelist"),
    ("matrices", "Matrices", "catalog:matrices", "catalog.view_pricematrix"),
    ("rules", "Rules", "catalog:adjustments", "catalog.view_priceadjustment"),
    ("money", "Currencies and floors", "catalog:money", "catalog.view_exchangerate"),
    ("costs", "Costs", "catalog:costs", "catalog.view_cost"),
    ("trial", "Try a price", "catalog:price_trial", "catalog.view_pricelist"),
)


def of(request: HttpRequest, here: str, entries: tuple[tuple[str, str, str, str], ...] = TABS) -> list[dict[str, Any]]:
    """Tabs for components/tabs.html."""
    return [
        {"label": label, "url": reverse(url), "here": name == here}
        for name, label, url, permission in entries
        if request.user.has_perm(permission)
    ]
