"""Closure: tasks close flows, flows domain orders, those lines, those the order; the inventory and billing follow."""

from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cmdb.models import Product, Resource, Service, ServiceRelation
from contracts.models import BillingStart
from fulfillment import events as engine
from fulfillment import release
from fulfillment.models import Flow, Task
from kernel import lifecycle, outbox
from kernel.models import AuditEntry, OutboxEvent
from orders import closure, orchestration, progress
from orders.closure import _Node, closable
from orders.models import DomainOrder, Order, OrderLine
from tests.factories.orders import Shop, finish, fresh

pytestmark = pytest.mark.django_db


def test_the_whole_chain_closes_by_itself(django_capture_on_commit_callbacks: Any) -> None:
    order = Shop(plans=True).running(sites=2)
    access = DomainOrder.objects.filter(order=order, specification__key="t-access")
    for node in access:
        progress.values_supplied(values={node.pk: {"pop_found": "RTM2"}})
    with django_capture_on_commit_callbacks(execute=True):
        finish()
    order = fresh(order)
    assert (order.state, order.fulfilment) == ("completed", "all")
    assert order.ended_at is not None
    assert set(DomainOrder.objects.filter(order=order).values_list("state", flat=True)) == {"closed_complete"}
    assert set(order.lines.values_list("state", flat=True)) == {"completed"}
    assert set(Product.objects.values_list("state", flat=True)) == {"active"}
    assert BillingStart.objects.count() == 2
    texts = [message.subject for message in mail.outbox]
    assert sum("is live" in text for text in texts) == 2
    assert sum("complete. Everything" in text for text in texts) == 1


def test_many_orders_close_with_hardly_more_statements_than_one() -> None:
    shop = Shop(plans=True)
    nodes: list[set[int]] = []
    for order in [shop.running() for _ in range(4)]:
        access = DomainOrder.objects.get(order=order, specification__key="t-access")
        progress.values_supplied(values={access.pk: {"pop_found": "RTM2"}})
        nodes.append(set(DomainOrder.objects.filter(order=order).values_list("pk", flat=True)))
    lifecycle.move_many(Flow.objects.all(), Flow.start, by=None)
    lifecycle.move_many(Flow.objects.all(), Flow.complete, by=None)
    counts = []
    for some in (nodes[0], set().union(*nodes[1:])):
        with CaptureQueriesContext(connection) as started:
            progress.flows_started(node_ids=some)
        with CaptureQueriesContext(connection) as completed:
            progress.flows_completed(node_ids=some)
        counts.append((len(started), len(completed)))
    assert set(Order.objects.values_list("state", flat=True)) == {"completed"}
    assert counts[0][0] == counts[1][0]
    assert counts[1][1] <= counts[0][1] + 2 * 2  # two orders more: the move of each and its line in the trail


def test_values_that_nothing_waits_for_wake_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    order = Shop(plans=True).running()
    woken: list[dict[int, set[int]]] = []

    def note(*, lines: dict[int, set[int]]) -> None:
        woken.append(lines)

    monkeypatch.setattr(orchestration, "go_on_all", note)
    by_key = {node.specification.key: node for node in DomainOrder.objects.filter(order=order)}
    progress.values_supplied(values={by_key["t-fibre"].pk: {"circuit": "FTTO-1"}})
    assert woken == []
    assert fresh(by_key["t-fibre"]).characteristics["circuit"] == "FTTO-1"
    progress.values_supplied(values={by_key["t-access"].pk: {"pop_found": "RTM2"}})
    assert woken == [{order.pk: {order.lines.get().pk}}]


def test_what_was_built_stands_in_the_inventory_with_its_relations() -> None:
    order = Shop().running()
    access = DomainOrder.objects.get(order=order, specification__key="t-access")
    progress.values_supplied(values={access.pk: {"pop_found": "RTM2"}})
    finish()
    product = Product.objects.get()
    service = Service.objects.get(specification__key="t-access")
    assert list(product.services.all()) == [service]
    assert (service.state, service.characteristics["vlan"], service.characteristics["pop_found"]) == (
        "active",
        100,
        "RTM2",
    )
    below = set(ServiceRelation.objects.filter(service=service).values_list("on__specification__key", flat=True))
    assert below == {"t-fibre", "t-optimiser"}
    port = Resource.objects.get(specification__key="t-port")
    assert port.state == "in_service"
    assert list(port.used_by.values_list("service__specification__key", flat=True)) == ["t-fibre"]
    assert DomainOrder.objects.get(specification__key="t-port").resource == port


def test_a_waiting_node_keeps_its_line_open() -> None:
    order = Shop().running()
    finish()
    assert fresh(order).state == "in_progress"
    assert order.lines.get().state == "in_progress"
    assert DomainOrder.objects.get(specification__key="t-fibre").state == "closed_complete"
    assert DomainOrder.objects.get(specification__key="t-access").state == "in_progress"
    assert Product.objects.get().state == "pending_active"


