"""Working hours: adding and counting hours that count in a business calendar."""

import datetime as dt
from dataclasses import dataclass

from kernel import workdays, zones
from kernel.models.calendars import BusinessCalendar

DAY = dt.timedelta(days=1)
ALWAYS = "24x7"
FURTHEST = 3700  # days looked ahead, so that a calendar without any working day ends


@dataclass(frozen=True)
class Hours:
    """The opening hours of a calendar read once; without `days` the clock runs day and night."""

    days: workdays.Calendar | None = None
    opens: dt.time = dt.time(0)
    closes: dt.time = dt.time(0)
    zone: dt.tzinfo = dt.UTC

    def add(self, start: dt.datetime, length: dt.timedelta) -> dt.datetime:
        """The moment at which so much working time after `start` is over."""
        if self.days is None:
            return start + length
        day = start.astimezone(self.zone).date()
        for _ in range(FURTHEST):
            opens, closes = self._of(day)
            here = max(start, opens)
            if here < closes and length <= closes - here:
                return here + length
            length -= max(closes - here, dt.timedelta())
            day += DAY
        return start + length

    def between(self, start: dt.datetime, end: dt.datetime) -> dt.timedelta:
        """Working time from `start` to `end`; none when `end` is earlier."""
        if end <= start:
            return dt.timedelta()
        if self.days is None:
            return end - start
        total, day, last = dt.timedelta(), start.astimezone(self.zone).date(), end.astimezone(self.zone).date()
        while day <= last:
            opens, closes = self._of(day)
            total += max(min(end, closes) - max(start, opens), dt.timedelta())
            day += DAY
        return total

    def _of(self, day: dt.date) -> tuple[dt.datetime, dt.datetime]:
        """Opening and closing of a day in UTC, so that lengths are right over a change of the clocks."""
        opens = dt.datetime.combine(day, self.opens, self.zone).astimezone(dt.UTC)
        if self.days is None or not self.days.works(day):
            return opens, opens
        return opens, max(opens, dt.datetime.combine(day, self.closes, self.zone).astimezone(dt.UTC))


def hours(name: str = "") -> Hours:
    """The hours of the calendar of that name, else of the default one; day and night for 24x7 or without any."""
    if name == ALWAYS:
        return Hours()
    named = BusinessCalendar.objects.filter(name=name).first() if name else None
    row = named or BusinessCalendar.objects.filter(is_default=True).first()
    if row is None or row.opens >= row.closes:
        return Hours()
    return Hours(workdays.calendar(row.name), row.opens, row.closes, zones.named(row.time_zone))
