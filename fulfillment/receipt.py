"""Receipt: what systems outside tell us, checked, kept, and acted on at most once, in whatever order it comes."""

import datetime as dt
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from fulfillment import adapters, release
from fulfillment.adapters import Answer
from fulfillment.models import Callback, Kind, Task
from fulfillment.trouble import Trouble, fall_out
from kernel import lifecycle
from kernel.refusal import Refusal

FRESH = dt.timedelta(minutes=5)
WAITING = (Kind.API_CALL, Kind.WAIT_EVENT)


class BadSignature(Refusal):
    """The message is not from whom it says, or it is too old."""

    status = 401


class UnknownTask(Refusal):
    """The message is about a task that we do not have."""

    status = 404


@dataclass(frozen=True)
class Receipt:
    """What a message did: completed, failed, kept, noted, repeat or none."""

    effect: str
    task_id: int


def sign(timestamp: str, body: bytes) -> str:
    """The signature of a callback: HMAC-SHA256 over the time it was sent, a full stop, and the body."""
    digest = hmac.new(settings.CALLBACK_SECRET.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={digest.hexdigest()}"


def check(timestamp: str, signature: str, body: bytes) -> None:
    """Raises BadSignature unless the message is signed with our secret and was sent within the last minutes."""
    if not hmac.compare_digest(sign(timestamp, body).encode(), signature.encode()):
        raise BadSignature("The signature does not fit.")
    try:
        sent = dt.datetime.fromtimestamp(int(timestamp), dt.UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise BadSignature("The time of sending cannot be read.") from error
    if abs(timezone.now() - sent) > FRESH:
        raise BadSignature("The message was sent too long ago.")


def receive(system: str, event_id: str, payload: dict[str, Any]) -> Receipt:
    """Keep a message and act on it; a message that came before changes nothing.

    Raises:
        UnknownTask: nothing of ours has that number; the message is kept all the same.
    """
    adapters.named(system)
    with transaction.atomic():
        task = (
            Task.objects.filter(number=str(payload.get("task", ""))[:20])
            .order_by("pk")
            .select_for_update(of=("self",))
            .first()
        )
        kept, new = Callback.objects.get_or_create(
            system=system, event_id=event_id[:80], defaults={"task": task, "payload": payload, "effect": "none"}
        )
        if task is not None and new:
            kept.effect = _act(task, system, payload)
            kept.save(update_fields=["effect"])
    if task is None:
        raise UnknownTask("There is no task of that number.")
    return Receipt(kept.effect if new else "repeat", task.pk)


def _act(task: Task, system: str, payload: dict[str, Any]) -> str:
    if payload.get("key") != task.idempotency_key or task.kind not in WAITING or task.item.adapter not in ("", system):
        return "none"
    answer = adapters.named(system).read_callback(payload)
    if answer.outcome == "done":
        return _completed(task, answer)
    if answer.outcome == "rejected" and task.state == Task.State.IN_PROGRESS:
        fall_out({task.pk: Trouble(answer.kind, answer.cause, answer.detail, answer.suggestion)})
        return "failed"
    return "noted" if answer.outcome == "accepted" else "none"


def _completed(task: Task, answer: Answer) -> str:
    """A success counts whenever it comes: early it is kept, late it ends the fallout."""
    if task.state in Task.UNSTARTED or task.state == Task.State.FAILED:
        return "kept"
    if task.in_fallout:
        lifecycle.move(task, Task.resume, by=None, reason="The system reported success after all")
        Task.objects.filter(pk=task.pk).update(problem="")
    elif task.state != Task.State.IN_PROGRESS:
        return "none"
    wanted = {str(name).rstrip("?") for name in task.item.outputs}
    values = {name: value for name, value in answer.outputs.items() if name in wanted}
    moved = release.finish(Task.objects.filter(pk=task.pk), {task.pk: values})
    return "completed" if moved else "none"
