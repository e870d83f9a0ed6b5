"""The outbox: facts come up as rows, written with the change and delivered at least once.

A reaction runs in one transaction with its delivery row, so its database effects happen exactly once however often the
event is delivered. Whatever it does outside the database needs an idempotency key. Facts whose reactions all take many
at once are delivered in batches, all others one by one, each in a transaction of its own. A batch that takes long is
smaller the next time, so that its locks are held for about a second and a worker that is told to stop ends soon; unless
the smaller one takes as long, as with facts of one large order, each of which costs a look at all of it.

What has begun is ended before more begins: facts whose class says `begins = True` are told when no other waits.
"""

import datetime as dt
import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import DateTimeField, F, Func
from django.db.models.functions import Now

from kernel import clash
from kernel.models.outbox import OutboxDelivery, OutboxEvent

log = logging.getLogger(__name__)

BATCH = 100
FIRST = 25  # events of the first batch of a kind, before it is known how long they take
PACE = 1.0  # seconds that a batch should take at most
GAIN = 0.75  # of the seconds of the batch before, which a smaller one has to stay below to be worth while
AHEAD = dt.timedelta(hours=1)  # that facts about work under way go before those that begin some
TURN = 10.0  # seconds after which a worker takes up nothing more without being asked again
MAX_BACKOFF = 300  # seconds
WAITS = "EXISTS (SELECT FROM kernel_outboxevent WHERE done_at IS NULL AND due_at <= clock_timestamp())"
_WRITE = """
INSERT INTO kernel_outboxevent (kind, payload, due_at, attempts, error)
SELECT fact.kind, fact.payload::jsonb,
    statement_timestamp() - CASE WHEN fact.ahead THEN %s::interval ELSE interval '0' END, 0, ''
FROM unnest(%s::text[], %s::text[], %s::boolean[]) AS fact (kind, payload, ahead)
"""

Event = TypeVar("Event")
Reaction = Callable[[Any], None]


@dataclass
class _Known:
    kind: type[Any]
    reactions: dict[str, Reaction]
    many: set[str]
    size: int = FIRST
    before: tuple[int, float] = (0, 0.0)  # events and seconds of the batch before

    @property
    def batch(self) -> int:
        """How many events of this kind one transaction deals with."""
        return self.size if self.many.issuperset(self.reactions) else 1

    def learn(self, number: int, seconds: float) -> None:
        """How long so many events took says how many come next."""
        last, took = self.before
        self.before = number, seconds
        if seconds > PACE and number < last and seconds > took * GAIN:
            self.size = min(BATCH, last * 2)
        elif seconds > PACE:
            self.size = max(1, min(self.size, number) // 2)
        elif seconds < PACE / 4 and number >= self.size:
            self.size = min(BATCH, self.size * 2)


_known: dict[str, _Known] = {}


def kind_of(event_class: type[Any]) -> str:
    """The stored name of an event class, as app.ClassName."""
    return f"{event_class.__module__.split('.')[0]}.{event_class.__name__}"


def reaction(event_class: type[Event]) -> Callable[[Callable[[Event], None]], Callable[[Event], None]]:
    """Decorator: run this function whenever such an event is delivered."""

    def register(function: Callable[[Event], None]) -> Callable[[Event], None]:
        _register(event_class, function, many=False)
        return function

    return register


def reaction_to_many(
    event_class: type[Event],
) -> Callable[[Callable[[list[Event]], None]], Callable[[list[Event]], None]]:
    """Decorator: run this function with whatever events of the kind wait, oldest first, at most BATCH of them.

    When it fails for many, each event is tried by itself, so that one broken event holds nobody back.
    """

    def register(function: Callable[[list[Event]], None]) -> Callable[[list[Event]], None]:
        _register(event_class, function, many=True)
        return function

    return register


def _register(event_class: type[Any], function: Reaction, *, many: bool) -> None:
    known = _known.setdefault(kind_of(event_class), _Known(event_class, {}, set()))
    name = f"{function.__module__}.{function.__name__}"
    known.reactions[name] = function
    if many:
        known.many.add(name)


def publish(event: Any) -> None:
    """Write a fact beside the change that made it true; delivery starts after the commit."""
    publish_all([event])


def publish_all(events: list[Any]) -> None:
    """Write many facts in one statement."""
    if not events:
        return
    kinds = [kind_of(type(event)) for event in events]
    ahead = [not getattr(event, "begins", False) for event in events]
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE, [f"{AHEAD.total_seconds()} s", kinds, [json.dumps(asdict(event)) for event in events], ahead]
        )
    wake()


