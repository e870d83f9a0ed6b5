"""Doors: every address of the URL configuration, and what it answers each person who knocks with nothing in hand.

There are no records here: whoever is let in finds a page, a refusal of the form, or that there is no such record. Who
is not let in hears so before anything is looked up. That makes the matrix complete without a world to fill; whose
records are whose is asked by the trials of `test_records`.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.sessions.backends.cached_db import SessionStore
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import transaction
from django.http import Http404, HttpRequest
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver
from django_htmx.middleware import HtmxDetails

from kernel import roles
from kernel.models import User
from kernel.refusal import Refusal
from tests.factories import portal
from tests.factories.crm import AccountFactory
from tests.factories.people import UserFactory

TABLE = Path(__file__).parent / "matrix.txt"
PEOPLE = ("stranger", "nobody", *roles.ROLES)
METHODS = ("GET", "POST")
MACHINES = "/tmf-api/"  # want a token, whoever asks; what tokens may is tried in tests/api
ENOUGH = 99 if os.environ.get("FAULTS") == "full" else 2
LET_IN, REFUSED, LOG_IN, MISSING = "+", "-", "L", "0"
SAMPLES = {
    "int": "999999999", "str": "X1", "slug": "x1", "path": "x", "label": "crm.account", "root_type": "orders.order",
    "uidb64": "MQ", "token": "x", "side": "input", "kind": "rate", "uuid": "00000000-0000-4000-8000-000000000000",
}  # fmt: skip
HEAD = """\
# Who may open what: one row for each address and method, one column for each person.
#   +  let in (a page, a form sent back, or “no such record”)     -  refused, 403
#   L  sent to the log-in, or 401                                 0  not found, 404
# A row of no method is for all that the address takes. ACCESS=write writes the table anew: read the difference.
"""


@dataclass(frozen=True)
class Door:
    """One address as the URL configuration has it."""

    route: str
    view: Any
    values: dict[str, Any] = field(hash=False)

    @property
    def needs(self) -> bool:
        """Whether it names a record."""
        return bool(self.values)


def doors(resolver: Any = None, path: str = "/", taken: dict[str, Any] | None = None) -> Iterator[Door]:
    """All addresses but the administration's, which has a door of its own for the whole house."""
    for entry in (resolver or get_resolver()).url_patterns:
        route, values = path + str(entry.pattern), {**(taken or {}), **_sample(entry)}
        if isinstance(entry, URLResolver):
            if entry.namespace != "admin":
                yield from doors(entry, route, values)
        elif isinstance(entry, URLPattern):
            yield Door(route, entry.callback, {**entry.default_args, **values})


def _sample(entry: Any) -> dict[str, Any]:
    kinds = {name: kind.__class__.__name__ for name, kind in entry.pattern.converters.items()}
    found = {}
    for name, kind in kinds.items():
        text = SAMPLES.get(name) or SAMPLES[kind.removesuffix("Converter").lower().replace("string", "str")]
        found[name] = entry.pattern.converters[name].to_python(text)
    return found


def people() -> dict[str, Any]:
    """One person of each kind."""
    staff: dict[str, Any] = {role: UserFactory(role=role) for role in roles.ROLES}
    staff["customer"] = portal.customer(AccountFactory())
    return {"stranger": AnonymousUser(), "nobody": UserFactory(), **staff}


def knock(door: Door, everybody: dict[str, Any]) -> dict[str, list[str]]:
    """How the door answers each person, by method: signs of the table, none for a method that it does not take."""
    found = {}
    for method in METHODS:
        with transaction.atomic():
            signs = _signs(door, method, everybody)
            transaction.set_rollback(True)
        if any(signs):
            found[method] = [sign or LET_IN for sign in signs]
    return found


def _signs(door: Door, method: str, everybody: dict[str, Any]) -> list[str]:
    """Behind a guard that names its rights, those who have them are all alike: two of them knock, or all in full."""
    names = getattr(door.view, "permissions", ())
    signs: list[str] = []
    inside: list[str] = []
    for person in everybody.values():
        rightful = bool(names) and person.has_perms(names)
        alike = rightful and len(inside) == ENOUGH and set(inside) <= {LET_IN, ""} and len(set(inside)) == 1
        signs.append(inside[0] if alike else _knock(door, method, person))
        if rightful and not alike:
            inside = [*inside, signs[-1]][:ENOUGH]
    return signs


def _knock(door: Door, method: str, person: User | AnonymousUser) -> str:
    try:
        status, to = _answer(door, _request(method, door, person))
    except PermissionDenied:
        return REFUSED
    except Http404:
        return LET_IN if door.needs else MISSING
    except Refusal as refusal:
        return REFUSED if refusal.status == 403 else LET_IN
    except (BadRequest, SuspiciousOperation):
        return LET_IN
    if status == 405:
        return ""
    if status == 401 or to.startswith("/login/"):
        return LOG_IN
    return {403: REFUSED, 404: LET_IN if door.needs else MISSING}.get(status, LET_IN)


def _answer(door: Door, request: HttpRequest) -> tuple[int, str]:
    answer = door.view(request, **door.values)
    return answer.status_code, answer.headers.get("Location", "")


def _request(method: str, door: Door, person: User | AnonymousUser) -> HttpRequest:
    request = RequestFactory().generic(method, door.route.replace("<", "").replace(">", ""))
    request.user = person
    request.session = SessionStore()
    request.htmx = HtmxDetails(request)  # type: ignore[attr-defined]
    request._messages = CookieStorage(request)  # type: ignore[attr-defined]
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
    return request
