"""The network's own inventory: devices, addresses, licences. A fake that behaves as the simulated one."""

from dataclasses import dataclass

from fulfillment.adapters.memory import MemoryAdapter


@dataclass
class Fake(MemoryAdapter):
    """The network's own inventory: devices, addresses, licences."""

    system: str = "inventory"
