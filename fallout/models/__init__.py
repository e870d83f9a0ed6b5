"""Tables of fallout."""

from fallout.models.records import Fallout

__all__ = ["Fallout"]
