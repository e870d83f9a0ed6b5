"""Small rules: decisions, working days, numbers, money, audit."""

import contextlib
import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import audit, decisions, money, numbering, workdays
from kernel.models import AuditEntry, BusinessCalendar, DecisionTable, Holiday
from tests.factories.people import UserFactory

CALENDAR = workdays.Calendar(holidays=frozenset({dt.date(2026, 12, 25), dt.date(2027, 1, 1)}))
DAYS = st.dates(dt.date(2026, 1, 1), dt.date(2027, 12, 31))


@given(DAYS, st.integers(0, 60))
def test_adding_working_days_lands_on_one_and_counts_back(day: dt.date, days: int) -> None:
    start = CALENDAR.next_workday(day)
    end = CALENDAR.add(day, days)
    assert CALENDAR.works(end)
    assert CALENDAR.between(start, end) == days
    assert CALENDAR.add(end, -days) == start


@given(DAYS, DAYS)
def test_counting_the_other_way_round_is_the_negative(one: dt.date, other: dt.date) -> None:
    assert CALENDAR.between(one, other) == -CALENDAR.between(other, one)


@pytest.mark.django_db
def test_a_calendar_with_impossible_weekdays_still_has_workdays() -> None:
    broken = BusinessCalendar.objects.create(name="Broken", weekdays=[9])
    Holiday.objects.create(calendar=broken, day=dt.date(2026, 11, 17), name="Day off")
    found = workdays.calendar("Broken")
    assert found.next_workday(dt.date(2026, 11, 17)) == dt.date(2026, 11, 18)
    assert workdays.calendar("No such calendar").works(dt.date(2026, 11, 17))


def table(rows: list[dict[str, object]], **values: object) -> DecisionTable:
    return DecisionTable(
        key="discount", title="Discount", hit="collect", rows=rows, **values,
        inputs=[{"name": "discount", "label": "Discount"}], outputs=[{"name": "role"}, {"name": "because"}],
    )  # fmt: skip


@pytest.mark.django_db
def test_a_decision_table_gives_every_matching_row() -> None:
    table(
        [
            {"discount": "> 15", "role": "'sales_manager'", "because": "'over 15'"},
            {"discount": "> 25", "role": "'finance'", "because": "'over 25'"},
        ]
    ).save()
    roles = [[row["role"] for row in decisions.collect("discount", {"discount": value})] for value in (10, 20, 30)]
    assert roles == [[], ["sales_manager"], ["sales_manager", "finance"]]


@pytest.mark.django_db
def test_a_cell_of_zero_matches_zero_only() -> None:
    table([{"discount": 0, "role": "'none'", "because": "''"}]).save()
    assert len(decisions.collect("discount", {"discount": 0})) == 1
    assert decisions.collect("discount", {"discount": 5}) == []


def test_a_broken_cell_is_named() -> None:
    decisions.check_table(table([{"discount": "> 15", "role": "'x'", "because": ""}]))
    with pytest.raises(decisions.BrokenRule, match="Row 2, role"):
        decisions.check_table(table([{"discount": "", "role": "'x'"}, {"discount": "", "role": "'x"}]))
    with pytest.raises(decisions.BrokenRule, match="needs a name"):
        decisions.check_table(DecisionTable(inputs=[{}], outputs=[], rows=[]))
    with pytest.raises(decisions.BrokenRule, match="rows"):
        decisions.check_table(DecisionTable(inputs=[], outputs=[], rows={"a": 1}))


@pytest.mark.django_db
def test_a_missing_table_and_a_broken_expression_are_refused_in_words() -> None:
    with pytest.raises(decisions.BrokenRule, match="no active decision table"):
        decisions.decide("nothing", {})
    with pytest.raises(decisions.BrokenRule):
        decisions.calculate("1 +", {})
    assert decisions.holds("", {})
    assert decisions.holds("security != 'none'", {"security": "utm"})
    assert not decisions.holds("security != 'none'", {"security": "none"})


@pytest.mark.parametrize("evil", ["__import__('os').system('id')", "import os", "exec('1')", "().__class__"])
def test_an_expression_runs_no_python(evil: str) -> None:
    with contextlib.suppress(decisions.BrokenRule):
        assert decisions.calculate(evil, {}) is None


@pytest.mark.django_db
def test_numbers_rise_and_never_repeat() -> None:
    taken = [numbering.take("ORD"), *numbering.take_many("ORD", 50), numbering.take("ORD")]
    assert len(set(taken)) == 52
    assert taken == sorted(taken)
    assert len(taken[0]) == 10
    with pytest.raises(ValueError, match="No number series"):
        numbering.take("X'; DROP")


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [("2.005", "EUR", "2.01"), ("2.5", "JPY", "3"), ("1.0005", "KWD", "1.001"), ("-2.005", "EUR", "-2.01")],
)
def test_money_is_rounded_half_up_at_the_smallest_unit(amount: str, currency: str, text: str) -> None:
    assert str(money.rounded(Decimal(amount), currency)) == text


def test_currencies_do_not_add() -> None:
    assert money.total([(Decimal(1), "EUR"), (Decimal(2), "EUR")], "EUR") == 3
    with pytest.raises(money.CurrencyMix):
        money.total([(Decimal(1), "EUR"), (Decimal(2), "USD")], "EUR")


@pytest.mark.django_db
def test_the_trail_takes_any_value_at_any_depth() -> None:
    user = UserFactory()
    deep = {"price": {"monthly": Decimal("1.50"), "days": [dt.date(2026, 1, 2)]}}
    audit.record("edited", user, by=user, changes={"terms": [None, deep]})
    assert AuditEntry.objects.get().changes == {"terms": [None, {"price": {"monthly": "1.50", "days": ["2026-01-02"]}}]}
    assert audit.difference({"a": 1, "b": 2}, {"a": 1, "b": 3}) == {"b": [2, 3]}
