"""Asking: the filters of a report, and what one reader asked of it."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.core.exceptions import BadRequest
from django.db.models import Q
from django.utils import timezone

from kernel import writing
from kernel.models.people import User
from kernel.saying import said

Choices = Sequence[tuple[str, str]]
PERIODS: Choices = (
    ("30d", "Last 30 days"), ("90d", "Last 90 days"), ("12m", "Last 12 months"), ("month", "This month"),
    ("last", "Last month"), ("year", "This year"),
)  # fmt: skip


@dataclass(frozen=True)
class Filter:
    """One chip: a closed list of values, which may depend on the reader. Without `usual` there is a choice for all."""

    name: str
    label: str
    choices: Callable[[User], Choices]
    usual: str = ""
    all: str = "All"

    def offered(self, user: User) -> list[tuple[str, str]]:
        """The values as (value, label), the one for all first."""
        found = [(str(value), str(label)) for value, label in self.choices(user)]
        return found if self.usual else [("", self.all), *found]


PERIOD = Filter("period", "Period", lambda user: PERIODS, usual="12m")


@dataclass(frozen=True)
class Chip:
    """A filter as drawn: what is offered, what is chosen, and what is wrong with what was asked."""

    filter: Filter
    offered: list[tuple[str, str]]
    value: str
    problem: str = ""

    @property
    def chosen(self) -> str:
        """The chosen value in words."""
        return dict(self.offered).get(self.value, "")

    @property
    def is_on(self) -> bool:
        """Whether it says something else than usual."""
        return self.value != self.filter.usual


@dataclass(frozen=True)
class Asked:
    """What a reader asked: who, which filters, as of when."""

    user: User
    chips: tuple[Chip, ...] = ()
    now: dt.datetime = field(default_factory=timezone.now)

    def get(self, name: str) -> str:
        """The value of a filter, empty where the report has none of that name."""
        return next((chip.value for chip in self.chips if chip.filter.name == name), "")

    def where(self, **filters: str) -> Q:
        """The condition of column = the filter of that name, of those filters that ask for something."""
        return Q(**{column: value for column, name in filters.items() if (value := self.get(name))})

    @property
    def today(self) -> dt.date:
        """The reader's day."""
        return timezone.localdate(self.now)

    @property
    def since(self) -> dt.date:
        """The first day of the period."""
        today, first = self.today, self.today.replace(day=1)
        return {
            "30d": today - dt.timedelta(days=29), "90d": today - dt.timedelta(days=89), "12m": back(first, 11),
            "month": first, "last": back(first, 1), "year": first.replace(month=1),
        }[self.get("period") or PERIOD.usual]  # fmt: skip

    @property
    def until(self) -> dt.date:
        """The day after the last of the period."""
        return self.today.replace(day=1) if self.get("period") == "last" else self.today + dt.timedelta(days=1)

    def within(self, path: str, month: str = "") -> Q:
        """The condition that a moment lies in the period, or in one month of it."""
        since, until = self._days(month)
        return Q(**{f"{path}__gte": start_of(since), f"{path}__lt": start_of(until)})

    def days_within(self, path: str, month: str = "") -> Q:
        """The same for a column that holds days."""
        since, until = self._days(month)
        return Q(**{f"{path}__gte": since, f"{path}__lt": until})

    def _days(self, month: str) -> tuple[dt.date, dt.date]:
        first = month_of(month) if month else self.since
        return max(self.since, first), min(self.until, back(first, -1)) if month else self.until

    def months(self) -> list[dt.date]:
        """The first days of the months of the period."""
        return months_between(self.since, self.until - dt.timedelta(days=1))

    @property
    def values(self) -> dict[str, str]:
        """The filters that say something else than usual."""
        return {chip.filter.name: chip.value for chip in self.chips if chip.is_on}

    @property
    def words(self) -> str:
        """The period and whatever else is not as usual, in words of the reader's language."""
        return ", ".join(said(chip.chosen) for chip in self.chips if chip.filter.name == PERIOD.name or chip.is_on)


def ask(filters: Iterable[Filter], user: User, query: Mapping[str, str], now: dt.datetime | None = None) -> Asked:
    """Read the filters from an address; a value that is not offered counts as the usual one and is marked."""
    chips = []
    for one in filters:
        offered, typed = one.offered(user), query.get(one.name, one.usual).replace("\x00", "")[:80]
        known = typed in dict(offered)
        chips.append(Chip(one, offered, typed if known else one.usual, "" if known else "Choose one of the list."))
    return Asked(user, tuple(chips), now or timezone.now())


def back(first: dt.date, months: int) -> dt.date:
    """The first day of the month so many months before; negative for after."""
    place = first.year * 12 + first.month - 1 - months
    return dt.date(place // 12, place % 12 + 1, 1)


def months_between(since: dt.date, until: dt.date) -> list[dt.date]:
    """The first days of all months from one day to another."""
    found = [since.replace(day=1)]
    while (following := back(found[-1], -1)) <= until:
        found.append(following)
    return found


def inside(words: str) -> str:
    """Words as they stand inside a sentence of the reader's language; SLA stays SLA, and so do German nouns."""
    told = str(said(words))
    return told if writing.german() or told[1:2].isupper() else told[:1].lower() + told[1:]


def month_of(key: str) -> dt.date:
    """The first day of a month written 2026-11. Raises BadRequest."""
    try:
        return dt.date.fromisoformat(f"{key}-01")
    except ValueError:
        raise BadRequest("Open the report again.") from None


def start_of(day: dt.date) -> dt.datetime:
    """The moment at which a day begins where the reader is."""
    return timezone.make_aware(dt.datetime.combine(day, dt.time()))
