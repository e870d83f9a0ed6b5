"""Tidying: calls, kept answers, sent notifications and expired tokens are forgotten after their time."""

import datetime as dt

from django.conf import settings
from django.utils import timezone
from oauth2_provider.models import AccessToken

from kernel.models import ApiCall, Delivery, KeptAnswer

ANSWERS = dt.timedelta(days=2)
SENT = dt.timedelta(days=30)


def tidy() -> int:
    """Delete what is old. Returns how many rows went."""
    now = timezone.now()
    rows = (
        ApiCall.objects.filter(at__lt=now - dt.timedelta(days=settings.API_CALLS_KEPT_DAYS)),
        KeptAnswer.objects.filter(at__lt=now - ANSWERS),
        Delivery.objects.filter(done_at__lt=now - SENT),
        Delivery.objects.filter(given_up_at__lt=now - SENT),
        AccessToken.objects.filter(expires__lt=now - dt.timedelta(days=1)),
    )
    return sum(found.delete()[0] for found in rows)
