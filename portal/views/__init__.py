"""Screens of the portal."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

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
