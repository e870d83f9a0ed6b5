"""Paging of TMF630: offset and limit, totals and links, sorted by what an index serves.

Up to EXACT rows a total is counted each time. A longer list keeps its total for a moment, together with the last key it
counted to; its far half is then read from the end, so that the deepest page costs what the first does.
"""

import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.cache import cache
from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.models import F, Max

from kernel.rest.errors import invalid
from kernel.rest.filters import Filter

USUAL, MOST = 50, 1000
FARTHEST = 10**9
EXACT, KEPT_SECONDS = 2_000, 15


@dataclass(frozen=True)
class Page:
    """Rows of one page and where they stand."""

    rows: list[Any]
    total: int
    offset: int
    limit: int
    asked: bool

    def headers(self, url: str, query: list[tuple[str, str]]) -> dict[str, str]:
        """Totals and links to the other pages."""
        found = {"X-Total-Count": str(self.total), "X-Result-Count": str(len(self.rows))}
        kept = [(name, value) for name, value in query if name not in ("offset", "limit")]

        def link(offset: int, rel: str) -> str:
            return f'<{url}?{urlencode([*kept, ("offset", str(offset)), ("limit", str(self.limit))])}>; rel="{rel}"'

        if self.limit and (self.total > len(self.rows) or self.offset):
            last = max(0, (self.total - 1) // self.limit * self.limit)
            links = [link(0, "first")]
            if self.offset:
                links.append(link(max(0, self.offset - self.limit), "prev"))
            if self.offset + self.limit < self.total:
                links.append(link(self.offset + self.limit, "next"))
            found["Link"] = ", ".join([*links, link(last, "last")])
        return found

    @property
    def is_part(self) -> bool:
        """Whether the client asked for a page and there is more than it shows."""
        return self.asked and len(self.rows) < self.total


def page(
    rows: models.QuerySet[Any], reserved: Mapping[str, str], known: Mapping[str, Filter],
    read: Callable[[models.QuerySet[Any]], list[Any]],
) -> Page:  # fmt: skip
    """The rows asked for, read as rendering needs them."""
    offset = _whole(reserved, "offset", 0)
    limit = min(_whole(reserved, "limit", USUAL), MOST)
    order = ordering(reserved.get("sort", ""), known, rows.model)
    total, top = _total(rows, plain=order == ["pk"])
    asked = "offset" in reserved or "limit" in reserved
    if limit == 0 or offset >= total:
        return Page([], total, offset, limit, asked)
    number = min(limit, total - offset)
    if top is not None and offset > total // 2:
        start = total - offset - number
        taken = read(rows.filter(pk__lte=top).order_by("-pk")[start : start + number])[::-1]
    else:
        taken = read(rows.order_by(*order)[offset : offset + number])
    return Page(taken, total, offset, limit, asked)


def ordering(text: str, known: Mapping[str, Filter], model: type[models.Model]) -> list[Any]:
    """ORM ordering of `sort=-a,+b`; by key within, so that pages never overlap. Raises ApiError.

    Rows without a value come last, which is said only where there can be some: an index serves the plain order alone.
    """
    found: list[Any] = []
    for part in filter(None, (part.strip() for part in text.split(",")[:5])):
        name = part.lstrip("+- ")
        one = known.get(name)
        if one is None or not one.sorts:
            raise invalid("sort", f"A list cannot be sorted by “{name[:80]}”.")
        last = None if one.filled or not _may_lack(model, one.path) else True
        found.append(F(one.path).desc(nulls_last=last) if part.startswith("-") else F(one.path).asc(nulls_last=last))
    return [*found, "-pk" if found and found[-1].descending else "pk"]


@functools.cache
def _may_lack(model: type[models.Model], path: str) -> bool:
    """Whether a row can be without the value at the end of that path."""
    there: Any = model
    for name in path.split("__"):
        field: Any = there._meta.pk if name == "pk" else there._meta.get_field(name)
        if field.null:
            return True
        there = field.related_model
    return False


def _whole(reserved: Mapping[str, str], name: str, default: int) -> int:
    text = reserved.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or int(text[:12]) > FARTHEST:
        raise invalid(name, f"“{name}” is a whole number from 0.")
    return int(text)


def _total(rows: models.QuerySet[Any], *, plain: bool) -> tuple[int, int | None]:
    """How many there are, and on a long list sorted by key the last key counted."""
    bare = rows.order_by()
    try:
        sql, values = bare.values("pk").query.sql_with_params()
    except EmptyResultSet:
        return 0, None
    key = "total:" + hashlib.sha256(repr((sql, values)).encode()).hexdigest()
    kept: tuple[int, int] | None = cache.get(key)
    if kept is None:
        some = bare.values("pk")[: EXACT + 1].count()
        if some <= EXACT:
            return some, None
        counted = bare.aggregate(total=models.Count("pk"), top=Max("pk"))
        kept = (counted["total"], counted["top"])
        cache.set(key, kept, KEPT_SECONDS)
    return kept[0], kept[1] if plain else None
