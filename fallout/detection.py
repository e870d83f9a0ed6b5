"""Detection: a task that failed for good becomes a record with an owner team and a clock."""

import datetime as dt
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from fallout import causes, events, routing
from fallout.models import Fallout
from fulfillment.models import Flow, Task
from kernel import audit, notifications, numbering, outbox
from kernel.models import User
from orders.models import Order

QUIET = dt.timedelta(minutes=10)  # a team hears once of a cause that keeps coming


@transaction.atomic
def open_for(
    *, task_id: int, kind: str, cause: str, detail: str = "", suggestion: dict[str, Any] | None = None
) -> Fallout | None:
    """Open the record of a task on hold; a task that has one already keeps it, one that goes on again needs none."""
    task = Task.objects.select_related("item", "flow", "account").get(pk=task_id)
    if task.state != Task.State.ON_HOLD or task.flow.state == Flow.State.CANCELLED:
        return None
    cause = (cause.strip() or "Failed without a reason")[:160]
    code = causes.code(task)
    mark = causes.fingerprint(causes.operation(task), code, cause)
    taken = routing.route(task, kind=kind, cause=cause, code=code, fingerprint=mark)
    number, now = numbering.take(Fallout.PREFIX), timezone.now()
    made = Fallout(
        number=number, task=task, account_id=task.account_id, order_id=_order_of(task), site_id=task.flow.site_id,
        type=taken.type, cause=cause, code=code, fingerprint=mark, detail=detail, suggestion=suggestion or {},
        severity=taken.severity, runbook_id=taken.runbook_id, team=taken.team, sla_due_at=taken.due(now),
        sla_calendar=taken.calendar,
    )  # fmt: skip
    Fallout.objects.bulk_create([made], ignore_conflicts=True)
    fallout: Fallout = Fallout.objects.select_related("site").get(task=task, state__in=OPEN)
    if fallout.number == number:
        announce(fallout)
    return fallout


def announce(fallout: Fallout) -> None:
    """A new record is in the trail, the outbox, and its team's notifications."""
    audit.record("opened", fallout, by=None, reason=fallout.cause)
    outbox.publish(events.FalloutOpened(fallout_id=fallout.pk))
    _tell_team(fallout)


OPEN = (
    Fallout.State.OPEN,
    Fallout.State.IN_PROGRESS,
    Fallout.State.ON_HOLD,
    Fallout.State.AWAITING_INFORMATION,
)


def team(name: str) -> list[User]:
    """Everybody in an assignment group."""
    return list(User.objects.filter(teams__contains=[name], is_active=True).order_by("pk"))


def _order_of(task: Task) -> int | None:
    if task.flow.root_type != Order._meta.label_lower:
        return None
    return Order.objects.filter(pk=task.flow.root_id).values_list("pk", flat=True).first()


def _tell_team(fallout: Fallout) -> None:
    recent = Fallout.objects.filter(fingerprint=fallout.fingerprint, team=fallout.team, state__in=OPEN)
    if recent.filter(created_at__gte=timezone.now() - QUIET).exclude(pk=fallout.pk).exists():
        return
    where = f", {fallout.site.name}" if fallout.site else ""
    notifications.tell(
        team(fallout.team),
        f"{fallout.number} fell out: {fallout.cause}{where}",
        reverse("fallout:record", args=[fallout.number]),
        event="danger",
    )
