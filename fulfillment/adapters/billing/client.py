"""The client of the billing system."""

from typing import ClassVar

from fulfillment.adapters.http import HttpAdapter


class Client(HttpAdapter):
    """The billing system."""

    system = "billing"
    kind: ClassVar[str] = "billing"
    kinds: ClassVar[dict[str, str]] = {"missing_value": "data"}
