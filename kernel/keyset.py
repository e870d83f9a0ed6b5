"""Keyset paging: a page is found by the sort key and the primary key of its neighbour, so it stays put."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core import signing
from django.core.exceptions import BadRequest, FieldDoesNotExist
from django.db import models
from django.db.models import F, Q
from django.http import QueryDict

SALT = "kernel.keyset"
_PACK = {dt.datetime: "t", dt.date: "d", Decimal: "n"}
_READ: dict[str, Callable[[str], Any]] = {"t": dt.datetime.fromisoformat, "d": dt.date.fromisoformat, "n": Decimal}


@dataclass
class Page:
    """Rows of one page and the tokens of its neighbours, empty at the ends."""

    rows: list[Any]
    before: str = ""
    after: str = ""
    start: int = 1

    @property
    def end(self) -> int:
        """The number of the last row shown."""
        return self.start + len(self.rows) - 1


def paginate(found: models.QuerySet[Any], sort: str, query: QueryDict, *, size: int) -> Page:
    """One page of `found` sorted by an ORM path (minus for descending; empty values last either way), then by key.

    `query` may hold `after` or `before`, tokens made here. Raises BadRequest for any other value.
    """
    path, back = sort.lstrip("-"), "before" in query and "after" not in query
    token = query.get("before" if back else "after")
    value, pk, place = _unpack(token, sort) if token else (None, None, 0)
    taken = _taken(found, sort, None if pk is None else (value, pk), back=back, most=size + 1)
    more, taken = len(taken) > size, taken[:size]
    if back:
        taken.reverse()
        start = max(1, place - len(taken)) if more else 1
    else:
        start = place + 1
    page = Page(taken, start=start)
    if taken and (more if back else pk is not None):
        page.before = mark(sort, path, taken[0], page.start)
    if taken and (back or more):
        page.after = mark(sort, path, taken[-1], page.end)
    return page


def _taken(
    found: models.QuerySet[Any], sort: str, place: tuple[Any, Any] | None, *, back: bool, most: int
) -> list[Any]:
    """The rows nearest to a place, on its far side. Those with a value and those without are asked for one after the
    other, so that one plain index serves the sort either way."""
    path, falling = sort.lstrip("-"), sort.startswith("-") != back
    rows = found.annotate(_key=F(path)) if path != "pk" else found
    parts = [(rows, path)]
    if _may_be_empty(found.model, path):
        parts = [(rows.filter(**{f"{path}__isnull": False}), path), (rows.filter(**{f"{path}__isnull": True}), "pk")]
        parts = parts[::-1] if back else parts
        if place and (place[0] is None) != back:
            parts = parts[1:]
    taken: list[Any] = []
    for part, key in parts:
        here = place and not taken and key == (path if place[0] is not None else "pk")
        asked = part.filter(_beyond(key, *place, falling=falling)) if place and here else part
        order = [F(key), F("pk")] if key != "pk" else [F("pk")]
        taken += asked.order_by(*(one.desc() if falling else one.asc() for one in order))[: most - len(taken)]
        if len(taken) == most:
            break
    return taken


def ordering(model: type[models.Model], sort: str) -> list[Any]:
    """What to order rows by, so that they come as their pages do: empty values last, either way."""
    path, sign = sort.lstrip("-"), "-" if sort.startswith("-") else ""
    if path == "pk":
        return [f"{sign}pk"]
    nulls: dict[str, Any] = {"nulls_last": True} if _may_be_empty(model, path) else {}
    return [F(path).desc(**nulls) if sign else F(path).asc(**nulls), f"{sign}pk"]


def _may_be_empty(model: type[models.Model], path: str) -> bool:
    """Whether the sort key can be NULL; a key that cannot is sorted plainly, so that its index serves."""
    for part in path.split("__"):
        try:
            field = model._meta.get_field("id" if part == "pk" else part)
        except FieldDoesNotExist:
            return True
        if getattr(field, "null", True):
            return True
        if field.is_relation:
            model = field.related_model  # type: ignore[assignment]
    return False


def _beyond(path: str, value: Any, pk: Any, *, falling: bool) -> Q:
    """Rows behind (value, pk) when both rise, or fall."""
    way = "lt" if falling else "gt"
    beside = Q(**{f"pk__{way}": pk})
    if path == "pk":
        return beside
    return Q(**{f"{path}__{way}e": value}) & (Q(**{f"{path}__{way}": value}) | beside)


def mark(sort: str, path: str, row: Any, place: int) -> str:
    """What the page behind a row is asked for by; the row carries its sort key as `_key`, `place` is its number."""
    value: Any = None if path == "pk" else row._key
    kind = _PACK.get(type(value), "")
    text = value if not kind else (value.isoformat() if kind in "td" else str(value))
    return signing.dumps([sort, kind, text, row.pk, place], salt=SALT)


def _unpack(token: str, sort: str) -> tuple[Any, Any, int]:
    try:
        made_for, kind, text, pk, place = signing.loads(token, salt=SALT)
        if made_for != sort:
            raise ValueError("another sort")
        return _READ[kind](text) if kind else text, pk, int(place)
    except (signing.BadSignature, ValueError, TypeError, LookupError, ArithmeticError) as error:
        raise BadRequest("This page of the list does not exist. Open the list again.") from error
