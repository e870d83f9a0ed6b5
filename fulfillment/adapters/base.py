"""What every adapter offers: do, undo, query, and reading a callback."""

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Outcome = Literal["done", "accepted", "rejected", "retry", "unknown", "postponed"]


@dataclass(frozen=True)
class Call:
    """One piece of work for a system. `key` is the same for every try of it, so that it has its effect once."""

    key: str
    task: str
    system: str
    operation: str
    mode: str = "do"
    kind: str = "api_call"
    inputs: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """What is sent."""
        return {"task": self.task, "mode": self.mode, "kind": self.kind, "inputs": self.inputs, **self.context}


@dataclass(frozen=True)
class Answer:
    """What came of a call.

    done: it has its effect, `outputs` are here. accepted: a callback will tell. rejected: it will not do it, whatever
    the number of tries. retry: surely no effect, try later. unknown: perhaps an effect, ask before trying again.
    postponed: not even tried, because the system does not answer at present.
    """

    outcome: Outcome
    outputs: dict[str, Any] = field(default_factory=dict)
    status: int | None = None
    response: dict[str, Any] = field(default_factory=dict)
    kind: str = ""
    cause: str = ""
    detail: str = ""
    suggestion: dict[str, Any] = field(default_factory=dict)


class Adapter(Protocol):
    """One system outside."""

    system: str

    def do(self, call: Call) -> Answer:
        """Make it so."""

    def undo(self, call: Call) -> Answer:
        """Take it back."""

    def query(self, call: Call) -> Answer | None:
        """What became of an earlier try with this key; None when the system never heard of it."""

    def read_callback(self, payload: dict[str, Any]) -> Answer:
        """What a callback says."""
