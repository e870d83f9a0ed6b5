"""Devices and services on them: ports, overlays, firewalls, trunks. A fake that behaves as the simulated one."""

from dataclasses import dataclass

from fulfillment.adapters.memory import MemoryAdapter


@dataclass
class Fake(MemoryAdapter):
    """Devices and services on them: ports, overlays, firewalls, trunks."""

    system: str = "provisioning"
