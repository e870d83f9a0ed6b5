"""The client of the logistics system."""

from typing import ClassVar

from fulfillment.adapters.http import HttpAdapter


class Client(HttpAdapter):
    """Stock and shipping of devices and SIM cards."""

    system = "logistics"
    kind: ClassVar[str] = "inventory_allocation"
    kinds: ClassVar[dict[str, str]] = {"missing_value": "data", "address_unknown": "data", "site_closed": "site_access"}
