"""Facts that the inventory announces."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ProductStateChanged:
    """A product entered another state (TMF637 ProductStateChangeEvent)."""

    product_id: int
    state: str


@dataclass(frozen=True)
class SiteChecked:
    """A partner answered whether a site can be reached (TMF645)."""

    check_id: int
