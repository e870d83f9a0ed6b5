"""Proration, ramps, tiers and rounding: parts add up to the whole, nothing drifts, what makes no sense is refused."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import currencies, proration, ramps, tiering
from catalog.currencies import Rate, Rounding
from catalog.models import ProrationRule
from catalog.proration import Rule
from catalog.ramps import Step
from catalog.tiering import Tier

cents = Rounding("EUR", Decimal("0.01"))
francs = Rounding("CHF", Decimal("0.05"))
yen = Rounding("JPY", Decimal(1))
quick = settings(max_examples=80, database=None)
amounts = st.decimals(0, 100_000, places=4)
days = st.dates(dt.date(2024, 1, 1), dt.date(2028, 12, 31))


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


# Rounding


@pytest.mark.parametrize(
    ("rule", "amount", "charged"),
    [
        (cents, "1.005", "1.01"),
        (cents, "1.0049", "1.00"),
        (francs, "1.02", "1.00"),
        (francs, "1.025", "1.05"),
        (yen, "99.5", "100"),
        (Rounding("CZK", Decimal(1), "half_even"), "2.5", "2"),
        (Rounding("CZK", Decimal(1), "half_even"), "3.5", "4"),
        (Rounding("CZK", Decimal(1), "up"), "2.01", "3"),
        (Rounding("CZK", Decimal(1), "down"), "2.99", "2"),
    ],
)
def test_amounts_are_rounded_as_their_currency_says(rule: Rounding, amount: str, charged: str) -> None:
    assert rule(Decimal(amount)) == Decimal(charged)


def test_the_usual_rounding_has_the_smallest_unit() -> None:
    assert currencies.usual("EUR") == Rounding("EUR", Decimal("0.01"), "half_up")
    assert currencies.usual("JPY").smallest == 1
    assert currencies.usual("KWD").smallest == Decimal("0.01")  # prices are kept to two digits


@quick
@given(amount=amounts, rule=st.sampled_from([cents, francs, yen, Rounding("CZK", Decimal(1), "up")]))
def test_rounding_twice_changes_nothing(amount: Decimal, rule: Rounding) -> None:
    once = rule(amount)
    assert rule(once) == once
    assert abs(once - amount) < rule.smallest


def test_a_rate_says_what_it_is_of() -> None:
    rate = Rate("EUR", "CHF", Decimal("0.94000000"), day("2026-11-01"))
    assert rate.convert(Decimal(50)) == Decimal("47")
    assert rate.worded() == "1 EUR = 0.94 CHF, rate of 1 November 2026"


# Tiers

TIERS = [Tier(Decimal(0), Decimal(6)), Tier(Decimal(50), Decimal(5)), Tier(Decimal(200), Decimal(4))]


@pytest.mark.parametrize(
    ("units", "how", "allowance", "cost"),
    [
        (0, "tiered", 0, 0),
        (50, "tiered", 0, 300),
        (51, "tiered", 0, 305),
        (200, "tiered", 0, 1050),
        (300, "tiered", 0, 1450),
        (50, "volume", 0, 300),
        (51, "volume", 0, 255),
        (201, "volume", 0, 804),
        (60, "tiered", 10, 300),
        (61, "tiered", 10, 305),
        (5, "volume", 10, 0),
        (100, "", 0, 600),
        (100, "", 40, 360),
    ],
)
def test_what_units_cost(units: int, how: str, allowance: int, cost: int) -> None:
    assert tiering.cost(Decimal(units), TIERS, how, Decimal(allowance)) == cost


def test_without_tiers_nothing_is_charged() -> None:
    assert tiering.cost(Decimal(9), [], "tiered") == 0


@quick
@given(units=st.integers(0, 1000), more=st.integers(0, 1000))
def test_tiered_prices_never_fall_with_more_units(units: int, more: int) -> None:
    low, high = sorted((units, more))
    assert tiering.cost(Decimal(low), TIERS, "tiered") <= tiering.cost(Decimal(high), TIERS, "tiered")


def test_tiers_are_kept_as_they_were_read() -> None:
    raw = [{"over": "0", "amount": "6"}, {"over": "50", "amount": "5.5"}]
    assert tiering.stored(tiering.read(raw)) == raw
    assert tiering.reached(Decimal(50), tiering.read(raw)).amount == 6
    assert tiering.reached(Decimal(51), tiering.read(raw)).amount == Decimal("5.5")


@pytest.mark.parametrize(
    ("raw", "place", "said"),
    [
        ([{"over": "5", "amount": "1"}], "tiers-0-over", "begins over 0"),
        ([{"over": "x", "amount": "1"}], "tiers-0-over", "as a number"),
        ([{"over": "-1", "amount": "1"}], "tiers-0-over", "as a number"),
        ([{"over": "0", "amount": ""}], "tiers-0-amount", "what one unit costs"),
        ([{"over": "0", "amount": "-1"}], "tiers-0-amount", "what one unit costs"),
        ([{"over": "0", "amount": "1"}, {"over": "0", "amount": "1"}], "tiers-1-over", "above 0"),
        ([{"over": "0", "amount": "1e12"}], "tiers-0-amount", "what one unit costs"),
        ([{"over": str(n), "amount": "1"} for n in range(21)], "tiers", "at most 20"),
    ],
)
def test_tiers_that_make_no_sense_are_refused_at_their_place(raw: list[dict[str, Any]], place: str, said: str) -> None:
    with pytest.raises(tiering.BadTiers) as error:
        tiering.read(raw)
    assert list(error.value.problems) == [place]
    assert said in error.value.problems[place][0]


def test_twenty_tiers_are_kept() -> None:
    assert len(tiering.read({"over": str(n), "amount": "1"} for n in range(20))) == 20


# Ramps


def test_half_the_price_for_six_months() -> None:
    steps = ramps.read([{"until": "6", "percent": "50"}], 36)
    assert steps == [Step(6, Decimal(50))]
    assert ramps.at(steps, 6) == steps[0]
    assert ramps.at(steps, 7) is None
    assert ramps.monthly(Decimal("99.99"), steps[0], cents) == Decimal("50.00")
    assert ramps.monthly(Decimal("99.994"), None, cents) == Decimal("99.99")
    assert ramps.months(Decimal(100), steps, 36, 1, cents) == [Decimal(50)] * 6 + [Decimal(100)] * 30
    assert ramps.worded(steps, 36) == ["months 1–6: 50 % of the price", "months 7–36: the full price"]


def test_a_quantity_rises_in_steps() -> None:
    steps = ramps.read([{"until": "1", "quantity": "10"}, {"until": "12", "percent": "80.5", "quantity": 20}], 24)
    shared = [Decimal(10)] + [Decimal("16.10")] * 11 + [Decimal(30)] * 12
    assert ramps.months(Decimal(30), steps, 24, 30, cents) == shared
    priced = ramps.priced(lambda quantity: Decimal(60 if quantity == 20 else quantity or 30), steps, cents)
    assert [step.monthly for step in priced] == [Decimal(10), Decimal("24.15")]  # 20 of 60 cost no more than all of 30
    assert ramps.months(Decimal(30), priced, 13, 30, cents) == [10, *[Decimal("24.15")] * 11, 30]
    assert ramps.read(ramps.stored(priced), 24) == priced
    assert ramps.worded(steps, 24) == [
        "month 1: the full price, 10 pieces",
        "months 2–12: 80.5 % of the price, 20 pieces",
        "months 13–24: the full price",
    ]
    assert ramps.read(ramps.stored(steps), 24) == steps
    assert ramps.stored(steps)[0] == {"until": 1, "percent": "100", "quantity": 10}
    assert "quantity" not in ramps.stored([Step(3)])[0]


def test_a_ramp_over_the_whole_term_has_no_full_price() -> None:
    assert ramps.phases([Step(12, Decimal(50))], 12) == [(1, 12, Step(12, Decimal(50)))]


def test_steps_beyond_a_shorter_term_are_left_out() -> None:
    steps = [Step(6, Decimal(50)), Step(24, Decimal(75)), Step(30, Decimal(80))]
    assert ramps.phases(steps, 12) == [(1, 6, steps[0]), (7, 12, steps[1])]


@pytest.mark.parametrize(
    ("raw", "place", "said"),
    [
        ([{"until": ""}], "ramp-0-until", "1 to 36"),
        ([{"until": "0"}], "ramp-0-until", "1 to 36"),
        ([{"until": "37"}], "ramp-0-until", "1 to 36"),
        ([{"until": "x"}], "ramp-0-until", "1 to 36"),
        ([{"until": "6"}, {"until": "6"}], "ramp-1-until", "7 to 36"),
        ([{"until": "6", "percent": "101"}], "ramp-0-percent", "0 to 100"),
        ([{"until": "6", "percent": "-1"}], "ramp-0-percent", "0 to 100"),
        ([{"until": "6", "percent": "NaN"}], "ramp-0-percent", "0 to 100"),
        ([{"until": "6", "quantity": "0"}], "ramp-0-quantity", "whole number"),
        ([{"until": "6", "quantity": "1.5"}], "ramp-0-quantity", "whole number"),
        ([{"until": "6", "quantity": "1000001"}], "ramp-0-quantity", "whole number"),
        ([{"until": str(n)} for n in range(1, 26)], "ramp", "at most 24"),
    ],
)
def test_steps_that_make_no_ramp_are_refused_at_their_place(raw: list[dict[str, Any]], place: str, said: str) -> None:
    with pytest.raises(ramps.BadRamp) as error:
        ramps.read(raw, 36)
    assert list(error.value.problems) == [place]
    assert said in error.value.problems[place][0]


def test_a_step_may_reach_the_last_month_and_charge_nothing_or_all() -> None:
    assert [s.percent for s in ramps.read([{"until": "1", "percent": "0"}, {"until": "36"}], 36)] == [0, 100]
    assert len(ramps.read([{"until": str(n)} for n in range(1, 25)], 36)) == 24
    assert ramps.read([{"until": "6", "quantity": "1000000"}], 36)[0].quantity == 1_000_000


steps_drawn = st.lists(
    st.tuples(st.integers(1, 60), st.decimals(0, 100, places=2)), unique_by=lambda s: s[0], max_size=6
)


@quick
@given(drawn=steps_drawn, term=st.integers(1, 60), price=amounts)
def test_a_ramp_covers_each_month_once_and_never_costs_more_than_the_full_price(
    drawn: list[tuple[int, Decimal]], term: int, price: Decimal
) -> None:
    steps = [Step(until, percent) for until, percent in sorted(drawn)]
    covered = [month for first, last, _ in ramps.phases(steps, term) for month in range(first, last + 1)]
    assert covered == list(range(1, term + 1))
    months = ramps.months(price, ramps.priced(lambda quantity: price, steps, cents), term, 1, cents)
    assert months == ramps.months(price, steps, term, 1, cents)
    assert [cents(one) for one in months] == [ramps.monthly(price, ramps.at(steps, month), cents) for month in covered]
    assert 0 <= sum(months) <= max(price, cents(price)) * term


# Proration


def test_by_the_days_of_the_month() -> None:
    parts = proration.split(Decimal(100), day("2026-02-01"), day("2026-02-28"), [day("2026-02-11")], Rule.ACTUAL, cents)
    assert [(p.first.day, p.last.day, p.amount) for p in parts] == [
        (1, 10, Decimal("35.71")),
        (11, 28, Decimal("64.29")),
    ]


def test_every_month_has_thirty() -> None:
    first, last = day("2026-01-01"), day("2026-01-31")
    parts = proration.split(Decimal(90), first, last, [day("2026-01-11"), day("2026-01-31")], Rule.THIRTY, cents)
    assert [p.amount for p in parts] == [30, 60, 0]
    february = proration.split(
        Decimal(90), day("2026-02-01"), day("2026-02-28"), [day("2026-02-28")], Rule.THIRTY, cents
    )
    assert [p.amount for p in february] == [81, 9]
    quarter = proration.share(day("2026-01-01"), day("2026-03-31"), day("2026-02-15"), Rule.THIRTY)
    assert quarter == Decimal("0.5")
    over_the_year = proration.share(day("2026-12-01"), day("2027-01-31"), day("2027-01-15"), Rule.THIRTY)
    assert over_the_year == Decimal("0.75")


@pytest.mark.parametrize("rule", [Rule.WHOLE, Rule.FREE])
def test_whole_months_are_carried_by_the_first_part(rule: str) -> None:
    parts = proration.split(Decimal(90), day("2026-01-01"), day("2026-01-31"), [day("2026-01-11")], rule, cents)
    assert [p.amount for p in parts] == [90, 0]


def test_cuts_outside_the_period_cut_nothing() -> None:
    first, last = day("2026-01-01"), day("2026-01-31")
    cuts = [first, last, last, day("2026-02-01"), day("2025-12-31")]
    parts = proration.split(Decimal(31), first, last, cuts, Rule.ACTUAL, cents)
    assert [(p.first.day, p.last.day, p.amount) for p in parts] == [(1, 30, 30), (31, 31, 1)]


@pytest.mark.parametrize(
    ("rule", "first", "last", "charged"),
    [
        (Rule.ACTUAL, "2026-01-17", "2026-03-10", ["45.00", "93.00", "30.00"]),
        (Rule.THIRTY, "2026-01-16", "2026-03-10", ["46.50", "93.00", "31.00"]),
        (Rule.WHOLE, "2026-01-31", "2026-03-01", ["93.00", "93.00", "93.00"]),
        (Rule.FREE, "2026-01-02", "2026-03-01", ["0", "93.00", "93.00"]),
        (Rule.ACTUAL, "2026-01-05", "2026-01-14", ["30.00"]),
    ],
)
def test_a_span_is_charged_month_by_month(rule: str, first: str, last: str, charged: list[str]) -> None:
    parts = proration.span(Decimal(93), day(first), day(last), rule, cents)
    assert [p.amount for p in parts] == [Decimal(text) for text in charged]
    assert (parts[0].first, parts[-1].last) == (day(first), day(last))


@quick
@given(
    amount=amounts, first=days, length=st.integers(0, 120), cuts=st.lists(days, max_size=6),
    rule=st.sampled_from(Rule.values), rounding=st.sampled_from([cents, francs, yen]),
)  # fmt: skip
def test_parts_add_up_to_the_whole(
    amount: Decimal, first: dt.date, length: int, cuts: list[dt.date], rule: str, rounding: Rounding
) -> None:
    last = first + dt.timedelta(days=length)
    parts = proration.split(amount, first, last, cuts, rule, rounding)
    assert sum(p.amount for p in parts) == rounding(amount)
    assert all(p.amount >= 0 for p in parts)
    assert [p.first for p in parts[1:]] == [p.last + dt.timedelta(days=1) for p in parts[:-1]]
    assert (parts[0].first, parts[-1].last) == (first, last)


@quick
@given(amount=amounts, first=days, length=st.integers(0, 400), rule=st.sampled_from([Rule.ACTUAL, Rule.THIRTY]))
def test_a_span_cut_in_two_costs_the_same(amount: Decimal, first: dt.date, length: int, rule: str) -> None:
    last = first + dt.timedelta(days=length)
    middle = first + dt.timedelta(days=length // 2)
    whole = sum(p.amount for p in proration.span(amount, first, last, rule, cents))
    halves = [
        *proration.span(amount, first, middle, rule, cents),
        *proration.span(amount, middle + dt.timedelta(days=1), last, rule, cents),
    ]
    assert abs(sum(p.amount for p in halves) - whole) <= Decimal("0.02")  # each end of a span is rounded by itself


def test_the_rule_that_says_most_counts() -> None:
    def rule(country: str, currency: str, text: str, on: str = "2026-01-01") -> ProrationRule:
        return ProrationRule(country=country, currency=currency, rule=text, valid_from=day(on))

    rows = [
        rule("", "", "actual"), rule("", "EUR", "whole"), rule("NL", "", "free"),
        rule("NL", "", "thirty", "2026-06-01"),
    ]  # fmt: skip
    assert proration.choose(rows, "actual") == "thirty"
    assert proration.choose(rows[:3], "actual") == "free"
    assert proration.choose(rows[:2], "actual") == "whole"
    assert proration.choose([], "actual") == "actual"
