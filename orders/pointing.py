"""Pointing: orders of a customer, by number, for whoever reports that something is wrong with one."""

from collections.abc import Iterable

from catalog import references
from crm.pointing import of_customer
from orders.models import Order

MOST = 500


def orders(account_id: int | None, values: Iterable[str] | None = None) -> references.Found:
    """Orders of the whole customer beyond drafts, newest first, or those of the numbers that are there."""
    rows = of_customer(Order, account_id).exclude(state=Order.State.DRAFT).order_by("-pk")
    rows = rows[:MOST] if values is None else rows.filter(number__in=list(values))
    return [(one.number, f"{one.number} {one.title}") for one in rows]


references.register("order", references.Finder(orders, orders))
