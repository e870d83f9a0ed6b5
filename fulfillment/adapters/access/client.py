"""The client of the access carriers."""

from typing import ClassVar

from fulfillment.adapters.http import HttpAdapter


class Client(HttpAdapter):
    """Carriers that deliver access lines."""

    system = "access"
    kind: ClassVar[str] = "provisioning"
    kinds: ClassVar[dict[str, str]] = {"missing_value": "data", "address_unknown": "data", "no_entry": "site_access"}
