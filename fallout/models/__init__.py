"""Tables of fallout."""

from fallout.models.batches import Batch, BatchItem
from fallout.models.records import Fallout
from fallout.models.runbooks import Runbook

__all__ = ["Batch", "BatchItem", "Fallout", "Runbook"]