def test_sites_go_live_one_by_one() -> None:
    shop = Shop()
    shop.plan("t-internet", "accept", kind="manual")
    order = shop.running(sites=2)
    for node in DomainOrder.objects.filter(specification__key="t-access"):
        progress.values_supplied(values={node.pk: {"pop_found": "RTM2"}})
    finish()
    first = Task.objects.filter(key="accept").order_by("pk").first()
    lifecycle.move_many(Task.objects.filter(pk=first.pk), Task.start, by=None)
    release.begun([first.pk])
    release.finish(Task.objects.filter(pk=first.pk), {})
    finish()
    order = fresh(order)
    assert (order.state, order.fulfilment) == ("in_progress", "some")
    assert sorted(order.lines.values_list("state", flat=True)) == ["completed", "in_progress"]
    assert BillingStart.objects.count() == 1


def test_repeated_and_late_events_change_nothing() -> None:
    order = Shop().running()
    access = DomainOrder.objects.get(specification__key="t-access")
    progress.values_supplied(values={access.pk: {"pop_found": "RTM2"}})
    finish()
    assert fresh(order).state == "completed"
    before = (AuditEntry.objects.count(), OutboxEvent.objects.filter(kind__startswith="orders.").count())
    for flow in Flow.objects.all():
        progress.flows_completed(node_ids=[flow.owner_id])
        progress.flows_started(node_ids=[flow.owner_id])
    closure.roll_up(Order.objects.select_related("account").get(pk=order.pk))
    progress.flows_completed(node_ids=[0])
    assert (AuditEntry.objects.count(), OutboxEvent.objects.filter(kind__startswith="orders.").count()) == before


def test_other_owners_events_are_not_ours() -> None:
    order = Shop().running()
    node = DomainOrder.objects.get(order=order, depth=0)
    outbox.publish(engine.FlowStarted(flow_id=1, owner_type="cases.case", owner_id=node.pk))
    outbox.drain()
    assert fresh(node).state == "scheduled"


def test_a_started_flow_starts_what_is_above_it() -> None:
    order = Shop().running()
    fibre = DomainOrder.objects.get(specification__key="t-fibre")
    progress.flows_started(node_ids=[fibre.pk])
    assert set(DomainOrder.objects.filter(specification__key__in=["t-fibre", "t-access", "t-internet"]).values_list(
        "state", flat=True)) == {"in_progress"}  # fmt: skip
    assert order.lines.get().state == "in_progress"


def test_failed_and_completed_lines_make_a_partial_order() -> None:
    shop = Shop()
    order = shop.running(sites=2)
    lines = OrderLine.objects.filter(order=order)
    lifecycle.move_many(lines, OrderLine.start, by=None)
    first, second = lines.values_list("pk", flat=True)
    lifecycle.move_many(lines.filter(pk=first), OrderLine.complete, by=None)
    lifecycle.move_many(lines.filter(pk=second), OrderLine.fail, by=None)
    closure.roll_up(fresh(order))
    assert fresh(order).state == "partial"


def test_a_product_closes_only_beside_what_it_requires() -> None:
    shop = Shop(plans=False)
    order = shop.running(offerings=("t-sdwan",))
    assert fresh(order).state == "in_progress"
    assert DomainOrder.objects.get(depth=0).state == "closed_complete"
    assert order.lines.get().state == "scheduled"
    both = shop.running(offerings=("t-phones",))
    assert both.state == "completed"


def node(pk: int, parent: int | None, flow: str | None = None, state: str = "in_progress") -> _Node:
    """A node in one line, its depth by its key."""
    return _Node(pk, parent, 1, state, pk, flow)


@pytest.mark.parametrize(
    ("nodes", "links", "held", "done"),
    [
        ([node(1, None), node(2, 1)], [], set(), [2, 1]),
        ([node(1, None), node(2, 1, "in_progress")], [], set(), []),
        ([node(1, None, "in_progress"), node(2, 1)], [], set(), []),
        ([node(1, None, "completed"), node(2, 1)], [], set(), [2, 1]),
        ([node(1, None), node(2, 1, "completed"), node(3, 2, "completed")], [], set(), [3, 2, 1]),
        ([node(1, None), node(2, 1, state="waiting_data"), node(3, 1)], [], set(), [3]),
        ([node(1, None), node(2, None, "in_progress")], [(1, 2)], set(), []),
        ([node(1, None)], [], {1}, []),
    ],
)
def test_what_can_close(nodes: list[_Node], links: list[tuple[int, int]], held: set[int], done: list[int]) -> None:
    assert closable({n.pk: n for n in nodes}, links, held) == done
