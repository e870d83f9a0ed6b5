"""Jeopardy of orders: tasks and flows roll up to lines, lines to the order; people hear of it when it gets worse.

Nothing here runs inside a step of the engine. A fact that matters leaves a mark; one sweep at a time works out marked
orders, those with news since they were last looked at, and once a day all that are at work.
"""

import datetime as dt
import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from fulfillment import forecasting, jeopardy
from fulfillment.forecasting import Expected
from fulfillment.jeopardy import Assessment, Judge, day, days
from fulfillment.models import Level, Recheck, Task
from kernel import audit, jobs, notifications
from kernel.models import User
from kernel.refusal import Refusal
from orders.models import LineForecast, Order, OrderForecast

log = logging.getLogger(__name__)
ROOT = Order._meta.label_lower
AT_WORK = (Order.State.IN_PROGRESS,)
PAUSED = (
    Order.State.ON_HOLD, Order.State.AWAITING_INFORMATION, Order.State.REVISION_IN_PROGRESS,
    Order.State.ASSESSING_CANCELLATION, Order.State.CANCELLATION_IN_PROGRESS,
)  # fmt: skip
OPEN_LINES = ("scheduled", "in_progress", "on_hold", "awaiting_information")
MOST = 300  # orders in one sweep
SECONDS = 20.0  # after which a sweep leaves the rest to the next
FOR_STEPS = 1.5  # seconds of it for orders of which only some step has ended
# Such an order is left alone for ten times as long as it took to work it out, if that was long.
_RESTED = """
(forecast.order_id IS NULL OR forecast.took < 1
 OR forecast.assessed_at + forecast.took * interval '10 s' <= clock_timestamp())
"""
_MARKED = f"""
FROM fulfillment_recheck mark LEFT JOIN orders_orderforecast forecast ON forecast.order_id = mark.root_id
WHERE mark.root_type = '{ROOT}' AND (mark.urgent OR {_RESTED})
"""
MARKED = f"EXISTS (SELECT {_MARKED})"
jeopardy.assessed(ROOT)


@transaction.atomic
def assess(*, order_id: int, judge: Judge | None = None, today: dt.date | None = None) -> OrderForecast | None:
    """Work out an order's level and keep it; tell people when it has become worse. None before it is at work.

    Raises:
        BrokenRule: a row of the rules cannot be evaluated; what was known stays.
    """
    jeopardy.lock(ROOT, order_id)
    begun = time.monotonic()
    order = Order.objects.select_related("manager", "account").get(pk=order_id)
    known = OrderForecast.objects.filter(order=order).first()
    before = Level(known.level) if known else Level.NONE
    if order.state in PAUSED:
        return _paused(known)
    if order.state not in AT_WORK:
        return _over(order, known)
    found = jeopardy.assess(ROOT, order_id, judge=judge or Judge(), today=today)
    made = _outlook(order, found, judge or Judge())
    made.since = known.since if known and known.level == made.level else timezone.now()
    made.took = time.monotonic() - begun
    made.save()
    if made.level != before:
        _tell(order, made, before)
    return made


def _paused(known: OrderForecast | None) -> OrderForecast | None:
    """What is held is not late: the level stands still."""
    if known:
        known.paused, known.assessed_at = True, timezone.now()
        known.save(update_fields=["paused", "assessed_at"])
    return known


def _over(order: Order, known: OrderForecast | None) -> OrderForecast | None:
    """An ended order is in no danger any more."""
    if known is None:
        return None
    jeopardy.forget(ROOT, order.pk)
    LineForecast.objects.filter(line__order=order).delete()
    known.level, known.reason, known.paused, known.cause, known.chance = Level.NONE, "", False, None, None
    known.assessed_at = timezone.now()
    known.save()
    return known


