"""Outage: systems that fail several times in a row are left alone for some seconds, by all workers together.

When the time is over one call is tried; if it works everybody calls again, else the pause grows.
"""

import datetime as dt
from collections.abc import Iterable

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from fulfillment import release
from fulfillment.adapters import Answer
from fulfillment.models import Breaker, Task
from kernel import audit
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted

RIGHT = "fulfillment.change_capacity"

BREAK_AFTER = 5  # failures in a row
SHORTEST, LONGEST = 5, 60  # seconds
PROBE = dt.timedelta(seconds=15)  # a try that is never heard of again blocks the next one for so long
FAILED = ("retry", "unknown")

_COUNT = """
INSERT INTO fulfillment_breaker AS b (system, failures, cause, since, open_until)
VALUES (%(system)s, %(n)s, %(cause)s, now(), {until})
ON CONFLICT (system) DO UPDATE SET failures = b.failures + %(n)s, cause = excluded.cause,
    since = CASE b.failures WHEN 0 THEN now() ELSE b.since END, open_until = {until}
"""
_UNTIL = """
CASE WHEN {failures} >= %(after)s
THEN clock_timestamp() + least(%(longest)s, %(shortest)s * 2 ^ (({failures} - %(after)s) / %(after)s)) * interval '1 s'
END
"""


def room() -> dict[str, int]:
    """How many calls systems with trouble may get now: 0, or 1 for the try that finds out. Others are not named."""
    now = timezone.now()
    rows = Breaker.objects.filter(failures__gte=BREAK_AFTER).order_by("pk").select_for_update()
    return {row.system: 0 if row.open_until and row.open_until > now else 1 for row in rows}


def probing(systems: Iterable[str]) -> None:
    """One call of each of these systems is being tried; nobody else tries meanwhile."""
    wanted = list(systems)
    if wanted:
        Breaker.objects.filter(system__in=wanted, failures__gte=BREAK_AFTER).update(open_until=timezone.now() + PROBE)


def note(answers: Iterable[tuple[str, Answer]]) -> None:
    """Count what came of calls, (system, answer); one that worked closes the breaker."""
    failed: dict[str, list[Answer]] = {}
    worked: set[str] = set()
    for system, answer in answers:
        if answer.outcome in FAILED:
            failed.setdefault(system, []).append(answer)
        elif answer.outcome != "postponed" and answer.status is not None:
            worked.add(system)
    if worked:
        Breaker.objects.filter(~Q(failures=0), system__in=worked).update(failures=0, open_until=None, since=None)
    for system in sorted(failed.keys() - worked):  # at most one for each system there is
        _count(system, failed[system])


@transaction.atomic
def reset(*, system: str, by: User) -> None:
    """Forget the failures of a system, so that it is called again at once.

    Raises:
        NotPermitted: the person may not change how systems are used.
        Conflict: it has not failed, or answers again already.
    """
    if not by.has_perm(RIGHT):
        raise NotPermitted("Your roles do not include the right to have systems called again.")
    row = Breaker.objects.select_for_update().filter(system=system, failures__gt=0).first()
    if row is None:
        raise Conflict("This system answers again already.")
    audit.record("called again", row, by=by, changes={"failures": [row.failures, 0]})
    row.failures, row.open_until, row.since = 0, None, None
    row.save(update_fields=["failures", "open_until", "since"])
    waiting = Task.objects.filter(state=Task.State.FAILED, item__adapter=system)
    waiting.filter(due_at__gt=timezone.now()).update(due_at=timezone.now())
    release.wake()


def _count(system: str, answers: list[Answer]) -> None:
    first, next_ = (_UNTIL.format(failures=text) for text in ("%(n)s", "(b.failures + %(n)s)"))
    values_part, conflict_part = _COUNT.split("ON CONFLICT")
    statement = f"{values_part.format(until=first)}ON CONFLICT{conflict_part.format(until=next_)}"
    told: dict[str, str | int] = {
        "system": system, "n": len(answers), "cause": answers[-1].cause[:200], "after": BREAK_AFTER,
        "shortest": SHORTEST, "longest": LONGEST,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(statement, told)
