"""Faces of the catalogue for other systems: TMF620 product catalogue."""

from catalog.api import productcatalog

APIS = (productcatalog.API,)
