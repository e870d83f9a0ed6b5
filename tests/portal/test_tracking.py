"""How far an order is, in the customer's words."""

from typing import Any

import pytest

from fulfillment.models import Task
from orders import capture
from orders.models import OrderLine
from portal import changes, stages, tracking
from tests.factories import orders as made
from tests.factories import portal

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def kinds(road: stages.Road) -> str:
    return " ".join(step.kind or "-" for step in road.steps())


def test_before_we_accept_it_only_ordered_is_lit() -> None:
    assert kinds(stages.Road(accepted=False, works=False)) == "now - - - - -"


def test_the_bar_names_the_furthest_stage_that_has_begun() -> None:
    counts = {
        "planned": stages.Count(2, 1, 2), "line": stages.Count(1, 1, 1), "visit": stages.Count(1, 0, 1),
        "working": stages.Count(1, 0, 0),
    }  # fmt: skip
    road = stages.Road(accepted=True, works=False, counts=counts)
    assert road.now == "visit"
    assert road.next == "working"
    assert kinds(road) == "done now done done now -"


def test_a_product_that_works_does_not_hide_what_is_still_to_come() -> None:
    counts = {"visit": stages.Count(1, 0, 0), "working": stages.Count(2, 1, 1)}
    assert stages.Road(accepted=True, works=False, counts=counts).now == "visit"


def test_a_site_that_works_is_done_throughout() -> None:
    assert kinds(stages.Road(accepted=True, works=True, counts={"line": stages.Count(1, 1, 1)})) == "done " * 5 + "done"


def test_an_order_is_followed_from_receipt_to_work() -> None:
    shop = portal.shop()
    order = shop.submitted(sites=2)
    (before,) = tracking.follow([order])
    assert before.before
    assert [str(site.says) for site in before.sites] == ["We are checking the order"] * 2
    from orders import enrichment, orchestration

    enrichment.run(order_id=order.pk)
    orchestration.launch(order_id=order.pk)
    order = made.fresh(order)
    (running,) = tracking.follow([order])
    assert {site.road.now for site in running.sites} == {"line"}
    assert running.dots == ["go", "go"]
    (done,) = tracking.follow([portal.finish(order)])
    assert done.ended
    assert len(done.working) == 2
    assert done.dots == ["on", "on"]


def test_the_feed_tells_steps_and_nothing_of_ours() -> None:
    shop = portal.shop()
    order = shop.running()
    order = portal.finish(order)
    texts = [change.text for change in changes.feed(tracking.follow([order])[0])]
    site = OrderLine.objects.get(order=order).site.name
    assert texts[0] == "Everything you ordered works"
    assert f"{site} works" in texts
    assert f"The line to {site} is ready" in texts
    assert texts[-1] == "We received your order"
    assert not any("enrich" in text.lower() or "approv" in text.lower() for text in texts)


def test_the_digest_changes_with_the_page_only() -> None:
    shop = portal.shop()
    order = shop.running()
    first = tracking.follow([order])[0].digest
    assert tracking.follow([made.fresh(order)])[0].digest == first
    assert tracking.follow([portal.finish(order)])[0].digest != first


@pytest.mark.parametrize("count", [1, 6])
def test_following_asks_the_same_number_of_questions(count: int, django_assert_num_queries: Any) -> None:
    shop = portal.shop()
    orders = [shop.running(sites=count)]
    orders += [capture.from_quote(quote_id=shop.quote(sites=2).pk, by=shop.agent) for _ in range(count)]
    with django_assert_num_queries(4):
        tracking.follow(orders)
    assert Task.objects.exists()
