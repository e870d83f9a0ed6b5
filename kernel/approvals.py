"""Approvals: ask roles in order, take decisions, bind them to a hash of what was shown."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, models, transaction
from django.utils import timezone

from kernel import audit, notifications
from kernel.models.approvals import Absence, ApprovalRequest, ApprovalStep
from kernel.models.people import User
from kernel.refusal import Conflict, NotPermitted


@dataclass(frozen=True)
class Ask:
    """One step to ask for: of a role, or instead of a team or a person."""

    role: str
    because: str
    sequence: int = 1
    team: str = ""
    person: User | None = None
    in_bulk: bool = False


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
    subject: models.Model,
    asks: Iterable[Ask],
    *,
    by: User | None,
    url: str,
    content_hash: str,
    note: str = "",
    content: dict[str, Any] | None = None,
) -> ApprovalRequest:
    """Open a round of approval and tell the first approvers. Raises Conflict if one is open already.

    `content` is what they judge, as JSON; should it ever differ from the record, the difference can be told.
    """
    steps = list(asks)
    if not steps:
        raise ValueError("an approval without steps would never end")
    try:
        with transaction.atomic():
            made = ApprovalRequest.objects.create(
                subject_type=subject._meta.label_lower, subject_id=subject.pk, subject_name=str(subject)[:200], url=url,
                content_hash=content_hash, requested_by=by, note=note, content=content or {},
            )  # fmt: skip
    except IntegrityError:  # the constraint on open rounds; somebody may have asked a moment ago
        raise Conflict("An approval of this is under way already.") from None
    ApprovalStep.objects.bulk_create(
        ApprovalStep(
            request=made, role=ask.role, team=ask.team, person=ask.person, in_bulk=ask.in_bulk,
            because=ask.because[:200], sequence=ask.sequence,
        )
        for ask in steps
    )  # fmt: skip
    _tell_next(made)
    return made


OVER: dict[str, str] = {
    ApprovalRequest.State.RECALLED: "It was taken back after you opened it. If it is asked again, read it anew first.",
    ApprovalRequest.State.VOID: "What you read has changed since, so the approval counts no more. Read it anew first.",
}


@transaction.atomic
def decide(step_id: int, *, by: User, approve: bool, reason: str = "") -> ApprovalRequest:
    """Take one decision; the last approval grants the request, the first rejection refuses it.

    Raises:
        NotPermitted: the person is not asked and stands in for nobody who is, or asked for this approval.
        Conflict: the step is decided, or earlier steps are open, or the round is over.
    """
    step = ApprovalStep.objects.select_for_update(of=("self", "request")).select_related("request").get(pk=step_id)
    made = step.request
    if made.state != ApprovalRequest.State.OPEN or step.decision != ApprovalStep.Decision.PENDING:
        raise Conflict(OVER.get(str(made.state), "This has been decided already."))
    standing_in = require_may(step, by)
    if made.requested_by_id == by.pk:
        raise NotPermitted("Whoever asks for an approval cannot give it.")
    if current_steps(made).filter(pk=step.pk).count() == 0:
        raise Conflict("An earlier step is still open.")
    step.decision = ApprovalStep.Decision.APPROVED if approve else ApprovalStep.Decision.REJECTED
    step.decided_by, step.decided_for, step.decided_at, step.reason = by, standing_in, timezone.now(), reason
    step.save()
    changes = {"for": [None, str(standing_in)]} if standing_in else None
    audit.record("approved" if approve else "rejected", made, by=by, changes=changes, reason=reason or step.because)
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
        .prefetch_related("steps__decided_by", "steps__person")
        .order_by("-id")
        .first()
    )


def current_steps(made: ApprovalRequest) -> models.QuerySet[ApprovalStep]:
    """Pending steps of the lowest open sequence."""
    pending = made.steps.filter(decision=ApprovalStep.Decision.PENDING)
    lowest = pending.order_by("sequence").values("sequence")[:1]
    return pending.filter(sequence=lowest)


def require_may(step: ApprovalStep, by: User) -> User | None:
    """Whoever is away and for whom this person decides, None when they are asked themselves. Raises NotPermitted."""
    if _is_asked(step, by):
        return None
    for absent in away_for(by):
        if absent.pk != step.request.requested_by_id and _is_asked(step, absent):
            return absent
    raise NotPermitted(f"Only {_who(step)} decides this step.")


def _is_asked(step: ApprovalStep, user: User) -> bool:
    if step.person_id:
        return step.person_id == user.pk
    return step.role in user.roles or bool(step.team and step.team in user.teams)


def _who(step: ApprovalStep) -> str:
    if step.person:
        return str(step.person)
    return f"the team {step.team}" if step.team else f"the role {step.role.replace('_', ' ')}"


def away_for(user: User) -> list[User]:
    """People who are away today and named this person as their deputy."""
    today = timezone.localdate()
    rows = Absence.objects.filter(deputy=user, starts_on__lte=today, ends_on__gte=today).select_related("person")
    return [row.person for row in rows]


def waiting_for(user: User) -> models.QuerySet[ApprovalStep]:
    """Steps that this person could decide now, for themselves or for somebody who is away, oldest first."""
    earlier = ApprovalStep.objects.filter(
        request=models.OuterRef("request"),
        decision=ApprovalStep.Decision.PENDING,
        sequence__lt=models.OuterRef("sequence"),
    )
    asked = _asks(user)
    for absent in away_for(user):
        asked |= _asks(absent) & ~models.Q(request__requested_by=absent)
    return (
        ApprovalStep.objects.filter(asked, decision="pending", request__state="open")
        .exclude(request__requested_by=user)
        .filter(~models.Exists(earlier))
        .select_related("request__requested_by", "person", "delegated_by")
        .order_by("request__requested_at")
    )


def _asks(user: User) -> models.Q:
    group = models.Q(role__in=user.roles - {""}) | models.Q(team__in=[team for team in user.teams if team])
    return models.Q(person=user) | (models.Q(person=None) & group)


def _close(made: ApprovalRequest, state: ApprovalRequest.State) -> None:
    made.state, made.closed_at = state, timezone.now()
    made.save()
    if listener := _listeners.get(made.subject_type):
        listener(made)
    if made.requested_by:
        notifications.tell(
            [made.requested_by], f"{made.subject_name}: approval {state.label.lower()}", made.url, event="approval"
        )


def deciders(made: ApprovalRequest) -> models.QuerySet[User]:
    """Whoever can decide the round now, deputies of the absent among them."""
    today = timezone.localdate()
    asked = models.Q(pk__in=[])
    for step in current_steps(made):
        if step.person_id:
            asked |= models.Q(pk=step.person_id)
        elif step.team:
            asked |= models.Q(teams__contains=[step.team])
        else:
            asked |= models.Q(groups__name=step.role)
    people = User.objects.filter(asked).exclude(pk=made.requested_by_id or 0)
    deputies = Absence.objects.filter(person__in=people.values("pk"), starts_on__lte=today, ends_on__gte=today).values(
        "deputy"
    )
    everybody = models.Q(pk__in=people.values("pk")) | models.Q(pk__in=deputies)
    found: models.QuerySet[User] = User.objects.filter(everybody, is_active=True).exclude(pk=made.requested_by_id or 0)
    return found


def _tell_next(made: ApprovalRequest) -> None:
    notifications.tell(deciders(made), f"{made.subject_name} asks for your approval", made.url, event="approval")
