"""Reservation: an approved order's products come to be, expected but not yet the customer's."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import transaction

from cmdb import announcing
from cmdb.models import Product
from kernel import audit, lifecycle, numbering
from kernel.models import User


@dataclass(frozen=True)
class NewProduct:
    """One product to come, named by the order line that brings it. `bundle_line_key` is the line of its bundle."""

    order_number: str
    order_line_key: str
    name: str
    offering_id: int
    specification_id: int
    account_id: int
    site_id: int | None = None
    bundle_line_key: str = ""
    characteristics: dict[str, Any] = field(default_factory=dict)
    quantity: int = 1
    currency: str = "EUR"
    monthly: Decimal = Decimal(0)
    one_time: Decimal = Decimal(0)
    term_months: int = 1


@transaction.atomic
def reserve_products(specs: list[NewProduct], by: User | None) -> list[Product]:
    """Create the products as pending active, in the order of `specs`; a line that has one already gets the same again.

    Raises:
        ValueError: a product without an order line could not be told from another.
    """
    if any(not spec.order_number or not spec.order_line_key for spec in specs):
        raise ValueError("A product is reserved for an order line")
    if not specs:
        return []
    numbers = numbering.take_many(Product.PREFIX, len(specs))
    Product.objects.bulk_create(
        [_product(spec, number) for spec, number in zip(specs, numbers, strict=True)], ignore_conflicts=True
    )
    found = {(p.order_number, p.order_line_key): p for p in _of_lines(specs)}
    created = [product for product in found.values() if product.number in set(numbers)]
    _put_in_bundles(specs, found, {product.pk for product in created})
    audit.record_many("created", created, by=by)
    moved = lifecycle.move_many(Product.objects.filter(pk__in=[p.pk for p in created]), Product.expect, by=by)
    announcing.products(moved, Product.State.PENDING_ACTIVE)
    kept = {(p.order_number, p.order_line_key): p for p in _of_lines(specs)}
    return [kept[spec.order_number, spec.order_line_key] for spec in specs]


def _product(spec: NewProduct, number: str) -> Product:
    return Product(
        number=number, name=spec.name, offering_id=spec.offering_id, specification_id=spec.specification_id,
        account_id=spec.account_id, site_id=spec.site_id, characteristics=spec.characteristics, quantity=spec.quantity,
        currency=spec.currency, monthly=spec.monthly, one_time=spec.one_time, term_months=spec.term_months,
        order_number=spec.order_number, order_line_key=spec.order_line_key,
    )  # fmt: skip


def _of_lines(specs: list[NewProduct]) -> list[Product]:
    wanted = {(spec.order_number, spec.order_line_key) for spec in specs}
    rows = Product.objects.filter(
        order_number__in={number for number, _ in wanted}, order_line_key__in={key for _, key in wanted}
    )
    return [row for row in rows if (row.order_number, row.order_line_key) in wanted]


def _put_in_bundles(specs: list[NewProduct], found: dict[tuple[str, str], Product], created: set[int]) -> None:
    members = []
    for spec in specs:
        product = found[spec.order_number, spec.order_line_key]
        bundle = found.get((spec.order_number, spec.bundle_line_key))
        if spec.bundle_line_key and bundle and product.pk in created:
            product.bundle = bundle
            members.append(product)
    if members:
        Product.objects.bulk_update(members, ["bundle"])
