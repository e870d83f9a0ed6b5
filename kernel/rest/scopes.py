"""Scopes: what a client or token may do with which API, read or write."""

from typing import Any

from oauth2_provider.scopes import BaseScopes

from kernel.rest import resource

READ, WRITE = "read", "write"


def of(api: str, verb: str) -> str:
    """The name of a scope, such as tmf622:read."""
    return f"{api}:{verb}"


def every() -> dict[str, str]:
    """Scope → what it allows, in words."""
    verbs = {READ: "read", WRITE: "create and change"}
    return {of(api.key, verb): f"{api.title}: {word}" for api in resource.apis() for verb, word in verbs.items()}


class OfClient(BaseScopes):
    """A client gets at most the scopes that it was registered with; asking for none gets all of them."""

    def get_all_scopes(self) -> dict[str, str]:
        """Every scope in words."""
        return every()

    def get_available_scopes(self, application: Any = None, request: Any = None, *args: Any, **more: Any) -> list[str]:
        """Those of the client."""
        return list(application.scopes) if application else list(every())

    def get_default_scopes(self, application: Any = None, request: Any = None, *args: Any, **more: Any) -> list[str]:
        """Those of the client."""
        return self.get_available_scopes(application)
