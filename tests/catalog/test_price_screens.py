"""Pages about prices: who sees what, matrices filled and published, refusals at the field, costs hidden."""

import datetime as dt
import re
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog import currencies, entries, matrixmaking, pricebook, pricelists, pricing
from catalog.models import CurrencyRule, ExchangeRate, MarginFloor, PriceEntry, PriceList, PriceMatrix
from catalog.pricing import PriceBook, PricingInput
from kernel.models import AuditEntry
from tests.factories import catalog
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


def logged_in(role: str = "process_admin") -> Client:
    client = Client()
    client.force_login(UserFactory(role=role))
    return client


FINGERPRINT = re.compile(r"\?v=[0-9a-f]+")


def text(response: Any) -> str:
    """What a page says, without the fingerprints of its files, which may hold any digits."""
    return FINGERPRINT.sub("", str(response.content.decode()))


def drafted(**values: Any) -> PriceMatrix:
    wanted = {
        "name": "Internet by bandwidth and term", "price_list": catalog.price_list(),
        "offering": catalog.offering("dia"), "charge": "recurring", "label": "Monthly", "how": "amount",
    }  # fmt: skip
    return matrixmaking.draft(
        by=UserFactory(role="process_admin"), values=wanted | values, rows_by=["bandwidth"], columns_by=["term"]
    )


def posted(matrix: PriceMatrix, **cells: str) -> dict[str, str]:
    """The grid as the browser sends it."""
    data = {"edition": str(matrix.edition)}
    for side in ("rows", "columns"):
        for place, head in enumerate(getattr(matrix, side)["heads"]):
            data |= {f"{side}-{place}-{part}": one for part, one in enumerate(head)}
    for r, row in enumerate(matrix.cells):
        data |= {f"cell-{r}-{c}": one for c, one in enumerate(row)}
    return data | {name.replace("_", "-"): value for name, value in cells.items()}


def published(**cells: str) -> PriceMatrix:
    matrix, client = drafted(), logged_in()
    assert client.post(reverse("catalog:matrix_save", args=[matrix.key, 1]), posted(matrix, **cells)).status_code == 302
    answer = client.post(
        reverse("catalog:matrix_publish", args=[matrix.key, 1]), {"starts_on": timezone.localdate().isoformat()}
    )
    assert answer.status_code == 302
    return PriceMatrix.objects.get(pk=matrix.pk)


def monthly(**values: Any) -> pricing.PricedCharge:
    made = PriceBook.load(catalog.price_list(), [catalog.offering("dia").pk])
    item = PricingInput(offering_id=catalog.offering("dia").pk, values={"bandwidth": "1G"}, **values)
    return pricing.price(made, item)[0]


@pytest.mark.parametrize("name", ["price_lists", "matrices", "money", "price_trial"])
def test_sales_reads_prices(name: str) -> None:
    assert logged_in("sales_agent").get(reverse(f"catalog:{name}")).status_code == 200


def test_only_who_may_see_costs_has_their_book() -> None:
    assert logged_in("sales_agent").get(reverse("catalog:costs")).status_code == 403
    said = text(logged_in("finance").get(reverse("catalog:costs")))
    assert "430.00" in said
    assert "65.6 %" in said  # margin of 1G at list


def test_the_price_book_hides_costs_from_sales() -> None:
    address = reverse("catalog:price_book", args=["eur-test", "dia"])
    seen, hidden = text(logged_in("sales_manager").get(address)), text(logged_in("sales_agent").get(address))
    assert "430.00" in seen
    assert "1,250.00" in hidden
    assert "430.00" not in hidden
    assert "65.6" not in hidden
    assert "Add a price" not in hidden
    assert reverse("catalog:price_new", args=["eur-test", "dia"]) in text(logged_in().get(address))


def test_a_cost_is_out_of_reach_without_the_right() -> None:
    cost = PriceEntry.objects.filter(offering=catalog.offering("dia"), is_cost=True).first()
    assert cost is not None
    for role, status in (("sales_agent", 403), ("process_admin", 200)):
        assert logged_in(role).get(_entry(cost)).status_code == status


def _entry(entry: PriceEntry) -> str:
    return reverse("catalog:price_edit", args=["eur-test", entry.offering.key, entry.pk])


