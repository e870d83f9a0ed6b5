"""Pricing: every step in its order and explained; more discount never costs more; no line minds its neighbours."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import pricing
from catalog.models import PriceAdjustment, PriceEntry
from catalog.pricing import Negotiated, PriceBook, PricedCharge, PricingInput
from kernel.decisions import BrokenRule
from kernel.money import rounded
from tests.factories import catalog

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]
OFFERINGS = ("dia", "sdwan", "firewall", "sip", "mobile")
TEN = [Negotiated(None, "recurring", Decimal(10), "AGR0000427")]


def book(*negotiated: Negotiated) -> PriceBook:
    keys = [catalog.offering(key).pk for key in OFFERINGS]
    return PriceBook.load(catalog.price_list(), keys, negotiated)


def line(key: str, /, **values: Any) -> PricingInput:
    return PricingInput(offering_id=catalog.offering(key).pk, **values)


def monthly(charges: list[PricedCharge]) -> PricedCharge:
    return next(charge for charge in charges if charge.charge == "recurring")


def test_every_step_in_its_order() -> None:
    item = line(
        "dia",
        values={"bandwidth": "1G"},
        region="regional",
        country="CZ",
        term=36,
        sites=12,
        manual=Decimal(8),
        manual_by="M. Havlik",
    )
    charge = monthly(pricing.price(book(*TEN), item))
    said = [(step["step"], step["detail"], step["after"]) for step in charge.steps]
    assert said == [
        ("list", "1G", "1250"),
        ("attribute", "CZ is regional, × 1.25", "1562.5"),
        ("matrix", "36 months, − 25 %", "1171.875"),
        ("volume", "-5 %".replace("-", "− "), "1113.28125"),
        ("agreement", "AGR0000427, − 10 %", "1001.953125"),
        ("manual", "M. Havlik, − 8 %", "921.796875"),
    ]
    assert (charge.list_amount, charge.agreed, charge.amount, charge.cost) == (
        Decimal("1250.00"), Decimal("1001.95"), Decimal("921.80"), Decimal("430.00"),
    )  # fmt: skip


def test_set_up_is_waived_but_the_build_is_not() -> None:
    item = line("dia", values={"bandwidth": "100M"}, term=36, build_cost=Decimal("38400"))
    setup, build = [c for c in pricing.price(book(), item) if c.charge == "one_time"]
    assert (setup.amount, setup.list_amount) == (0, Decimal("1500.00"))
    assert setup.steps[-1]["detail"] == "waived"
    assert (build.label, build.amount, build.cost) == (pricing.BUILD, Decimal("38400.00"), Decimal("38400.00"))


def test_a_number_of_things_multiplies() -> None:
    charge = monthly(pricing.price(book(), line("sip", values={"channels": 60}, quantity=2)))
    assert charge.amount == Decimal("720.00")
    assert "6 × 60 channels" in charge.steps[0]["detail"]


def test_the_floor_stops_a_manual_discount_above_cost() -> None:
    charge = monthly(pricing.price(book(), line("dia", values={"bandwidth": "1G"}, manual=Decimal(100))))
    assert charge.steps[-1]["step"] == "floor"
    assert charge.amount == rounded(Decimal(430) * 100 / 95, "EUR")


def test_the_floor_never_raises_what_was_agreed() -> None:
    cheap = Negotiated(catalog.offering("dia").pk, "recurring", Decimal(80), "AGR1")
    charge = monthly(pricing.price(book(cheap), line("dia", values={"bandwidth": "1G"}, manual=Decimal(10))))
    assert charge.amount == charge.agreed == Decimal("250.00")


def test_the_agreement_of_the_offering_goes_before_the_one_of_all() -> None:
    special = Negotiated(catalog.offering("dia").pk, "recurring", Decimal(20), "AGR2")
    charge = monthly(pricing.price(book(*TEN, special), line("dia", values={"bandwidth": "1G"})))
    assert charge.amount == Decimal("1000.00")


def test_a_configuration_without_a_price_has_no_monthly_charge() -> None:
    assert not pricing.price(book(), line("firewall", values={"tier": "premium"}))


def test_the_entry_that_says_most_wins() -> None:
    PriceEntry.objects.create(
        price_list=catalog.price_list(), offering=catalog.offering("dia"), charge="recurring", label="Monthly",
        when={"bandwidth": "1G", "country": "BE"}, amount=1100,
    )  # fmt: skip
    assert monthly(pricing.price(book(), line("dia", values={"bandwidth": "1G"}, country="BE"))).amount == 1100
    assert monthly(pricing.price(book(), line("dia", values={"bandwidth": "1G"}, country="NL"))).amount == 1250


def test_a_condition_over_a_missing_value_does_not_hold() -> None:
    PriceAdjustment.objects.create(
        key="many",
        label="Many",
        charge="recurring",
        step="attribute",
        condition="channels > 10",
        how="percent",
        value="-50",
    )
    assert monthly(pricing.price(book(), line("dia", values={"bandwidth": "1G"}))).amount == 1250


def test_a_mistake_in_a_rule_is_said() -> None:
    PriceAdjustment.objects.create(
        key="broken",
        label="Broken",
        charge="recurring",
        step="attribute",
        condition="region ==",
        how="percent",
        value="-50",
    )
    with pytest.raises(BrokenRule):
        pricing.price(book(), line("dia", values={"bandwidth": "1G"}))


def test_a_book_asks_the_database_twice_while_no_rule_changes(django_assert_num_queries: Any) -> None:
    price_list, keys = catalog.price_list(), [catalog.offering(key).pk for key in OFFERINGS]
    PriceBook.load(price_list, keys)
    with django_assert_num_queries(2):
        made = PriceBook.load(price_list, keys)
        for bandwidth in ("100M", "500M", "1G"):
            pricing.price(made, PricingInput(offering_id=keys[0], values={"bandwidth": bandwidth}, term=36))
    PriceAdjustment.objects.filter(key="term-36").update(active=False)
    assert len(PriceBook.load(price_list, keys).adjustments[keys[0]]) == len(made.adjustments[keys[0]]) - 1


@pytest.fixture
def loaded() -> tuple[PriceBook, dict[str, int]]:
    return book(*TEN), {key: catalog.offering(key).pk for key in OFFERINGS}


lines = st.fixed_dictionaries(
    {
        "key": st.sampled_from(OFFERINGS),
        "bandwidth": st.sampled_from(["100M", "500M", "1G", "10G"]),
        "size": st.sampled_from(["S", "M", "L"]),
        "tier": st.sampled_from(["basic", "plus"]),
        "ha": st.booleans(),
        "channels": st.integers(2, 500),
        "lines": st.integers(1, 500),
        "region": st.sampled_from(["metro", "regional", "remote"]),
        "term": st.sampled_from([1, 12, 36, 60]),
        "sites": st.integers(1, 80),
        "quantity": st.integers(1, 9),
        "manual": st.decimals(0, 100, places=2),
    }
)
fast = settings(max_examples=60)


def item_of(drawn: dict[str, Any], keys: dict[str, int]) -> PricingInput:
    values = {name: drawn[name] for name in ("bandwidth", "size", "tier", "ha", "channels", "lines")}
    outer = {name: drawn[name] for name in ("region", "term", "sites", "quantity", "manual")}
    return PricingInput(offering_id=keys[drawn["key"]], values=values, **outer)


@pytest.mark.slow
@fast
@given(drawn=lines)
def test_the_last_step_rounds_to_the_amount(loaded: tuple[PriceBook, dict[str, int]], drawn: dict[str, Any]) -> None:
    made, keys = loaded
    for charge in pricing.price(made, item_of(drawn, keys)):
        assert rounded(Decimal(charge.steps[-1]["after"]), "EUR") == charge.amount
        assert all(a["after"] == b["before"] for a, b in zip(charge.steps, charge.steps[1:], strict=False))
        assert charge.amount >= 0


@pytest.mark.slow
@fast
@given(drawn=lines, more=st.decimals(0, 100, places=2))
def test_more_discount_never_costs_more(
    loaded: tuple[PriceBook, dict[str, int]], drawn: dict[str, Any], more: Decimal
) -> None:
    made, keys = loaded
    low, high = sorted((drawn["manual"], more))
    dear = pricing.price(made, item_of({**drawn, "manual": low}, keys))
    cheap = pricing.price(made, item_of({**drawn, "manual": high}, keys))
    assert all(b.amount <= a.amount for a, b in zip(dear, cheap, strict=True))


@pytest.mark.slow
@fast
@given(drawn=st.lists(lines, min_size=2, max_size=8), seed=st.randoms())
def test_the_order_of_lines_is_no_matter(
    loaded: tuple[PriceBook, dict[str, int]], drawn: list[dict[str, Any]], seed: Any
) -> None:
    made, keys = loaded
    items = [item_of(one, keys) for one in drawn]
    straight = {item.key(): pricing.price(made, item) for item in items}
    seed.shuffle(items)
    again = PriceBook(made.currency, made.entries, made.adjustments, made.negotiated)
    assert {item.key(): pricing.price(again, item) for item in items} == straight
