"""Orchestration: an approved order is decomposed, planned, dated and started, once."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fulfillment.models import Flow, Task
from orders import orchestration
from orders.models import DomainOrder, OrderLine
from tests.factories.orders import Shop, fresh

pytestmark = pytest.mark.django_db


def test_an_approved_order_goes_to_work() -> None:
    order = Shop().running(sites=2)
    assert order.state == "in_progress"
    assert order.started_at is not None
    assert order.promised_on == order.first_promised_on is not None
    assert set(order.lines.values_list("state", flat=True)) == {OrderLine.State.SCHEDULED}
    planned = DomainOrder.objects.filter(order=order, flow__isnull=False)
    assert set(planned.values_list("specification__key", "state")) == {
        ("t-fibre", "scheduled"),
        ("t-access", "scheduled"),
    }
    assert Flow.objects.filter(root_type="orders.order", root_id=order.pk).count() == 4
    assert set(Task.objects.filter(key="dig").values_list("state", flat=True)) == {"ready"}
    assert set(Task.objects.filter(key="configure").values_list("state", flat=True)) == {"planned"}


def test_a_flow_knows_its_values_and_its_place() -> None:
    order = Shop().running()
    flow = Flow.objects.get(specification_key="t-access")
    node = DomainOrder.objects.get(flow=flow)
    assert (flow.owner_type, flow.owner_id, flow.root_number) == ("orders.domainorder", node.pk, order.number)
    assert (flow.line_key, flow.site_id) == (str(order.lines.get().key), order.lines.get().site_id)
    assert (flow.data["vlan"], flow.data["feasibility"], flow.data["on_net"]) == (100, "on_net", True)


def test_launching_again_does_nothing() -> None:
    order = Shop().running()
    before = (DomainOrder.objects.count(), Flow.objects.count(), Task.objects.count(), fresh(order).edition)
    orchestration.launch(order_id=order.pk)
    orchestration.go_on(order_id=order.pk, line_ids=[order.lines.get().pk])
    assert (DomainOrder.objects.count(), Flow.objects.count(), Task.objects.count(), fresh(order).edition) == before


def test_the_number_of_queries_does_not_grow_with_the_sites() -> None:
    shop = Shop()
    counts = []
    for sites in (2, 10):
        order = shop.approved(sites=sites)
        with CaptureQueriesContext(connection) as captured:
            orchestration.launch(order_id=order.pk)
        counts.append(len(captured))
    assert counts[1] <= counts[0] + 2
