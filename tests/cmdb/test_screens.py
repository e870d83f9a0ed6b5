"""The inventory's pages: what is shown, to whom, with how many questions."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from cmdb.models import Resource, Service
from tests.factories import cmdb
from tests.factories.crm import SiteFactory
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

LISTS = ("cmdb:product_list", "cmdb:service_list", "cmdb:resource_list")


@pytest.fixture
def agent(client: Client) -> Any:
    person = UserFactory(role="service_agent")
    client.force_login(person)
    return person


def test_the_lists_show_each_kind(client: Client, agent: Any) -> None:
    product, _ = cmdb.chain(SiteFactory(name="Breda head office"))
    for name, wanted in zip(LISTS, (product.number, "rfs A-RFS", "resource A-PORT"), strict=True):
        page = client.get(reverse(name))
        assert page.status_code == 200
        assert wanted in page.content.decode()
        assert "Breda head office" in page.content.decode()


def test_a_product_page_traces_to_the_port(client: Client, agent: Any) -> None:
    product, _ = cmdb.chain(SiteFactory())
    text = client.get(reverse("cmdb:product", args=[product.number])).content.decode()
    for name in ("A-CFS", "A-RFS", "A-CPE", "A-PORT"):
        assert name in text


def test_service_and_resource_pages_look_both_ways(client: Client, agent: Any) -> None:
    product, _ = cmdb.chain(SiteFactory())
    service = Service.objects.get(domain_order="A-CFS")
    text = client.get(reverse("cmdb:service", args=[service.number])).content.decode()
    assert product.number in text
    assert "A-RFS" in text
    port = Resource.objects.get(domain_order="A-PORT")
    text = client.get(reverse("cmdb:resource", args=[port.number])).content.decode()
    assert product.number in text
    assert "1 customer" in text


def test_the_panel_of_an_account_counts_what_is_coming(client: Client, agent: Any) -> None:
    site = SiteFactory()
    cmdb.product(site, active=True)
    cmdb.product(site)
    text = client.get(reverse("cmdb:of_account", args=[site.account_id])).content.decode()
    assert "1 active" in text
    assert "1 on their way" in text


def test_customers_and_strangers_stay_outside(client: Client) -> None:
    product, _ = cmdb.chain(SiteFactory())
    urls = [*map(reverse, LISTS), reverse("cmdb:product", args=[product.number])]
    client.force_login(UserFactory(role="customer"))
    assert {client.get(url).status_code for url in urls} == {403}
    client.logout()
    assert {client.get(url).status_code for url in urls} == {302}


def test_what_does_not_exist_is_not_found(client: Client, agent: Any) -> None:
    for name in ("product", "service", "resource"):
        assert client.get(reverse(f"cmdb:{name}", args=["XXX0000001"])).status_code == 404
    assert client.get(reverse("cmdb:of_account", args=[999_999_999])).status_code == 404


@pytest.mark.parametrize("count", [2, 10])
def test_lists_ask_the_same_number_of_questions(
    client: Client, agent: Any, count: int, django_assert_max_num_queries: Any
) -> None:
    site = SiteFactory()
    for n in range(count):
        cmdb.chain(site, f"C{n}")
    client.get(reverse(LISTS[0]))  # the counts of the navigation are kept for some seconds
    for name in LISTS:
        with django_assert_max_num_queries(14):
            client.get(reverse(name))
