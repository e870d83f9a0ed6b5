"""The frame of every page: navigation by permission, unread notifications. Apps add their entries from their roles.py."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True)
class NavItem:
    """One entry of the left navigation, shown to whoever has the permission."""

    group: str
    label: str
    icon: str
    url_name: str
    permission: str
    order: int = 50


GROUPS = ("", "Sell", "Deliver", "Run", "Look up")
_items: list[NavItem] = []


def add(*items: NavItem) -> None:
    """Register navigation entries; called while apps load."""
    _items.extend(items)


def navigation(request: HttpRequest) -> list[tuple[str, list[dict[str, Any]]]]:
    """Groups with the entries that this person may use."""
    groups: dict[str, list[dict[str, Any]]] = {name: [] for name in GROUPS}
    for item in sorted(_items, key=lambda entry: entry.order):
        if not request.user.has_perm(item.permission):
            continue
        try:
            url = reverse(item.url_name)
        except NoReverseMatch:
            continue
        here = request.path == url or request.path.startswith(url)
        groups.setdefault(item.group, []).append({"label": item.label, "icon": item.icon, "url": url, "here": here})
    return [(name, entries) for name, entries in groups.items() if entries]


def context(request: HttpRequest) -> dict[str, Any]:
    """Template context of the frame; lazy, so that pages without a frame pay nothing."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    return {
        "navigation": lambda: navigation(request),
        "unread": lambda: request.user.notifications.filter(read_at__isnull=True).count(),  # type: ignore[union-attr]
    }
