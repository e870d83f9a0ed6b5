"""Reserving products for the lines of an approved order."""

from decimal import Decimal

import pytest

from cmdb import events, reservation
from cmdb.models import Product
from kernel import outbox
from kernel.models import AuditEntry, OutboxEvent
from tests.factories import cmdb
from tests.factories.crm import SiteFactory

pytestmark = pytest.mark.django_db


def test_products_are_expected_with_their_terms_in_the_order_asked() -> None:
    site = SiteFactory()
    specs = [cmdb.new_product(site, order_number="ORD1", order_line_key=key, monthly=Decimal(90)) for key in "cab"]
    products = reservation.reserve_products(specs, by=None)
    assert [product.order_line_key for product in products] == ["c", "a", "b"]
    assert {product.state for product in products} == {"pending_active"}
    assert {product.monthly for product in products} == {Decimal(90)}
    assert all(product.number.startswith("PRD") for product in products)


def test_a_second_call_returns_the_same_products_and_adds_nothing() -> None:
    site = SiteFactory()
    specs = [cmdb.new_product(site, order_number="ORD1", order_line_key=key) for key in "ab"]
    first = reservation.reserve_products(specs, by=None)
    rows, told = AuditEntry.objects.count(), OutboxEvent.objects.count()
    again = reservation.reserve_products(
        [*specs, cmdb.new_product(site, order_number="ORD1", order_line_key="c")], by=None
    )
    assert again[:2] == first
    assert Product.objects.count() == 3
    assert AuditEntry.objects.count() == rows + 2
    assert OutboxEvent.objects.count() == told + 1


def test_each_product_is_audited_and_announced() -> None:
    (product,) = reservation.reserve_products([cmdb.new_product(SiteFactory())], by=None)
    trail = AuditEntry.objects.filter(subject_type="cmdb.product", subject_id=product.pk).order_by("id")
    assert [entry.action for entry in trail] == ["created", "expect"]
    told = OutboxEvent.objects.get(kind=outbox.kind_of(events.ProductStateChanged))
    assert told.payload == {"product_id": product.pk, "state": "pending_active"}


def test_members_of_a_bundle_name_it() -> None:
    site = SiteFactory()
    bundle, member = reservation.reserve_products(
        [
            cmdb.new_product(site, order_number="ORD1", order_line_key="bundle"),
            cmdb.new_product(site, order_number="ORD1", order_line_key="member", bundle_line_key="bundle"),
        ],
        by=None,
    )
    assert member.bundle_id == bundle.pk
    assert bundle.bundle_id is None


def test_a_product_without_a_line_is_refused() -> None:
    with pytest.raises(ValueError, match="order line"):
        reservation.reserve_products([cmdb.new_product(SiteFactory(), order_line_key="")], by=None)


@pytest.mark.parametrize("count", [10, 100])
def test_the_number_of_queries_does_not_grow_with_the_order(count: int, django_assert_max_num_queries: object) -> None:
    site = SiteFactory()
    specs = [cmdb.new_product(site) for _ in range(count)]
    with django_assert_max_num_queries(14):  # type: ignore[operator]
        reservation.reserve_products(specs, by=None)