def wake() -> None:
    """After the commit, tell a worker that there is something to deliver. Losing the message loses nothing."""
    from kernel import jobs

    jobs.wake("kernel.tasks.deliver_outbox")


def deliver(limit: int = BATCH) -> int:
    """Deliver waiting events, oldest first, beside other deliverers. Returns how many were taken up.

    A turn is short: what is left wakes the next.
    """
    taken, end = 0, time.monotonic() + TURN
    while taken < limit and time.monotonic() < end:
        done = clash.again(_deliver_batch)
        if not done:
            return taken
        taken += done
    wake()
    return taken


def drain(limit: int = 10_000) -> int:
    """Deliver until nothing waits; for commands and tests that have no worker."""
    total = 0
    while done := deliver(limit):
        total += done
    return total


@transaction.atomic
def _deliver_batch() -> int:
    waiting = (
        OutboxEvent.objects.select_for_update(skip_locked=True)
        .filter(done_at__isnull=True, due_at__lte=Now())
        .order_by("due_at", "id")
    )
    first = waiting.first()
    if first is None:
        return 0
    known = _known.get(first.kind) or _Known(type(None), {}, set())
    rows, began = [first], time.monotonic()
    if known.batch > 1:
        rows += waiting.filter(kind=first.kind).exclude(pk=first.pk)[: known.batch - 1]
    problems: dict[int, str] = {}
    for name, function in known.reactions.items():
        problems |= _react(known, name, function, rows)
    _note(rows, problems)
    known.learn(len(rows), time.monotonic() - began)
    return len(rows)


def _react(known: _Known, name: str, function: Reaction, rows: list[OutboxEvent]) -> dict[int, str]:
    """Run one reaction for all rows that it has not dealt with yet; what went wrong, by key of the event."""
    again = [row.pk for row in rows if row.attempts]
    dealt = set(
        OutboxDelivery.objects.filter(event__in=again, reaction=name).values_list("event", flat=True) if again else ()
    )
    todo = [row for row in rows if row.pk not in dealt]
    many = name in known.many
    if many and len(todo) > 1 and not _attempt(known, name, function, todo, many=True):
        return {}
    problems = {row.pk: _attempt(known, name, function, [row], many=many) for row in todo}
    return {pk: problem for pk, problem in problems.items() if problem}


def _attempt(known: _Known, name: str, function: Reaction, rows: list[OutboxEvent], *, many: bool) -> str:
    """Run a reaction in a savepoint with its delivery rows; what went wrong, empty when nothing did."""
    events = [known.kind(**row.payload) for row in rows]
    try:
        with transaction.atomic():
            OutboxDelivery.objects.bulk_create(OutboxDelivery(event=row, reaction=name) for row in rows)
            function(events if many else events[0])
    except Exception as error:  # one broken reaction must not hold back the others
        if clash.is_clash(error):
            raise  # the whole batch is done again
        log.exception("reaction %s to %s failed", name, ", ".join(str(row) for row in rows[:3]))
        return f"{name}: {type(error).__name__}: {error}"[:2000]
    return ""


def _note(rows: list[OutboxEvent], problems: dict[int, str]) -> None:
    """Events with no problem are done; each other comes again, later every time."""
    done = [row.pk for row in rows if row.pk not in problems]
    if done:
        moment = Func(function="clock_timestamp", output_field=DateTimeField())
        OutboxEvent.objects.filter(pk__in=done).update(attempts=F("attempts") + 1, error="", done_at=moment)
    if not problems:
        return
    now = _now()
    for row in rows:
        if row.pk in problems:
            row.attempts += 1
            row.error = problems[row.pk]
            row.due_at = now + dt.timedelta(seconds=min(2**row.attempts, MAX_BACKOFF))
    OutboxEvent.objects.bulk_update(
        [row for row in rows if row.pk in problems], ["attempts", "error", "due_at"]
    )  # at most a batch


def _now() -> dt.datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: dt.datetime = cursor.fetchone()[0]
        return now
