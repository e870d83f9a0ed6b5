"""Submission: a complete draft becomes a promise, once."""

import pytest

from kernel.lifecycle import IllegalMove
from kernel.models import AuditEntry, OutboxEvent
from kernel.refusal import NotPermitted
from orders import submission, validation
from orders.models import Order, OrderLine
from tests.factories.orders import Shop, fresh
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def test_a_complete_draft_is_submitted() -> None:
    shop = Shop()
    order = shop.submitted(sites=2)
    assert order.state == "submitted"
    assert order.submitted_at is not None
    assert set(order.lines.values_list("state", flat=True)) == {OrderLine.State.ACKNOWLEDGED}
    assert OutboxEvent.objects.get(kind="orders.OrderSubmitted").payload == {"order_id": order.pk}
    assert AuditEntry.objects.get(subject_type="orders.order", action="submit").actor == shop.agent


def test_it_is_refused_until_the_billing_profile_is_there() -> None:
    shop = Shop()
    order = shop.draft()
    profile = order.billing_profile
    Order.objects.filter(pk=order.pk).update(billing_profile=None)
    with pytest.raises(validation.Incomplete) as refusal:
        submission.submit(order_id=order.pk, by=shop.agent)
    assert set(refusal.value.problems) == {"billing_profile"}
    assert fresh(order).state == "draft"
    Order.objects.filter(pk=order.pk).update(billing_profile=profile)
    assert submission.submit(order_id=order.pk, by=shop.agent).state == "submitted"


def test_a_second_submission_is_a_conflict() -> None:
    shop = Shop()
    order = shop.submitted()
    with pytest.raises(IllegalMove):
        submission.submit(order_id=order.pk, by=shop.agent)
    assert OutboxEvent.objects.filter(kind="orders.OrderSubmitted").count() == 1


def test_a_person_without_the_right_cannot_submit() -> None:
    order = Shop().draft()
    with pytest.raises(NotPermitted):
        submission.submit(order_id=order.pk, by=UserFactory(role="finance"))
    assert fresh(order).state == "draft"
