"""Pointing: installed products of a customer as the values of catalogue characteristics that refer to one."""

from collections.abc import Iterable
from typing import Any

from catalog import references
from cmdb.models import Product
from crm.models import Account

MOST = 500  # products offered in one form


def offered(account_id: int | None) -> references.Found:
    """What is installed or on its way at the whole customer, by number."""
    return _told(_of(account_id)[:MOST])


def named(account_id: int | None, values: Iterable[str]) -> references.Found:
    """Those of the numbers that are there."""
    return _told(_of(account_id).filter(number__in=list(values)))


def _of(account_id: int | None) -> Any:
    root = Account.objects.filter(pk=account_id or 0).values("root_id")
    gone = (Product.State.TERMINATED, Product.State.CANCELLED, Product.State.ABORTED)
    rows = Product.objects.filter(account__root_id__in=root).exclude(state__in=gone)
    return rows.select_related("site").order_by("number")


def _told(rows: Any) -> references.Found:
    return [(p.number, f"{p.number} {p.name}{f', {p.site.name}' if p.site else ''}") for p in rows]


references.register("product", references.Finder(offered, named))
