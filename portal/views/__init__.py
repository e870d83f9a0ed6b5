"""Screens of the portal."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from kernel import workspace

View = Callable[..., HttpResponse]


def customers_only(view: View) -> View:
    """Decorator: log-in first; people who are no customer are told where their own pages are."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "customer" not in workspace.person(request).roles:
            raise PermissionDenied("The portal is for customers. You find the same records in the workspace.")
        return view(request, *args, **kwargs)

    return login_required(guarded)


def frame(here: str) -> list[tuple[str, str, bool]]:
    """The portal's navigation."""
    entries = (
        (_("Overview"), "portal:home"),
        (_("Catalogue"), "portal:catalogue"),
        (_("Orders"), "portal:order_list"),
        (_("Services"), "portal:service_list"),
        (_("Quotes"), "portal:quote_list"),
        (_("Documents"), "portal:document_list"),
        (_("Company"), "portal:people"),
    )
    return [(label, reverse(name), name == here) for label, name in entries]
