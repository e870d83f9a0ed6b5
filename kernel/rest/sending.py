"""Sending: waiting notifications go out, signed, again later when they fail, until their listener is disabled.

A delivery is taken for a minute in a transaction of its own, sent outside any, and marked done after it was done.
"""

import datetime as dt
import hashlib
import hmac
import time
from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from kernel import notifications
from kernel.models import Delivery, Subscription
from kernel.rest import outward
from kernel.rest.outward import Answer

WAITS = (
    "EXISTS (SELECT FROM kernel_delivery WHERE done_at IS NULL AND given_up_at IS NULL AND due_at <= clock_timestamp())"
)
BATCH = 20
TURN = 30.0  # seconds
FIRST, LONGEST = 10, 2 * 3600  # seconds between attempts
DAY = dt.timedelta(days=1)


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 over the time of sending, a full stop, and the body."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={digest.hexdigest()}"


def send_due() -> int:
    """Send what is due. Returns how many were tried."""
    tried, end = 0, time.monotonic() + TURN
    while time.monotonic() < end:
        taken = _take()
        if not taken:
            break
        for delivery in taken:
            _send(delivery)
        tried += len(taken)
    return tried


@transaction.atomic
def _take() -> list[Delivery]:
    rows = (
        Delivery.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(done_at=None, given_up_at=None, due_at__lte=timezone.now(), subscription__disabled_at=None)
        .select_related("subscription")
        .order_by("due_at", "id")
    )
    taken = list(rows[:BATCH])
    lease = timezone.now() + dt.timedelta(seconds=30 + len(taken) * float(settings.HUB_SECONDS) * 2)
    Delivery.objects.filter(pk__in=[one.pk for one in taken]).update(due_at=lease, attempts=F("attempts") + 1)
    return taken


def _send(delivery: Delivery) -> None:
    stamp, body = str(int(time.time())), delivery.body.encode()
    headers = {
        "Host": _host(delivery.subscription.callback), "Content-Type": "application/json", "User-Agent": "Trunkline",
        "Content-Length": str(len(body)), "X-Trunkline-Event": str(delivery.event_id), "X-Trunkline-Timestamp": stamp,
        "X-Trunkline-Signature": sign(delivery.subscription.secret, stamp, body),
    }  # fmt: skip
    began = time.monotonic()
    answer = outward.post(delivery.subscription.callback, body, headers)
    _note(delivery, answer, round((time.monotonic() - began) * 1000))


def _host(url: str) -> str:
    return url.split("//", 1)[-1].split("/", 1)[0].split("?", 1)[0]


@transaction.atomic
def _note(delivery: Delivery, answer: Answer, milliseconds: int) -> None:
    """What came of it; the second day of failures in a row disables the listener."""
    now = timezone.now()
    good = 200 <= answer.status < 300
    attempts = delivery.attempts + 1
    wait = dt.timedelta(seconds=min(FIRST * 2 ** (attempts - 1), LONGEST))
    over = not good and now + wait > delivery.created_at + DAY
    Delivery.objects.filter(pk=delivery.pk, done_at=None).update(
        answered=answer.status or None, answer=answer.text, problem=_problem(answer, good), milliseconds=milliseconds,
        done_at=now if good else None, given_up_at=now if over else None, due_at=now + wait,
    )  # fmt: skip
    listener = Subscription.objects.select_for_update().get(pk=delivery.subscription_id)
    if good and listener.failing_since:
        Subscription.objects.filter(pk=listener.pk).update(failing_since=None)
    elif not good:
        _count_failure(listener, now, answer)


def _problem(answer: Answer, good: bool) -> str:
    return "" if good else (answer.problem or f"It answered {answer.status}.")[:300]


def _count_failure(listener: Subscription, now: dt.datetime, answer: Answer) -> None:
    if listener.failing_since is None:
        Subscription.objects.filter(pk=listener.pk).update(failing_since=now)
    elif now - listener.failing_since > DAY and listener.disabled_at is None:
        why = f"Nothing was taken for a day. Last: {_problem(answer, good=False)}"[:300]
        Subscription.objects.filter(pk=listener.pk).update(disabled_at=now, why_disabled=why)
        admins = get_user_model().objects.filter(is_superuser=True, is_active=True)
        text = f"Notifications to {listener.callback} are stopped: nothing was taken for a day."[:240]
        notifications.tell(admins, text, "/admin/kernel/subscription/")
        if not listener.user.is_superuser:
            notifications.tell([listener.user], text, reverse("apis"))  # the list of listeners is the administrators'


def again(deliveries: Iterable[int]) -> int:
    """Send these once more, also those that were taken; returns how many."""
    now = timezone.now()
    rows = Delivery.objects.filter(pk__in=list(deliveries))
    return int(rows.update(due_at=now, done_at=None, given_up_at=None, created_at=now, attempts=0))


def enable(listeners: Iterable[int]) -> int:
    """Send to these listeners again; what waited for them goes out now."""
    keys = list(listeners)
    waiting = Delivery.objects.filter(subscription__in=keys, done_at=None, given_up_at=None)
    waiting.update(due_at=timezone.now(), created_at=timezone.now())
    rows = Subscription.objects.filter(pk__in=keys)
    return int(rows.update(disabled_at=None, failing_since=None, why_disabled=""))
