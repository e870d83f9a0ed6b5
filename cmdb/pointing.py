"""Pointing: installed products of a customer as the values of catalogue characteristics that refer to one."""

from collections.abc import Iterable
from typing import Any

from catalog import references
from cmdb.models import Product, Service
from crm.pointing import of_customer

MOST = 500  # products offered in one form


def offered(account_id: int | None) -> references.Found:
    """What is installed or on its way at the whole customer, by number."""
    return _told(_of(account_id)[:MOST])


def named(account_id: int | None, values: Iterable[str]) -> references.Found:
    """Those of the numbers that are there."""
    return _told(_of(account_id).filter(number__in=list(values)))


def _of(account_id: int | None) -> Any:
    gone = (Product.State.TERMINATED, Product.State.CANCELLED, Product.State.ABORTED)
    rows = of_customer(Product, account_id).exclude(state__in=gone)
    return rows.select_related("site").order_by("number")


def _told(rows: Any) -> references.Found:
    return [(p.number, f"{p.number} {p.name}{f', {p.site.name}' if p.site else ''}") for p in rows]


def services(account_id: int | None, values: Iterable[str] | None = None) -> references.Found:
    """Services that the whole customer has or had, or those of the numbers that are there."""
    rows = of_customer(Service, account_id).order_by("number")
    rows = rows[:MOST] if values is None else rows.filter(number__in=list(values))
    return [(one.number, f"{one.number} {one.name}") for one in rows]


references.register("product", references.Finder(offered, named))
references.register("service", references.Finder(services, services))
