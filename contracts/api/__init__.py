"""Faces of deals for other systems: TMF648 quotes, TMF651 agreements."""

from contracts.api import agreements, quotes

APIS = (agreements.API, quotes.API)
