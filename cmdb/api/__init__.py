"""Faces of the inventory for other systems: TMF637 products, TMF638 services, TMF645 and TMF679 qualification."""

from cmdb.api import offeringqualification, productinventory, serviceinventory, servicequalification

APIS = (productinventory.API, serviceinventory.API, servicequalification.API, offeringqualification.API)