def _outlook(order: Order, found: Assessment, judge: Judge) -> OrderForecast:
    worst = _lines(order, found, judge)
    last = found.projection.last
    made = OrderForecast(order=order, level=max(worst, found.worst()), assessed_at=timezone.now())
    if last is None:
        return made
    made.expected_on, made.likely_on = last.ends_on, max(task.likely_on for task in found.projection.tasks.values())
    made.chance = forecasting.chance(last, order.promised_on)
    likely = _after(last, order.promised_on, made.likely_on)
    made.slip_days = _after(last, order.promised_on, last.ends_on)
    own = judge.level(
        "order", late=made.slip_days, late_likely=likely, length=_length(order, last, order.promised_on), critical=True,
        after_request=_after(last, order.requested_on, last.ends_on),
    )  # fmt: skip
    made.level = max(made.level, own)
    cause = found.cause()
    made.cause_id = cause.pk if cause else None
    if made.level:
        made.reason = _reason(cause, made, likely, found.projection.today)
    return made


def _lines(order: Order, found: Assessment, judge: Judge) -> Level:
    """Keep the outlook of every open line; the worst level."""
    rows = []
    for line in order.lines.filter(state__in=OPEN_LINES):
        last = found.projection.of_line(str(line.key))
        if last is None:
            continue
        late, likely = _after(last, line.promised_on, last.ends_on), _after(last, line.promised_on, last.likely_on)
        own = judge.level(
            "line", late=late, late_likely=likely, critical=last.critical,
            length=_length(order, last, line.promised_on),
            after_request=_after(last, line.requested_on, last.ends_on),
        )  # fmt: skip
        level = max(own, found.worst(str(line.key)))
        cause = found.cause(str(line.key)) if level else None
        reason = f"{jeopardy.clause(cause, found.projection.today)}." if cause else ""
        rows.append(LineForecast(line=line, level=level, reason=reason[:400], expected_on=last.ends_on,
                                 likely_on=last.likely_on, slip_days=late))  # fmt: skip
    _keep_lines(order, rows)
    return max((Level(row.level) for row in rows), default=Level.NONE)


def _keep_lines(order: Order, rows: list[LineForecast]) -> None:
    columns = ["level", "reason", "expected_on", "likely_on", "slip_days"]
    known = {row[0]: row[1:] for row in LineForecast.objects.filter(line__order=order).values_list("line", *columns)}
    changed = [row for row in rows if known.get(row.line_id) != tuple(getattr(row, name) for name in columns)]
    if gone := known.keys() - {row.line_id for row in rows}:
        LineForecast.objects.filter(pk__in=gone).delete()
    LineForecast.objects.bulk_create(changed, update_conflicts=True, unique_fields=["line"], update_fields=columns)


def _after(task: Expected, promised: dt.date | None, when: dt.date) -> int:
    """Working days from what was promised to a day; 0 where nothing was promised."""
    return task.place.between(promised, when) if promised else 0


def _length(order: Order, task: Expected, promised: dt.date | None) -> int:
    begun = timezone.localdate(order.started_at) if order.started_at else None
    return task.place.between(begun, promised) if begun and promised else 1


def _reason(cause: Expected | None, made: OrderForecast, likely: int, today: dt.date) -> str:
    """The reason in one sentence: what is the matter, and what it does to the date."""
    if made.expected_on is None or made.likely_on is None:
        return ""
    if made.slip_days > 0:
        then = f"the order is now expected on {day(made.expected_on)}, {days(made.slip_days)} after the promise"
    elif likely > 0:
        then = f"the order may be done only on {day(made.likely_on)}, {days(likely)} after the promise"
    else:
        then = f"the order is still expected on {day(made.expected_on)}, in time for the promise"
    return f"{jeopardy.clause(cause, today)}; {then}."[:400] if cause else f"{then[0].upper()}{then[1:]}."


def _tell(order: Order, made: OrderForecast, before: Level) -> None:
    """The order's activity notes every change; a rise reaches the order manager."""
    risen = made.level > before
    audit.record(
        "jeopardy_raised" if risen else "jeopardy_lowered", order, by=None,
        changes={"jeopardy": [before.label, Level(made.level).label]}, reason=made.reason,
    )  # fmt: skip
    if risen:
        people = [order.manager] if order.manager else _managers()
        word = Level(made.level).label.lower()
        notifications.tell(
            people, f"{order.number}, {word} jeopardy: {made.reason}", order.get_absolute_url(), event="danger"
        )