def test_a_price_is_changed_and_audited() -> None:
    entry = PriceEntry.objects.get(offering=catalog.offering("dia"), is_cost=False, when={"bandwidth": "1G"})
    data = {"charge": "recurring", "label": "Monthly", "amount": "1300", "when-bandwidth": "1G", "period": "1",
            "allowance": "0", "per": "", "unit": "", "tiering": "", "tiers": ""}  # fmt: skip
    client = logged_in()
    assert client.post(_entry(entry), data | {"amount": "-1"}).status_code == 422
    assert "A price is 0 or more." in text(client.post(_entry(entry), data | {"amount": "-1"}))
    assert "as units = price" in text(client.post(_entry(entry), data | {"tiering": "tiered", "tiers": "x"}))
    assert "a price of this name" in text(client.post(_entry(entry), data | {"when-bandwidth": "10G"}))
    assert client.post(_entry(entry), data).status_code == 302
    assert monthly().amount == 1300
    assert AuditEntry.objects.filter(subject_type="catalog.priceentry", subject_id=entry.pk).count() == 1


def test_a_usage_price_has_tiers_and_an_allowance() -> None:
    values = {
        "charge": "usage", "label": "Calls", "amount": Decimal("0.05"), "per": "", "period": 1, "unit": "minute",
        "allowance": Decimal(1000), "tiering": "tiered", "when": {},
        "tiers": [{"over": "0", "amount": "0.05"}, {"over": "5000", "amount": "0.04"}],
    }  # fmt: skip
    sip = catalog.offering("sip")
    entries.keep(price_list=catalog.price_list(), offering=sip, values=values, by=UserFactory(role="finance"))
    said = text(
        logged_in("sales_agent").get(
            reverse("catalog:price_trial"),
            {"offering": "sip", "price_list": "eur-test", "units": "7000", "asked": "1"},
        )
    )
    assert "the first 1000 minute are included" in said
    assert "290.00" in said  # 5,000 at 0.05 and 1,000 at 0.04, after 1,000 that are included


def test_a_price_that_makes_no_sense_is_refused_at_its_fields() -> None:
    values = {
        "charge": "usage", "label": "Calls", "amount": Decimal(1), "per": "", "period": 12, "unit": "",
        "allowance": Decimal(-1), "tiering": "volume", "when": {}, "tiers": [],
    }  # fmt: skip
    with pytest.raises(Exception, match="Only a recurring price") as error:
        entries.keep(price_list=catalog.price_list(), offering=catalog.offering("sip"), values=values, by=UserFactory())
    assert set(error.value.problems) == {"period", "unit", "allowance", "tiers"}  # type: ignore[attr-defined]


# Matrices


def test_a_new_matrix_begins_with_every_combination() -> None:
    client = logged_in()
    data = {"name": "By term", "price_list": "eur-test", "offering": "dia", "charge": "recurring", "how": "percent"}
    assert client.post(reverse("catalog:matrix_new"), data).status_code == 422
    both = data | {"rows_by": ["bandwidth"], "columns_by": ["bandwidth"]}
    assert "stands on the rows already" in text(client.post(reverse("catalog:matrix_new"), both))
    answer = client.post(reverse("catalog:matrix_new"), data | {"rows_by": ["bandwidth"], "columns_by": ["term"]})
    assert answer.status_code == 302
    made = PriceMatrix.objects.get(key="by-term")
    assert made.rows["heads"] == [["100M"], ["500M"], ["1G"], ["10G"]]
    assert made.columns["heads"] == [["1..11"], ["12..23"], ["24..35"], ["36.."]]
    assert logged_in("sales_agent").post(reverse("catalog:matrix_new"), data).status_code == 403


def test_a_published_matrix_prices_lines_and_says_so() -> None:
    published(cell_2_3="999", cell_2_0="1111")
    charge = monthly(term=36)
    step = next(one for one in charge.steps if one["step"] == "matrix")
    assert step == {
        "step": "matrix", "label": "Internet by bandwidth and term", "detail": "1G, 36..: 999", "before": "1250",
        "after": "999", "rule": "matrix:internet-by-bandwidth-and-term:1", "input": "bandwidth 1G, term 36",
    }  # fmt: skip
    assert charge.amount == rounded("749.25")  # the rule on the term comes after it
    assert monthly(term=3).amount == 1111
    assert monthly(term=15).amount == 1250  # an empty cell


def rounded(amount: str) -> Decimal:
    return Decimal(amount)


