"""Inventory for tests: products reserved for order lines, and what realises them."""

import itertools
from decimal import Decimal
from typing import Any

from django.utils import timezone

from catalog.models import Category, Offering, Specification
from cmdb import activation, reservation
from cmdb.models import Product
from cmdb.reservation import NewProduct

_count = itertools.count(1)


def specification(kind: str = "product", key: str = "") -> Specification:
    """A specification of that kind."""
    key = key or f"test_{kind}"
    return Specification.objects.get_or_create(key=key, defaults={"kind": kind, "name": key.replace("_", " ").title()})[
        0
    ]


def offering(key: str = "test_offering", **values: Any) -> Offering:
    """An offering of the test product."""
    category, _ = Category.objects.get_or_create(key="test", defaults={"name": "Test"})
    defaults = {"name": "Dedicated internet", "category": category, "specification": specification()} | values
    return Offering.objects.get_or_create(key=key, defaults=defaults)[0]


def new_product(site: Any, **values: Any) -> NewProduct:
    """What an order line asks to reserve at a site."""
    n = next(_count)
    sold = values.pop("offering", None) or offering()
    return NewProduct(
        **{
            "order_number": f"ORD9{n:06d}", "order_line_key": f"line-{n}", "name": sold.name, "offering_id": sold.pk,
            "specification_id": sold.specification_id, "account_id": site.account_id, "site_id": site.pk,
            "monthly": Decimal(850), "term_months": 36,
        }
        | values
    )  # fmt: skip


def product(site: Any, *, active: bool = False, **values: Any) -> Product:
    """A product at a site, pending active or active."""
    (made,) = reservation.reserve_products([new_product(site, **values)], by=None)
    if active:
        activation.activate_products([made.pk], at=timezone.now(), by=None)
    return Product.objects.get(pk=made.pk)


def realized(domain_order: str, kind: str, site: Any, **values: Any) -> activation.Realized:
    """One node of a decomposition tree."""
    return activation.Realized(
        **{
            "domain_order": domain_order, "kind": kind, "name": f"{kind} {domain_order}",
            "specification_id": specification(kind).pk, "account_id": site.account_id, "site_id": site.pk,
            "order_number": "ORD9000001",
        }
        | values
    )  # fmt: skip


def chain(site: Any, mark: str = "A", **values: Any) -> tuple[Product, activation.Installed]:
    """A product on a CFS on an RFS that uses a CPE with a port, all in service."""
    sold = product(site, active=True, **values)
    nodes = [
        realized(f"{mark}-CFS", "cfs", site, products=(sold.pk,)),
        realized(f"{mark}-RFS", "rfs", site, parents=(f"{mark}-CFS",)),
        realized(f"{mark}-CPE", "resource", site, parents=(f"{mark}-RFS",), characteristics={"serial": f"SN-{mark}"}),
        realized(f"{mark}-PORT", "resource", site, parents=(f"{mark}-CPE",), role="uplink"),
    ]
    return sold, activation.realize(nodes, by=None, at=timezone.now())
