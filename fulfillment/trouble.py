"""Trouble: a task that failed for good is put on hold, and the facts go up to whoever mends it."""

from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from fulfillment import events, rowwise
from fulfillment.models import Task
from kernel import lifecycle, outbox
from kernel.models import User


@dataclass(frozen=True)
class Trouble:
    """What is wrong: type, the same words for the same cause, the detail of this case, values that should work."""

    kind: str
    cause: str
    detail: str = ""
    suggestion: dict[str, Any] = field(default_factory=dict)


def fall_out(troubles: dict[int, Trouble], *, by: User | None = None) -> list[int]:
    """Put tasks in progress on hold with their problem and announce each. Returns the keys that moved."""
    moved = lifecycle.move_many(
        Task.objects.filter(pk__in=troubles, state=Task.State.IN_PROGRESS), Task.hold, by=by,
        fell_out_at=timezone.now(), lease_until=None, due_at=None, reason="In fallout",
    )  # fmt: skip
    rowwise.write(Task, ["problem"], {pk: [(troubles[pk].detail or troubles[pk].cause)[:300]] for pk in moved})
    outbox.publish_all(
        [
            events.TaskFellOut(
                task_id=pk, kind=troubles[pk].kind, cause=troubles[pk].cause[:200], detail=troubles[pk].detail,
                suggestion=troubles[pk].suggestion,
            )
            for pk in moved
        ]
    )  # fmt: skip
    return moved
