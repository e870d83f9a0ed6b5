"""Editing: people, dates and references change on the order, what was sold does not."""

import datetime as dt

import pytest
from django.utils import timezone

from kernel import approvals
from kernel.models import AuditEntry
from kernel.refusal import NotPermitted
from orders import editing
from orders.models import Order
from tests.factories.crm import BillingProfileFactory, ContactFactory
from tests.factories.lists import ListDesk, Table
from tests.factories.orders import Shop, fresh
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
SOON = timezone.localdate() + dt.timedelta(days=60)


def test_people_dates_and_references_change_on_order_and_lines() -> None:
    shop = Shop()
    order = shop.draft()
    line = order.lines.get()
    other = ContactFactory(account=shop.account)
    editing.edit(
        order_id=order.pk, by=shop.agent, changes={"their_reference": " PO-7 ", "contact": other.pk,
        "requested_on": SOON},
        lines={line.pk: {"access_notes": "Ring twice", "contact": other.pk}},
    )  # fmt: skip
    order, line = fresh(order), fresh(line)
    assert (order.their_reference, order.contact, order.requested_on) == ("PO-7", other, SOON)
    assert (line.access_notes, line.contact) == ("Ring twice", other)
    entry = AuditEntry.objects.get(subject_type="orders.order", action="edited")
    assert entry.changes["their_reference"] == ["", "PO-7"]
    assert f"line-{line.pk}-access_notes" in entry.changes


def test_an_order_manager_is_named_and_nobody_else() -> None:
    shop = Shop()
    order, ingrid = shop.draft(), UserFactory(role="order_manager")
    editing.edit(order_id=order.pk, by=shop.agent, changes={"manager": ingrid.pk})
    with pytest.raises(editing.NotEditable) as refusal:
        editing.edit(order_id=order.pk, by=shop.agent, changes={"manager": UserFactory(role="customer").pk})
    assert (list(refusal.value.problems), fresh(order).manager) == (["manager"], ingrid)
    ingrid.groups.clear()
    editing.edit(order_id=order.pk, by=shop.agent, changes={"manager": ingrid.pk, "title": "As it was"})
    assert fresh(order).manager == ingrid


def test_what_was_sold_is_changed_in_the_quote() -> None:
    shop = Shop()
    order = shop.draft()
    line = order.lines.get()
    with pytest.raises(editing.NotEditable) as refusal:
        editing.edit(order_id=order.pk, by=shop.agent, changes={"monthly": 1}, lines={line.pk: {"quantity": 9}})
    assert set(refusal.value.problems) == {"monthly", f"line-{line.pk}-quantity"}
    assert "reopen the quote" in refusal.value.problems["monthly"][0]
    assert fresh(line).quantity == 1


def test_a_second_editor_is_told() -> None:
    shop = Shop()
    order = shop.draft()
    editing.edit(order_id=order.pk, by=shop.agent, edition=order.edition, changes={"title": "First"})
    with pytest.raises(editing.ChangedMeanwhile):
        editing.edit(order_id=order.pk, by=shop.agent, edition=order.edition, changes={"title": "Second"})
    assert fresh(order).title == "First"


def test_people_of_another_customer_are_refused() -> None:
    shop = Shop()
    order = shop.draft()
    for field, stranger in (("contact", ContactFactory()), ("billing_profile", BillingProfileFactory())):
        with pytest.raises(editing.NotEditable) as refusal:
            editing.edit(order_id=order.pk, by=shop.agent, changes={field: stranger.pk})
        assert set(refusal.value.problems) == {field}


def test_lines_of_another_order_and_past_dates_are_refused() -> None:
    shop = Shop()
    order, other = shop.draft(), shop.draft()
    with pytest.raises(editing.NotEditable, match="another order"):
        editing.edit(order_id=order.pk, by=shop.agent, lines={other.lines.get().pk: {"access_notes": "x"}})
    with pytest.raises(editing.NotEditable) as refusal:
        editing.edit(order_id=order.pk, by=shop.agent, changes={"requested_on": dt.date(2020, 1, 1), "title": " "})
    assert set(refusal.value.problems) == {"requested_on", "title"}


def test_dates_are_fixed_once_the_order_runs_but_people_are_not() -> None:
    shop = Shop()
    order = shop.running()
    editing.edit(order_id=order.pk, by=shop.agent, changes={"their_reference": "PO-8"})
    with pytest.raises(editing.NotEditable):
        editing.edit(order_id=order.pk, by=shop.agent, changes={"requested_on": SOON})
    with pytest.raises(NotPermitted):
        editing.edit(order_id=order.pk, by=UserFactory(role="technician"), changes={"title": "x"})


def test_another_date_voids_the_approval_and_asks_again() -> None:
    shop = Shop(ask="finance")
    order = shop.approved()
    first = approvals.current(order)
    editing.edit(order_id=order.pk, by=shop.agent, changes={"requested_on": SOON})
    second = approvals.current(order)
    assert first.pk != second.pk
    assert (fresh(first).state, second.state) == ("void", "open")
    assert first.content_hash != second.content_hash


def test_orders_are_given_to_somebody_from_their_list() -> None:
    order = Shop().draft()
    manager, other = UserFactory(role="order_manager"), UserFactory(role="order_manager")
    desk = ListDesk(manager, "/orders/")
    page = desk.preview("give", order)
    assert "1 record is changed" in page
    desk.start("give", order, to=str(other.pk))
    assert Order.objects.get(pk=order.pk).manager == other
    assert [note.text for note in other.notifications.all()] == [f"{manager} gave you {order} to look after"]
    table = Table(manager, "/orders/?columns=title,manager,requested_on")
    assert str(other) in table.page
    assert table.save(fresh(order), "manager", "").status_code == 200
    assert fresh(order).manager is None
    assert table.save(fresh(order), "requested_on", "2020-01-01").status_code == 422
    seller = UserFactory(role="sales_agent")
    assert "Give to" not in ListDesk(seller, "/orders/").page
