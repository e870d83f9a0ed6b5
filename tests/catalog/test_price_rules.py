"""Pricing without a database: every step, its order and its words, costs, floors, currencies, matrices."""

from decimal import Decimal
from typing import Any

import pytest

from catalog import pricebook, pricing
from catalog.currencies import Rounding
from catalog.models import (
    MarginFloor,
    Offering,
)
from catalog.pricing import Negotiated, PriceBook, PricedCharge, PricingInput
from kernel.decisions import BrokenRule
from tests.factories.prices import RATE, book, entry, matrix, priced, rule


def steps(charge: PricedCharge) -> list[tuple[str, str]]:
    return [(step["step"], step["after"]) for step in charge.steps]


# The list price


def test_the_first_step_names_its_price_and_what_it_looked_at() -> None:
    made = priced(book([entry(when={"size": "L"}, pk=7)]), values={"size": "L", "other": 1})
    assert made == [
        PricedCharge(
            "recurring", "Monthly", Decimal("100.00"), Decimal("100.00"), Decimal("100.00"), Decimal("0.00"),
            [{"step": "list", "label": "List price", "detail": "L", "before": "0", "after": "100", "rule": "entry:7",
              "input": "size L"}],
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("when", "values", "fits"),
    [
        ({}, {}, True),
        ({"size": "L"}, {"size": "l"}, True),
        ({"size": "L"}, {"size": "S"}, False),
        ({"size": "L"}, {}, False),
        ({"size": ["S", "L"]}, {"size": "L"}, True),
        ({"size": ["S", "M"]}, {"size": "L"}, False),
        ({"ports": 2}, {"ports": "2"}, True),
        ({"ha": True}, {"ha": True}, True),
        ({"size": "None"}, {"size": None}, False),
        ({"size": "L", "ha": True}, {"size": "L", "ha": False}, False),
    ],
)
def test_a_price_is_for_the_values_that_it_names(when: dict[str, Any], values: dict[str, Any], fits: bool) -> None:
    assert bool(priced(book([entry(when=when)]), values=values)) is fits


def test_of_two_that_fit_the_one_that_says_more_counts_and_of_equals_the_first() -> None:
    plain, more, same = entry("1"), entry("2", when={"size": "L"}), entry("3", when={"ha": True})
    for entries in ([plain, more, same], [more, plain, same]):
        assert priced(book(entries), values={"size": "L", "ha": True})[0].amount == 2


@pytest.mark.parametrize(
    ("per", "values", "quantity", "amount", "detail"),
    [
        ("", {}, 1, 6, "Monthly"),
        ("", {}, 3, 18, "Monthly, × 3"),
        ("quantity", {}, 3, 18, "Monthly, × 3"),
        ("channels", {"channels": 60}, 1, 360, "6 × 60 channels"),
        ("channels", {"channels": 60}, 2, 720, "6 × 60 channels, × 2"),
        ("channels", {"channels": "7.5"}, 1, 45, "6 × 7.5 channels"),
        ("voice_lines", {"voice_lines": 2}, 1, 12, "6 × 2 voice lines"),
        ("channels", {}, 1, 0, "6 × 0 channels"),
        ("channels", {"channels": None}, 1, 0, "6 × 0 channels"),
        ("channels", {"channels": "many"}, 1, 0, "6 × many channels"),
        ("channels", {"channels": "Infinity"}, 1, 0, "6 × Infinity channels"),
        ("channels", {"channels": -5}, 1, 0, "6 × -5 channels"),
    ],
)
def test_an_amount_counts_as_often_as_its_number(
    per: str, values: dict[str, Any], quantity: int, amount: int, detail: str
) -> None:
    charge = priced(book([entry("6", per=per)]), values=values, quantity=quantity)[0]
    assert charge.amount == charge.list_amount == amount
    assert charge.steps[0]["detail"] == detail


def test_tiers_count_each_unit_or_all_and_leave_out_what_is_included() -> None:
    tiers = [{"over": "0", "amount": "6"}, {"over": "50", "amount": "5"}]
    for tiering, amount in (("tiered", 350), ("volume", 300), ("", 600)):
        one = entry("10", per="channels", tiers=tiers, tiering=tiering)
        charge = priced(book([one]), values={"channels": 60})[0]
        assert charge.amount == amount
        assert charge.steps[0]["detail"] == ("60 channels by tiers" if tiering else "10 × 60 channels")
    free = entry("10", per="channels", allowance=Decimal(8))
    charge = priced(book([free]), values={"channels": 10})[0]
    assert (charge.amount, charge.steps[0]["detail"]) == (20, "10 × 10 channels, 8 included")
    assert priced(book([entry("10", tiers=tiers, tiering="tiered")]), quantity=51)[0].amount == 305
    assert priced(book([entry("10", tiers=tiers, tiering="tiered")]))[0].steps[0]["detail"] == "by tiers"


def test_a_yearly_price_keeps_its_period_and_its_cost_is_brought_to_it() -> None:
    made = priced(book([entry("1200", period=12), entry("50", is_cost=True), entry("9", charge="one_time", period=12)]))
    assert [(c.charge, c.period, c.amount, c.cost) for c in made] == [
        ("recurring", 12, 1200, 600), ("one_time", 1, 9, 0)
    ]  # fmt: skip


def test_usage_is_the_price_of_one_unit_with_its_tiers() -> None:
    tiers = [{"over": "0", "amount": "0.05"}, {"over": "5000", "amount": "0.04"}]
    calls = entry(
        "9", charge="usage", label="Calls", unit="minute", allowance=Decimal(1000), tiers=tiers, tiering="tiered"
    )
    cheaper = rule("cheaper", charge="usage")
    charge = priced(
        book([calls, entry("0.01", charge="usage", label="Calls", is_cost=True)], cheaper),
        quantity=7,
        manual=Decimal(50),
    )[0]
    assert (charge.list_amount, charge.agreed, charge.amount, charge.cost) == tuple(
        Decimal(text) for text in ("0.05", "0.045", "0.045", "0.01")
    )
    assert charge.usage == {
        "unit": "minute", "allowance": "1000", "tiering": "tiered",
        "tiers": [{"over": "0", "amount": "0.045000"}, {"over": "5000", "amount": "0.036000"}],
    }  # fmt: skip
    assert charge.steps[0]["detail"] == "per minute, by tiers, 1000 included"
    free = priced(book([entry("0", charge="usage", label="Free")]))[0]
    assert (free.amount, free.usage) == (
        0,
        {"unit": "unit", "allowance": "0", "tiering": "", "tiers": [{"over": "0", "amount": "0.000000"}]},
    )
    assert free.steps[0]["detail"] == "per unit"


# Costs


def test_a_cost_is_carried_by_its_price_or_the_first_of_its_kind_or_stands_alone() -> None:
    prices = [entry(label="A"), entry(label="B"), entry(charge="one_time", label="C")]
    costs = [
        entry("1", label="A", is_cost=True), entry("2", label="B", is_cost=True), entry("4", label="X", is_cost=True),
        entry("8", charge="usage", label="U", is_cost=True), entry("0", charge="usage", label="V", is_cost=True),
    ]  # fmt: skip
    made = priced(book([*prices, *costs]))
    assert [(c.label, c.cost) for c in made] == [("A", 5), ("B", 2), ("C", 0), ("U", 8)]
    alone = made[-1]
    assert (alone.amount, alone.list_amount, alone.agreed) == (0, 0, 0)
    assert alone.steps == [
        {"step": "list", "label": "List price", "detail": "U is included", "before": "0", "after": "0"}
    ]


def test_charges_come_monthly_ones_first() -> None:
    made = priced(book([entry(charge="usage"), entry(charge="one_time"), entry()]), build_cost=Decimal("5.555"))
    assert [c.charge for c in made] == ["recurring", "one_time", "one_time", "usage"]
    build = made[2]
    assert (build.label, build.amount, build.cost, build.agreed, build.list_amount) == (
        pricing.BUILD, Decimal("5.56"), Decimal("5.56"), Decimal("5.56"), Decimal("5.56"),
    )  # fmt: skip
    assert build.steps[0]["after"] == "5.555"
    assert build.steps[0]["rule"] == "feasibility"


# Rules


def test_rules_follow_one_another_and_say_what_they_did() -> None:
    made = priced(
        book(
            [entry("1000")],
            rule("double", how="factor", value="2"),
            rule("term", "matrix", value="-25", condition="term >= 36", explanation="{term} months, {gone}"),
            rule("more", "volume", how="amount", value="10", price_list_id=1),
            negotiated=[Negotiated(None, "recurring", Decimal(10), "AGR1")],
        ),
        term=36, quantity=2, manual=Decimal("12.5"), manual_by="M. Havlik",
    )[0]  # fmt: skip
    assert [(s["step"], s["detail"], s["before"], s["after"], s.get("rule"), s.get("input")) for s in made.steps] == [
        ("list", "Monthly, × 2", "0", "2000", "entry:None", None),
        ("attribute", "× 2", "2000", "4000", "adjustment:double", None),
        ("matrix", "36 months, {gone}", "4000", "3000", "adjustment:term", "term 36"),
        ("volume", "10", "3000", "3020", "adjustment:more", None),
        ("agreement", "AGR1, − 10 %", "3020", "2718", "agreement:AGR1", None),
        ("manual", "M. Havlik, − 12.5 %", "2718", "2378.25", "manual", None),
    ]
    assert (made.list_amount, made.agreed, made.amount) == (2000, 2718, Decimal("2378.25"))


def test_what_changes_nothing_is_no_step() -> None:
    made = book([entry()], rule("same", value="0"), rule("other", charge="one_time"), rule("not", condition="term > 5"))
    assert steps(priced(made, term=5)[0]) == [("list", "100")]
    assert steps(priced(made, term=6)[0]) == [("list", "100"), ("attribute", "90")]


def test_no_rule_makes_a_price_negative() -> None:
    assert priced(book([entry()], rule("all", value="-150")))[0].amount == 0
    assert priced(book([entry()], rule("all", how="amount", value="-150", price_list_id=1)))[0].amount == 0
    waived = priced(book([entry()], rule("gone", how="waive", value="")))[0]
    assert (waived.amount, waived.steps[-1]["detail"]) == (0, "waived")


def test_a_rule_may_calculate_and_has_to_give_a_number() -> None:
    charge = priced(book([entry()], rule("share", value="share * 2")), values={"share": 10})[0]
    assert charge.amount == 120
    assert charge.steps[-1]["detail"] == "share * 2 %"
    assert charge.steps[-1]["input"] == "share 10"
    with pytest.raises(BrokenRule, match="“Words” does not give a number"):
        priced(book([entry()], rule("words", value="'many'")))


def test_a_broken_condition_is_said_and_a_missing_value_does_not_hold() -> None:
    assert priced(book([entry()], rule("a", condition="speed > 5")))[0].amount == 100
    with pytest.raises(BrokenRule):
        priced(book([entry()], rule("a", condition="speed >")))


def test_a_condition_is_asked_once_for_the_same_values_and_again_for_others() -> None:
    made = book([entry()], rule("a", condition="speed > 5"))
    assert [priced(made, values={"speed": n, "other": o})[0].amount for n, o in ((9, 1), (1, 1), (9, 2))] == [
        90,
        100,
        90,
    ]
    assert len(made.answers) == 2
    assert len(made.prices) == 3


# Agreement, discount, floor


def test_the_agreement_of_the_offering_and_of_the_charge() -> None:
    special = [
        Negotiated(None, "recurring", Decimal(10), "A"), Negotiated(1, "recurring", Decimal(20), "B"),
        Negotiated(2, "recurring", Decimal(90), "C"), Negotiated(1, "one_time", Decimal(50), "D"),
    ]  # fmt: skip
    made = priced(book([entry(), entry(charge="one_time")], negotiated=special), manual=Decimal(10))
    assert [(c.agreed, c.amount) for c in made] == [(80, 72), (50, 50)]  # the discount by hand is on monthly prices
    assert made[1].steps[-1]["label"] == "Agreement"


def test_a_fixed_price_of_the_agreement_replaces_its_own_list_price_alone() -> None:
    ten, label = Negotiated(None, "recurring", Decimal(10), "A"), entry().label

    def fixed(price: str, of: str = label, charge: str = "recurring", offering: int = 1, **when: object) -> Negotiated:
        return Negotiated(offering, charge, Decimal(0), "F", Decimal(price), of, when)

    made = book([entry(), entry(charge="one_time")], negotiated=[ten, fixed("70"), fixed("60", bandwidth="1G")])
    plain, once = priced(made, quantity=3)
    assert (plain.amount, plain.steps[-1]["step"]) == (210, "agreement")
    assert "fixed price 70" in plain.steps[-1]["detail"]
    assert (once.amount, once.steps[-1]["step"]) == (300, "list")
    of_one = priced(made, values={"bandwidth": "1G"})[0]
    assert (of_one.amount, of_one.steps[-1]) == (60, {
        "step": "agreement", "label": "Agreement", "detail": "F, fixed price 60", "before": "100", "after": "60",
        "rule": "agreement:F", "input": "bandwidth 1G",
    })  # fmt: skip
    others = [ten, fixed("1", of="Other"), fixed("2", charge="one_time"), fixed("3", offering=2)]
    assert priced(book([entry()], negotiated=others))[0].amount == 90
    assert priced(book([entry()], negotiated=[fixed("0")]))[0].amount == 0


@pytest.mark.parametrize(
    ("manual", "floor", "amount", "last"),
    [
        ("10", "5", "90", "manual"), ("100", "5", "52.63", "floor"), ("100", "0", "50", "floor"),
        ("60", "50", "100", "floor"), ("40", "20", "62.50", "floor"), ("37.5", "20", "62.50", "manual"),
    ],
)  # fmt: skip
def test_a_discount_stops_at_the_margin_floor(manual: str, floor: str, amount: str, last: str) -> None:
    made = book([entry(), entry("50", is_cost=True)], floor=Decimal(floor))
    charge = priced(made, manual=Decimal(manual))[0]
    assert (charge.amount, charge.agreed, charge.steps[-1]["step"]) == (Decimal(amount), 100, last)


def test_the_floor_leaves_alone_what_was_agreed_below_it() -> None:
    made = book([entry(), entry("95", is_cost=True)], negotiated=[Negotiated(1, "recurring", Decimal(50), "A")])
    charge = priced(made, manual=Decimal(10))[0]
    assert steps(charge) == [("list", "100"), ("agreement", "50"), ("manual", "45"), ("floor", "50")]
    assert charge.steps[-1]["detail"] == "The lowest price that we may offer"
    assert charge.steps[-1]["rule"] == "floor"


def test_the_floor_that_says_most_counts() -> None:
    rows = [
        MarginFloor(role=r, segment=s, percent=p)
        for r, s, p in (("", "", 1), ("", "b", 2), ("a", "", 30), ("c", "", 20))
    ]
    assert [pricebook.choose_floor(rows[:n]) for n in range(5)] == [5, 1, 2, 30, 20]


# Currency


def test_everything_is_converted_by_one_rate_and_rounded_by_the_currency() -> None:
    made = PriceBook(
        "CHF", {1: [entry("100"), entry("40", is_cost=True), entry("3", charge="one_time", label="L", is_cost=True)]},
        {1: [rule("more", how="amount", value="10.06", price_list_id=1)]}, rate=RATE,
        rounding=Rounding("CHF", Decimal("0.05")),
    )  # fmt: skip
    charge, alone = priced(made, quantity=2)
    assert charge.steps[0]["detail"] == "Monthly, × 2, 200 EUR, 1 EUR = 0.5 CHF, rate of 1 November 2026"
    assert steps(charge) == [("list", "100"), ("attribute", "110.06")]
    assert (charge.amount, charge.cost, alone.cost) == (Decimal("110.05"), 40, 3)
    tiers = [{"over": "0", "amount": "0.05"}, {"over": "10", "amount": "0.03"}]
    usage = PriceBook("CHF", {1: [entry("1", charge="usage", tiers=tiers, tiering="volume")]}, {}, rate=RATE)
    assert [t["amount"] for t in (priced(usage)[0].usage or {})["tiers"]] == ["0.025000", "0.015000"]


# Matrices


@pytest.mark.parametrize(
    ("how", "value", "after", "detail"),
    [
        ("amount", "80", "160", "L, 12..: 80"), ("percent", "-25", "150", "L, 12..: − 25 %"),
        ("percent", "12.5", "225", "L, 12..: + 12.5 %"), ("factor", "1.5", "300", "L, 12..: × 1.5"),
    ],
)  # fmt: skip
def test_a_cell_sets_or_changes_the_price(how: str, value: str, after: str, detail: str) -> None:
    made = book([entry()], matrix([["1", ""], ["", value]], how))
    charge = priced(made, values={"size": "L"}, term=24, quantity=2)[0]
    assert charge.steps[-1] == {
        "step": "matrix", "label": "Grid", "detail": detail, "before": "200", "after": after, "rule": "matrix:m:3",
        "input": "size L, term 24",
    }  # fmt: skip


def test_an_empty_cell_or_a_head_that_does_not_fit_leaves_the_price() -> None:
    made = book([entry(), entry("7", charge="one_time")], matrix([["1", ""], ["", "2"]]))
    assert [c.amount for c in priced(made, values={"size": "S"}, term=24)] == [100, 7]
    assert priced(made, values={"size": "M"}, term=24)[0].amount == 100
    assert priced(made, values={"size": "S"}, term=11)[0].amount == 1
    assert priced(made, values={"size": "L"}, term=12)[0].amount == 2
    assert priced(made, values={}, term=12)[0].amount == 100


def test_a_matrix_of_another_price_is_not_asked() -> None:
    grid = matrix([["1", "1"], ["1", "1"]])
    assert (
        grid.covers("recurring", "Monthly"),
        grid.covers("recurring", "Other"),
        grid.covers("usage", "Monthly"),
    ) == (True, False, False)
    assert matrix([], label="").covers("recurring", "Other")


def test_amounts_of_a_matrix_are_converted_too() -> None:
    made = PriceBook("CHF", {1: [entry()]}, {1: [matrix([["80", ""], ["", ""]])]}, rate=RATE)
    assert priced(made, values={"size": "s"}, term=1)[0].amount == 40


def test_the_key_of_a_line_holds_all_that_its_price_depends_on() -> None:
    plain = PricingInput(1, {"a": 1})
    others: list[dict[str, Any]] = [
        {"offering_id": 2}, {"values": {"a": "1"}}, {"region": "metro"}, {"country": "NL"}, {"term": 2}, {"sites": 2},
        {"quantity": 2}, {"build_cost": Decimal(1)}, {"manual": Decimal(1)}, {"manual_by": "M"},
    ]  # fmt: skip
    keys = {PricingInput(**{"offering_id": 1, "values": {"a": 1}} | other).key() for other in others}
    assert len(keys | {plain.key()}) == len(others) + 1
    assert plain.facts() == {
        "a": 1, "region": "", "country": "", "term": 1, "sites": 1, "quantity": 1, "build_cost": 0.0,
    }  # fmt: skip


def test_a_list_sells_what_has_a_price_not_only_a_cost() -> None:
    assert pricing.sells(book([entry()]), Offering(pk=1))
    assert not pricing.sells(book([entry(is_cost=True)]), Offering(pk=1))
    assert not pricing.sells(book([entry()]), Offering(pk=2))
