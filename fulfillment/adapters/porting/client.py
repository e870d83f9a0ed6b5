"""The client of the porting authority."""

from typing import ClassVar

from fulfillment.adapters.http import HttpAdapter


class Client(HttpAdapter):
    """Number porting between providers."""

    system = "porting"
    kind: ClassVar[str] = "porting_rejection"
    kinds: ClassVar[dict[str, str]] = {"missing_value": "data"}
