"""Showing: everything the panel of one record says."""

from dataclasses import dataclass, field
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from fallout import changing, clock, payloads, queries, skipping
from fallout.models import Fallout
from fallout.resolution import RESOLVE
from kernel.models import User
from orders import withdrawal

MENDED = (Fallout.State.RESOLVED, Fallout.State.CLOSED, Fallout.State.CANCELLED)
PAUSED = (Fallout.State.ON_HOLD, Fallout.State.AWAITING_INFORMATION)
NAMED = frozenset({"reason", "owner", "type", "severity", "team", "ends_as"})


@dataclass(frozen=True)
class Try:
    """One attempt as the log shows it."""

    number: int
    at: Any
    status: str
    bad: bool
    seconds: str
    request_head: str
    headers: dict[str, Any]
    request: SafeString
    answer: SafeString


@dataclass
class Shown:
    """One record with its clock, its values, its ways out and why some of them are shut."""

    record: Fallout
    left: clock.Left
    held_back: int
    values: list[changing.Value]
    by_hand: list[changing.Value]
    tries: list[Try]
    worked: tuple[int, int]
    why_not_act: str
    why_not_skip: str
    why_not_cancel: str
    order_url: str
    opened: str = ""
    typed: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, list[str]] = field(default_factory=dict)

    @property
    def suggested(self) -> list[changing.Value]:
        """Values with a suggestion."""
        return [value for value in self.values if value.suggested is not None]

    @property
    def mended(self) -> bool:
        """Whether it is over."""
        return self.record.state in MENDED

    @property
    def took(self) -> str:
        """How long mending took, in words."""
        ended: Any = self.record.resolved_at
        return clock.span(ended - self.record.created_at) if ended else "–"

    @property
    def in_time(self) -> bool:
        """Whether it was mended within its service level."""
        ended: Any = self.record.resolved_at
        return bool(ended and ended <= self.record.sla_due_at)

    @property
    def can_act(self) -> bool:
        """Whether the reader may mend it now."""
        return not self.why_not_act

    def fields(self, values: list[changing.Value], optional: frozenset[str] = frozenset()) -> list[dict[str, Any]]:
        """Form fields with what was typed and what is wrong with it."""
        return [
            {
                "value": v,
                "field": v.field(
                    self.typed.get(v.key, v.offered), self.problems.get(v.key, []), required=v.key not in optional
                ),
            }
            for v in values
        ]

    @property
    def edit_fields(self) -> list[dict[str, Any]]:
        """Fields of edit and retry."""
        return self.fields(self.values, frozenset(v.key for v in self.values if v.now is None))

    @property
    def hand_fields(self) -> list[dict[str, Any]]:
        """Fields of complete by hand."""
        return self.fields(self.by_hand, frozenset(skipping.optional(self.record.task) if self.record.task else ()))

    @property
    def whole(self) -> list[str]:
        """Problems of the form as a whole."""
        known = {value.key for value in [*self.values, *self.by_hand]} | NAMED
        return [text for key, texts in self.problems.items() if key not in known for text in texts]


def show(record: Fallout, user: User) -> Shown:
    """What the panel says to this reader."""
    hits = frozenset(record.suggestion)
    return Shown(
        record=record, left=clock.left(record.sla_due_at, timezone.now(), record.sla_left),
        held_back=queries.held_back(_task(record)),
        values=changing.editable(record), by_hand=changing.asked_by_hand(record),
        tries=[_try(one, hits) for one in queries.attempts(_task(record))],
        worked=queries.worked(record), why_not_act=_why_not_act(record, user),
        why_not_skip=_why_not_skip(record, user), why_not_cancel=_why_not_cancel(record, user),
        order_url=_order_url(record),
    )  # fmt: skip


def rows(found: Any) -> Any:
    """Records with all that a panel reads, in one query."""
    return found.select_related("task__item", "task__flow__definition", "account", "site", "order", "owner", "runbook")


def _task(record: Fallout) -> int | None:
    return record.task_id


def _try(attempt: Any, hits: frozenset[str]) -> Try:
    head, headers, sent = payloads.parts(attempt.request)
    _, _, answered = payloads.parts(attempt.response)
    took = (attempt.ended_at - attempt.started_at).total_seconds() if attempt.ended_at else None
    return Try(
        number=attempt.number, at=attempt.started_at, status=str(attempt.status or "no answer"),
        bad=attempt.outcome not in ("done", "accepted"), seconds=f"{took:.1f} s" if took is not None else "–",
        request_head=head or f"POST /{attempt.system}/{attempt.operation}",
        headers=headers or {"Idempotency-Key": attempt.idempotency_key}, request=payloads.body(sent, hits),
        answer=payloads.body(answered, frozenset()),
    )  # fmt: skip


def _why_not_act(record: Fallout, user: User) -> str:
    if not user.has_perm(RESOLVE):
        return "Your roles do not include the right to resolve fallout."
    if record.state in MENDED:
        return "It is mended already."
    if record.state in PAUSED:
        return "It is paused. Resume it first."
    return ""


def _why_not_cancel(record: Fallout, user: User) -> str:
    """What can be said at once; whether a point of no return is passed is asked when the form is opened."""
    if record.state in MENDED:
        return ""
    if record.task is None or record.order_id is None:
        return "It is not about one line. Open the order."
    if not user.has_perm(withdrawal.RIGHT):
        return "Your roles do not include the right to cancel lines of running orders."
    return ""


def _why_not_skip(record: Fallout, user: User) -> str:
    if record.state in MENDED:
        return ""
    if record.task is None:
        return "It is about a whole order, not about one task."
    if not user.has_perm("fulfillment.skip_task"):
        return "Your roles do not include the right to skip tasks."
    return skipping.why_not(record.task)


def _order_url(record: Fallout) -> str:
    order: Any = record.order
    try:
        return reverse("orders:order", args=[order.number]) if order else ""
    except NoReverseMatch:
        return ""
