"""Announcing: products that entered another state are told to whoever listens."""

from collections.abc import Iterable

from cmdb import events
from kernel import outbox


def products(product_ids: Iterable[int], state: str) -> None:
    """One fact per product, written in one statement."""
    outbox.publish_all([events.ProductStateChanged(product_id=pk, state=str(state)) for pk in product_ids])
