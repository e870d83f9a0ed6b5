"""Administration of the kernel, and what the administration of every app is built on."""

from kernel.admin.recorded import Recorded
from kernel.admin.records import ReadOnly

__all__ = ["ReadOnly", "Recorded"]
