"""Expiring: owners are warned before an offer ends, signatories are reminded, and what is over is closed."""

import datetime as dt

from django.db import models, transaction
from django.utils import timezone

from contracts import quoteversions, signature
from contracts.models import Quote, SignatureRequest
from kernel import audit, notifications
from kernel.models import AuditEntry
from kernel.refusal import Refusal

WARNED = "expiry warned"
WARN_DAYS = 7  # before the last day
REMIND_EVERY = dt.timedelta(days=3)
WAITS = (Quote.State.IN_REVIEW, Quote.State.APPROVED, Quote.State.PRESENTED)
MOST = 500  # of each kind in one turn; the next turn takes the rest


@transaction.atomic
def warn(*, today: dt.date | None = None) -> int:
    """Tell the owners of offers that end within a week, once for each version."""
    today = today or timezone.localdate()
    told = AuditEntry.objects.filter(
        subject_type="contracts.quote", subject_id=models.OuterRef("pk"), action=WARNED
    )  # a submitted version keeps its last day
    ending = Quote.objects.filter(
        state__in=WAITS, valid_until__gte=today, valid_until__lte=today + dt.timedelta(days=WARN_DAYS)
    )
    keys = list(ending.filter(~models.Exists(told)).order_by("pk").values_list("pk", flat=True)[:MOST])
    found = Quote.objects.locked_all(keys)
    for quote in Quote.objects.filter(pk__in=[quote.pk for quote in found]).select_related("owner"):
        audit.record(WARNED, quote, by=None, changes={"valid_until": [None, quote.valid_until.isoformat()]})
        if quote.owner:
            said = f"{quote} is valid until {quote.valid_until:%d %B} and waits for {_whom(quote)}"
            notifications.tell([quote.owner], said, quote.get_absolute_url(), event="deal", mail=True)
    return len(found)


def remind() -> int:
    """Write to signatories who have had an offer or agreement for days without an answer."""
    before = timezone.now() - REMIND_EVERY
    quiet = models.Q(reminded_at=None, created_at__lt=before) | models.Q(reminded_at__lt=before)
    waiting = SignatureRequest.objects.filter(
        quiet, signed_at=None, declined_at=None, void_at=None, expires_at__gt=timezone.now()
    )
    done = 0
    for made in waiting.select_related("contact", "person", "account", "document").order_by("pk")[:MOST]:
        try:
            signature.remind(made, by=None)
        except Refusal:  # settled in this moment, or its record cannot be signed now
            continue
        done += 1
    return done


@transaction.atomic
def close(*, today: dt.date | None = None) -> list[int]:
    """Expire the offers whose last day is over, and tell their owners."""
    keys = quoteversions.expire(today=today)
    for quote in Quote.objects.filter(pk__in=keys).select_related("owner"):
        if quote.owner:
            said = f"{quote} expired on {quote.valid_until:%d %B %Y}; make a new version to offer it again"
            notifications.tell([quote.owner], said, quote.get_absolute_url(), event="deal")
    return keys


def _whom(quote: Quote) -> str:
    return {
        Quote.State.IN_REVIEW: "its approvers", Quote.State.APPROVED: "being presented",
    }.get(quote.state, "the customer’s signature")  # fmt: skip
