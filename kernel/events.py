"""Facts that the kernel announces."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Changed:
    """Something was done to a record of which others want to hear: `changes` maps field → [old, new], `by` did it."""

    subject_type: str
    subject_id: int
    action: str
    changes: dict[str, Any]
    at: str
    by: int | None = None


@dataclass(frozen=True)
class TypedFileCame:
    """A record has a file of a type that one of its stages may have waited for."""

    subject_type: str
    subject_id: int
    kind: str
