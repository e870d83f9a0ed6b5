"""Provider: our own company as documents show it; until somebody fills it in, the product's own name."""

import base64
from dataclasses import dataclass
from typing import Any

from contracts.models import Provider
from kernel import documents
from kernel.refusal import Refusal

LOGO_LIMIT = 512 * 1024
PIXELS = 4_000_000  # a picture of more is no logo, however small its file


class UnfitLogo(Refusal):
    """The picture is not printed; the message says why."""


@dataclass(frozen=True)
class Shown:
    """The record with what templates need of it: shades of its colour, the logo as an address."""

    record: Provider
    soft: str
    deep: str
    logo: str

    def __getattr__(self, name: str) -> Any:
        return getattr(self.record, name)


def current() -> Provider:
    """The one row, or an unsaved one with the defaults."""
    return Provider.objects.first() or Provider()


def shown() -> Shown:
    """As documents show it."""
    record = current()
    logo = ""
    if record.logo:
        logo = f"data:{record.logo_type};base64,{base64.b64encode(bytes(record.logo)).decode()}"
    return Shown(record, mix(record.accent, 255, 0.88), mix(record.accent, 0, 0.27), logo)


def mix(colour: str, towards: int, share: float) -> str:
    """A colour mixed with white (255) or black (0)."""
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(part + (towards - part) * share):02x}" for part in parts)


def accept_logo(name: str, content: bytes) -> str:
    """The type of an uploaded logo. Raises UnfitLogo unless it is a PNG or JPEG of a fitting size."""
    from contracts import pictures

    if len(content) > LOGO_LIMIT:
        raise UnfitLogo(f"The file is {len(content) // 1024} kB; a logo has at most {LOGO_LIMIT // 1024} kB.")
    _, kind = documents.accept(name, content)
    if kind not in ("image/png", "image/jpeg"):
        raise UnfitLogo("A logo is a PNG or a JPEG.")
    pictures.require(content, limit=PIXELS)
    return kind
