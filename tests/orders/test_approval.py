"""Approval: checks become facts, a table names who is asked, agreement reserves the products."""

from decimal import Decimal

import pytest

from cmdb.models import Product
from crm.models import Account
from kernel import approvals
from kernel.models import OutboxEvent
from kernel.refusal import NotPermitted
from orders import approval, checks, enrichment
from orders.models import Order, OrderLine
from tests.factories.orders import Shop, fresh
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def test_nobody_asked_is_approved_at_once() -> None:
    order = Shop().approved(sites=2)
    assert order.state == "approved"
    assert OutboxEvent.objects.filter(kind="orders.OrderApproved", payload__order_id=order.pk).count() == 1
    products = Product.objects.filter(order_number=order.number)
    assert [p.state for p in products] == ["pending_active"] * 2
    assert set(order.lines.values_list("product", flat=True)) == {p.pk for p in products}


def test_whoever_the_table_names_is_asked_and_approves() -> None:
    shop = Shop(ask="order_approver")
    order = shop.approved()
    assert order.state == "awaiting_approval"
    assert not Product.objects.exists()
    step = approvals.current(order).steps.get()
    assert (step.role, step.because) == ("order_approver", "Every order")
    boss = UserFactory(role="order_approver")
    approval.decide(step_id=step.pk, by=boss, approve=True)
    assert fresh(order).state == "approved"
    assert Product.objects.get().state == "pending_active"


def test_a_rejection_rejects_the_order_with_its_reason() -> None:
    shop = Shop(ask="finance")
    order = shop.approved()
    boss = UserFactory(role="finance")
    approval.decide(step_id=approvals.current(order).steps.get().pk, by=boss, approve=False, reason="Overdue")
    assert fresh(order).state == "rejected"
    assert order.lines.get().state == OrderLine.State.REJECTED
    assert not Product.objects.exists()


def test_the_submitter_and_other_roles_cannot_approve() -> None:
    shop = Shop(ask="order_approver")
    order = shop.approved()
    step = approvals.current(order).steps.get()
    with pytest.raises(NotPermitted):
        approval.decide(step_id=step.pk, by=UserFactory(role="finance"), approve=True)
    shop.agent.groups.add(*UserFactory(role="order_approver").groups.all())
    with pytest.raises(NotPermitted):
        approval.decide(step_id=step.pk, by=type(shop.agent).objects.get(pk=shop.agent.pk), approve=True)


def test_exposure_overdue_and_stale_feasibility_are_facts_in_words() -> None:
    shop = Shop()
    Account.objects.filter(pk=shop.account.pk).update(credit_limit=Decimal(100), overdue_amount=Decimal(50))
    order = shop.submitted(sites=2)
    OrderLine.objects.filter(order=order).update(site=None)
    offering = order.lines.first().offering
    type(offering).objects.filter(pk=offering.pk).update(needs_feasibility=True)
    found = checks.of(Order.objects.get(pk=order.pk))
    assert found.about["over_limit"] is True
    assert (found.about["exposure"], found.about["overdue"], found.about["stale_feasibility"]) == (900.0, 50.0, 2)
    assert any("credit limit" in text for text in found.warnings)
    assert any("feasibility" in text for text in found.warnings)


def test_a_missing_requirement_is_a_warning() -> None:
    shop = Shop()
    alone = shop.submitted(offerings=("t-sdwan",))
    together = shop.submitted(offerings=("t-internet", "t-sdwan"))
    assert checks.of(fresh(alone)).about["warnings"] == 1
    assert "needs Dedicated internet" in " ".join(checks.of(fresh(alone)).warnings)
    assert checks.of(fresh(together)).about["warnings"] == 0


def test_approving_twice_reserves_once() -> None:
    order = Shop().approved()
    assert enrichment.run(order_id=order.pk).state == "approved"
    assert Product.objects.count() == 1
