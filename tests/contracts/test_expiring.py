"""Expiring: one warning before, reminders every few days, and an end that everybody hears of."""

import datetime as dt

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from contracts import expiring, tasks
from contracts.models import Quote
from kernel.models import AuditEntry, Notification
from tests.factories import contracts as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


def _day(quote: Quote, days: int) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(quote.valid_until + dt.timedelta(days=days), dt.time(12)))


def test_the_owner_is_warned_once_before_the_last_day() -> None:
    quote = Quote.objects.get(pk=make.presented().subject_id)
    assert expiring.warn() == 0
    with time_machine.travel(_day(quote, -6), tick=False):
        assert (expiring.warn(), expiring.warn()) == (1, 0)
    assert Notification.objects.filter(user=quote.owner, text__contains="waits for the customer’s signature").exists()
    row = AuditEntry.objects.get(subject_type="contracts.quote", subject_id=quote.pk, action="expiry warned")
    assert row.changes["valid_until"] == [None, quote.valid_until.isoformat()]


def test_a_quiet_signatory_is_reminded_every_few_days(django_capture_on_commit_callbacks: object) -> None:
    made = make.presented()
    assert expiring.remind() == 0
    for days, told in ((4, 1), (5, 0), (8, 1)):
        with (
            time_machine.travel(made.created_at + dt.timedelta(days=days), tick=False),
            django_capture_on_commit_callbacks(execute=True),  # type: ignore[operator]
        ):
            assert expiring.remind() == told
    assert [letter.subject[:5] for letter in mail.outbox].count("Still") == 2


def test_what_is_over_is_closed_and_its_owner_told() -> None:
    quote = Quote.objects.get(pk=make.presented().subject_id)
    with time_machine.travel(_day(quote, 1), tick=False):
        assert tasks.expire_quotes() == 1
        assert tasks.expire_quotes() == 0
    assert Quote.objects.get(pk=quote.pk).state == "expired"
    assert Notification.objects.filter(user=quote.owner, text__contains="expired on").count() == 1
