"""Outward: one message to an address that somebody else named, never into our own network.

The name is resolved here, every address it has must be public, and the connection goes to the address that was checked:
a name that answers otherwise a moment later gains nothing. Redirects are not followed.
"""

import ipaddress
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpcore
from django.conf import settings

from kernel.refusal import Refusal

MOST = 4096  # bytes of an answer that are read
LONGEST = 4 * 1024 * 1024  # of an answer that was asked for
EMBEDDING = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")))


class NotAllowed(Refusal):
    """This address is not one that we send to."""


@dataclass(frozen=True)
class Answer:
    """What came back; status 0 and `problem` when nothing did."""

    status: int
    text: str = ""
    problem: str = ""


def require_allowed(url: str) -> None:
    """Raises NotAllowed for an address that can never be sent to; a name that is not known yet passes."""
    host, port = _parts(url)
    try:
        addresses(host, port)
    except OSError:
        return


def _parts(url: str) -> tuple[str, int]:
    try:
        found = urlsplit(url)
        host, port = found.hostname or "", found.port
    except ValueError:
        raise NotAllowed(problems={"callback": ["This is not an address."]}) from None
    allowed = ("https", "http") if settings.HUB_ALLOW_PRIVATE else ("https",)
    if found.scheme not in allowed or not host or found.username or found.password or not url.isascii():
        raise NotAllowed(problems={"callback": [f"Give an address that begins with {allowed[0]}:// and names a host."]})
    return host, port or (443 if found.scheme == "https" else 80)


def addresses(host: str, port: int) -> list[str]:
    """The addresses of a host. Raises NotAllowed when one of them is not public, OSError when there is none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError("not a host name") from error
    plain = [str(where[0]) for *_, where in found]
    if not settings.HUB_ALLOW_PRIVATE:
        for one in plain:
            if not is_public(one):
                raise NotAllowed(problems={"callback": ["This address lies in a private network."]})
    return plain


def is_public(text: str) -> bool:
    """Whether an address is one of the open internet, also what it embeds."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(str(address.ipv4_mapped))
        if any(address in network for network in EMBEDDING):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


class _Checked(httpcore.SyncBackend):
    """Connects to the address that was checked, not to the name."""

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:  # fmt: skip
        try:
            found = addresses(host, port)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} is not known") from error
        return super().connect_tcp(found[0], port, timeout, local_address, socket_options)


def post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
    """Post one message and say what came back, whatever happens."""
    return send("POST", url, body, headers, most=MOST)


def send(method: str, url: str, body: bytes, headers: dict[str, str], *, most: int = LONGEST) -> Answer:
    """Send one message and say what came back, at most so many bytes of it, whatever happens."""
    seconds = float(settings.HUB_SECONDS)
    until = time.monotonic() + seconds
    timeout = {"connect": min(5.0, seconds), "read": seconds, "write": seconds, "pool": seconds}
    try:
        _parts(url)
        with (
            httpcore.ConnectionPool(network_backend=_Checked(), retries=0) as pool,
            pool.stream(method, url, headers=list(headers.items()), content=body, extensions={"timeout": timeout}) as r,
        ):
            text = b""
            for part in r.iter_stream():
                text += part
                if len(text) >= most or time.monotonic() > until:
                    break
            return Answer(r.status, text[:most].decode("utf-8", "replace").replace("\x00", ""))
    except NotAllowed as refusal:
        return Answer(0, problem=str(refusal))
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, httpcore.UnsupportedProtocol,
            OSError, ValueError) as error:  # fmt: skip
        return Answer(0, problem=f"{type(error).__name__}: {error}"[:300])
