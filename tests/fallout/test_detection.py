"""Opening records from tasks that failed for good."""

import datetime as dt

import pytest
from django.utils import timezone

from fallout import detection
from fallout.models import Fallout
from fulfillment import execution
from kernel import outbox
from kernel.models import AuditEntry, DecisionTable, Notification
from tests.factories import fallout as made
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def route(**outputs: str) -> None:
    DecisionTable.objects.create(
        key="fallout_routing", title="Who mends what", inputs=[{"name": "operation"}],
        outputs=[{"name": name} for name in outputs], rows=[{"operation": "'port.create'"} | outputs],
    )  # fmt: skip


def test_a_fallen_task_gets_a_record_routed_by_the_decision_table() -> None:
    route(team="'Night desk'", type="'inventory_allocation'", sla_hours="2")
    record = made.fallout()
    assert (record.team, record.type, record.cause) == ("Night desk", "inventory_allocation", "VLAN already in use")
    assert abs(record.sla_due_at - timezone.now() - dt.timedelta(hours=2)) < dt.timedelta(minutes=1)
    assert record.suggestion == {"vlan": 2131}
    assert record.site_id == record.task.flow.site_id
    assert AuditEntry.objects.filter(subject_type="fallout.fallout", subject_id=record.pk, action="opened").count() == 1


def test_without_a_table_the_plan_item_says_whose_it_is() -> None:
    record = made.fallout()
    assert (record.team, record.type) == ("IP Provisioning", "provisioning")
    assert abs(record.sla_due_at - timezone.now() - dt.timedelta(hours=8)) < dt.timedelta(minutes=1)


def test_a_broken_table_loses_no_failure() -> None:
    route(team="nothing(")
    assert made.fallout().team == "IP Provisioning"


def test_hearing_twice_opens_once() -> None:
    record = made.fallout()
    again = detection.open_for(task_id=record.task_id, kind="provisioning", cause="VLAN already in use")
    assert again == record
    assert Fallout.objects.count() == 1


def test_a_task_that_goes_on_needs_no_record() -> None:
    task = made.fallen_task()
    execution.retry(task.pk, None)
    outbox.drain()
    assert not Fallout.objects.exists()


def test_the_same_cause_has_the_same_fingerprint() -> None:
    first, second, other = made.fallout(), made.fallout(), made.fallout(cause="No answer")
    assert first.fingerprint == second.fingerprint != other.fingerprint


def test_the_team_is_told_once_of_a_cause_that_keeps_coming() -> None:
    member, stranger = UserFactory(teams=["IP Provisioning"]), UserFactory(teams=["Voice"])
    record = made.fallout()
    made.fallout()
    assert Notification.objects.filter(user=member).count() == 1
    assert record.number in Notification.objects.get(user=member).text
    assert not Notification.objects.filter(user=stranger).exists()
