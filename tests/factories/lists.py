"""A person before a list: what its acts for many show and answer."""

import re
from typing import Any

from django.test import Client

from kernel.models import User


class ListDesk:
    """A person before a list, with its slip."""

    def __init__(self, user: User, address: str) -> None:
        self.client = Client(headers={"HX-Request": "true"})
        self.client.force_login(user)
        self.page = self.client.get(address).content.decode()
        found = re.search(r'name="slip" value="([^"]+)"', self.page)
        self.slip = found[1] if found else ""

    def preview(self, act: str, *records: Any, scope: str = "page") -> str:
        """What an act would do to these, or to all that match."""
        sent = {"slip": self.slip, "act": act, "pick": [one.pk for one in records], "scope": scope}
        return str(self.client.post("/many/preview/", sent).content.decode())

    def begin(self, act: str, *records: Any, scope: str = "page", **values: Any) -> Any:
        """The answer to pressing the preview's button."""
        token = re.search(r'name="token" value="([^"]+)"', self.preview(act, *records, scope=scope))
        assert token
        again = {"slip": self.slip, "act": act, "pick": [one.pk for one in records], "scope": scope}
        return self.client.post("/many/start/", {"token": token[1], **again, **values})

    def start(self, act: str, *records: Any, **values: Any) -> str:
        """What the page says after pressing the preview's button."""
        return str(self.begin(act, *records, **values).content.decode())
