"""The client of the partners' site checks."""

from typing import ClassVar

from fulfillment.adapters.http import HttpAdapter


class Client(HttpAdapter):
    """Partners who say whether their network reaches a site."""

    system = "feasibility"
    kind: ClassVar[str] = "data"
