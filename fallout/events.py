"""Facts that fallout announces."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FalloutOpened:
    """A task fell out."""

    fallout_id: int


@dataclass(frozen=True)
class FalloutResolved:
    """Somebody mended it."""

    fallout_id: int
    resolution: str
