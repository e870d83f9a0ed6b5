"""Faces of customers for other systems: TMF621 trouble tickets, TMF629 customers, TMF632 parties."""

from crm.api import customers, parties, tickets

APIS = (tickets.API, customers.API, parties.API)
