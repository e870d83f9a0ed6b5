"""What holds for any prices: explanations add up, discounts never raise a price, order is no matter, no mixing."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import pricing
from catalog.currencies import Rate, Rounding
from catalog.pricing import Negotiated, PriceBook, PricingInput
from tests.factories.prices import RATE, entry, matrix, rule

quick = settings(max_examples=100, database=None)

sizes = st.sampled_from(["S", "L", "M"])
numbers = st.decimals(0, 5000, places=2)
percents = st.decimals(-99, 200, places=1)
cells = st.lists(st.lists(st.one_of(st.just(""), numbers.map(str)), min_size=2, max_size=2), min_size=2, max_size=2)
rules = st.builds(
    lambda step, percent, least: rule("r", step, value=str(percent), condition=f"sites >= {least}"),
    st.sampled_from(["attribute", "volume"]), percents, st.integers(1, 20),
)  # fmt: skip
books = st.builds(
    lambda price, cost, made, grid, agreed, floor, smallest: PriceBook(
        "EUR", {1: [entry(str(price)), entry(str(cost), is_cost=True), entry("99", charge="one_time")]},
        {1: [*made, matrix(grid)]}, [Negotiated(None, "recurring", agreed, "AGR1")],
        rounding=Rounding("EUR", Decimal(smallest)), floor=floor,
    ),
    numbers, numbers, st.lists(rules, max_size=3), cells, st.decimals(0, 60, places=1), st.decimals(0, 60, places=1),
    st.sampled_from(["0.01", "0.05", "1"]),
)  # fmt: skip
lines = st.builds(
    lambda size, term, sites, quantity, manual: PricingInput(
        1, {"size": size}, term=term, sites=sites, quantity=quantity, manual=manual
    ),
    sizes, st.integers(1, 60), st.integers(1, 40), st.integers(1, 9), st.decimals(0, 100, places=2),
)  # fmt: skip


@quick
@given(made=books, item=lines)
def test_the_explanation_sums_to_the_price(made: PriceBook, item: PricingInput) -> None:
    for charge in pricing.price(made, item):
        total = sum(Decimal(s["after"]) - Decimal(s["before"]) for s in charge.steps)
        assert made.round(total) == charge.amount
        assert abs(total - charge.amount) < (made.rounding or Rounding("EUR", Decimal(1))).smallest
        assert all(a["after"] == b["before"] for a, b in zip(charge.steps, charge.steps[1:], strict=False))
        order = [
            ("list", "attribute", "volume", "matrix", "agreement", "manual", "floor").index(s["step"])
            for s in charge.steps
        ]
        assert order[0] == 0
        assert order[-1] == max(order) or order[-1] < 4
        assert 0 <= charge.amount <= charge.agreed or not charge.amount


@quick
@given(made=books, item=lines, more=st.decimals(0, 100, places=2))
def test_more_discount_never_costs_more(made: PriceBook, item: PricingInput, more: Decimal) -> None:
    low, high = sorted((item.manual, more))
    dear, cheap = (pricing.price(made, replace(item, manual=one)) for one in (low, high))
    assert all(b.amount <= a.amount for a, b in zip(dear, cheap, strict=True))


@quick
@given(made=books, items=st.lists(lines, min_size=2, max_size=6), seed=st.randoms())
def test_the_order_of_lines_is_no_matter(made: PriceBook, items: list[PricingInput], seed: Any) -> None:
    straight = {item.key(): pricing.price(made, item) for item in items}
    seed.shuffle(items)
    made.prices.clear()
    made.answers.clear()
    assert {item.key(): pricing.price(made, item) for item in items} == straight


@quick
@given(made=books, item=lines, rate=st.decimals("0.01", 100, places=4))
def test_a_currency_never_mixes_with_another(made: PriceBook, item: PricingInput, rate: Decimal) -> None:
    fine = Rounding("CHF", Decimal("0.00000001"))
    plain = PriceBook("EUR", made.entries, made.adjustments, made.negotiated, fine, None, made.floor)
    other = PriceBook(
        "CHF", made.entries, made.adjustments, made.negotiated, fine, Rate("EUR", "CHF", rate, RATE.on), made.floor
    )
    for a, b in zip(pricing.price(plain, item), pricing.price(other, item), strict=True):
        assert abs(b.amount - a.amount * rate) <= Decimal("0.00001")
        assert abs(b.cost - a.cost * rate) <= Decimal("0.00001")
