"""Faces of customers for other systems: TMF629 customers, TMF632 parties."""

from crm.api import customers, parties

APIS = (customers.API, parties.API)
