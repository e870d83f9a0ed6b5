"""Tables of orders."""

from orders.models.cancellations import CancelRequest
from orders.models.domain import DomainOrder, DomainOrderLink
from orders.models.enrichment import EnrichmentFlow
from orders.models.lines import MissingValue, OrderLine
from orders.models.orders import Order
from orders.models.outlook import LineForecast, OrderForecast, PromiseChange

__all__ = [
    "CancelRequest",
    "DomainOrder", "DomainOrderLink", "EnrichmentFlow", "LineForecast", "MissingValue", "Order", "OrderForecast",
    "OrderLine", "PromiseChange",
]  # fmt: skip
