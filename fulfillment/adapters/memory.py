"""A system in memory, with the same behaviour as the simulated network: the fakes of all adapters."""

from dataclasses import dataclass, field
from typing import Any

from fulfillment.adapters.base import Answer, Call
from fulfillment.simulator.values import outputs_of


@dataclass
class MemoryAdapter:
    """Remembers what it did by key, answers the same key the same, and says what it was told to say first."""

    system: str = ""
    script: list[Answer] = field(default_factory=list)
    effects: dict[str, int] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    lose_answers: int = 0
    _answers: dict[str, Answer] = field(default_factory=dict)

    def do(self, call: Call) -> Answer:
        """Do it once per key."""
        self.calls.append(call)
        if self.script:
            return self.script.pop(0)
        if call.key not in self._answers:
            self.effects[call.key] = self.effects.get(call.key, 0) + 1
            self._answers[call.key] = self._made(call)
        if self.lose_answers:
            self.lose_answers -= 1
            return Answer("unknown", kind="external_timeout", cause=f"The {self.system} system did not answer in time")
        return self._answers[call.key]

    def undo(self, call: Call) -> Answer:
        """Its own key, so its own effect."""
        return self.do(call)

    def query(self, call: Call) -> Answer | None:
        """What became of a key."""
        return self._answers.get(call.key)

    def read_callback(self, payload: dict[str, Any]) -> Answer:
        """As the real clients read it."""
        from fulfillment.adapters.http import HttpAdapter

        return HttpAdapter().read_callback(payload)

    def _made(self, call: Call) -> Answer:
        if call.kind == "wait_event":
            return Answer("accepted", status=202, response={"status": "accepted"})
        found = outputs_of(call.system, call.operation, call.key, call.inputs, call.context.get("wanted"))
        return Answer("done", outputs=found, status=200, response={"status": "done", "outputs": found})
