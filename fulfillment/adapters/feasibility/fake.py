"""Partners who say whether their network reaches a site. A fake that behaves as the simulated one."""

from dataclasses import dataclass

from fulfillment.adapters.base import Answer, Call
from fulfillment.adapters.memory import MemoryAdapter


@dataclass
class Fake(MemoryAdapter):
    """Partners who say whether their network reaches a site; the answer comes by callback."""

    system: str = "feasibility"

    def _made(self, call: Call) -> Answer:
        return Answer("accepted", status=202, response={"status": "accepted"})
