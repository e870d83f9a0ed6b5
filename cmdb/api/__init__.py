"""Faces of the inventory for other systems: TMF637 products, TMF638 services."""

from cmdb.api import productinventory, serviceinventory

APIS = (productinventory.API, serviceinventory.API)
