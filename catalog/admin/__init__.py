"""Administration of the catalogue and its prices."""

from catalog.admin import entries, prices

__all__ = ["entries", "prices"]
