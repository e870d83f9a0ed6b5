"""Filters of TMF630: `attribute.operator=value` and `attribute>value` on declared attributes, compiled to SQL."""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import unquote_plus

from django.db import models
from django.db.models import Q

from kernel.rest import shapes
from kernel.rest.errors import ApiError, invalid

OPERATORS = ("gte", "gt", "lte", "lt", "eq", "ne", "regex")
SYMBOLS = {">=": "gte", "<=": "lte", "!=": "ne", "==": "eq", ">": "gt", "<": "lt", "=": "eq"}
RESERVED = {"fields", "offset", "limit", "sort"}
LONGEST = 500
TEXT, NUMBER, MOMENT, DAY, CHOICE, FLAG = "text", "number", "moment", "day", "choice", "flag"
_PART = re.compile(r"(>=|<=|!=|==|=|>|<)")
_NAME = re.compile(r"[@\w.\-]{1,120}\Z")


@dataclass(frozen=True)
class Filter:
    """An attribute that can be filtered: the ORM path behind it and the kind of its values.

    `words` maps a TMF word to our values; `many` says that the path leads through several rows; `build` makes the
    condition itself from operator and values where a path cannot say it; `filled` promises that no row is without a
    value, so that one index serves both directions.
    """

    path: str = ""
    kind: str = TEXT
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    many: bool = False
    filled: bool = False
    build: Callable[[str, list[str]], Q] | None = None

    @property
    def sorts(self) -> bool:
        """Whether a list can be sorted by it."""
        return bool(self.path) and not self.many and self.build is None


@dataclass(frozen=True)
class Term:
    """One condition as asked."""

    name: str
    operator: str
    values: tuple[str, ...]


def words(mapping: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """TMF word → ours, from ours → TMF word."""
    found: dict[str, tuple[str, ...]] = {}
    for ours, theirs in mapping.items():
        found[theirs] = (*found.get(theirs, ()), ours)
    return found


def parse(query: str) -> tuple[dict[str, str], list[Term]]:
    """Reserved parameters and conditions of a raw query string. Raises ApiError for what cannot be read."""
    reserved: dict[str, str] = {}
    asked: dict[tuple[str, str], list[str]] = {}
    for part in filter(None, query.split("&")):
        text = unquote_plus(part)
        if shapes.UNFIT.search(text) or len(text) > LONGEST:
            raise ApiError(400, "A parameter is too long, or holds a character that cannot be.")
        name, symbol, value = _split(text)
        if symbol == "=" and name in RESERVED:
            reserved[name] = value
            continue
        operator = SYMBOLS[symbol]
        head, _, tail = name.rpartition(".")
        if symbol == "=" and tail in OPERATORS and head:
            name, operator = head, tail
        if not _NAME.match(name):
            raise invalid(name[:80], f"“{name[:80]}” is not the name of an attribute.")
        asked.setdefault((name, operator), []).extend(_values(value, operator))
    return reserved, [Term(name, operator, tuple(values)) for (name, operator), values in asked.items()]


def _split(text: str) -> tuple[str, str, str]:
    found = _PART.search(text)
    if not found or not found.start():
        raise invalid(text[:80], f"“{text[:80]}” is not a condition such as state=held.")
    name, symbol, value = text[: found.start()], found.group(), text[found.end() :]
    if symbol == "=" and value.startswith(("=",)):
        value = value[1:]
    return name, symbol, value


def _values(text: str, operator: str) -> list[str]:
    if operator == "regex":
        return [text]
    if text.startswith('"') and text.endswith('"') and len(text) > 1 and '"' not in text[1:-1]:
        return [text[1:-1]]
    return [part.strip().strip('"') for part in text.split(",")]


def narrowed(rows: models.QuerySet[Any], terms: list[Term], known: Mapping[str, Filter]) -> models.QuerySet[Any]:
    """The rows that meet every condition. Raises ApiError naming an unknown attribute, operator or value."""
    for term in terms:
        rows = rows.filter(condition(rows.model, term, known))
    return rows


def condition(model: type[models.Model], term: Term, known: Mapping[str, Filter]) -> Q:
    """One condition as SQL will ask it."""
    found = known.get(term.name)
    if found is None:
        raise invalid(term.name, _unknown(term.name))
    if found.build is not None:
        if term.operator not in ("eq", "ne"):
            raise _no_operator(term)
        asked = found.build(term.name, list(term.values))
    else:
        asked = _compare(found, term)
    if found.many or found.build is not None:
        asked = Q(pk__in=model._base_manager.filter(asked).values("pk"))
    return ~asked if term.operator == "ne" else asked


def _unknown(name: str) -> str:
    head, _, tail = name.rpartition(".")
    hint = f" Operators are {', '.join(OPERATORS)}." if head and tail.islower() and len(tail) <= 5 else ""
    return f"“{name}” is not an attribute that can be filtered.{hint}"


def _no_operator(term: Term) -> ApiError:
    return invalid(f"{term.name}.{term.operator}", f"“{term.name}” cannot be compared by “{term.operator}”.")


def _compare(found: Filter, term: Term) -> Q:
    if term.operator == "regex":
        return _regex(found, term)
    if found.kind in (CHOICE, FLAG) and term.operator not in ("eq", "ne"):
        raise _no_operator(term)
    values = [value for text in term.values for value in _read(found, term, text)]
    if term.operator in ("eq", "ne"):
        return _equal(found, values)
    if len(values) != 1:
        raise invalid(term.name, f"“{term.operator}” compares with one value.")
    edge = values[0]
    if found.kind == MOMENT and type(edge) is dt.date:
        edge = dt.datetime(edge.year, edge.month, edge.day, tzinfo=dt.UTC)
    return Q(**{f"{found.path}__{term.operator}": edge})


def _equal(found: Filter, values: list[Any]) -> Q:
    if found.kind == MOMENT and {type(value) for value in values} == {dt.date}:
        return Q(**{f"{found.path}__date__in": values})
    return Q(**{f"{found.path}__in": values})


def _regex(found: Filter, term: Term) -> Q:
    if found.kind != TEXT:
        raise _no_operator(term)
    pattern = term.values[0]
    try:
        re.compile(pattern)
    except re.error as error:
        raise invalid(term.name, f"This pattern cannot be read: {error}.") from None
    if len(pattern) > 100:
        raise invalid(term.name, "A pattern has at most 100 characters.")
    return Q(**{f"{found.path}__regex": pattern})


def _read(found: Filter, term: Term, text: str) -> list[Any]:
    """The stored values that a word means."""
    if found.kind == CHOICE:
        if text.strip() not in found.words:
            allowed = ", ".join(sorted(found.words))
            raise invalid(term.name, f"“{text[:80]}” is not a value of “{term.name}”. Values are {allowed}.")
        return list(found.words[text.strip()])
    value = _READ[found.kind](text)
    if value is None:
        raise invalid(term.name, f"“{text[:80]}” is not a value of “{term.name}”.")
    return [value]


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value) < 10**15 else None


def _moment(text: str) -> Any:
    if len(text) == 10:
        return _day(text)
    return shapes.moment(text)


def _day(text: str) -> dt.date | None:
    found = shapes.moment(text)
    return found.date() if found else None


_READ: dict[str, Callable[[str], Any]] = {
    TEXT: lambda text: text,
    NUMBER: _number,
    MOMENT: _moment,
    DAY: _day,
    FLAG: lambda text: {"true": True, "false": False}.get(text.strip().lower()),
}
