"""Carriers that deliver access lines. A fake that behaves as the simulated one."""

from dataclasses import dataclass

from fulfillment.adapters.memory import MemoryAdapter


@dataclass
class Fake(MemoryAdapter):
    """Carriers that deliver access lines."""

    system: str = "access"
