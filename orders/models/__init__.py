"""Tables of orders."""

from orders.models.domain import DomainOrder, DomainOrderLink
from orders.models.orders import MissingValue, Order, OrderLine

__all__ = ["DomainOrder", "DomainOrderLink", "MissingValue", "Order", "OrderLine"]
