"""Stock and shipping of devices and SIM cards. A fake that behaves as the simulated one."""

from dataclasses import dataclass

from fulfillment.adapters.memory import MemoryAdapter


@dataclass
class Fake(MemoryAdapter):
    """Stock and shipping of devices and SIM cards."""

    system: str = "logistics"
