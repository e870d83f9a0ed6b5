"""The client of the network inventory."""

from typing import ClassVar

from fulfillment.adapters.http import HttpAdapter


class Client(HttpAdapter):
    """The network's own inventory: devices, addresses, licences."""

    system = "inventory"
    kind: ClassVar[str] = "inventory_allocation"
    kinds: ClassVar[dict[str, str]] = {"out_of_range": "data", "missing_value": "data"}
