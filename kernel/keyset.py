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
    path, descending = sort.lstrip("-"), sort.startswith("-")
    back = "before" in query and "after" not in query
    empty = _may_be_empty(found.model, path)
    order = _ordering(path, descending, empty)
    rows = found.annotate(_key=F(path)) if path != "pk" else found
    token = query.get("before" if back else "after")
    value, pk, place = _unpack(token, sort) if token else (None, None, 0)
    if pk is not None:
        rows = rows.filter(_beyond(path, descending, value, pk, back=back, empty=empty))
    taken = list(rows.order_by(*(_ordering(path, not descending, empty, first=True) if back else order))[: size + 1])
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


def ordering(model: type[models.Model], sort: str) -> list[Any]:
    """What to order rows by, so that they come as their pages do."""
    path = sort.lstrip("-")
    return _ordering(path, sort.startswith("-"), _may_be_empty(model, path))


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


def _ordering(path: str, descending: bool, empty: bool, *, first: bool = False) -> list[Any]:
    """By the path, then by key; empty values last, or `first` for the reversed order."""
    if path == "pk":
        return ["-pk" if descending else "pk"]
    nulls: dict[str, Any] = ({"nulls_first": True} if first else {"nulls_last": True}) if empty else {}
    key = F(path).desc(**nulls) if descending else F(path).asc(**nulls)
    return [key, "-pk" if descending else "pk"]


def _beyond(path: str, descending: bool, value: Any, pk: Any, *, back: bool, empty: bool) -> Q:
    """Rows on the far side of (value, pk) in this order, with empty values last."""
    way = "lt" if descending != back else "gt"
    beside = Q(**{f"pk__{way}": pk})
    if path == "pk":
        return beside
    if value is None:
        level = Q(**{f"{path}__isnull": True}) & beside
        return level | Q(**{f"{path}__isnull": False}) if back else level
    far = Q(**{f"{path}__{way}e": value}) & (Q(**{f"{path}__{way}": value}) | beside)
    return far if back or not empty else far | Q(**{f"{path}__isnull": True})


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
