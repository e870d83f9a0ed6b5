"""Triage: what a record is, how bad it is, and who hears of it, before somebody mends it."""

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from fallout import detection, resolution
from fallout.models import Fallout
from kernel import audit, notifications
from kernel.models import User
from kernel.refusal import Refusal

LADDER = (Fallout.Severity.LOW, Fallout.Severity.MEDIUM, Fallout.Severity.HIGH, Fallout.Severity.CRITICAL)


@transaction.atomic
def classify(*, fallout_id: int, by: User | None, type: str, severity: str, team: str) -> Fallout:
    """Say what a record is, how bad, and whose; the clock stays as it was set.

    Raises:
        Refusal: with the problem at its field.
    """
    resolution.require(by, resolution.RESOLVE, "resolve fallout")
    team = team.replace("\x00", "").strip()[:60]
    problems = {
        name: [words]
        for name, wrong, words in (
            ("type", type not in Fallout.Type.values, "Choose a type."),
            ("severity", severity not in Fallout.Severity.values, "Choose how bad it is."),
            ("team", not team, "Name the team that mends it."),
        )
        if wrong
    }
    if problems:
        raise Refusal(problems=problems)
    fallout: Fallout = Fallout.objects.locked(fallout_id)
    resolution.refuse_when_over(fallout)
    values = {"type": type, "severity": severity, "team": team}
    changes = audit.difference({name: getattr(fallout, name) for name in values}, values)
    if changes:
        for name in changes:
            setattr(fallout, name, values[name])
        fallout.edition += 1
        fallout.save(update_fields=[*changes, "edition", "updated_at"])
        audit.record("classified", fallout, by=by, changes=changes)
        if "team" in changes:
            _tell(detection.team(team), fallout, by, f"{fallout.number} came to {team}: {fallout.cause}")
    return fallout


@transaction.atomic
def escalate(*, fallout_id: int, by: User | None, reason: str) -> Fallout:
    """Call the managers: a step more severe, and told at once with the reason."""
    resolution.require(by, resolution.RESOLVE, "resolve fallout")
    reason = resolution.said(reason, "Say what you need from the manager.")
    fallout: Fallout = Fallout.objects.locked(fallout_id)
    resolution.refuse_when_over(fallout)
    before = fallout.severity
    fallout.severity = LADDER[min(LADDER.index(Fallout.Severity(before)) + 1, len(LADDER) - 1)]
    fallout.escalated_at = timezone.now()
    fallout.edition += 1
    fallout.save(update_fields=["severity", "escalated_at", "edition", "updated_at"])
    audit.record("escalated", fallout, by=by, changes={"severity": [before, fallout.severity]}, reason=reason)
    _tell(managers(), fallout, by, f"{by or 'The system'} escalated {fallout.number}: {reason}", mail=True)
    return fallout


def managers() -> list[User]:
    """Who hears of what runs over its time."""
    return list(User.objects.filter(groups__name="fallout_manager", is_active=True).order_by("pk"))


def _tell(people: list[User], fallout: Fallout, by: User | None, text: str, *, mail: bool = False) -> None:
    others = [person for person in people if person != by]
    notifications.tell(others, text, reverse("fallout:record", args=[fallout.number]), event="danger", mail=mail)
