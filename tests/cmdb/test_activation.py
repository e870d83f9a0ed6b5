"""Activating products and realising services and resources."""

import pytest
from django.utils import timezone

from cmdb import activation
from cmdb.models import Product, Resource, ResourceUse, Service, ServiceRelation
from kernel.models import AuditEntry
from tests.factories import cmdb
from tests.factories.crm import SiteFactory

pytestmark = pytest.mark.django_db


def test_an_expected_product_becomes_the_customers_once() -> None:
    product = cmdb.product(SiteFactory())
    now = timezone.now()
    assert activation.activate_products([product.pk], at=now, by=None) == [product.pk]
    assert activation.activate_products([product.pk], at=timezone.now(), by=None) == []
    active = Product.objects.get(pk=product.pk)
    assert active.state == "active"
    assert active.started_at == now


def test_nodes_come_into_service_along_their_lifecycle() -> None:
    _, installed = cmdb.chain(SiteFactory())
    assert set(Service.objects.values_list("state", flat=True)) == {"active"}
    assert set(Resource.objects.values_list("state", flat=True)) == {"in_service"}
    trail = AuditEntry.objects.filter(subject_type="cmdb.service", subject_id=installed.services["A-CFS"]).order_by(
        "id"
    )
    assert [entry.action for entry in trail] == ["created", "design", "reserve", "install", "activate"]


def test_relations_follow_the_tree() -> None:
    product, installed = cmdb.chain(SiteFactory())
    cfs, rfs = installed.services["A-CFS"], installed.services["A-RFS"]
    cpe, port = installed.resources["A-CPE"], installed.resources["A-PORT"]
    assert list(Service.products.through.objects.values_list("service_id", "product_id")) == [(cfs, product.pk)]
    assert list(ServiceRelation.objects.values_list("service_id", "on_id")) == [(cfs, rfs)]
    assert set(ResourceUse.objects.values_list("service_id", "resource_id")) == {(rfs, cpe), (rfs, port)}
    assert Resource.objects.get(pk=port).parent_id == cpe


def test_nodes_may_come_one_by_one_from_below() -> None:
    site = SiteFactory()
    product = cmdb.product(site)
    now = timezone.now()
    for node in (
        cmdb.realized("D4", "resource", site),
        cmdb.realized("D3", "resource", site, children=("D4",), parents=("D2",)),
        cmdb.realized("D2", "rfs", site, children=("D3",), parents=("D1",)),
        cmdb.realized("D1", "cfs", site, children=("D2",), products=(product.pk,)),
    ):
        activation.realize([node], by=None, at=now)
    assert ServiceRelation.objects.filter(service__domain_order="D1", on__domain_order="D2").exists()
    used = ResourceUse.objects.filter(service__domain_order="D2").values_list("resource__domain_order", flat=True)
    assert set(used) == {"D3", "D4"}
    assert Resource.objects.get(domain_order="D4").parent.domain_order == "D3"


def test_repeating_adds_nothing_and_brings_values_up_to_date() -> None:
    site = SiteFactory()
    cmdb.chain(site)
    rows = AuditEntry.objects.count()
    node = cmdb.realized("A-CPE", "resource", site, parents=("A-RFS",), characteristics={"firmware": "7.2"})
    activation.realize([node], by=None, at=timezone.now())
    assert Resource.objects.get(domain_order="A-CPE").characteristics == {"serial": "SN-A", "firmware": "7.2"}
    assert Resource.objects.count() == 2
    assert AuditEntry.objects.count() == rows + 1


def test_a_stage_before_active_can_be_reached_first() -> None:
    site = SiteFactory()
    activation.realize([cmdb.realized("D1", "cfs", site)], by=None, at=timezone.now(), stage="reserved")
    assert Service.objects.get().state == "reserved"
    assert Service.objects.get().started_at is None
    activation.realize([cmdb.realized("D1", "cfs", site)], by=None, at=timezone.now())
    assert Service.objects.get().state == "active"


@pytest.mark.parametrize("count", [10, 100])
def test_the_number_of_queries_does_not_grow(count: int, django_assert_max_num_queries: object) -> None:
    site = SiteFactory()
    nodes = [cmdb.realized(f"R{n}", "rfs", site) for n in range(count)]
    nodes += [cmdb.realized(f"P{n}", "resource", site, parents=(f"R{n}",)) for n in range(count)]
    with django_assert_max_num_queries(40):  # type: ignore[operator]
        activation.realize(nodes, by=None, at=timezone.now())