def test_the_next_version_shows_what_differs_and_replaces_the_first() -> None:
    first, client = published(cell_2_3="999", cell_0_0="500"), logged_in()
    client.post(reverse("catalog:matrix_next", args=[first.key, 1]))
    second = PriceMatrix.objects.get(key=first.key, version=2)
    client.post(reverse("catalog:matrix_save", args=[first.key, 2]), posted(second, cell_2_3="949.05", cell_0_0=""))
    said = text(client.get(reverse("catalog:matrix", args=[first.key, 2])))
    assert "2 prices differ from version 1" in said
    assert "−5.0" in said or "-5.0" in said
    assert monthly(term=36).amount == Decimal("749.25")  # a draft changes nothing
    tomorrow = timezone.localdate() + dt.timedelta(days=1)
    yesterday = timezone.localdate() - dt.timedelta(days=1)
    publish = reverse("catalog:matrix_publish", args=[first.key, 2])
    assert "That day is over" in text(client.post(publish, {"starts_on": yesterday.isoformat()}))
    client.post(publish, {"starts_on": tomorrow.isoformat()})
    assert monthly(term=36).amount == Decimal("749.25")  # its day is to come
    grid = pricebook.grids(catalog.price_list(), [catalog.offering("dia").pk], tomorrow)
    assert [one.matrix.version for one in grid] == [2]
    answer = client.post(reverse("catalog:matrix_save", args=[first.key, 2]), posted(second))
    assert answer.status_code == 409


def test_cells_and_heads_are_refused_at_their_place() -> None:
    matrix, client = drafted(), logged_in()
    save = reverse("catalog:matrix_save", args=[matrix.key, 1])
    answer = client.post(save, posted(matrix, cell_0_0="abc", cell_1_1="-3", cell_2_2="1,250", rows_3_0="2G"))
    said = text(answer)
    assert answer.status_code == 422
    for problem in ("“abc” is not a number.", "A price is 0 or more.", "can be read in two ways", "is no bandwidth"):
        assert problem in said
    assert 'value="abc"' in said  # what was typed is kept
    assert "A line can fit both" in text(client.post(save, posted(matrix, columns_1_0="1..12")))
    assert PriceMatrix.objects.get(pk=matrix.pk).cells[0][0] == ""


def test_two_editors_of_a_matrix() -> None:
    matrix, client = drafted(), logged_in()
    save = reverse("catalog:matrix_save", args=[matrix.key, 1])
    assert client.post(save, posted(matrix, cell_0_0="1")).status_code == 302
    late = client.post(save, posted(matrix, cell_0_0="2"))
    assert late.status_code == 409
    assert 'value="2"' in text(late)
    assert PriceMatrix.objects.get(pk=matrix.pk).cells[0][0] == "1"


def test_rows_and_columns_come_and_go() -> None:
    matrix, client = drafted(), logged_in()
    save = reverse("catalog:matrix_save", args=[matrix.key, 1])
    grown = text(client.post(save, posted(matrix) | {"add": "rows"}))
    assert 'name="rows-4-0"' in grown
    shrunk = text(client.post(save, posted(matrix) | {"drop": "columns-0"}))
    assert 'name="columns-3-0"' not in shrunk
    assert PriceMatrix.objects.get(pk=matrix.pk).edition == matrix.edition


def test_a_matrix_goes_out_as_csv_and_comes_back() -> None:
    matrix, client = drafted(how="percent"), logged_in()
    client.post(reverse("catalog:matrix_save", args=[matrix.key, 1]), posted(matrix, cell_0_3="-25", cell_1_3="-20"))
    file = client.get(reverse("catalog:matrix_csv", args=[matrix.key, 1])).content
    assert file.decode("utf-8-sig").splitlines()[:2] == ["bandwidth,1..11,12..23,24..35,36..", "100M,,,,'-25"]
    take = reverse("catalog:matrix_file", args=[matrix.key, 1])
    changed = file.replace(b"'-20", b"-21")
    assert client.post(take, {"file": SimpleUploadedFile("m.csv", changed)}).status_code == 302
    assert PriceMatrix.objects.get(pk=matrix.pk).cells[1][3] == "-21"
    bad = changed.replace(b"-21", b"much").replace(b"10G", b"2G")
    answer = client.post(take, {"file": SimpleUploadedFile("m.csv", bad)})
    said = text(answer)
    assert answer.status_code == 422
    assert "Line 3, 36..: “much” is not a number." in said
    assert "Line 5, bandwidth: “2G” is no bandwidth." in said
    latin = client.post(take, {"file": SimpleUploadedFile("m.csv", "bandwidth,36..\nü,1".encode("latin-1"))})
    assert "not UTF-8" in text(latin)


