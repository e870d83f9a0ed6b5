"""Pointing: locations of a customer as the values of catalogue characteristics that refer to one."""

from collections.abc import Iterable
from typing import Any

from catalog import references
from crm.models import Account, Site

MOST = 500  # locations offered in one form


def offered(account_id: int | None) -> references.Found:
    """Locations of the whole customer, by code."""
    return _told(_of(account_id)[:MOST])


def named(account_id: int | None, values: Iterable[str]) -> references.Found:
    """Those of the codes that are there."""
    return _told(_of(account_id).filter(code__in=list(values)))


def _of(account_id: int | None) -> Any:
    return of_customer(Site, account_id).order_by("country", "code")


def of_customer(model: Any, account_id: int | None) -> Any:
    """Rows of the customer to whom an account belongs, as far as whoever asks may see them."""
    root = Account.objects.filter(pk=account_id or 0).values("root_id")
    rows, user = model.objects.filter(account__root_id__in=root), references.asking()
    if user is None or user.has_perm("crm.view_account"):
        return rows
    return rows.filter(account__in=Account.objects.visible_to(user).values("pk"))


def _told(rows: Any) -> references.Found:
    return [(site.code, str(site)) for site in rows]


references.register("location", references.Finder(offered, named))