def _managers() -> Iterable[User]:
    """Whom an order without a manager belongs to."""
    return User.objects.filter(is_active=True, groups__name="order_manager").distinct()


def look_again(order_ids: Iterable[int]) -> None:
    """Mark orders and wake a worker after the commit; marks of one order count once."""
    wanted = set(order_ids)
    if wanted:
        jeopardy.recheck(ROOT, sorted(wanted))
        jobs.wake("orders.tasks.assess")


def sweep(*, most: int = MOST, seconds: float = SECONDS, everything: bool = True) -> int:
    """Look again at marked orders, and with `everything` at those with other news; one sweep at a time.

    Orders that somebody asked about come first. Those of which only some step has ended share a short time, so that a
    busy engine keeps its workers; whatever is left waits for the next sweep. Returns how many were looked at.
    """
    with _alone() as mine:
        if not mine:
            return 0
        urgent, ended, marks = _marked(most * 10)
        until, judge = time.monotonic() + seconds, Judge()
        done = _look([*urgent, *(with_news(most) if everything else ())][:most], until, judge)
        done |= _look([pk for pk in ended if pk not in done][:most], time.monotonic() + FOR_STEPS, judge)
        if done:
            Recheck.objects.filter(pk__in=[pk for pk, root in marks if root in done]).delete()
        return len(done)


def _marked(limit: int) -> tuple[list[int], list[int], list[tuple[int, int]]]:
    """Orders that somebody asked about, orders of which some step ended, each once, oldest first; and the marks."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT mark.root_id, mark.urgent {_MARKED} ORDER BY mark.id LIMIT %s", [limit])
        rows = cursor.fetchall()
    urgent = dict.fromkeys(root for root, asked in rows if asked)
    ended = dict.fromkeys(root for root, _ in rows if root not in urgent)
    marks = Recheck.objects.filter(root_type=ROOT, root_id__in=[*urgent, *ended]).values_list("pk", "root_id")
    return list(urgent), list(ended), list(marks) if rows else []


def _look(order_ids: list[int], until: float, judge: Judge) -> set[int]:
    done = set()
    for order_id in order_ids:
        if time.monotonic() > until:
            break
        refresh(order_id, judge)
        done.add(order_id)
    return done


def refresh(order_id: int, judge: Judge | None = None) -> None:
    """Assess an order now; what cannot be worked out is logged and stays as it was known."""
    try:
        assess(order_id=order_id, judge=judge)
    except Order.DoesNotExist:
        return
    except Refusal as refusal:  # a broken rule or a circle of one order must not keep the others waiting
        log.warning("order %s cannot be assessed: %s", order_id, refusal)


def with_news(limit: int) -> list[int]:
    """Orders whose tasks began, ended or failed since they were looked at, or that were not looked at today."""
    since = OuterRef("forecast__assessed_at")
    news = Task.objects.filter(
        Q(ended_at__gt=since) | Q(started_at__gt=since) | Q(fell_out_at__gt=since),
        flow__root_type=ROOT, flow__root_id=OuterRef("pk"),
    )  # fmt: skip
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    due = Q(forecast__isnull=True) | Q(forecast__assessed_at__lt=midnight) | Q(forecast__paused=True) | Exists(news)
    at_work = Order.objects.filter(due, state__in=AT_WORK)
    held = Order.objects.filter(state__in=PAUSED, forecast__paused=False)
    over = Order.objects.filter(ended_at__isnull=False, forecast__assessed_at__lt=F("ended_at"))
    oldest = at_work.order_by(F("forecast__assessed_at").asc(nulls_first=True), "pk")
    return [pk for rows in (held, over, oldest) for pk in rows.values_list("pk", flat=True)[:limit]]


@contextmanager
def _alone() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('orders.jeopardy.sweep'))")
        (mine,) = cursor.fetchone() or (False,)
    try:
        yield bool(mine)
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext('orders.jeopardy.sweep'))")
