"""Report: what an app declares, and the shelves on which reports and dashboards stand."""

import abc
import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from kernel import writing
from kernel.models.people import User
from kernel.reporting.asking import Asked, Filter, month_of

KINDS = ("count", "days", "hours", "percent", "money")
WORKS = "kernel.use_workspace"


@dataclass(frozen=True)
class Column:
    """One column of numbers. `of` is (part, whole) of a percent, worked out from the sums of both.

    `counts` names another column whose records this number opens; `query` is what else the list needs in its address.
    A column that is not `summed` has no total. Whoever lacks `permission` neither sees it nor gets it in a file.
    """

    key: str
    label: str
    kind: str = "count"
    of: tuple[str, str] = ("", "")
    counts: str = ""
    summed: bool = True
    permission: str = ""
    records: str = ""
    query: str = ""

    @property
    def opens(self) -> str:
        """The column whose records are behind the number."""
        return self.counts or self.of[0] or self.key


@dataclass(frozen=True)
class Chart:
    """How the numbers are drawn: bars upright, bars lying (`across`), or lines; series are columns with a tone."""

    series: tuple[tuple[str, str], ...]
    kind: str = "bar"
    stacked: bool = False
    across: bool = False


@dataclass(frozen=True)
class Row:
    """One line: its key in addresses, its name, a number for each column; a `tone` of its own colours its bar."""

    key: str
    label: str
    values: dict[str, Any]
    tone: str = ""


class Report(abc.ABC):
    """Declares a report; class attributes, and two methods: `rows` and `behind`."""

    key: ClassVar[str] = ""
    title: ClassVar[str] = ""
    lead: ClassVar[str] = ""
    group: ClassVar[str] = ""
    head: ClassVar[str] = ""  # of the first column
    permissions: ClassVar[tuple[str, ...]] = ()
    filters: ClassVar[tuple[Filter, ...]] = ()
    columns: ClassVar[tuple[Column, ...]] = ()
    chart: ClassVar[Chart | None] = None
    records: ClassVar[str] = ""
    headline: ClassVar[str] = ""  # the column whose total stands at the head of a tile
    says: ClassVar[str] = ""  # what that number is, where its column and the period do not say it
    currency: ClassVar[str] = ""  # the filter that names the currency of amounts
    months: ClassVar[bool] = False  # whether the keys of rows are months
    empty: ClassVar[str] = "There is nothing to count yet."
    note: ClassVar[str] = ""

    @abc.abstractmethod
    def rows(self, asked: Asked) -> Sequence[Row]:
        """The lines of the table, of what the reader may see."""

    @abc.abstractmethod
    def behind(self, asked: Asked, row: str, column: str) -> Any:
        """The records that a number counts, as a queryset; an empty row means all of them."""

    def total(self, asked: Asked, rows: Sequence[Row]) -> dict[str, Any]:
        """The numbers of the last line where a sum of the lines is not right."""
        return {}

    def label(self, asked: Asked, row: str) -> str:
        """The name of a line, for the list of its records."""
        if self.months and row:
            return month_name(month_of(row))
        return next((one.label for one in self.rows(asked) if one.key == row), row) if row else ""

    def allowed(self, user: User) -> bool:
        """Whether this person may see it."""
        return user.is_active and all(user.has_perm(name) for name in (WORKS, *self.permissions))

    def columns_for(self, user: User) -> list[Column]:
        """The columns that this person may see."""
        return [one for one in self.columns if not one.permission or user.has_perm(one.permission)]


@dataclass(frozen=True)
class Dashboard:
    """A page of several small reports. It is the own one of whoever has one of its roles."""

    key: str
    title: str
    lead: str
    roles: tuple[str, ...]
    reports: tuple[str, ...]
    order: int = 50

    def shown(self, user: User) -> list[Report]:
        """Its reports that this person may see."""
        return [found for key in self.reports if (found := _reports.get(key)) and found.allowed(user)]


_reports: dict[str, Report] = {}
_boards: dict[str, Dashboard] = {}


def add(*found: Report) -> None:
    """Put reports on the shelf; called while apps load."""
    _reports.update({one.key: one for one in found})


def add_dashboard(*found: Dashboard) -> None:
    """Put dashboards on the shelf; called while apps load."""
    _boards.update({one.key: one for one in found})


def report(key: str) -> Report | None:
    """A report by its key."""
    return _reports.get(key)


def reports_for(user: User) -> list[tuple[str, list[Report]]]:
    """What this person may see, by group."""
    groups: dict[str, list[Report]] = {}
    for one in _reports.values():
        if one.allowed(user):
            groups.setdefault(one.group, []).append(one)
    return list(groups.items())


def board(key: str) -> Dashboard | None:
    """A dashboard by its key."""
    return _boards.get(key)


def boards_for(user: User) -> list[Dashboard]:
    """Dashboards of which this person may see something, their own first."""
    roles = set(user.roles)
    found = [one for one in _boards.values() if one.shown(user)]
    return sorted(found, key=lambda one: (not roles & set(one.roles), one.order))


def own_board(user: User) -> Dashboard | None:
    """The dashboard of a person's role."""
    roles = set(user.roles)
    return next((one for one in boards_for(user) if roles & set(one.roles)), None)


def month_name(first: dt.date) -> str:
    """October 2026."""
    return writing.day(first, "F Y")


def by_month(asked: Asked, found: Iterable[dict[str, Any]], names: Iterable[str], path: str = "month") -> list[Row]:
    """One line for each month of the period, zeros where there is none; `found` are dicts with a day or a moment."""
    kept = {f"{one[path]:%Y-%m}": one for one in found if one[path]}
    names = list(names)
    return [
        Row(key, month_name(first), {name: kept.get(key, {}).get(name) or 0 for name in names})
        for first in asked.months()
        for key in [f"{first:%Y-%m}"]
    ]
