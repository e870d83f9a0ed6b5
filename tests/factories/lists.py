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


class Table:
    """A person before a list whose cells may be changed."""

    def __init__(self, user: User, path: str = "/leads/") -> None:
        self.client = Client(headers={"HX-Request": "true", "HX-Target": "list"})
        self.client.force_login(user)
        self.page = self.client.get(path).content.decode()
        found = re.search(r'data-cells="([^"]+)"', self.page)
        self.cells = found[1] if found else ""

    def open(self, record: Any, field: str) -> Any:
        """The answer to opening a cell."""
        return self.client.get(f"{self.cells}&cell={record.pk}.{field}")

    def save(self, record: Any, field: str, value: Any, edition: int | None = None) -> Any:
        """The answer to saving it."""
        sent = {field: value, "edition": record.edition if edition is None else edition}
        return self.client.post(f"{self.cells}&cell={record.pk}.{field}", sent)
