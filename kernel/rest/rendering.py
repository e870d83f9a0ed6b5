"""Rendering: values as JSON writes them, references with absolute addresses, only the attributes asked for."""

import datetime as dt
import functools
import json
from collections import defaultdict, namedtuple
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from kernel import workdays
from kernel.rest.errors import ApiError

ALWAYS = ("id", "href", "@type")
Json = dict[str, Any]


@dataclass(frozen=True)
class Rendering:
    """One answer in the making: the address of this server, who reads it, which attributes are wanted (None: all)."""

    root: str
    user: Any
    paths: dict[str, str]
    wanted: frozenset[str] | None = None

    @cached_property
    def calendars(self) -> workdays.Calendars:
        """Business calendars, read once for the whole answer."""
        return workdays.calendars()

    def href(self, resource: str, key: Any) -> str:
        """The absolute address of a resource by its name."""
        return f"{self.root}{self.paths[resource]}/{key}" if resource in self.paths else ""

    def wants(self, *names: str) -> bool:
        """Whether any of these attributes is to be shown, so that its rows have to be read."""
        return self.wanted is None or any(name in self.wanted for name in names)

    def ref(self, resource: str, key: Any, name: str = "", referred: str = "", **more: Any) -> Json:
        """A reference to another resource."""
        found: Json = {"id": str(key)}
        if href := self.href(resource, key):
            found["href"] = href
        if name:
            found["name"] = name
        found["@referredType"] = referred or resource[:1].upper() + resource[1:]
        return found | {k: v for k, v in more.items() if v not in (None, "")}

    def joined(self, rows: Any, **relations: tuple[str, ...]) -> Any:
        """These rows with what the wanted attributes point at; `relations` says it by attribute."""
        found = {path for name, paths in relations.items() if self.wants(name) for path in paths}
        return rows.select_related(*sorted(found)) if found else rows

    def shown(self, found: Mapping[str, Any]) -> Json:
        """Without what is empty or was not asked for; a value that is a function is worked out only if it is wanted."""
        wanted = self.wanted
        said = (
            (name, value() if callable(value) else value)
            for name, value in found.items()
            if wanted is None or name in wanted or name in ALWAYS
        )
        return {name: value for name, value in said if value is not None and value != []}


def chosen(text: str | None, known: Iterable[str]) -> frozenset[str] | None:
    """The first-level attributes that `fields` asks for; None for all. Raises ApiError for an unknown one."""
    if text is None or not text.strip():
        return None
    names = [part.strip().split(".")[0] for part in text.split(",") if part.strip()]
    if names == ["none"]:
        return frozenset()
    known = set(known) | set(ALWAYS)
    for name in names:
        if name not in known:
            raise ApiError(400, f"There is no attribute “{name[:80]}” to show.", [("fields", f"Unknown: {name[:80]}")])
    return frozenset(names)


def moment(value: dt.datetime | dt.date | None) -> str | None:
    """In UTC with Z; a day is its midnight in UTC."""
    if value is None:
        return None
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"{value.isoformat()}T00:00:00.000Z"


def money(amount: Decimal | None, currency: str) -> Json | None:
    """An amount with its currency."""
    return None if amount is None else {"unit": currency, "value": float(amount)}


def price(amount: Decimal, currency: str) -> Json:
    """A price without tax."""
    return {"dutyFreeAmount": money(amount, currency)}


def characteristics(values: dict[str, Any]) -> list[Json]:
    """Characteristic values as TMF writes them."""
    return [{"name": name, "valueType": _type(value), "value": value} for name, value in sorted(values.items())]


def nested(rows: Iterable[Any], name: str, write: Callable[[Any], Json]) -> list[Json]:
    """Rows that know their parent, as a tree: what is below one stands in it under that name."""
    below: dict[int | None, list[Any]] = defaultdict(list)
    for row in rows:
        below[row.parent_id].append(row)

    def written(row: Any) -> Json:
        inner = [written(one) for one in below.get(row.pk, ())]
        return {**write(row), name: inner} if inner else write(row)

    return [written(row) for row in below[None]]


class Flat:
    """Rows of plain values, many times cheaper than records with all that they point at.

    `paths` are those of `values_list` and the names of the values; `beside` says by attribute which more it reads.
    """

    def __init__(self, *paths: str, **beside: tuple[str, ...]) -> None:
        self.paths, self.beside = paths, beside

    def rows(self, rows: Any, page: Rendering) -> list[Any]:
        """Rows of a queryset, with what the wanted attributes read."""
        wanted = (paths for name, paths in self.beside.items() if page.wants(name))
        return self._read(rows, _row(self.paths + sum(wanted, ())))

    def below(self, rows: Any) -> dict[Any, list[Any]]:
        """Rows of a queryset, in its order, by the record to which they belong: the first of the paths says it."""
        found: dict[Any, list[Any]] = defaultdict(list)
        for row in self._read(rows, _row(self.paths)):
            found[row[0]].append(row)
        return found

    def of(self, record: Any) -> Any:
        """The row of a record that is at hand."""
        kind = _row(self.paths + sum(self.beside.values(), ()))
        return kind._make([_at(record, steps) for steps in _steps(kind._fields)])

    @staticmethod
    def _read(rows: Any, kind: Any) -> list[Any]:
        return [kind._make(values) for values in rows.values_list(*kind._fields)]


@functools.cache
def _row(paths: tuple[str, ...]) -> Any:
    """A kind of row with these values; more may be put on one later."""
    plain: Any = namedtuple  # its type says only what is written out
    return type("Row", (plain("Row", paths),), {})


@functools.cache
def _steps(paths: tuple[str, ...]) -> list[list[str]]:
    return [path.split("__") for path in paths]


def _at(record: Any, steps: list[str]) -> Any:
    for step in steps:
        record = getattr(record, step)
        if record is None:
            break
    return record


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "array" if isinstance(value, list) else "object" if isinstance(value, dict) else "string"


def dumps(value: Any) -> str:
    """Compact JSON; decimals as numbers, moments in UTC."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dt.date):
        return moment(value)
    return str(value)
