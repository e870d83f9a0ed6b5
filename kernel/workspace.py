"""The workspace's door: the person behind a request, and the page a guard refuses with."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from kernel import roles
from kernel.models.people import User

View = Callable[..., HttpResponse]


def person(request: HttpRequest) -> User:
    """The logged-in person, typed."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101 – only called behind login_required
    return user


def may_open(user: User, path: str) -> bool:
    """Whether a person may open the page at a path of ours. False for a path that leads nowhere."""
    try:
        view = resolve(path).func
    except Resolver404:
        return False
    return user.is_active and all(user.has_perm(name) for name in getattr(view, "permissions", ()))


def allowed(*permissions: str) -> Callable[[View], View]:
    """Decorator of a view: log-in first, then all these permissions, else a 403 page that names what is missing.

    The view carries them as `permissions`, so that `may_open` can ask about its address.
    """

    def wrap(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            missing = [name for name in permissions if not request.user.has_perm(name)]
            if missing:
                raise PermissionDenied(f"Your roles do not include the right “{roles.words(missing[0])}”.")
            return view(request, *args, **kwargs)

        entry = login_required(guarded)
        entry.permissions = permissions  # type: ignore[attr-defined]
        return entry

    return wrap
