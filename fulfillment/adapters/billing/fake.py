"""The billing system. A fake that behaves as the simulated one."""

from dataclasses import dataclass

from fulfillment.adapters.memory import MemoryAdapter


@dataclass
class Fake(MemoryAdapter):
    """The billing system."""

    system: str = "billing"
