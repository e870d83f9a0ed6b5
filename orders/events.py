"""Facts that orders announce."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class OrderSubmitted:
    """A draft became a promise."""

    begins: ClassVar[bool] = True
    order_id: int


@dataclass(frozen=True)
class OrderApproved:
    """Every approver agreed; products exist as pending active."""

    order_id: int


@dataclass(frozen=True)
class OrderStarted:
    """Decomposed, planned, under way."""

    order_id: int


@dataclass(frozen=True)
class OrderLineCompleted:
    """One product of an order works."""

    order_id: int
    line_id: int


@dataclass(frozen=True)
class OrderLinesWithdrawn:
    """Lines of a running order were given up; their open tasks are cancelled."""

    order_id: int
    line_ids: list[int]
    state: str


@dataclass(frozen=True)
class OrderEnded:
    """An order reached completed, partial, failed, cancelled or rejected."""

    order_id: int
    state: str
