"""Enrichment: tables fill what they know, people are asked for the rest, and the order goes on by itself."""

import pytest

from kernel.models import DecisionTable, Notification
from kernel.refusal import Conflict, NotPermitted
from orders import enrichment, questions
from orders.models import MissingValue
from tests.factories.orders import Shop, fresh, table

pytestmark = pytest.mark.django_db


def unknown_vlan() -> None:
    """The table knows the VLAN of 1000 Mbit/s only."""
    table("enrichment:t-internet", "first", ["speed"], ["vlan"], [{"speed": "1000", "vlan": "100"}])


def test_a_table_fills_technical_values_and_the_order_goes_on() -> None:
    shop = Shop()
    order = enrichment.run(order_id=shop.submitted().pk)
    assert order.lines.get().characteristics == {"speed": 100, "vlan": 100}
    assert order.state == "approved"


def test_what_is_missing_is_asked_and_told() -> None:
    shop = Shop()
    unknown_vlan()
    order = enrichment.run(order_id=shop.submitted(sites=2).pk)
    assert order.state == "enrichment_on_hold"
    assert [(m.line.position, m.characteristic.key) for m in questions.waiting(order)] == [(1, "vlan"), (2, "vlan")]
    assert Notification.objects.get(user=shop.filler).text == f"{order.number} waits for 2 technical values"
    assert enrichment.run(order_id=order.pk).state == "enrichment_on_hold"
    assert MissingValue.objects.count() == 2


def test_the_last_value_lets_it_go_on() -> None:
    shop = Shop()
    unknown_vlan()
    order = enrichment.run(order_id=shop.submitted(sites=2).pk)
    first, second = questions.waiting(order)
    assert enrichment.supply(missing_id=first.pk, value="200", by=shop.filler).state == "enrichment_on_hold"
    assert enrichment.supply(missing_id=second.pk, value=201, by=shop.filler).state == "approved"
    assert [line.characteristics["vlan"] for line in order.lines.all()] == [200, 201]
    assert fresh(first).filled_by == shop.filler


@pytest.mark.parametrize("value", ["", "abc", "1", 5000, None, True])
def test_a_value_outside_of_the_range_is_refused_at_its_field(value: object) -> None:
    shop = Shop()
    unknown_vlan()
    order = enrichment.run(order_id=shop.submitted().pk)
    asked = questions.waiting(order)[0]
    with pytest.raises(enrichment.NotAnAnswer) as refusal:
        enrichment.supply(missing_id=asked.pk, value=value, by=shop.filler)
    assert set(refusal.value.problems) == {f"missing-{asked.pk}"}
    assert fresh(order).state == "enrichment_on_hold"


def test_a_table_answer_outside_of_the_range_is_not_taken() -> None:
    shop = Shop()
    table("enrichment:t-internet", "first", ["speed"], ["vlan"], [{"speed": "", "vlan": "9999"}])
    order = enrichment.run(order_id=shop.submitted().pk)
    assert "vlan" not in order.lines.get().characteristics
    assert order.state == "enrichment_on_hold"


def test_without_a_table_everything_is_asked() -> None:
    shop = Shop()
    DecisionTable.objects.filter(key="enrichment:t-internet").delete()
    assert enrichment.run(order_id=shop.submitted().pk).state == "enrichment_on_hold"


def test_answering_twice_is_a_conflict_and_needs_the_right() -> None:
    shop = Shop()
    unknown_vlan()
    order = enrichment.run(order_id=shop.submitted(sites=2).pk)
    asked = questions.waiting(order)[0]
    with pytest.raises(NotPermitted):
        enrichment.supply(missing_id=asked.pk, value=200, by=shop.agent)
    enrichment.supply(missing_id=asked.pk, value=200, by=shop.filler)
    with pytest.raises(Conflict):
        enrichment.supply(missing_id=asked.pk, value=300, by=shop.filler)
    with pytest.raises(Conflict):
        enrichment.supply_all(order_id=order.pk, values={999999: 1}, by=shop.filler)
