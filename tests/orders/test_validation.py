"""Validation: all problems of a draft at once, each at its field."""

import datetime as dt

import pytest
from django.utils import timezone

from orders import capture, validation
from orders.models import Order, OrderLine
from tests.factories.orders import Shop, fresh

pytestmark = pytest.mark.django_db


def test_a_complete_order_has_no_problems() -> None:
    assert validation.problems(Shop().draft(sites=2)) == {}


def test_everything_wrong_is_said_at_once() -> None:
    shop = Shop()
    order = shop.draft(values={"speed": 5})
    Order.objects.filter(pk=order.pk).update(
        billing_profile=None, contact=None, requested_on=timezone.localdate() - dt.timedelta(days=1)
    )
    line = order.lines.get()
    OrderLine.objects.filter(pk=line.pk).update(site=None, requested_on=dt.date(2020, 1, 1))
    found = validation.problems(fresh(order))
    assert set(found) == {
        "billing_profile", "contact", "requested_on", f"line-{line.pk}-site", f"line-{line.pk}-requested_on",
        f"line-{line.pk}-speed",
    }  # fmt: skip
    assert "past" in found["requested_on"][0]
    with pytest.raises(validation.Incomplete) as refusal:
        validation.require_complete(fresh(order))
    assert refusal.value.problems == found


def test_an_order_without_lines_says_so() -> None:
    shop = Shop()
    order = capture.by_hand(account_id=shop.account.pk, title="Empty", by=shop.agent)
    assert "no lines" in validation.problems(order)["lines"][0]


def test_lines_that_differ_from_the_quote_send_to_the_quote() -> None:
    shop = Shop()
    order = shop.draft()
    line = order.lines.get()
    OrderLine.objects.filter(pk=line.pk).update(quantity=2, monthly=1)
    found = validation.problems(fresh(order))
    assert set(found) == {f"line-{line.pk}-quantity", f"line-{line.pk}-monthly"}
    assert "Reopen the quote" in found[f"line-{line.pk}-monthly"][0]


def test_a_missing_line_of_the_quote_is_noticed() -> None:
    order = Shop().draft(sites=2)
    order.lines.first().delete()
    assert "Reopen the quote" in validation.problems(order)["lines"][0]


def test_the_number_of_queries_does_not_grow_with_the_lines(django_assert_num_queries: object) -> None:
    shop = Shop()
    small, large = fresh(shop.draft(sites=1)), fresh(shop.draft(sites=12))
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for order in (small, large):
        with CaptureQueriesContext(connection) as captured:
            validation.problems(order)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 8
