"""Middleware: where a request comes from, and refusals as answers."""

import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import is_valid_path, reverse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers

from kernel import audit, clash, htmx, lookingon, naming, zones
from kernel.refusal import Conflict, NotPermitted, Refusal

ADMINISTRATION = "/admin/"
MACHINES = ("/tmf-api/", "/oauth/", "/callbacks/", "/healthz")
Handler = Callable[[HttpRequest], HttpResponse]


class Origin:
    """Notes request id and address for the audit trail; a path with a NUL byte is not found, whatever the view."""

    def __init__(self, handle: Handler) -> None:
        self.handle = handle

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path:
            raise Http404("There is no such page.")
        token = audit.origin.set(audit.Origin(uuid.uuid4().hex, request.META.get("REMOTE_ADDR")))
        try:
            return self.handle(request)
        finally:
            audit.origin.reset(token)


class Refusals:
    """Answers a Refusal that no view caught: the reason in words, with the refusal's status; a lost clash likewise."""

    def __init__(self, handle: Handler) -> None:
        self.handle = handle

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.handle(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if clash.is_clash(error):
            error = Conflict("Somebody changed the same records at this moment, and nothing was saved. Try again.")
        return htmx.refuse(request, error) if isinstance(error, Refusal) else None


class WayBack:
    """Leads a person's browser from an address that only takes forms to the page above it.

    A refused form is drawn at the address that it was sent to; opening that again, or going back to it after the next
    act, would end on an empty 405.
    """

    def __init__(self, handle: Handler) -> None:
        self.handle = handle

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.handle(request)
        reads = request.method in ("GET", "HEAD") and "text/html" in request.headers.get("Accept", "")
        if response.status_code == 405 and reads and not getattr(request, "htmx", False):
            return redirect(_above(request.path))
        return response


def _above(path: str) -> str:
    """The nearest address above that exists."""
    while (path := path.rstrip("/").rpartition("/")[0]) and not is_valid_path(f"{path}/"):
        pass
    return f"{path}/"


class ContentPolicy:
    """Sends the content security policy: nothing inline or from elsewhere; the admin's theme needs a looser one."""

    STRICT = "; ".join(
        (
            "default-src 'self'", "img-src 'self' data:", "object-src 'none'", "base-uri 'self'", "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )  # fmt: skip
    ADMIN = f"{STRICT}; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'"

    def __init__(self, handle: Handler) -> None:
        self.handle = handle

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.handle(request)
        policy = self.ADMIN if request.path.startswith("/admin/") else self.STRICT
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=(self), payment=()")
        return response


class Fragments:
    """Keeps fragments out of the browser's memory: going back to the address of one opens the page, not the part."""

    def __init__(self, handle: Handler) -> None:
        self.handle = handle

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.handle(request)
        if getattr(request, "htmx", False):
            response.headers.setdefault("Cache-Control", "no-store")
        return response


class LookingOn:
    """Shows an administrator who looks on as somebody else the pages of that person, and refuses what would change."""

    KEY = "looks_on"

    def __init__(self, handle: Handler) -> None:
        self.handle = handle

    def __call__(self, request: HttpRequest) -> HttpResponse:
        held = request.session.get(self.KEY) if settings.SESSION_COOKIE_NAME in request.COOKIES else None
        if not held or request.path == reverse("look_on_stop"):
            return self.handle(request)
        by: Any = request.user
        leaves = request.path == reverse("logout") and request.method == "POST"
        found = lookingon.seen_as(held, by) if by.is_authenticated and not leaves else None
        if found is None:
            if by.is_authenticated:
                lookingon.end(held=held, by=by, reason="" if leaves else "its time was over")
            del request.session[self.KEY]
            return self.handle(request)
        request.user, request.looking_on = found, by  # type: ignore[attr-defined]
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return self.handle(request)
        refusal = NotPermitted(f"You look on as {found}, so nothing can be changed. Stop looking on first.")
        return htmx.refuse(request, refusal)


class Reader:
    """Speaks the reader's language, in their time zone.

    An htmx request of an ended session goes to the log-in page as a whole.
    """

    def __init__(self, handle: Handler) -> None:
        self.handle = handle

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = getattr(request, "user", None)
        if user is not None and user.is_authenticated:
            names = naming.spoken(request.path.startswith(ADMINISTRATION))
            chosen = translation.override(language(request, user.language))
            with timezone.override(zones.named(user.time_zone)), chosen, names:
                return self.handle(request)
        with translation.override(language(request, "")):
            response = self.handle(request)
        patch_vary_headers(response, ["Accept-Language"])
        login = resolve_url(settings.LOGIN_URL)
        if (
            getattr(request, "htmx", False)
            and response.status_code == 302
            and response.headers["Location"].startswith(login)
        ):
            back = request.htmx.current_url_abs_path or "/"  # type: ignore[attr-defined]
            return HttpResponse(headers={"HX-Redirect": redirect_to_login(back).headers["Location"]})
        return response


def language(request: HttpRequest, chosen: str) -> str:
    """The language of an answer: as chosen, else as the browser asks; machines are answered in English."""
    if request.path.startswith(MACHINES):
        return settings.LANGUAGE_CODE
    return chosen or translation.get_language_from_request(request)
