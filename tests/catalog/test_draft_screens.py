"""The screens of a product manager: a version from design to active in the browser, and who may not."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from catalog.models import Category, Dependency, Offering, PriceEntry, PriceList, SampleOrder, Specification
from tests.factories import catalog
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


@pytest.fixture
def browser() -> Client:
    client = Client()
    client.force_login(UserFactory(role="product_manager"))
    return client


def text(response: Any) -> str:
    return str(response.content.decode())


def url(name: str, *args: Any) -> str:
    return reverse(f"catalog:{name}", args=args)


def test_the_home_of_a_product_manager_names_what_is_being_made(browser: Client) -> None:
    browser.post(url("specification_next", "dia_product", 1))
    page = text(browser.get(reverse("home")))
    assert "Finish Dedicated internet, version 2" in page
    assert "Offerings on sale" in page
    assert url("offering_new") in page


def test_from_design_to_active(browser: Client) -> None:
    browser.post(url("specification_next", "dia_product", 1))
    form = {
        "key": "bandwidth", "name": "Bandwidth", "type": "choice", "source": "customer", "required": "on",
        "significant": "on", "allowed": "100M = 100 Mbit/s\n1G = 1 Gbit/s\n2G", "default_text": "1 gbit/s",
    }  # fmt: skip
    address = url("characteristic", "dia_product", 2, "bandwidth")
    assert "nothing = No" not in text(browser.get(address))
    refused = browser.post(address, form | {"allowed": "1G\n1G"})
    assert refused.status_code == 422
    assert "is listed twice" in text(refused)
    assert browser.post(address, form).status_code == 302
    bandwidth = Specification.objects.get(key="dia_product", version=2).characteristics.get(key="bandwidth")
    assert bandwidth.choices == [{"value": "100M", "label": "100 Mbit/s"}, {"value": "1G", "label": "1 Gbit/s"}, "2G"]
    assert bandwidth.default == "1G"
    page = text(browser.get(url("specification", "dia_product"), {"version": 2}))
    assert "Bandwidth, allowed values" in page
    assert "100 Mbit/s, 1 Gbit/s, 2G" in page
    draft = Specification.objects.get(key="dia_product", version=2)
    move = reverse("move", args=["catalog.specification", draft.pk])
    browser.post(move, {"move": "to_testing", "back": "/"})
    assert "goes live" in text(browser.get(url("specification_activate", "dia_product", 2)))
    assert browser.post(url("specification_activate", "dia_product", 2)).status_code == 302
    assert Specification.objects.get(pk=draft.pk).state == "active"


def test_an_offering_without_a_price_leads_to_where_it_gets_one(browser: Client) -> None:
    shelf, source = Category.objects.get(key="connectivity"), Specification.objects.get(key="dia_product")
    form = {
        "key": "lte", "name": "LTE", "kind": "product", "category": shelf.pk, "specification": source.pk, "position": 9,
        "sellable": "on",
    }  # fmt: skip
    assert browser.post(url("offering_new"), form).status_code == 302
    book = url("price_book", PriceList.objects.get().key, "lte")
    assert "Nobody can quote it yet" in (page := text(browser.get(url("offering", "lte"))))
    assert book in page
    draft = Offering.objects.get(key="lte")
    browser.post(reverse("move", args=["catalog.offering", draft.pk]), {"move": "to_testing", "back": "/"})
    assert "No price list says what it costs" in text(browser.get(url("offering_activate", "lte", 1)))
    dialog = text(browser.get(f"{book}add/"))
    assert '<option value="">Choose one</option>' in dialog
    assert "----" not in dialog
    browser.post(f"{book}add/", {"label": "Monthly", "charge": "recurring", "amount": "20"})
    assert PriceEntry.objects.get(offering=draft).amount == 20
    assert "Nobody can quote it yet" not in text(browser.get(url("offering", "lte")))
    assert "No price list says what it costs" not in text(browser.get(url("offering_activate", "lte", 1)))


def test_a_bundle_is_put_together(browser: Client) -> None:
    shelf = Category.objects.get(key="connectivity")
    form = {"key": "office", "name": "Office", "kind": "bundle", "category": shelf.pk, "position": 9, "sellable": "on"}
    assert browser.post(url("offering_new"), form | {"key": "Office!"}).status_code == 422
    assert browser.post(url("offering_new"), form).status_code == 302
    made = form | {"key": "", "name": "Office in the box", "icon": "cloud"}
    assert browser.post(url("offering_new"), made).status_code == 302
    assert Offering.objects.get(key="office_in_the_box").icon == "cloud"  # a key from the name
    assert "A product needs the specification" in text(browser.post(url("offering_new"), form | {"kind": "product"}))
    assert "is taken" in text(browser.post(url("offering_new"), form))
    page = text(browser.get(url("offering", "office")))
    assert "A bundle without members sells nothing" in page
    group = {"key": "guard", "name": "Protection", "minimum": 1, "maximum": 1, "position": 0}
    browser.post(url("group_new", "office", 1), group)
    choice = Offering.objects.get(key="office").groups.get()
    member = {
        "member": catalog.offering("dia").pk, "minimum": 1, "maximum": 1, "default": 1, "position": 0,
        "fixed": "bandwidth = 1G",
    }  # fmt: skip
    wrong = browser.post(url("member_new", "office", 1), member | {"fixed": "bandwidth = 7G"})
    assert wrong.status_code == 422
    assert "is not offered" in text(wrong)
    assert browser.post(url("member_new", "office", 1), member).status_code == 302
    option = {"member": catalog.offering("sip").pk, "group": choice.pk, "minimum": 1, "maximum": 3, "default": 0,
              "position": 1, "fixed": ""}  # fmt: skip
    assert browser.post(url("member_new", "office", 1), option).status_code == 302
    page = text(browser.get(url("offering", "office")))
    assert "Protection" in page
    assert "Where it is used" in text(browser.get(url("offering", "dia")))


def test_what_a_product_needs_is_edited_from_its_page_by_the_one_form_and_counts_at_once(browser: Client) -> None:
    dia = Specification.objects.get(key="dia_product", state="active")
    firewall = Specification.objects.get(key="firewall_product", state="active")
    home = url("specification", "firewall_product")
    address = f"{url('pairing_new')}?of=firewall_product"
    assert address in text(browser.get(home))
    assert f'value="{firewall.pk}" selected' in text(browser.get(address))
    said = {"source": firewall.pk, "kind": "requires", "scope": "site", "targets": [dia.pk]}
    assert browser.post(address, said).headers["Location"] == home
    row = Dependency.objects.get(source__key="firewall_product")
    page = text(browser.get(home))
    assert "Needs one of" in page
    assert f"{url('pairing', row.pk)}?of=firewall_product" in page
    assert browser.post(f"{url('pairing_remove', row.pk)}?of=firewall_product").headers["Location"] == home
    assert not Dependency.objects.filter(pk=row.pk).exists()
    assert browser.post(f"{url('pairing_new')}?of=nothing", said).headers["Location"] == url("pairing_list")
    seller = Client()
    seller.force_login(UserFactory(role="sales_agent"))
    assert "rules/together" not in text(seller.get(home))


def test_the_test_bench(browser: Client) -> None:
    form = {
        "name": "One branch", "key": "branch", "price_list": catalog.price_list().pk, "term": 36,
        "sites": "AMS1, Amsterdam, NL, metro", "lines": "dia @ AMS1: bandwidth = 1G\nfirewall: tier = plus",
    }  # fmt: skip
    refused = browser.post(url("sample_new"), form | {"lines": "dia @ XXX"})
    assert refused.status_code == 422
    assert "there is no site “XXX” above" in text(refused)
    browser.post(url("sample_new"), form)
    sample = SampleOrder.objects.get()
    assert sample.lines[0] == {"offering": "dia", "quantity": 1, "sites": ["AMS1"], "values": {"bandwidth": "1G"}}
    page = text(browser.get(url("sample", "branch")))
    assert "937.50" in page
    browser.post(url("offering_next", "dia", 1))
    draft = Offering.objects.get(key="dia", version=2)
    tried = text(browser.get(url("sample", "branch"), {"draft": f"offering:{draft.pk}"}))
    assert "exactly as today" in tried
    assert "One branch" in text(browser.get(url("offering_bench", "dia", 2)))


@pytest.mark.parametrize("name", ["offering_new", "specification_new", "sample_new", "exchange", "sample_list"])
def test_who_only_sells_may_not(name: str) -> None:
    client = Client()
    client.force_login(UserFactory(role="sales_agent"))
    assert client.get(url(name)).status_code == 403
    assert client.post(url("offering_next", "dia", 1)).status_code == 403


def test_a_draft_is_not_there_for_who_may_not_see_it(browser: Client) -> None:
    browser.post(url("offering_next", "dia", 1))
    client = Client()
    client.force_login(UserFactory(role="sales_agent"))
    assert "Version 2" not in text(client.get(url("offering", "dia"), {"version": 2}))


def test_two_editors_are_told(browser: Client) -> None:
    browser.post(url("offering_next", "dia", 1))
    row = Offering.objects.get(key="dia", version=2)
    form = {
        "name": "Internet", "kind": "product", "category": row.category_id, "specification": row.specification_id,
        "position": 1, "edition": row.edition + 5,
    }  # fmt: skip
    answer = browser.post(url("offering_edit", "dia", 2), form)
    assert answer.status_code == 409
    assert "Stored meanwhile" in text(answer)
    assert Offering.objects.get(pk=row.pk).name == "Dedicated internet"
