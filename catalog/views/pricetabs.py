"""The tabs that all pages about prices share."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

TABS = (
    ("lists", "Price lists", "catalog:price_lists", "catalog.view_pricelist"),
    ("matrices", "Matrices", "catalog:matrices", "catalog.view_pricematrix"),
    ("money", "Currencies and rules", "catalog:money", "catalog.view_exchangerate"),
    ("costs", "Costs", "catalog:costs", "catalog.view_cost"),
    ("trial", "Try a price", "catalog:price_trial", "catalog.view_pricelist"),
)


def tabs(request: HttpRequest, here: str) -> list[dict[str, Any]]:
    """The tabs that this person may open."""
    return [
        {"label": label, "url": reverse(name), "here": key == here}
        for key, label, name, permission in TABS
        if request.user.has_perm(permission)
    ]
