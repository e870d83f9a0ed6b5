"""The client of the provisioning system."""

from typing import ClassVar

from fulfillment.adapters.http import HttpAdapter


class Client(HttpAdapter):
    """Devices and services on them: ports, overlays, firewalls, trunks."""

    system = "provisioning"
    kind: ClassVar[str] = "provisioning"
    kinds: ClassVar[dict[str, str]] = {
        "vlan_in_use": "data",
        "out_of_range": "data",
        "missing_value": "data",
        "no_capacity": "inventory_allocation",
    }
