"""The demo is told while workers are at work as well as alone."""

import datetime as dt

import pytest
from django.utils import timezone

from config.demo import journey
from kernel.models import OutboxEvent

pytestmark = pytest.mark.django_db


def test_what_a_worker_has_in_hand_is_waited_for() -> None:
    held = OutboxEvent.objects.create(
        kind="orders.OrderSubmitted", payload={}, due_at=timezone.now() + dt.timedelta(hours=1)
    )
    looks = []

    def reached() -> bool:
        looks.append(held.pk)
        if len(looks) == 3:
            OutboxEvent.objects.update(done_at=timezone.now())
        return len(looks) > 3

    journey.settle_here(reached)
    assert len(looks) > 3


def test_nothing_left_to_do_is_said() -> None:
    with pytest.raises(journey.Stuck, match="Nothing is left to deliver"):
        journey.settle_here(lambda: False)
