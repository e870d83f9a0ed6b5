"""Prices to the letter: what steps, ramps, tiers and grids say, and the values at the edge of what they take."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from catalog import matrices, ramps, tiering
from catalog.currencies import Rounding
from catalog.matrices import Fit
from catalog.models import Characteristic, PriceMatrix
from catalog.ramps import Step
from catalog.tiering import Tier
from tests.factories.prices import book, entry, matrix, priced, rule

# Steps


def test_every_step_of_a_discounted_price_to_the_letter() -> None:
    made = book([entry(), entry("90", is_cost=True)], rule("less"), floor=Decimal(0))
    steps = priced(made, manual=Decimal(50))[0].steps
    assert steps == [
        {"step": "list", "label": "List price", "detail": "Monthly", "before": "0", "after": "100",
         "rule": "entry:None"},
        {"step": "attribute", "label": "Less", "detail": "− 10 %", "before": "100", "after": "90",
         "rule": "adjustment:less"},
        {"step": "manual", "label": "Manual", "detail": "− 50 %", "before": "90", "after": "45", "rule": "manual"},
        {"step": "floor", "label": "Floor", "detail": "The lowest price that we may offer", "before": "45",
         "after": "90", "rule": "floor"},
    ]  # fmt: skip
    exactly = priced(book([entry(), entry("45", is_cost=True)], floor=Decimal(10)), manual=Decimal(50))[0]
    assert [step["step"] for step in exactly.steps] == ["list", "manual"]  # at the floor, not under it


def test_the_build_of_an_access_to_the_letter() -> None:
    build = priced(book([]), build_cost=Decimal("1200.5"))[0]
    assert build.steps == [
        {"step": "list", "label": "Build of the access", "detail": "From the feasibility check of the site",
         "before": "0", "after": "1200.5", "rule": "feasibility"},
    ]  # fmt: skip
    assert (build.charge, build.period, build.usage) == ("one_time", 1, None)


def test_a_usage_price_keeps_its_name_and_is_for_one_unit() -> None:
    tiers = [{"over": "0", "amount": "0"}, {"over": "100", "amount": "0.02"}]
    calls = priced(book([entry("0", charge="usage", label="Calls", tiers=tiers, tiering="tiered", period=3)]))[0]
    assert (calls.label, calls.period, calls.amount) == ("Calls", 1, 0)
    assert calls.usage
    assert [tier["amount"] for tier in calls.usage["tiers"]] == ["0.000000", "0.020000"]  # free at first, not for ever


@pytest.mark.parametrize(("value", "detail"), [("0.5", "S, 12..: + 0.5 %"), ("-0.5", "S, 12..: − 0.5 %")])
def test_a_small_change_has_its_sign(value: str, detail: str) -> None:
    made = book([entry()], matrix([["", value], ["", ""]], "percent"))
    assert priced(made, values={"size": "S"}, term=12)[0].steps[-1]["detail"] == detail


@pytest.mark.parametrize(
    ("how", "value", "said"),
    [("factor", "1.5", "× 1.5"), ("percent", "-5", "− 5 %"), ("amount", "-5", "− 5"), ("waive", "", "waived")],
)
def test_a_rule_without_words_of_its_own_is_told_in_numbers(how: str, value: str, said: str) -> None:
    made = book([entry()], rule("r", how=how, value=value, price_list_id=1))
    assert priced(made)[0].steps[-1]["detail"] == said


def test_words_are_filled_with_values_as_people_read_them() -> None:
    values: dict[str, Any] = {"backup": True, "wan": False, "speed": "1G", "share": 12.5, "extras": ["a", True]}
    made = book([entry()], rule("r", explanation="{backup} {wan} {speed} {share} {extras} {other}"))
    assert priced(made, values=values)[0].steps[-1]["detail"] == "yes no 1G 12.5 a, yes {other}"


# Tiers


@pytest.mark.parametrize(
    ("raw", "problems"),
    [
        ([{"over": "5", "amount": "1"}], {"tiers-0-over": ["The first tier begins over 0 units."]}),
        ([{"amount": "1"}], {"tiers-0-over": ["Say over how many units, as a number from 0 on."]}),
        ([{"over": "0"}], {"tiers-0-amount": ["Say what one unit costs, as a number from 0 on."]}),
        (
            [{"over": "0", "amount": "1"}, {"over": "2"}, {"over": "1", "amount": "x"}],
            {f"tiers-{n}-amount": ["Say what one unit costs, as a number from 0 on."] for n in (1, 2)},
        ),
        (
            [{"over": "0", "amount": "1"}, {"over": "9", "amount": "1"}, {"over": "9", "amount": "1"}],
            {"tiers-2-over": ["This tier has to begin above 9."]},
        ),
    ],
)
def test_tiers_are_refused_in_these_words(raw: list[dict[str, Any]], problems: dict[str, list[str]]) -> None:
    with pytest.raises(tiering.BadTiers) as error:
        tiering.read(raw)
    assert error.value.problems == problems


def test_the_edges_of_tiers() -> None:
    tiers = [Tier(Decimal(10), Decimal(3)), Tier(Decimal(20), Decimal(2))]
    assert tiering.reached(Decimal(0), tiers) is tiers[0]
    largest = str(tiering.LARGEST)
    assert tiering.read([{"over": "0", "amount": largest}]) == [Tier(Decimal(0), tiering.LARGEST)]


# Ramps


def test_the_edges_of_a_ramp() -> None:
    assert ramps.read([{"until": "9999", "quantity": "1"}], 20_000) == [Step(9999, Decimal(100), 1)]
    assert ramps.read([{"until": "1", "quantity": "1000000"}], 1) == [Step(1, Decimal(100), 1_000_000)]
    for entry_, place in (
        ({"until": "10000"}, "until"), ({}, "until"), ({"until": "1", "quantity": "10000000"}, "quantity"),
        ({"until": "1", "quantity": "1000001"}, "quantity"), ({"until": "1", "percent": "100.1"}, "percent"),
    ):  # fmt: skip
        with pytest.raises(ramps.BadRamp) as error:
            ramps.read([entry_], 20_000)
        assert list(error.value.problems) == [f"ramp-0-{place}"]


def test_a_ramp_is_refused_in_these_words() -> None:
    with pytest.raises(ramps.BadRamp) as error:
        ramps.read(
            [{"until": "x", "percent": "x"}, {"until": "0"}, {"until": "6", "percent": "-1", "quantity": "0"}], 6
        )
    month, percent = "Choose a month from 1 to 6, the end of the term.", "A step charges 0 to 100 % of the price."
    assert error.value.problems == {
        "ramp-0-until": [month], "ramp-0-percent": [percent], "ramp-1-until": [month], "ramp-2-percent": [percent],
        "ramp-2-quantity": ["A quantity is a whole number from 1 to 1000000, or empty."],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("percent", "said"), [("50.0", "50"), ("12.50", "12.5"), ("10", "10"), ("0.05", "0.05"), ("0", "0")]
)
def test_percentages_are_told_without_idle_zeros(percent: str, said: str) -> None:
    assert ramps.worded([Step(2, Decimal(percent))], 2) == [f"months 1–2: {said} % of the price"]


# Grids


def test_a_head_is_read_as_somebody_types_it() -> None:
    yes_no = Characteristic(key="x", name="X", type="boolean")
    assert [matrices.read_head("x", text, yes_no) for text in ("yes", "YES", "True", "no", "false")] == [
        "yes", "yes", "yes", "no", "no"
    ]  # fmt: skip
    words = Characteristic(key="x", name="X", type="text")
    assert matrices.read_head("x", "a\x00b", words) == "ab"
    assert matrices.read_head("x", "x" * 80, words) == "x" * 60
    assert matrices.read_head("term", "5..5", None) == "5..5"


def test_a_cell_is_read_as_a_spreadsheet_writes_it() -> None:
    read = {"\x001": "1", "1\u00a0250": "1250", "1\u202f250,5": "1250.5", "1.250.000,5": "1250000.5", "£ 3": "3"}
    assert {text: matrices.read_cell(text, "amount") for text in read} == read
    with pytest.raises(matrices.BadCell, match=f"^“{'x' * 40}” is not a number.$"):
        matrices.read_cell("x" * 60, "amount")


def test_a_head_meets_what_one_value_could_pass() -> None:
    assert [Fit(word="yes").fits(value) for value in (True, False, None, "Yes")] == [True, False, False, True]
    assert [Fit(word="no").fits(value) for value in (True, False)] == [False, True]
    assert Fit(word="7").meets(Fit(Decimal(5), Decimal(9)))
    assert not Fit(Decimal(5), Decimal(9)).meets(Fit(word="3"))


def test_a_grid_without_heads_holds_nothing_and_a_crooked_one_is_no_grid() -> None:
    assert matrices.cells_of(PriceMatrix(cells=[], rows={}, columns={})) == {}
    heads = {"by": ["size"], "heads": [["S"]]}
    for cells in ([["1"], ["2"]], [["1", "2"]], [[]]):
        with pytest.raises(ValueError, match="zip"):
            matrices.cells_of(PriceMatrix(cells=cells, rows=heads, columns=heads))
    with pytest.raises(ValueError, match="zip"):
        matrices.overlaps([("S",), ("S", "1")])
    crooked = matrix([["1", "1"], ["1", "1"]], rows={"by": ["size", "ha"], "heads": [["S"], ["L"]]})
    with pytest.raises(ValueError, match="zip"):
        crooked.cell({"size": "S", "term": 1})
    bare = matrix([["1"]], rows={"heads": [[]]}, columns={"heads": [[]]})
    assert bare.cell({}) == matrices.Found(Decimal(1), (), ())


def test_heads_ask_what_is_chosen_in_the_sale() -> None:
    chosen = Characteristic(key="size", name="Size", type="choice", source="customer")
    filled = Characteristic(key="vlan", name="VLAN", type="number", source="enrichment")
    offering: Any = SimpleNamespace(
        specification=SimpleNamespace(characteristics=SimpleNamespace(all=lambda: [chosen, filled]))
    )
    known = matrices.axes(offering)
    assert list(known) == ["size", *matrices.ASKABLE]
    assert known["size"] is chosen
    assert known["term"] is None


# Rounding


@pytest.mark.parametrize(
    ("how", "amount", "charged"),
    [("half_up", "-1.5", "-2"), ("half_even", "1.5", "2"), ("up", "-1.5", "-1"), ("down", "-1.5", "-2")],
)
def test_credits_are_rounded_by_the_same_rule(how: str, amount: str, charged: str) -> None:
    assert Rounding("CZK", Decimal(1), how)(Decimal(amount)) == Decimal(charged)
