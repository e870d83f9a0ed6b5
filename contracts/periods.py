"""Periods: the last day of a term that begins on a day."""

import calendar
import datetime as dt


def after(start: dt.date, months: int) -> dt.date:
    """The last day of `months` months from a day: 36 months from 15 January 2027 end on 14 January 2030."""
    year, month = divmod(start.month - 1 + months, 12)
    year, month = start.year + year, month + 1
    day = min(start.day, calendar.monthrange(year, month)[1])
    return dt.date(year, month, day) - dt.timedelta(days=1)
