"""Working days: adding and counting days that count in a business calendar."""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

from kernel.models.calendars import BusinessCalendar

WEEKDAYS = frozenset(range(5))


@dataclass(frozen=True)
class Calendar:
    """A business calendar read once; dates only."""

    weekdays: frozenset[int] = WEEKDAYS
    holidays: frozenset[dt.date] = field(default_factory=frozenset)

    def works(self, day: dt.date) -> bool:
        """Whether the day counts."""
        return day.weekday() in self.weekdays and day not in self.holidays

    def next_workday(self, day: dt.date) -> dt.date:
        """The day itself if it counts, else the first later one that does."""
        while not self.works(day):
            day += dt.timedelta(days=1)
        return day

    def add(self, day: dt.date, days: int) -> dt.date:
        """`days` working days later (earlier when negative); 0 moves a free day to the next that counts."""
        day = self.next_workday(day) if days >= 0 else day
        step = dt.timedelta(days=1 if days >= 0 else -1)
        for _ in range(abs(days)):
            day += step
            while not self.works(day):
                day += step
        return day

    def between(self, start: dt.date, end: dt.date) -> int:
        """Working days after `start` up to and including `end`; negative when `end` is earlier."""
        if end < start:
            return -self.between(end, start)
        return sum(self.works(start + dt.timedelta(days=n)) for n in range(1, (end - start).days + 1))


@dataclass(frozen=True)
class Calendars:
    """All business calendars read once, by name, by country, and the default one."""

    by_name: dict[str, Calendar]
    by_country: dict[str, Calendar]
    default: Calendar

    def of(self, name: str = "", country: str = "") -> Calendar:
        """The calendar of that name, else that of the country, else the default one."""
        return self.by_name.get(name) or self.by_country.get(country) or self.default


def calendars() -> Calendars:
    """Every calendar in two queries; without any, Monday to Friday without holidays."""
    by_name: dict[str, Calendar] = {}
    by_country: dict[str, Calendar] = {}
    default = Calendar()
    for row in BusinessCalendar.objects.prefetch_related("holidays"):
        weekdays = frozenset(day for day in row.weekdays if 0 <= day < 7)
        found = Calendar(weekdays or WEEKDAYS, frozenset(holiday.day for holiday in row.holidays.all()))
        by_name[row.name] = found
        if row.country:
            by_country[row.country] = found
        if row.is_default:
            default = found
    return Calendars(by_name, by_country, default)


def calendar(name: str = "") -> Calendar:
    """The calendar of that name, else the default one, else Monday to Friday without holidays."""
    return calendars().of(name)


def whole_days(days: Decimal | float) -> int:
    """Durations may be fractions of a working day; dates move by whole days, rounded up from half."""
    return int(Decimal(str(days)).quantize(Decimal(1), rounding="ROUND_HALF_UP"))
