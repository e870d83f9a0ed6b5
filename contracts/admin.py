"""Administration of commercial records."""

from contracts import dealadmin

__all__ = ["dealadmin"]
