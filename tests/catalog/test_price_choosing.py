"""What is priced is chosen among all that may be priced: also what does not sell yet, and searched where it is much."""

from decimal import Decimal

import pytest
from django.urls import reverse

from catalog.models import Offering, PriceEntry
from tests.catalog.test_price_screens import logged_in, text
from tests.factories import catalog

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


def test_the_offering_of_a_matrix_is_searched_where_there_are_many_and_gives_the_axes() -> None:
    shelf = catalog.offering("dia").category
    Offering.objects.bulk_create(
        Offering(key=f"more_{n}", name=f"More {n}", kind="bundle", category=shelf, state="design") for n in range(55)
    )
    page = logged_in().get(reverse("catalog:matrix_new"), {"offering": "dia"})

    assert 'role="combobox"' in text(page)
    assert '<input type="hidden" name="offering" value="dia">' in text(page)
    assert "Bandwidth" in text(page)
    swapped = logged_in().get(reverse("catalog:matrix_new"), {"offering": "dia"}, headers={"HX-Request": "true"})
    assert text(swapped).strip().startswith('<div id="axes">')  # nothing that somebody types in is swapped


def test_a_price_is_tried_before_its_offering_goes_live() -> None:
    sold = catalog.offering("dia")
    made = Offering.objects.create(key="dia_new", name="New", specification=sold.specification, category=sold.category)
    PriceEntry.objects.create(
        price_list=catalog.price_list(), offering=made, charge="recurring", label="Monthly", amount=Decimal("49.90")
    )
    ask = {"offering": "dia_new", "price_list": "eur-test", "asked": "1"}

    assert "49.90" in text(logged_in("product_manager").get(reverse("catalog:price_trial"), ask))
    refused = logged_in("sales_agent").get(reverse("catalog:price_trial"), ask)
    assert refused.status_code == 422
    assert "Choose one of those offered." in text(refused)
