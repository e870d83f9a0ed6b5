"""The outbox: facts come up as rows, written with the change and delivered at least once.

A reaction runs in one transaction with its delivery row, so its database effects happen exactly once however often the
event is delivered. Whatever it does outside the database needs an idempotency key.
"""

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models.functions import Now

from kernel.models.outbox import OutboxDelivery, OutboxEvent

log = logging.getLogger(__name__)

BATCH = 100
MAX_BACKOFF = 300  # seconds

Event = TypeVar("Event")
Reaction = Callable[[Any], None]


@dataclass(frozen=True)
class _Known:
    kind: type[Any]
    reactions: dict[str, Reaction]


_known: dict[str, _Known] = {}


def kind_of(event_class: type[Any]) -> str:
    """The stored name of an event class, as app.ClassName."""
    return f"{event_class.__module__.split('.')[0]}.{event_class.__name__}"


def reaction(event_class: type[Event]) -> Callable[[Callable[[Event], None]], Callable[[Event], None]]:
    """Decorator: run this function whenever such an event is delivered."""

    def register(function: Callable[[Event], None]) -> Callable[[Event], None]:
        known = _known.setdefault(kind_of(event_class), _Known(event_class, {}))
        known.reactions[f"{function.__module__}.{function.__name__}"] = function
        return function

    return register


def publish(event: Any) -> OutboxEvent:
    """Write a fact beside the change that made it true; delivery starts after the commit."""
    row = OutboxEvent.objects.create(kind=kind_of(type(event)), payload=asdict(event))
    wake()
    return row


def publish_all(events: list[Any]) -> None:
    """Write many facts in one statement."""
    OutboxEvent.objects.bulk_create(OutboxEvent(kind=kind_of(type(event)), payload=asdict(event)) for event in events)
    if events:
        wake()


def wake() -> None:
    """After the commit, tell a worker that there is something to deliver. Losing the message loses nothing."""
    from kernel import jobs

    jobs.wake("kernel.tasks.deliver_outbox")


def deliver(limit: int = BATCH) -> int:
    """Deliver waiting events, oldest first, beside other deliverers. Returns how many were taken up."""
    taken = 0
    while taken < limit:
        with transaction.atomic():
            row = (
                OutboxEvent.objects.select_for_update(skip_locked=True)
                .filter(done_at__isnull=True, due_at__lte=Now())
                .order_by("due_at", "id")
                .first()
            )
            if row is None:
                return taken
            taken += 1
            _deliver(row)
    wake()
    return taken


def drain(limit: int = 10_000) -> int:
    """Deliver until nothing waits; for commands and tests that have no worker."""
    total = 0
    while done := deliver(limit):
        total += done
    return total


def _deliver(row: OutboxEvent) -> None:
    known = _known.get(row.kind)
    failed = ""
    done = set(row.deliveries.values_list("reaction", flat=True)) if row.attempts else set()
    for name, function in known.reactions.items() if known else ():
        if name in done:
            continue
        try:
            with transaction.atomic():
                OutboxDelivery.objects.create(event=row, reaction=name)
                function(known.kind(**row.payload))  # type: ignore[union-attr]
        except Exception as error:  # one broken reaction must not hold back the others
            log.exception("reaction %s to event %s failed", name, row.pk)
            failed = f"{name}: {type(error).__name__}: {error}"[:2000]
    row.attempts += 1
    row.error = failed
    if failed:
        row.due_at = _now() + dt.timedelta(seconds=min(2**row.attempts, MAX_BACKOFF))
    else:
        row.done_at = _now()
    row.save(update_fields=["attempts", "error", "due_at", "done_at"])


def _now() -> dt.datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: dt.datetime = cursor.fetchone()[0]
        return now
