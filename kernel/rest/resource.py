"""Resources: what an app declares to show its records to other systems, and the API that holds them together."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.db.models import Q
from django.urls import URLPattern, path

from kernel.models.people import User
from kernel.rest import shapes
from kernel.rest.filters import Filter
from kernel.rest.rendering import Flat, Json, Rendering

Rows = Callable[[User], models.QuerySet[Any]]
_apis: dict[str, "Api"] = {}
_paths: dict[str, str] = {}


@dataclass(frozen=True)
class Change:
    """A merge patch: what it says by first-level attribute, and how the record stood before."""

    body: Json
    before: Json

    @property
    def differing(self) -> dict[str, Any]:
        """Attributes that the patch really changes."""
        return {name: value for name, value in self.body.items() if self.before.get(name) != value}


@dataclass(frozen=True)
class Resource:
    """One kind of record at one address.

    `rows` are those that a person may see; `ready` adds what rendering the wanted attributes reads, in a constant
    number of queries, or `flat` says which plain values are enough; `fill` puts more on rows that were read, such as
    what lies below them;
    `render` writes one row, with functions for values that are dear. `create` and `change` call the acts of the
    screens; `create` gives the primary key of the record, or the record itself as it would be read. `field` turns the
    field names of a refusal into JSON paths of the body. `refused` says why an operation of the definition is not
    there.
    """

    name: str
    type: str
    rows: Rows
    render: Callable[[Any, Rendering], Json]
    key: str = "number"
    filters: Mapping[str, Filter] = field(default_factory=dict)
    ready: Callable[[models.QuerySet[Any], Rendering], models.QuerySet[Any]] = lambda rows, page: rows
    flat: Flat | None = None
    fill: Callable[[list[Any], Rendering], None] = lambda rows, page: None
    create: Callable[[Json, User], Any] | None = None
    change: Callable[[int, Change, User], None] | None = None
    remove: Callable[[int, User], None] | None = None
    path_of: Callable[[str, Json], str] | None = None
    refused: Mapping[str, str] = field(default_factory=dict)
    frozen: frozenset[str] = frozenset({"id", "href", "@type", "@baseType", "@schemaLocation"})
    read_key: Callable[[str], Any] = str
    id_of: Callable[[Any], str] | None = None
    find: Callable[[str], Q] | None = None

    def one(self, rows: models.QuerySet[Any], page: Rendering) -> Any:
        """The first of these rows as rendering reads it, None without one."""
        return next(iter(self.read(rows[:1], page)), None)

    def read(self, rows: models.QuerySet[Any], page: Rendering) -> list[Any]:
        """These rows, with all that rendering them reads."""
        found = self.flat.rows(rows, page) if self.flat else list(self.ready(rows, page))
        self.fill(found, page)
        return found

    def key_of(self, row: Any) -> str:
        """The id of a record."""
        return self.id_of(row) if self.id_of else str(getattr(row, self.key))

    def of_key(self, key: str) -> Q:
        """Where the record with that id is found. Raises ValueError for what can be no id."""
        return self.find(key) if self.find else Q(**{self.key: self.read_key(key)})

    @property
    def known(self) -> Mapping[str, Filter]:
        """Filters by attribute; every resource is found by its id."""
        return {
            "id": Filter(self.key, build=None if self.read_key is str and not self.find else self._any_of),
            **self.filters,
        }

    def _any_of(self, name: str, values: list[str]) -> Q:
        found = Q(pk__in=[])
        for value in values:
            with suppress(ValueError, OverflowError):
                found |= self.of_key(value)
        return found


@dataclass(frozen=True)
class Api:
    """One TM Forum API: its number, its published definition, its base path and its resources."""

    key: str
    title: str
    base: str
    resources: tuple[Resource, ...]
    absent: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _apis[self.key] = self
        for resource in self.resources:
            _paths[resource.name] = f"/tmf-api/{self.base}/v4/{resource.name}"

    @property
    def file(self) -> str:
        """The start of the definition's file name."""
        return self.key.upper()

    @property
    def root(self) -> str:
        """Where it stands."""
        return f"/tmf-api/{self.base}/v4/"

    @property
    def version(self) -> str:
        """The published version that it follows."""
        return str(shapes.definition(self.file)["info"]["version"])

    def resource(self, name: str) -> Resource | None:
        """A resource by its name in the path."""
        return next((one for one in self.resources if one.name == name), None)

    @property
    def urls(self) -> list[URLPattern]:
        """Patterns below its base path."""
        from kernel.rest import hub, service

        return [
            path("hub", hub.subscribe, {"api": self}, name=f"{self.key}_hub"),
            path("hub/<str:key>", hub.unsubscribe, {"api": self}),
            path("<str:name>", service.collection, {"api": self}, name=f"{self.key}_list"),
            path("<str:name>/<str:key>", service.item, {"api": self}, name=f"{self.key}_item"),
            path("", service.nothing, {"api": self}),
            path("<path:rest>", service.nothing, {"api": self}),
        ]


def apis() -> list[Api]:
    """Every declared API by number."""
    return sorted(_apis.values(), key=lambda api: api.key)


def api(key: str) -> Api | None:
    """One by its number, such as tmf622."""
    return _apis.get(key)


def paths() -> dict[str, str]:
    """Resource name → its path."""
    return _paths
