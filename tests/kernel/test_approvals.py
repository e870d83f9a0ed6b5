"""Approvals: in order, by the right role, never by whoever asks, once."""

import pytest

from kernel import approvals
from kernel.approvals import Ask
from kernel.models import ApprovalRequest, ApprovalStep, AuditEntry, Notification, User
from kernel.refusal import Conflict, NotPermitted
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
OPEN, GRANTED, REFUSED = ApprovalRequest.State.OPEN, ApprovalRequest.State.GRANTED, ApprovalRequest.State.REFUSED


@pytest.fixture
def asker() -> User:
    return UserFactory(role="sales_agent")


@pytest.fixture
def manager() -> User:
    return UserFactory(role="sales_manager")


@pytest.fixture
def finance() -> User:
    return UserFactory(role="finance")


def ask(asker: User, *asks: Ask, subject: User | None = None) -> ApprovalRequest:
    return approvals.request(
        subject or asker, asks or (Ask("sales_manager", "Discount over 15 %"),), by=asker, url="/x/", content_hash="h"
    )


def step(made: ApprovalRequest, role: str) -> int:
    return made.steps.get(role=role).pk


def test_the_last_approval_grants_and_tells_whoever_asked(asker: User, manager: User) -> None:
    made = ask(asker)
    assert Notification.objects.filter(user=manager).count() == 1
    assert approvals.decide(step(made, "sales_manager"), by=manager, approve=True).state == GRANTED
    assert "granted" in Notification.objects.get(user=asker).text
    assert AuditEntry.objects.filter(action="approved", actor=manager).exists()


def test_the_first_rejection_refuses(asker: User, manager: User, finance: User) -> None:
    made = ask(asker, Ask("sales_manager", "a"), Ask("finance", "b"))
    assert approvals.decide(step(made, "finance"), by=finance, approve=False, reason="Margin").state == REFUSED
    with pytest.raises(Conflict):
        approvals.decide(step(made, "sales_manager"), by=manager, approve=True)


def test_later_steps_wait_for_earlier_ones(asker: User, manager: User, finance: User) -> None:
    made = ask(asker, Ask("sales_manager", "a", 1), Ask("finance", "b", 2))
    assert list(approvals.waiting_for(finance)) == []
    with pytest.raises(Conflict):
        approvals.decide(step(made, "finance"), by=finance, approve=True)
    approvals.decide(step(made, "sales_manager"), by=manager, approve=True)
    assert [s.role for s in approvals.waiting_for(finance)] == ["finance"]
    assert approvals.decide(step(made, "finance"), by=finance, approve=True).state == GRANTED


def test_only_the_role_decides_and_never_the_asker(asker: User, finance: User) -> None:
    asking_manager = UserFactory(role="sales_manager")
    made = ask(asking_manager)
    with pytest.raises(NotPermitted):
        approvals.decide(step(made, "sales_manager"), by=finance, approve=True)
    with pytest.raises(NotPermitted):
        approvals.decide(step(made, "sales_manager"), by=asking_manager, approve=True)
    assert list(approvals.waiting_for(asking_manager)) == []
    assert not Notification.objects.filter(user=asking_manager).exists()


def test_a_decision_is_taken_once(asker: User, manager: User) -> None:
    made = ask(asker)
    approvals.decide(step(made, "sales_manager"), by=manager, approve=True)
    with pytest.raises(Conflict):
        approvals.decide(step(made, "sales_manager"), by=manager, approve=False, reason="No")
    assert ApprovalStep.objects.get().decision == "approved"


def test_one_round_at_a_time(asker: User, manager: User) -> None:
    made = ask(asker)
    with pytest.raises(Conflict):
        ask(asker)
    approvals.end(asker, ApprovalRequest.State.VOID)
    with pytest.raises(Conflict):
        approvals.decide(step(made, "sales_manager"), by=manager, approve=True)
    assert ask(asker).state == OPEN


def test_a_round_without_steps_is_a_mistake(asker: User) -> None:
    with pytest.raises(ValueError, match="without steps"):
        approvals.request(asker, [], by=asker, url="/", content_hash="h")


def test_a_fingerprint_tells_every_change() -> None:
    from decimal import Decimal

    seen = {
        approvals.fingerprint(content) for content in ({"a": 1}, {"a": 2}, {"b": 1}, {"a": Decimal("1.0")}, [{"a": 1}])
    }
    assert len(seen) == 5
    assert approvals.fingerprint({"a": 1, "b": 2}) == approvals.fingerprint({"b": 2, "a": 1})
