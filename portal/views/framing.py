"""The frame of the customer's pages: where one can go, where one is, how much lies in the basket."""

import functools
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from contracts import requesting


def navigation(request: HttpRequest) -> list[tuple[str, str, bool]]:
    """Entries as (label, address, whether we are there); the longest address that fits is where we are."""
    entries = (
        (_("Overview"), "portal:home"),
        (_("Catalogue"), "portal:catalogue"),
        (_("Orders"), "portal:order_list"),
        (_("Services"), "portal:service_list"),
        (_("Quotes"), "portal:quote_list"),
        (_("Documents"), "portal:document_list"),
        (_("Company"), "portal:people"),
    )
    top = reverse("portal:home")
    found = [(label, reverse(name)) for label, name in entries]
    here = next((url for _label, url in found if url != top and request.path.startswith(url)), "")
    here = here or (top if request.path == top else "")
    return [(label, url, url == here) for label, url in found]


def context(request: HttpRequest) -> dict[str, Any]:
    """Template context of the portal's frame; lazy, so that pages without it pay nothing."""
    user: Any = getattr(request, "user", None)
    if not user or not user.is_authenticated:
        return {}
    return {
        "portal_nav": functools.cache(lambda: navigation(request)),
        "cart_count": functools.cache(lambda: requesting.in_basket(user)),
    }
