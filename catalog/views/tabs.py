"""The tabs over the catalogue's screens, each for whoever may open it."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

TABS = (
    ("offerings", "Offerings", "catalog:offering_list", "catalog.view_offering"),
    ("specifications", "Specifications", "catalog:specification_list", "catalog.view_specification"),
    ("samples", "Test bench", "catalog:sample_list", "catalog.view_sampleorder"),
    ("exchange", "Import and export", "catalog:exchange", "catalog.publish_catalogue"),
)


def of(request: HttpRequest, here: str) -> list[dict[str, Any]]:
    """Tabs for components/tabs.html."""
    return [
        {"label": label, "url": reverse(url), "here": name == here}
        for name, label, url, permission in TABS
        if request.user.has_perm(permission)
    ]
