"""The link to a seller's installation: calls with a token of ours, and what stood in the way in a sentence."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from crm.models import Partner
from crm.models.partners import PROTOCOL
from kernel.refusal import Refusal
from kernel.rest import outward

JSON = {"Content-Type": "application/json", "Accept": "application/json"}
ORDERS = "/tmf-api/productOrderingManagement/v4"
CATALOGUE = "/tmf-api/productCatalogManagement/v4"


class NotReached(Exception):
    """Nobody answered, or not now: the same call makes sense later."""


class Refused(Refusal):
    """The other side will not, whatever the number of tries."""


@dataclass
class Link:
    """Calls to one seller; a token is fetched at the first."""

    partner: Partner
    _token: str = field(default="", repr=False)

    def get(self, path: str, *, most: int = outward.LONGEST, **query: Any) -> Any:
        """What stands there, read up to so many bytes."""
        return self._call("GET", f"{path}?{urlencode(query)}" if query else path, most=most)

    def post(self, path: str, body: Any, key: str = "") -> Any:
        """Make something there, once under a key."""
        return self._call("POST", path, body, {"Idempotency-Key": key} if key else {})

    def _call(
        self, method: str, path: str, body: Any = None, more: dict[str, str] | None = None,
        most: int = outward.LONGEST,
    ) -> Any:  # fmt: skip
        headers = {"Authorization": f"Bearer {self._ask_token()}", **JSON, **(more or {})}
        headers["X-Trunkline-Exchange"] = str(PROTOCOL)
        return send(method, self.partner.url + path, json.dumps(body) if body is not None else "", headers, most=most)

    def _ask_token(self) -> str:
        if not self._token:
            form = {"grant_type": "client_credentials", "client_id": self.partner.client_id_there,
                    "client_secret": self.partner.secret}  # fmt: skip
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            found = send("POST", f"{self.partner.url}/oauth/token/", urlencode(form), kind)
            self._token = str(found.get("access_token") or "") if isinstance(found, dict) else ""
        return self._token


@contextmanager
def understood(what: str) -> Iterator[None]:
    """Within this block an answer is read. Raises NotReached when it is something else: it may make sense later."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError):
        raise NotReached(f"It answered with something that is no {what}.") from None


def send(method: str, url: str, body: str, headers: dict[str, str], *, most: int = outward.LONGEST) -> Any:
    """One call; the answer's JSON.

    Raises:
        NotReached: nobody answered, or too busy, or broken.
        Refused: with what the other side says.
    """
    data = body.encode()
    whole = {"Host": urlsplit(url).netloc, "Content-Length": str(len(data)), "User-Agent": "Trunkline", **headers}
    answer = outward.send(method, url, data, whole, most=most)
    if answer.status in (0, 429) or answer.status >= 500:
        raise NotReached(answer.problem or f"It answered {answer.status}.")
    try:
        said = json.loads(answer.text) if answer.text else {}
    except ValueError:
        raise Refused("What answers there is not an installation of this product.") from None
    if not 200 <= answer.status < 300:
        raise Refused(_told(said, answer.status))
    if not isinstance(said, dict | list):
        raise NotReached("It answered with something that nobody can read.")
    return said


def _told(said: Any, status: int) -> str:
    if not isinstance(said, dict):
        return f"It answered {status}."
    return str(said.get("message") or said.get("error") or f"It answered {status}.")[:400]
