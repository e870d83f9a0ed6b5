"""Facts that the inventory announces."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ProductStateChanged:
    """A product entered another state (TMF637 ProductStateChangeEvent)."""

    product_id: int
    state: str