def test_an_empty_matrix_is_not_published_and_a_retired_one_prices_nothing() -> None:
    matrix, client = drafted(), logged_in()
    today = {"starts_on": timezone.localdate().isoformat()}
    assert "Not one cell" in text(client.post(reverse("catalog:matrix_publish", args=[matrix.key, 1]), today))
    client.post(reverse("catalog:matrix_save", args=[matrix.key, 1]), posted(matrix, cell_2_0="1"))
    client.post(reverse("catalog:matrix_publish", args=[matrix.key, 1]), today)
    assert monthly().amount == 1
    client.post(reverse("catalog:matrix_retire", args=[matrix.key, 1]), {"reason": "Wrong"})
    assert monthly().amount == 1250


# Currencies


def test_rates_are_added_with_their_day_and_never_twice() -> None:
    client, add = logged_in("finance"), reverse("catalog:money_add", args=["rate"])
    data = {"source": "eur", "target": "chf", "rate": "0.94", "valid_from": "2026-01-01", "origin": "ECB"}
    assert client.post(add, data).status_code == 302
    assert "from that day already" in text(client.post(add, data))
    assert "worth one of itself" in text(client.post(add, data | {"target": "EUR"}))
    assert "more than 0" in text(client.post(add, data | {"rate": "0", "valid_from": "2026-02-01"}))
    assert logged_in("sales_agent").post(add, data).status_code == 403
    assert "0.94" in text(logged_in("sales_agent").get(reverse("catalog:money")))
    day = dt.date(2026, 6, 1)
    assert currencies.rate("EUR", "CHF", day).rate == Decimal("0.94")
    assert currencies.rate("CHF", "EUR", day).rate == Decimal("1.06382979")
    with pytest.raises(currencies.NoRate, match="EUR to USD for 1 June 2026"):
        currencies.rate("EUR", "USD", day)
    with pytest.raises(currencies.NoRate):
        currencies.rate("EUR", "CHF", dt.date(2025, 12, 31))


def test_prices_are_converted_by_a_stated_rate_or_not_at_all() -> None:
    day, dia = dt.date(2026, 6, 1), catalog.offering("dia").pk
    with pytest.raises(Exception, match="CHF needs an exchange rate"):
        PriceBook.load(catalog.price_list(), [dia], (), pricing.Terms("CHF"))
    wrong = currencies.Rate("USD", "CHF", Decimal("0.9"), day)
    with pytest.raises(Exception, match="CHF needs an exchange rate"):
        PriceBook.load(catalog.price_list(), [dia], (), pricing.Terms("CHF", wrong))
    CurrencyRule.objects.create(currency="CHF", valid_from="2026-01-01", smallest=Decimal("0.05"))
    rate = currencies.Rate("EUR", "CHF", Decimal("0.9437"), day)
    made = PriceBook.load(catalog.price_list(), [dia], (), pricing.Terms("CHF", rate))
    charge = pricing.price(made, PricingInput(offering_id=dia, values={"bandwidth": "1G"}))[0]
    assert charge.amount == Decimal("1179.65")  # 1,179.625 to the nearest five
    assert charge.cost == Decimal("405.80")
    assert charge.steps[0]["detail"] == "1G, 1250 EUR, 1 EUR = 0.9437 CHF, rate of 1 June 2026"


