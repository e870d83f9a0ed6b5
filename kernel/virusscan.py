"""Scanning: every file that comes in is shown to a virus scanner that speaks the protocol of clamd, where there is one.

`VIRUS_SCANNER` says where it listens, as in tcp://scanner:3310; without it nothing is scanned. A scanner that does not
answer lets no file through.
"""

import socket
import struct
from urllib.parse import urlsplit

from django.conf import settings

from kernel.refusal import Refusal

PATIENCE = 20  # seconds
PART = 256 * 1024


class Unscanned(Refusal):
    """The scanner found something, or could not be asked; the message says which."""


def require_clean(content: bytes) -> None:
    """Raises Unscanned unless the scanner finds nothing in these bytes, or there is no scanner."""
    if not settings.VIRUS_SCANNER:
        return
    try:
        answer = _ask(content)
    except OSError:
        raise Unscanned("The file could not be scanned for viruses, so it is not kept. Try again later.") from None
    if answer.endswith("FOUND"):
        name = answer.removeprefix("stream: ").removesuffix("FOUND").strip()
        raise Unscanned(f"The virus scanner found something in this file: {name}. It is not kept.")
    if not answer.endswith("OK"):
        raise Unscanned("The file could not be scanned for viruses, so it is not kept. Try again later.")


def _ask(content: bytes) -> str:
    """What clamd answers to INSTREAM: chunks with their length before them, an empty one at the end."""
    place = urlsplit(settings.VIRUS_SCANNER)
    with socket.create_connection((place.hostname or "localhost", place.port or 3310), timeout=PATIENCE) as line:
        line.sendall(b"zINSTREAM\0")
        for at in range(0, len(content), PART):
            part = content[at : at + PART]
            line.sendall(struct.pack("!L", len(part)) + part)
        line.sendall(struct.pack("!L", 0))
        heard = b""
        while not heard.endswith(b"\0") and (more := line.recv(4096)):
            heard += more
    return heard.rstrip(b"\0").decode(errors="replace").strip()
