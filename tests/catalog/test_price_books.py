"""What a price book reads: entries, rules and matrices of a day; rates, rounding, floors and proration by date."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from catalog import currencies, pricebook, proration
from catalog.currencies import Rate, Rounding
from catalog.matrices import Grid
from catalog.models import (
    Category,
    CurrencyRule,
    ExchangeRate,
    MarginFloor,
    Offering,
    PriceAdjustment,
    PriceEntry,
    PriceList,
    PriceMatrix,
    ProrationRule,
)
from catalog.pricing import PriceBook, Terms
from kernel import lifecycle
from kernel.money import CurrencyMix

pytestmark = pytest.mark.django_db
JUNE = dt.date(2026, 6, 1)


def price_list(key: str = "eur", **values: Any) -> PriceList:
    row: PriceList = PriceList.objects.create(
        **{"key": key, "name": f"List {key}", "currency": "EUR", "valid_from": dt.date(2026, 1, 1)} | values
    )
    return row


def offering(key: str, version: int = 1) -> Offering:
    shelf, _ = Category.objects.get_or_create(key="s", name="Shelf")
    row: Offering = Offering.objects.create(key=key, name=key, kind="bundle", category=shelf, version=version)
    return row


def entry(of: PriceList, what: Offering, label: str = "Monthly", **values: Any) -> PriceEntry:
    return PriceEntry.objects.create(
        **{"price_list": of, "offering": what, "charge": "recurring", "label": label, "amount": 1} | values
    )


def rule(key: str, step: str = "attribute", *only: Offering, **values: Any) -> PriceAdjustment:
    row = PriceAdjustment.objects.create(
        **{"key": key, "label": key.title(), "charge": "recurring", "step": step, "how": "percent", "value": "-1"}
        | values
    )
    row.offerings.set(only)
    return row


def published(of: PriceList, what: Offering, key: str = "m", version: int = 1, on: dt.date = JUNE) -> PriceMatrix:
    row = PriceMatrix.objects.create(
        key=key, version=version, name=key, price_list=of, offering=what, starts_on=on, published_at=timezone.now(),
        rows={"by": ["term"], "heads": [["*"]]}, columns={"by": ["region"], "heads": [["*"]]}, cells=[["1"]],
    )  # fmt: skip
    lifecycle.move(row, PriceMatrix.publish, by=None)
    return row


def told(made: PriceBook, what: Offering) -> list[str]:
    """The rules of an offering in their order."""
    return [
        f"{one.matrix.key} {one.matrix.version}" if isinstance(one, Grid) else one.key
        for one in made.adjustments[what.pk]
    ]


# The book


def test_a_book_holds_the_entries_of_its_list_and_offerings_by_their_age() -> None:
    own, other, a, b, c = price_list(), price_list("chf"), offering("a"), offering("b"), offering("c")
    first, second = entry(own, a, "Z"), entry(own, a, "A")
    third = entry(own, b)
    entry(own, c)
    entry(other, a)
    made = PriceBook.load(own, [a.pk, b.pk], terms=Terms(on=JUNE))
    assert made.entries == {a.pk: [first, second], b.pk: [third]}
    assert (made.currency, made.rate, made.floor, made.negotiated) == ("EUR", None, Decimal(5), [])
    assert made.adjustments == {a.pk: [], b.pk: []}
    assert made.entries.get(c.pk) is None


def test_rules_count_by_step_then_place_then_age_and_only_where_they_belong() -> None:
    own, other, a, b = price_list(), price_list("chf"), offering("a"), offering("b")
    rule("volume", "volume", position=0)
    rule("late", position=2)
    rule("early", position=1)
    rule("same", position=1)
    rule("mine", "matrix", a)
    rule("theirs", "attribute", b, price_list=own)
    rule("off", active=False)
    rule("elsewhere", price_list=other)
    rule("amount", how="amount", price_list=own, position=3)
    published(own, a)
    made = PriceBook.load(own, iter([a.pk, b.pk]), terms=Terms(on=JUNE))
    assert told(made, a) == ["early", "same", "late", "amount", "m 1", "mine", "volume"]
    assert told(made, b) == ["theirs", "early", "same", "late", "amount", "volume"]


def test_a_matrix_counts_from_its_day_in_its_list_until_the_next_version() -> None:
    own, a, b = price_list(), offering("a"), offering("b")
    published(own, a, version=1, on=dt.date(2026, 3, 1))
    published(own, a, version=2, on=JUNE)
    published(own, b, "z")
    published(own, b, "n", on=dt.date(2026, 7, 1))
    published(price_list("chf"), a, "chf")
    PriceMatrix.objects.create(key="m", version=3, name="m", price_list=own, offering=a, starts_on=JUNE)

    def found(on: dt.date, *keys: Offering) -> list[str]:
        return [f"{one.matrix.key} {one.matrix.version}" for one in pricebook.grids(own, (k.pk for k in keys), on)]

    assert found(dt.date(2026, 2, 28), a, b) == []
    assert found(dt.date(2026, 5, 31), a) == ["m 1"]
    assert found(JUNE, a, b) == ["m 2", "z 1"]
    assert found(dt.date(2026, 7, 1), b, a) == ["m 2", "n 1", "z 1"]
    assert found(JUNE, b) == ["z 1"]


def test_a_matrix_counts_for_its_version_of_the_offering_and_those_after_it() -> None:
    own, versions = price_list(), [offering("a", number) for number in (1, 2, 3)]
    published(own, versions[1])
    made = PriceBook.load(own, [one.pk for one in versions], terms=Terms(on=JUNE))
    assert [told(made, one) for one in versions] == [[], ["m 1"], ["m 1"]]


@pytest.mark.parametrize(
    ("currency", "rate", "fits"),
    [
        ("", None, True), ("EUR", None, True), ("CHF", None, False), ("CHF", ("EUR", "CHF"), True),
        ("CHF", ("USD", "CHF"), False), ("CHF", ("EUR", "USD"), False), ("CHF", ("CHF", "EUR"), False),
    ],
)  # fmt: skip
def test_another_currency_needs_the_rate_that_leads_to_it(
    currency: str, rate: tuple[str, str] | None, fits: bool
) -> None:
    terms = Terms(currency, rate and Rate(*rate, Decimal("0.9"), JUNE), Decimal(7), JUNE)
    own = price_list()
    CurrencyRule.objects.create(currency="CHF", valid_from="2026-01-01", smallest=Decimal("0.05"))
    CurrencyRule.objects.create(currency="CHF", valid_from="2026-06-02", smallest=Decimal(1))
    if not fits:
        with pytest.raises(CurrencyMix, match=r"^List eur is in EUR; CHF needs an exchange rate\.$"):
            PriceBook.load(own, [], terms=terms)
        return
    made = PriceBook.load(own, [], terms=terms)
    assert (made.currency, made.rate, made.floor) == (currency or "EUR", terms.rate, 7)
    assert made.rounding == (Rounding("CHF", Decimal("0.05")) if rate else currencies.usual("EUR"))


def test_a_list_in_its_own_currency_is_not_converted_whatever_rate_is_given() -> None:
    rate = Rate("EUR", "EUR", Decimal(3), JUNE)
    assert PriceBook.load(price_list(), [], terms=Terms("EUR", rate)).money(Decimal(2)) == 2


def test_without_a_day_today_counts() -> None:
    own, a = price_list(), offering("a")
    published(own, a, on=timezone.localdate())
    published(own, a, "n", on=timezone.localdate() + dt.timedelta(days=1))
    CurrencyRule.objects.create(currency="EUR", valid_from=timezone.localdate(), smallest=Decimal(1))
    made = PriceBook.load(own, [a.pk])
    assert told(made, a) == ["m 1"]
    assert made.round(Decimal("1.4")) == 1
    assert PriceBook("EUR", {}, {}).round(Decimal("1.404")) == Decimal("1.40")


# Rates, rounding, floors, parts of a month


def test_the_later_rate_of_a_day_counts_turned_if_it_has_to_be() -> None:
    for day, worth in (("2026-01-01", "0.94"), ("2026-03-01", "0.95"), ("2026-05-01", "0.96")):
        ExchangeRate.objects.create(source="EUR", target="CHF", valid_from=day, rate=Decimal(worth))
    ExchangeRate.objects.create(source="CHF", target="EUR", valid_from="2026-04-01", rate=Decimal("1.25"))
    ExchangeRate.objects.create(source="CHF", target="EUR", valid_from="2026-05-01", rate=Decimal("9"))
    ExchangeRate.objects.create(source="USD", target="CHF", valid_from="2026-05-01", rate=Decimal("7"))

    def rate(text: str, source: str = "EUR", target: str = "CHF") -> Rate:
        return currencies.rate(source, target, dt.date.fromisoformat(text))

    assert rate("2026-03-31") == Rate("EUR", "CHF", Decimal("0.95"), dt.date(2026, 3, 1))
    assert rate("2026-04-01") == Rate("EUR", "CHF", Decimal("0.8"), dt.date(2026, 4, 1))
    assert rate("2026-05-01").rate == Decimal("0.96")  # of one day the one that was entered this way round
    assert rate("2026-03-31", "CHF", "EUR") == Rate("CHF", "EUR", Decimal("1.05263158"), dt.date(2026, 3, 1))
    for day, source, target in (("2025-12-31", "EUR", "CHF"), ("2026-06-01", "EUR", "USD")):
        with pytest.raises(currencies.NoRate):
            rate(day, source, target)
    with pytest.raises(currencies.NoRate, match=r"^There is no exchange rate from EUR to USD for 1 June 2026\. Enter"):
        rate("2026-06-01", "EUR", "USD")


def test_rounding_follows_the_rule_of_the_day() -> None:
    CurrencyRule.objects.create(currency="EUR", valid_from="2027-01-01", smallest=Decimal(1), how="down")
    CurrencyRule.objects.create(currency="EUR", valid_from="2026-01-01", smallest=Decimal("0.1"), how="up")
    assert currencies.rounding("EUR", dt.date(2025, 12, 31)) == currencies.usual("EUR")
    assert currencies.rounding("EUR", dt.date(2026, 1, 1)) == Rounding("EUR", Decimal("0.1"), "up")
    assert currencies.rounding("EUR", dt.date(2026, 12, 31))(Decimal("1.01")) == Decimal("1.1")
    assert currencies.rounding("EUR", dt.date(2027, 1, 1))(Decimal("1.99")) == 1
    assert currencies.rounding("USD", dt.date(2027, 1, 1)) == currencies.usual("USD")


def test_the_floor_of_a_role_and_segment() -> None:
    for role, segment, percent in (("", "", 10), ("", "business", 12), ("sales_agent", "", 20), ("finance", "", 0)):
        MarginFloor.objects.create(role=role, segment=segment, percent=percent)
    wanted = {("sales_agent",): 20, ("sales_agent", "finance"): 0, ("order_agent",): 12, (): 12}
    assert {roles: pricebook.floor_for(roles, "business") for roles in wanted} == wanted
    assert pricebook.floor_for([], "retail") == 10


def test_the_part_of_a_month_of_a_country_and_currency() -> None:
    for country, currency, text, day in (
        ("", "", "thirty", "2026-01-01"), ("", "EUR", "whole", "2026-02-01"), ("NL", "", "free", "2026-03-01"),
    ):  # fmt: skip
        ProrationRule.objects.create(country=country, currency=currency, rule=text, valid_from=day)
    asked = {
        ("DE", "CHF", "2026-06-01"): "thirty", ("DE", "EUR", "2026-02-01"): "whole",
        ("DE", "EUR", "2026-01-31"): "thirty", ("NL", "EUR", "2026-03-01"): "free",
        ("NL", "EUR", "2026-02-28"): "whole", ("NL", "CHF", "2025-12-31"): "actual",
    }  # fmt: skip
    assert {key: proration.rule_for(*key[:2], dt.date.fromisoformat(key[2])) for key in asked} == asked
