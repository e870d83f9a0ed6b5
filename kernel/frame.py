"""The frame of every page: navigation and new entries by permission. Apps add theirs from their roles.py."""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from kernel import notifications
from kernel.models.people import User

COUNT_SECONDS = 20  # a count in the navigation may be this old


@dataclass(frozen=True)
class NavItem:
    """One entry of the left navigation, shown to whoever has the permission.

    `count` gives a person's number beside it (kept for some seconds); `hot` shows it in red; `args` belong to the URL.
    """

    group: str
    label: str
    icon: str
    url_name: str
    permission: str
    order: int = 50
    count: Callable[[User], int] | None = None
    hot: bool = False
    args: tuple[str, ...] = ()


@dataclass(frozen=True)
class NewItem:
    """One entry of the New menu."""

    label: str
    icon: str
    url_name: str
    permission: str
    order: int = 50


GROUPS = ("", "Sell", "Deliver", "Run", "Process", "Look up")
_items: list[NavItem] = []
_new: list[NewItem] = []


def add(*items: NavItem) -> None:
    """Register navigation entries; called while apps load."""
    _items.extend(items)
    _allowed.cache_clear()


def add_new(*items: NewItem) -> None:
    """Register entries of the New menu; called while apps load."""
    _new.extend(items)
    _allowed_new.cache_clear()


def items() -> list[NavItem | NewItem]:
    """All entries, for the icon sprite."""
    return [*_items, *_new]


def _url(name: str, args: tuple[str, ...] = ()) -> str | None:
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return None


@functools.lru_cache(maxsize=256)
def _allowed(permissions: frozenset[str]) -> list[tuple[NavItem, str]]:
    """The entries for whoever has these permissions, in order, with their addresses."""
    ordered = sorted(_items, key=lambda entry: entry.order)
    return [
        (item, url) for item in ordered if item.permission in permissions and (url := _url(item.url_name, item.args))
    ]


@functools.lru_cache(maxsize=256)
def _allowed_new(permissions: frozenset[str]) -> list[dict[str, str]]:
    return [
        {"label": item.label, "text": f"New {item.label.lower()}", "icon": item.icon, "url": url}
        for item in sorted(_new, key=lambda entry: entry.order)
        if item.permission in permissions and (url := _url(item.url_name))
    ]


def _counts(items: Iterable[NavItem], user: User) -> dict[str, int]:
    """The numbers beside entries, by URL name."""
    keys = {f"nav:{item.url_name}:{user.pk}": item for item in items if item.count}
    known = cache.get_many(keys)
    for key, item in keys.items():
        if key not in known and item.count:
            known[key] = item.count(user)
            cache.set(key, known[key], COUNT_SECONDS)
    return {item.url_name: int(known[key] or 0) for key, item in keys.items()}


def navigation(request: HttpRequest) -> list[tuple[str, list[dict[str, Any]]]]:
    """Groups with the entries that this person may use; the longest URL that fits is where we are."""
    user: Any = request.user
    allowed = _allowed(frozenset(user.get_all_permissions()))
    counts = _counts((item for item, _ in allowed), user)
    here = max(
        (url for _, url in allowed if request.path == url or (url != "/" and request.path.startswith(url))),
        key=len,
        default="",
    )
    groups: dict[str, list[dict[str, Any]]] = {name: [] for name in GROUPS}
    for item, url in allowed:
        entry = {
            "label": item.label,
            "icon": item.icon,
            "url": url,
            "here": url == here,
            "count": counts.get(item.url_name, 0) if item.count else 0,
            "hot": item.hot,
        }
        groups.setdefault(item.group, []).append(entry)
    return [(name, entries) for name, entries in groups.items() if entries]


def new_entries(user: User) -> list[dict[str, str]]:
    """Entries of the New menu that this person may use; `text` is the whole name, as a button says it."""
    return _allowed_new(frozenset(user.get_all_permissions()))


def context(request: HttpRequest) -> dict[str, Any]:
    """Template context of the frame; lazy, so that pages without a frame pay nothing."""
    user: Any = getattr(request, "user", None)
    if not user or not user.is_authenticated:
        return {}
    return {
        "new_entries": functools.cache(lambda: new_entries(user)),
        "unread": functools.cache(lambda: notifications.unread(user)),
        "themes": User._meta.get_field("theme").choices,
    }


def base(user: User) -> str:
    """The frame of a page that everybody has: the workspace's, for customers the portal's, else none."""
    if user.has_perm("kernel.use_workspace"):
        return "base.html"
    return "portal_base.html" if "customer" in user.roles else "plain.html"


def _waiting(user: User) -> int:
    from kernel import approvals

    return approvals.waiting_for(user).count()


add(
    NavItem("", "Home", "home", "home", "kernel.use_workspace", 1),
    NavItem(
        "",
        "Inbox",
        "bell",
        "notifications",
        "kernel.use_workspace",
        2,
        count=notifications.unread,
    ),
    NavItem("Process", "Calendars", "calendar-time", "calendars", "kernel.view_businesscalendar", 60),
    NavItem("Process", "Decision tables", "table", "decision_tables", "kernel.view_decisiontable", 10),
    NavItem("Look up", "Audit trail", "history", "trail", "kernel.view_auditentry", 90),
    NavItem("", "Dashboards", "layout-dashboard", "dashboards", "kernel.use_workspace", 4),
    NavItem("Look up", "Reports", "chart-bar", "reports", "kernel.use_workspace", 20),
    NavItem("", "Approvals", "checks", "approvals", "kernel.use_workspace", 3, count=_waiting),
)
