"""Needs: what we wait for from a customer: signatures, and doors to be opened for an engineer."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from contracts.models import Agreement, Quote, SignatureRequest
from crm.models import Account
from kernel.models import User
from portal.tracking import Progress

QUOTE, AGREEMENT = Quote._meta.label_lower, Agreement._meta.label_lower


@dataclass(frozen=True)
class Signature:
    """A document that waits for a signature; `mine` when this reader is the signatory."""

    request: Any
    title: str
    what: str
    until: dt.datetime
    mine: bool


@dataclass(frozen=True)
class Visit:
    """An engineer who comes to a site."""

    site: Any
    starts_at: dt.datetime
    ends_at: dt.datetime | None
    technician: str


def signatures(user: User) -> list[Signature]:
    """Open requests of the reader's companies, in three questions."""
    waiting = SignatureRequest.objects.filter(
        account__in=Account.objects.visible_to(user).values("pk"), signed_at=None, declined_at=None, void_at=None,
        expires_at__gt=timezone.now(), subject_type__in=[QUOTE, AGREEMENT],
        contact__isnull=False,
    )  # fmt: skip
    rows = list(waiting.select_related("contact", "document").order_by("expires_at", "pk"))
    quotes = Quote.objects.in_bulk([row.subject_id for row in rows if row.subject_type == QUOTE])
    agreements = Agreement.objects.in_bulk([row.subject_id for row in rows if row.subject_type == AGREEMENT])
    found = []
    for row in rows:
        record = quotes.get(row.subject_id) if row.subject_type == QUOTE else agreements.get(row.subject_id)
        if record is None:
            continue
        what = "quote" if row.subject_type == QUOTE else "agreement"
        found.append(Signature(row, record.title, f"{what} {record.number}", row.expires_at, _is(row.contact, user)))
    return found


def visits(followed: list[Progress]) -> list[Visit]:
    """Booked visits that are still ahead."""
    coming = [site.visit for progress in followed for site in progress.sites if site.visit_soon]
    coming.sort(key=lambda visit: visit.starts_at)
    return [
        Visit(visit.site, visit.starts_at, visit.ends_at, visit.technician.first_name if visit.technician else "")
        for visit in coming
    ]


def _is(contact: Any, user: User) -> bool:
    return bool(contact.user_id and contact.user_id == user.pk)
