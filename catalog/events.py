"""Facts that the catalogue announces."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CatalogueImported:
    """A catalogue file was applied."""

    name: str
    created: int
    changed: int
