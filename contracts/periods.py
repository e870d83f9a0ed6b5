"""Periods: the months of a term that begins on a day, counted as contracts count them."""

import calendar
import datetime as dt

DAY = dt.timedelta(days=1)


def after(start: dt.date, months: int) -> dt.date:
    """The last day of `months` months from a day: 36 months from 15 January 2027 end on 14 January 2030."""
    return first_of(start, months) - DAY


def first_of(start: dt.date, months: int) -> dt.date:
    """The day on which the month after `months` whole ones begins; the end of a short month when it lacks the day."""
    year, month = divmod(start.month - 1 + months, 12)
    year, month = start.year + year, month + 1
    return dt.date(year, month, min(start.day, calendar.monthrange(year, month)[1]))


def begun(start: dt.date, on: dt.date) -> int:
    """How many months of a term have begun on a day, that day's among them; 0 before the first."""
    if on < start:
        return 0
    months = (on.year - start.year) * 12 + on.month - start.month
    return months + (1 if on >= first_of(start, months) else 0)
