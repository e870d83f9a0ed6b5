"""Faces of orders for other systems: TMF622 product orders, TMF641 service orders."""

from orders.api import productorder, serviceorder

APIS = (productorder.API, serviceorder.API)
