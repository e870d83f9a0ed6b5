"""Qualification: a lead is spoken to, kept warm, found worth a deal, or put aside with a reason."""

from collections.abc import Callable
from typing import Any

from django.db import transaction

from crm.models import Lead
from kernel import lifecycle
from kernel.models import User
from kernel.refusal import Refusal


class ReasonMissing(Refusal):
    """Putting a lead aside wants a reason."""


def contact(*, lead_id: int, by: User | None) -> Lead:
    """We have spoken. Raises IllegalMove unless the lead is new."""
    return _move(lead_id, Lead.contact, by)


def nurture(*, lead_id: int, by: User | None) -> Lead:
    """Not now, but keep warm. Raises IllegalMove unless the lead was contacted."""
    return _move(lead_id, Lead.nurture, by)


def qualify(*, lead_id: int, by: User | None) -> Lead:
    """Need, budget and decision maker are known. Raises IllegalMove unless the lead is nurturing."""
    return _move(lead_id, Lead.qualify, by)


def disqualify(*, lead_id: int, because: str, by: User | None) -> Lead:
    """Put a lead aside. Raises ReasonMissing without a reason, IllegalMove once it is qualified."""
    because = because.strip()[:200]
    if not because:
        raise ReasonMissing(problems={"reason": ["Say why there is nothing to sell here."]})
    return _move(lead_id, Lead.disqualify, by, because, because=because)


def reopen(*, lead_id: int, by: User | None) -> Lead:
    """Start over with a lead that was put aside. Raises IllegalMove for any other."""
    return _move(lead_id, Lead.reopen, by)


@transaction.atomic
def _move(lead_id: int, transition: Callable[..., Any], by: User | None, reason: str = "", **inputs: Any) -> Lead:
    lead: Lead = lifecycle.move(Lead.objects.locked(lead_id), transition, by=by, reason=reason, **inputs)
    return lead
