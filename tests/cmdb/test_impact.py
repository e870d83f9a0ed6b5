"""Tracing down to resources and up to the customers concerned."""

import pytest
from django.utils import timezone

from cmdb import activation, impact, termination
from cmdb.models import Product, Resource, Service
from tests.factories import cmdb
from tests.factories.crm import SiteFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def test_a_product_is_traced_down_to_the_port_of_its_device() -> None:
    product, _ = cmdb.chain(SiteFactory())
    found = [(node.depth, node.record.domain_order) for node in impact.trace(product)]
    assert found == [(0, "A-CFS"), (1, "A-RFS"), (2, "A-CPE"), (3, "A-PORT")]


def test_a_shared_device_shows_its_own_port_only() -> None:
    site, other = SiteFactory(), SiteFactory()
    router = cmdb.realized("PE", "resource", site, order_number="", account_id=None, site_id=None)
    activation.realize([router], by=None, at=timezone.now())
    device = Resource.objects.get()
    mine, _ = cmdb.chain(site, "A")
    cmdb.chain(other, "B")
    Resource.objects.filter(domain_order__endswith="CPE").update(parent=device)
    found = [node.record.domain_order for node in impact.trace(mine)]
    assert found == ["A-CFS", "A-RFS", "A-CPE", "A-PORT", "PE"]


def test_a_device_reaches_up_to_every_customer_on_its_ports() -> None:
    site, other = SiteFactory(), SiteFactory()
    cmdb.chain(site, "A")
    cmdb.chain(other, "B")
    device = Resource.objects.create(name="rtm2-pe03", specification=cmdb.specification("resource"))
    Resource.objects.filter(domain_order__endswith="CPE").update(parent=device)
    found = impact.impact(device)
    assert {account.pk for account in found.accounts} == {site.account_id, other.account_id}
    assert len(found.products) == 2
    assert len(found.services) == 4
    assert len(found.resources) == 4


@pytest.mark.parametrize("count", [1, 10])
def test_queries_stay_the_same_however_much_stands_on_it(count: int, django_assert_num_queries: object) -> None:
    site = SiteFactory()
    device = Resource.objects.create(name="rtm2-pe03", specification=cmdb.specification("resource"))
    for n in range(count):
        cmdb.chain(site, f"C{n}")
    Resource.objects.filter(domain_order__endswith="CPE").update(parent=device)
    with django_assert_num_queries(4):  # type: ignore[operator]
        impact.impact(device)
    product = Product.objects.first()
    with django_assert_num_queries(5):  # type: ignore[operator]
        impact.trace(product)


def test_ending_a_product_frees_what_only_it_stood_on() -> None:
    site = SiteFactory()
    first, installed = cmdb.chain(site, "A")
    second, _ = cmdb.chain(site, "B")
    Service.objects.get(domain_order="B-CFS").stands_on.create(on_id=installed.services["A-RFS"])
    termination.expect_end([first.pk], by=None)
    assert termination.terminate_products([first.pk], at=timezone.now(), by=None) == [first.pk]
    assert Service.objects.get(domain_order="A-CFS").state == "terminated"
    assert Service.objects.get(domain_order="A-RFS").state == "active"
    assert Resource.objects.get(domain_order="A-CPE").state == "in_service"
    termination.expect_end([second.pk], by=None)
    termination.terminate_products([second.pk], at=timezone.now(), by=None)
    assert set(Service.objects.values_list("state", flat=True)) == {"terminated"}
    assert set(Resource.objects.values_list("state", flat=True)) == {"retired"}


def test_a_product_that_never_came_is_cancelled() -> None:
    product = cmdb.product(SiteFactory())
    assert termination.cancel_products([product.pk], by=None) == [product.pk]
    assert Product.objects.get().state == "cancelled"