def test_the_list_of_a_currency_before_a_converted_one() -> None:
    today = timezone.localdate()
    assert pricelists.choose(currency="EUR", segment="business", on=today) == (catalog.price_list(), None)
    with pytest.raises(pricelists.NoPrices, match="no exchange rate from EUR to CHF"):
        pricelists.choose(currency="CHF", segment="business", on=today)
    ExchangeRate.objects.create(source="EUR", target="CHF", valid_from="2026-01-01", rate=Decimal("0.94"))
    chosen, rate = pricelists.choose(currency="CHF", segment="business", on=today)
    assert (chosen, rate and rate.rate) == (catalog.price_list(), Decimal("0.94"))
    own = PriceList.objects.create(key="chf", name="CHF", currency="CHF", valid_from=today)
    assert pricelists.choose(currency="CHF", segment="business", on=today) == (own, None)
    special = PriceList.objects.create(
        key="chf-b", name="CHF business", currency="CHF", segment="business", valid_from=today, valid_until=today
    )
    assert pricelists.choose(currency="CHF", segment="business", on=today) == (special, None)
    assert pricelists.choose(currency="CHF", segment="retail", on=today) == (own, None)
    assert pricelists.choose(currency="CHF", segment="business", on=today + dt.timedelta(days=1)) == (own, None)


def test_a_list_is_made_filled_and_kept_in_its_currency() -> None:
    client = logged_in()
    data = {"name": "CHF 2027", "currency": "chf", "segment": "", "valid_from": "2027-01-01", "valid_until": ""}
    bad = client.post(reverse("catalog:price_list_new"), data | {"valid_until": "2026-12-31"})
    assert "cannot end before it begins" in text(bad)
    assert client.post(reverse("catalog:price_list_new"), data).status_code == 302
    copy = reverse("catalog:price_list_copy", args=["chf-2027"])
    source = {"source": str(catalog.price_list().pk)}
    assert "There is no exchange rate from EUR to CHF" in text(client.post(copy, source))
    ExchangeRate.objects.create(source="EUR", target="CHF", valid_from="2026-01-01", rate=Decimal("0.94"))
    assert client.post(copy, source).status_code == 302
    made = PriceList.objects.get(key="chf-2027")
    assert made.entries.get(when={"bandwidth": "1G"}, is_cost=False).amount == 1175
    assert "nothing was copied" in text(client.post(copy, source))
    edit = reverse("catalog:price_list_edit", args=["chf-2027"])
    same = data | {"edition": str(made.edition)}
    assert "would be taken for EUR" in text(client.post(edit, same | {"currency": "EUR"}))
    assert client.post(edit, same | {"name": "CHF 2027 a"}).status_code == 302
    assert "changed this meanwhile" in text(client.post(edit, same | {"name": "CHF 2027 b"}))
    assert logged_in("sales_agent").get(edit).status_code == 403


def test_the_floor_of_a_role_and_segment() -> None:
    assert pricebook.floor_for(["sales_agent"], "business") == 5
    for role, segment, percent in (("", "", 10), ("", "business", 12), ("sales_agent", "", 20), ("finance", "", 0)):
        MarginFloor.objects.create(role=role, segment=segment, percent=percent)
    assert pricebook.floor_for(["sales_agent"], "business") == 20
    assert pricebook.floor_for(["sales_agent", "finance"], "business") == 0
    assert pricebook.floor_for(["order_agent"], "business") == 12
    assert pricebook.floor_for([], "retail") == 10
    assert "20" not in text(logged_in("sales_agent").get(reverse("catalog:money"))).partition("Margin floors")[2]


# Trying a price


def test_a_trial_says_what_it_would_cost_and_hides_the_cost() -> None:
    ask = {"offering": "dia", "price_list": "eur-test", "c-bandwidth": "1G", "region": "regional", "asked": "1"}
    address = reverse("catalog:price_trial")
    seen, hidden = (text(logged_in(role).get(address, ask)) for role in ("finance", "sales_agent"))
    for said in (seen, hidden):
        assert "1,171.88" in said
        assert "× 1.25" in said
        assert reverse("catalog:price_book", args=["eur-test", "dia"]) in said
    assert "430.00" in seen
    assert "430" not in hidden
    assert "margin" not in hidden
    assert "no exchange rate" in text(logged_in("sales_agent").get(address, ask | {"currency": "CHF"}))
    wrong = logged_in("sales_agent").get(address, ask | {"term": "0"})
    assert wrong.status_code == 422


@pytest.mark.parametrize("name", ["price_lists", "matrices", "money", "price_trial"])
def test_pages_say_what_they_are_for_when_there_is_nothing(name: str) -> None:
    PriceEntry.objects.all().delete()
    PriceList.objects.all().delete()
    said = text(logged_in("sales_agent").get(reverse(f"catalog:{name}")))
    empty = ("No price list yet", "No price matrix yet", "No exchange rate yet", "Nothing to try")
    assert any(word in said for word in empty)
