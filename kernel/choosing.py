"""Choosing: records that forms let people pick, by kind; each app registers how its own are listed, searched, called.

    choosing.register("crm.account", rows=lambda user: Account.objects.visible_to(user), search=("name", "number"))

A form names the kind and who chooses (`kernel.picking`); what it narrows the rows by travels signed, so that the
search of a picker offers exactly what the form accepts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.core.exceptions import BadRequest
from django.db import models
from django.db.models import Case, Q, Value, When

from kernel.models.people import User

SALT = "kernel.choosing"
SHORT = 50  # so many rows are a list to choose from; more are searched
SHOWN = 20
LONGEST = 100  # characters of a search


@dataclass(frozen=True)
class Kind:
    """Records to choose from: `rows(user, **scope)` are what this person may choose, `search` are ORM paths, the first
    one counts most; `label` and `detail` are what a person reads; `key` is the unique field that forms and addresses
    carry."""

    rows: Callable[..., models.QuerySet[Any]]
    search: tuple[str, ...]
    label: Callable[[Any], str] = str
    detail: Callable[[Any], str] = lambda record: ""
    key: str = "pk"


@dataclass(frozen=True)
class Choice:
    """One record that fits."""

    key: Any
    label: str
    detail: str


_kinds: dict[str, Kind] = {}


def register(name: str, **how: Any) -> None:
    """Let forms choose such records; called while apps load."""
    _kinds[name] = Kind(**how)


def kind(name: str) -> Kind:
    """A registered kind. Raises KeyError."""
    return _kinds[name]


def slip(name: str, user: User, scope: dict[str, Any]) -> str:
    """What a picker sends with its search; holds for this person only."""
    return signing.dumps([name, scope, user.pk], salt=SALT, compress=True)


def read(slip: str, user: User) -> tuple[Kind, models.QuerySet[Any]]:
    """The kind and the rows behind a slip. Raises BadRequest for one that was made up or is another person's."""
    try:
        name, scope, pk = signing.loads(slip, salt=SALT)
        if pk != user.pk:
            raise BadRequest("Open the form again.")
        return _kinds[name], _kinds[name].rows(user, **scope)
    except (signing.BadSignature, ValueError, TypeError, KeyError) as error:
        raise BadRequest("Open the form again.") from error


def fitting(kind: Kind, rows: models.QuerySet[Any], typed: str) -> models.QuerySet[Any]:
    """Rows in which every word typed is found somewhere; those that begin so come first."""
    typed = typed.replace("\x00", "").strip()[:LONGEST]
    words = [word for word in (part.strip(",;()") for part in typed.split()) if word]
    if not words:
        return rows
    for word in words[:8]:
        found = Q()
        for path in kind.search:
            found |= Q(**{f"{path}__icontains": word})
        rows = rows.filter(found)
    begins = Case(When(**{f"{kind.search[0]}__istartswith": typed}, then=Value(0)), default=Value(1))
    order = rows.query.order_by or rows.model._meta.ordering
    found_first: models.QuerySet[Any] = rows.annotate(_begins=begins).order_by("_begins", *order)
    return found_first


def choices(kind: Kind, rows: models.QuerySet[Any], typed: str) -> tuple[list[Choice], bool]:
    """The first that fit, and whether there are more."""
    found = list(fitting(kind, rows, typed)[: SHOWN + 1])
    shown = [Choice(getattr(one, kind.key), kind.label(one), kind.detail(one)) for one in found[:SHOWN]]
    return shown, len(found) > SHOWN


def one(kind: Kind, rows: models.QuerySet[Any], typed: str) -> tuple[Any, list[Any]]:
    """The record that was meant by what was typed, if it is clear; and those that fit."""
    found = list(fitting(kind, rows, typed)[: SHORT + 1])
    called = [record for record in found if kind.label(record) == typed.strip()]
    sure = called if len(called) == 1 else found
    return (sure[0] if len(sure) == 1 else None), found
