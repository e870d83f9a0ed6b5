"""Deputies: one approval handed to a colleague, or all of them while somebody is away; and reminders."""

import datetime as dt

from django.db import models, transaction
from django.utils import timezone

from kernel import approvals, audit, notifications
from kernel.models.approvals import Absence, ApprovalRequest, ApprovalStep
from kernel.models.people import User
from kernel.refusal import Conflict, NotPermitted, Refusal

BY_HAND = dt.timedelta(hours=1)  # at most one reminder by a person in this time
BY_ITSELF = dt.timedelta(hours=24)  # and one by the job
LONGEST = 366  # days of one absence


class TooSoon(Conflict):
    """They were reminded a short while ago."""


@transaction.atomic
def delegate(*, step_id: int, to: User, by: User, reason: str = "") -> ApprovalStep:
    """Let a colleague decide one step instead.

    Raises:
        NotPermitted: this person could not decide it.
        Conflict: it is decided, or the round is over.
        Refusal: the colleague asked for the approval, is gone, or has no access.
    """
    step = ApprovalStep.objects.select_for_update(of=("self", "request")).select_related("request").get(pk=step_id)
    made = step.request
    if made.state != ApprovalRequest.State.OPEN or step.decision != ApprovalStep.Decision.PENDING:
        raise Conflict("This has been decided already.")
    approvals.require_may(step, by)
    if made.requested_by_id == by.pk:
        raise NotPermitted("Whoever asks for an approval cannot say who gives it.")
    problem = ""
    if to.pk == made.requested_by_id:
        problem = f"{to} asked for this approval and cannot give it."
    elif to.pk == by.pk:
        problem = "Choose a colleague."
    elif not to.is_active or not to.has_perm("kernel.use_workspace"):
        problem = f"{to} has no access here."
    if problem:
        raise Refusal(problems={"to": [problem]})
    before, step.person, step.delegated_by = step.asked, to, by
    step.save()
    audit.record("approval delegated", made, by=by, changes={"decides": [before, str(to)]}, reason=reason)
    notifications.tell(
        [to], f"{by} hands you the approval of {made.subject_name}", made.url, event="approval", mail=True
    )
    return step


@transaction.atomic
def be_away(*, person: User, deputy: User | None, starts_on: dt.date | None, ends_on: dt.date | None) -> Absence:
    """Name a deputy for some days. Raises Refusal with the problems at their fields."""
    problems: dict[str, list[str]] = {}
    if deputy is None or deputy.pk == person.pk:
        problems["deputy"] = ["Choose a colleague."]
    elif not deputy.is_active or not deputy.has_perm("kernel.use_workspace"):
        problems["deputy"] = [f"{deputy} has no access here."]
    if starts_on is None:
        problems["starts_on"] = ["From which day?"]
    if ends_on is None:
        problems["ends_on"] = ["Until which day?"]
    elif ends_on < timezone.localdate():
        problems["ends_on"] = ["That is over already."]
    elif starts_on and not 0 <= (ends_on - starts_on).days <= LONGEST:
        problems["ends_on"] = [f"Choose a day after the first, at most {LONGEST} days later."]
    if problems or deputy is None or starts_on is None or ends_on is None:
        raise Refusal(problems=problems)
    made = Absence.objects.create(person=person, deputy=deputy, starts_on=starts_on, ends_on=ends_on)
    days = f"{starts_on:%d %B} to {ends_on:%d %B %Y}"
    audit.record("deputy named", person, by=person, changes={"deputy": [None, f"{deputy}, {days}"]})
    notifications.tell([deputy], f"You decide approvals for {person}, {days}", "/approvals/", event="approval")
    return made


@transaction.atomic
def be_back(*, absence_id: int, person: User) -> None:
    """End an absence of one's own. Raises DoesNotExist for anybody else's."""
    found = Absence.objects.get(pk=absence_id, person=person)
    found.delete()
    audit.record("deputy ended", person, by=person, changes={"deputy": [str(found.deputy), None]})


@transaction.atomic
def remind(*, request_id: int, by: User) -> ApprovalRequest:
    """Tell whoever can decide once more.

    Raises:
        NotPermitted: somebody else asked.
        Conflict: the round is over. TooSoon: they were told less than an hour ago.
    """
    made = ApprovalRequest.objects.select_for_update().get(pk=request_id)
    if made.requested_by_id != by.pk:
        raise NotPermitted("Only whoever asked for an approval reminds of it.")
    if made.state != ApprovalRequest.State.OPEN:
        raise Conflict("This has been decided already.")
    now = timezone.now()
    if (made.reminded_at or made.requested_at) > now - BY_HAND:
        raise TooSoon("They were told less than an hour ago; give them time.")
    _remind(made, now)
    audit.record("approval reminded", made, by=by)
    return made


@transaction.atomic
def remind_due() -> int:
    """Remind of every round that nobody answered for a day."""
    now = timezone.now()
    quiet = models.Q(reminded_at=None, requested_at__lt=now - BY_ITSELF) | models.Q(reminded_at__lt=now - BY_ITSELF)
    found = list(
        ApprovalRequest.objects.select_for_update(skip_locked=True)
        .filter(quiet, state=ApprovalRequest.State.OPEN)
        .order_by("pk")[:500]
    )
    for made in found:
        _remind(made, now)
    return len(found)


def _remind(made: ApprovalRequest, now: dt.datetime) -> None:
    ApprovalRequest.objects.filter(pk=made.pk).update(reminded_at=now)
    notifications.tell(
        approvals.deciders(made), f"{made.subject_name} still waits for your approval", made.url, event="approval",
        mail=True,
    )  # fmt: skip
