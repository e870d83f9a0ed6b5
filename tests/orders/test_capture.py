"""Capture: one order per accepted quote, and drafts by hand."""

import threading
from typing import Any

import pytest
from django.db import connection, transaction

from catalog.models import PriceEntry
from contracts.models import Quote
from kernel import roles
from kernel.models import AuditEntry
from kernel.refusal import NotPermitted
from orders import capture
from orders.models import Order, OrderLine
from tests.factories.crm import SiteFactory
from tests.factories.orders import Shop, fresh
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def test_an_accepted_quote_becomes_a_draft_with_its_lines() -> None:
    shop = Shop()
    quote = shop.quote(sites=2)
    order = capture.from_quote(quote_id=quote.pk, by=shop.agent)
    assert (order.state, order.channel, order.monthly) == ("draft", "quote", quote.monthly)
    lines = list(order.lines.all())
    assert [(row.key, row.site_id, row.quote_line_id, row.characteristics) for row in lines] == [
        (q.key, q.site_id, q.pk, q.characteristics) for q in quote.lines.all()
    ]
    assert order.billing_profile is not None
    assert order.contact == shop.contact
    assert fresh(quote).state == Quote.State.COMPLETED
    assert AuditEntry.objects.filter(subject_type="orders.order", subject_id=order.pk, action="captured").count() == 1


def test_asking_again_gives_the_same_order() -> None:
    shop = Shop()
    quote = shop.quote()
    first = capture.from_quote(quote_id=quote.pk, by=shop.agent)
    assert capture.from_quote(quote_id=quote.pk, by=shop.agent) == first
    assert OrderLine.objects.filter(order=first).count() == 1


def test_only_an_accepted_quote_is_ordered() -> None:
    shop = Shop()
    quote = shop.quote()
    Quote.objects.create(
        number="QUO9", title="x", account=shop.account, price_list=shop.prices, valid_until=quote.valid_until
    )
    with pytest.raises(capture.NotAccepted, match="draft"):
        capture.from_quote(quote_id=Quote.objects.get(number="QUO9").pk, by=shop.agent)


def test_a_person_without_the_right_captures_nothing() -> None:
    shop = Shop()
    with pytest.raises(NotPermitted):
        capture.from_quote(quote_id=shop.quote().pk, by=UserFactory(role="technician"))
    with pytest.raises(NotPermitted):
        capture.by_hand(account_id=shop.account.pk, title="x", by=UserFactory(role="technician"))
    assert not Order.objects.exists()


def test_lines_are_added_and_removed_by_hand() -> None:
    shop = Shop()
    order = capture.by_hand(account_id=shop.account.pk, title=" Extra site ", by=shop.agent)
    site = SiteFactory(account=shop.account)
    offering = shop.quote().lines.get().offering
    line = capture.add_line(order_id=order.pk, offering_id=offering.pk, site_id=site.pk, by=shop.agent)
    assert (order.title, line.position, line.specification.key) == ("Extra site", 1, "t-internet")
    capture.remove_line(line_id=line.pk, by=shop.agent)
    assert not order.lines.exists()


def test_a_line_for_another_customers_site_is_refused_at_its_field() -> None:
    shop = Shop()
    order = capture.by_hand(account_id=shop.account.pk, title="Extra", by=shop.agent)
    offering = shop.quote().lines.get().offering
    with pytest.raises(capture.Uncapturable) as refusal:
        capture.add_line(
            order_id=order.pk, offering_id=offering.pk, site_id=SiteFactory().pk, quantity=0, by=shop.agent
        )
    assert set(refusal.value.problems) == {"site", "quantity"}


def test_what_was_sold_is_not_changed_on_the_order() -> None:
    shop = Shop()
    order = shop.draft()
    with pytest.raises(capture.Uncapturable, match="reopen the quote"):
        capture.remove_line(line_id=order.lines.get().pk, by=shop.agent)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_at_once_make_one_order() -> None:
    found: list[Any] = []
    gate = threading.Barrier(2)
    with transaction.atomic():
        roles.synchronise()
        shop = Shop()
        quote = shop.quote()

    def rival() -> None:
        try:
            gate.wait(5)
            found.append(capture.from_quote(quote_id=quote.pk, by=shop.agent).pk)
        except Exception as error:
            found.append(error)
        finally:
            connection.close()

    threads: list[Any] = [threading.Thread(target=rival) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(set(found)) == 1
    assert Order.objects.filter(quote=quote).count() == 1


def test_lines_by_hand_cost_what_the_list_says() -> None:
    shop = Shop()
    quoted = shop.quote().lines.get()
    PriceEntry.objects.create(
        price_list=shop.prices, offering=quoted.offering, charge="recurring", label="Monthly", amount=450
    )
    order = capture.by_hand(account_id=shop.account.pk, title="Extra", by=shop.agent)
    line = capture.add_line(order_id=order.pk, offering_id=quoted.offering_id, site_id=quoted.site_id, by=shop.agent)
    assert (line.monthly, fresh(order).monthly) == (450, 450)
    with pytest.raises(capture.Uncapturable) as refusal:
        capture.configure(line_id=line.pk, raw={"speed": "1"}, by=shop.agent)
    assert set(refusal.value.problems) == {"speed"}
    capture.remove_line(line_id=line.pk, by=shop.agent)
    assert fresh(order).monthly == 0
