"""Approvals: ask roles in order, take decisions, bind them to a hash of what was shown."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, models, transaction
from django.utils import timezone

from kernel import audit, notifications
from kernel.models.approvals import ApprovalRequest, ApprovalStep
from kernel.models.people import User
from kernel.refusal import Conflict, NotPermitted


@dataclass(frozen=True)
class Ask:
    """One step to ask for."""

    role: str
    because: str
    sequence: int = 1


_listeners: dict[str, Callable[[ApprovalRequest], None]] = {}


def closed(label: str) -> Callable[[Callable[[ApprovalRequest], None]], Callable[[ApprovalRequest], None]]:
    """Decorator: in the deciding transaction, tell this function that a round of a model such as contracts.quote ended.

    It hears of rounds that were granted or refused by people, wherever they pressed the button.
    """

    def register(function: Callable[[ApprovalRequest], None]) -> Callable[[ApprovalRequest], None]:
        _listeners[label] = function
        return function

    return register


def fingerprint(content: Any) -> str:
    """The hash that an approval is bound to; `content` is JSON-like, Decimals and dates become text."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


@transaction.atomic
def request(
    subject: models.Model, asks: Iterable[Ask], *, by: User, url: str, content_hash: str, note: str = ""
) -> ApprovalRequest:
    """Open a round of approval and tell the first approvers. Raises Conflict if one is open already."""
    steps = list(asks)
    if not steps:
        raise ValueError("an approval without steps would never end")
    try:
        with transaction.atomic():
            made = ApprovalRequest.objects.create(
                subject_type=subject._meta.label_lower, subject_id=subject.pk, subject_name=str(subject)[:200], url=url,
                content_hash=content_hash, requested_by=by, note=note,
            )  # fmt: skip
    except IntegrityError:  # the constraint on open rounds; somebody may have asked a moment ago
        raise Conflict("An approval of this is under way already.") from None
    ApprovalStep.objects.bulk_create(
        ApprovalStep(request=made, role=ask.role, because=ask.because[:200], sequence=ask.sequence) for ask in steps
    )
    _tell_next(made)
    return made


@transaction.atomic
def decide(step_id: int, *, by: User, approve: bool, reason: str = "") -> ApprovalRequest:
    """Take one decision; the last approval grants the request, the first rejection refuses it.

    Raises:
        NotPermitted: the person lacks the role, or asked for this approval.
        Conflict: the step is decided, or earlier steps are open, or the round is over.
    """
    step = ApprovalStep.objects.select_for_update(of=("self", "request")).select_related("request").get(pk=step_id)
    made = step.request
    if made.state != ApprovalRequest.State.OPEN or step.decision != ApprovalStep.Decision.PENDING:
        raise Conflict("This has been decided already.")
    if step.role not in by.roles:
        raise NotPermitted(f"Only the role {step.role.replace('_', ' ')} decides this step.")
    if made.requested_by_id == by.pk:
        raise NotPermitted("Whoever asks for an approval cannot give it.")
    if current_steps(made).filter(pk=step.pk).count() == 0:
        raise Conflict("An earlier step is still open.")
    step.decision = ApprovalStep.Decision.APPROVED if approve else ApprovalStep.Decision.REJECTED
    step.decided_by, step.decided_at, step.reason = by, timezone.now(), reason
    step.save()
    audit.record("approved" if approve else "rejected", made, by=by, reason=reason or step.because)
    if not approve:
        _close(made, ApprovalRequest.State.REFUSED)
    elif not made.steps.filter(decision=ApprovalStep.Decision.PENDING).exists():
        _close(made, ApprovalRequest.State.GRANTED)
    else:
        _tell_next(made)
    return made


def end(subject: models.Model, state: ApprovalRequest.State) -> int:
    """Void or recall the open round of a record, if there is one."""
    return ApprovalRequest.objects.filter(
        subject_type=subject._meta.label_lower, subject_id=subject.pk, state=ApprovalRequest.State.OPEN
    ).update(state=state, closed_at=timezone.now())


def current(subject: models.Model) -> ApprovalRequest | None:
    """The latest round of a record with its steps."""
    return (
        ApprovalRequest.objects.filter(subject_type=subject._meta.label_lower, subject_id=subject.pk)
        .prefetch_related("steps__decided_by")
        .order_by("-id")
        .first()
    )


def current_steps(made: ApprovalRequest) -> models.QuerySet[ApprovalStep]:
    """Pending steps of the lowest open sequence."""
    pending = made.steps.filter(decision=ApprovalStep.Decision.PENDING)
    lowest = pending.order_by("sequence").values("sequence")[:1]
    return pending.filter(sequence=lowest)


def waiting_for(user: User) -> models.QuerySet[ApprovalStep]:
    """Steps that this person could decide now, oldest first."""
    earlier = ApprovalStep.objects.filter(
        request=models.OuterRef("request"),
        decision=ApprovalStep.Decision.PENDING,
        sequence__lt=models.OuterRef("sequence"),
    )
    return (
        ApprovalStep.objects.filter(decision="pending", request__state="open", role__in=user.roles)
        .exclude(request__requested_by=user)
        .filter(~models.Exists(earlier))
        .select_related("request__requested_by")
        .order_by("request__requested_at")
    )


def _close(made: ApprovalRequest, state: ApprovalRequest.State) -> None:
    made.state, made.closed_at = state, timezone.now()
    made.save()
    if listener := _listeners.get(made.subject_type):
        listener(made)
    if made.requested_by:
        notifications.tell([made.requested_by], f"{made.subject_name}: approval {state.label.lower()}", made.url)


def _tell_next(made: ApprovalRequest) -> None:
    roles = set(current_steps(made).values_list("role", flat=True))
    notifications.tell(
        User.objects.filter(groups__name__in=roles, is_active=True).exclude(pk=made.requested_by_id or 0).distinct(),
        f"{made.subject_name} asks for your approval",
        made.url,
    )
