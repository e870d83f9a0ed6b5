"""The frame of every page: navigation and new entries by permission. Apps add theirs from their roles.py."""

from collections.abc import Callable
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


def add_new(*items: NewItem) -> None:
    """Register entries of the New menu; called while apps load."""
    _new.extend(items)


def items() -> list[NavItem | NewItem]:
    """All entries, for the icon sprite."""
    return [*_items, *_new]


def _url(name: str, args: tuple[str, ...] = ()) -> str | None:
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return None


def _count(item: NavItem, user: User) -> int:
    if item.count is None:
        return 0
    found = cache.get_or_set(f"nav:{item.url_name}:{user.pk}", lambda: item.count(user), COUNT_SECONDS)
    return int(found or 0)


def navigation(request: HttpRequest) -> list[tuple[str, list[dict[str, Any]]]]:
    """Groups with the entries that this person may use; the longest URL that fits is where we are."""
    user: Any = request.user
    allowed = [
        (item, url)
        for item in sorted(_items, key=lambda entry: entry.order)
        if user.has_perm(item.permission) and (url := _url(item.url_name, item.args))
    ]
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
            "count": _count(item, user),
            "hot": item.hot,
        }
        groups.setdefault(item.group, []).append(entry)
    return [(name, entries) for name, entries in groups.items() if entries]


def new_entries(user: User) -> list[dict[str, str]]:
    """Entries of the New menu that this person may use."""
    entries = sorted(_new, key=lambda entry: entry.order)
    return [
        {"label": item.label, "icon": item.icon, "url": url}
        for item in entries
        if user.has_perm(item.permission) and (url := _url(item.url_name))
    ]


def context(request: HttpRequest) -> dict[str, Any]:
    """Template context of the frame; lazy, so that pages without a frame pay nothing."""
    user: Any = getattr(request, "user", None)
    if not user or not user.is_authenticated:
        return {}
    return {
        "navigation": lambda: navigation(request),
        "new_entries": lambda: new_entries(user),
        "unread": lambda: notifications.unread(user),
        "themes": User._meta.get_field("theme").choices,
    }


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
