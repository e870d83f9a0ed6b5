"""Tables of fallout."""

from fallout.models.records import Fallout
from fallout.models.runbooks import Runbook

__all__ = ["Fallout", "Runbook"]
