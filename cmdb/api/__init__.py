"""Faces of the inventory for other systems: TMF637 products, TMF638 services, TMF645 and TMF679 qualification."""

from cmdb.api import offeringqualification, productinventory, serviceinventory, servicequery

APIS = (productinventory.API, serviceinventory.API, servicequery.API, offeringqualification.API)
