"""Alteration: an installed product becomes what was ordered or agreed for it anew."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction

from cmdb.models import Product
from kernel import audit
from kernel.models import User

WRITTEN = ["offering", "specification", "characteristics", "quantity", "monthly", "term_months"]


@dataclass(frozen=True)
class Altered:
    """What a product is from now on; what is left out stays. Technical values beside the chosen ones stay as well."""

    product_id: int
    monthly: Decimal | None = None
    characteristics: dict[str, Any] | None = None
    quantity: int | None = None
    offering_id: int | None = None
    specification_id: int | None = None
    term_months: int | None = None


@transaction.atomic
def alter_products(wanted: Iterable[Altered], by: User | None, *, because: str) -> list[int]:
    """Write what changed, with old and new on the record of each; a constant number of statements."""
    asked = {one.product_id: one for one in wanted}
    pairs = [(product, _take(product, asked[product.pk])) for product in Product.objects.locked_all(asked)]
    changed = [(product, changes) for product, changes in pairs if changes]
    Product.objects.bulk_update([product for product, _ in changed], WRITTEN)
    audit.record_each("changed", changed, by=by, reason=because)
    return [product.pk for product, _ in changed]


def _take(product: Product, one: Altered) -> dict[str, list[Any]]:
    values: dict[str, Any] = {
        "monthly": one.monthly, "quantity": one.quantity, "offering_id": one.offering_id,
        "specification_id": one.specification_id, "term_months": one.term_months,
    }  # fmt: skip
    told = {name: value for name, value in values.items() if value is not None}
    before = {name: getattr(product, name) for name in told}
    for name, value in told.items():
        setattr(product, name, value)
    chosen = one.characteristics or {}
    inner = audit.difference(product.characteristics, chosen)
    product.characteristics = product.characteristics | chosen
    return audit.difference(before, told) | inner
