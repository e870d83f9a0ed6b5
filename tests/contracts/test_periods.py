"""Periods: months of a term counted as contracts count them."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import periods

STARTS = st.dates(dt.date(2020, 1, 1), dt.date(2035, 12, 31))


@given(STARTS, st.integers(1, 120))
def test_a_term_has_as_many_months_as_it_says(start: dt.date, months: int) -> None:
    last = periods.after(start, months)
    assert periods.begun(start, last) in (months, months + (last.day < start.day - 1))
    assert periods.begun(start, start - periods.DAY) == 0
    assert periods.begun(start, start) == 1


@given(STARTS, st.integers(0, 2000))
def test_time_only_goes_forward(start: dt.date, days: int) -> None:
    day = start + dt.timedelta(days=days)
    assert 0 <= periods.begun(start, day + periods.DAY) - periods.begun(start, day) <= 1


@pytest.mark.parametrize(
    ("start", "day", "months"),
    [("2027-01-31", "2027-02-27", 1), ("2027-01-31", "2027-02-28", 2), ("2027-01-15", "2030-01-14", 36)],
)
def test_ends_of_months(start: str, day: str, months: int) -> None:
    assert periods.begun(dt.date.fromisoformat(start), dt.date.fromisoformat(day)) == months
