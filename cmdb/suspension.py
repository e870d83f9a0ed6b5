"""Suspension: products are switched off for a time and on again, with the services that stand only for them."""

from collections.abc import Iterable

from django.db import connection, transaction

from cmdb import announcing
from cmdb.models import Product, Service
from kernel import lifecycle
from kernel.models import User

# Services below these products, directly or through others; of a pause only those that no working product stands on.
BELOW = """
WITH RECURSIVE below (id) AS (
    SELECT service_id FROM cmdb_service_products WHERE product_id = ANY(%(products)s)
  UNION
    SELECT relation.on_id FROM below JOIN cmdb_servicerelation relation ON relation.service_id = below.id
), above (id, origin) AS (
    SELECT id, id FROM below
  UNION
    SELECT relation.service_id, above.origin FROM above JOIN cmdb_servicerelation relation ON relation.on_id = above.id
)
SELECT below.id FROM below WHERE %(every)s OR (NOT EXISTS (
    SELECT 1 FROM above
    JOIN cmdb_service_products realised ON realised.service_id = above.id
    JOIN cmdb_product product ON product.id = realised.product_id
    WHERE above.origin = below.id AND product.state IN ('pending_active', 'active', 'pending_terminate')
) AND NOT EXISTS (
    SELECT 1 FROM above JOIN cmdb_service service ON service.id = above.id
    WHERE above.origin = below.id AND service.on_its_own AND service.state <> 'terminated'
))
"""


@transaction.atomic
def suspend_products(ids: Iterable[int], by: User | None) -> list[int]:
    """Active products rest; services that no working product stands on are switched off. Returns those that moved."""
    moved = lifecycle.move_many(Product.objects.filter(pk__in=list(ids)), Product.suspend, by=by)
    announcing.products(moved, Product.State.SUSPENDED)
    lifecycle.move_many(Service.objects.filter(pk__in=_below(moved, every=False)), Service.deactivate, by=by)
    return moved


@transaction.atomic
def resume_products(ids: Iterable[int], by: User | None) -> list[int]:
    """Suspended products work again, with all services below them. Returns those that moved."""
    moved = lifecycle.move_many(Product.objects.filter(pk__in=list(ids)), Product.resume, by=by)
    announcing.products(moved, Product.State.ACTIVE)
    lifecycle.move_many(Service.objects.filter(pk__in=_below(moved, every=True)), Service.activate, by=by)
    return moved


def _below(products: list[int], *, every: bool) -> list[int]:
    if not products:
        return []
    with connection.cursor() as cursor:
        cursor.execute(BELOW, {"products": products, "every": every})
        return [pk for (pk,) in cursor.fetchall()]
