"""Reduction: of fewer parts than are installed a person picks which end, and just these go out of the inventory."""

import pytest
from django.test import Client
from django.urls import reverse

from catalog.models import DecompositionRule
from cmdb.models import Product, Resource, Service
from kernel.refusal import Conflict, NotPermitted
from orders import orchestration, reduction, validation
from orders.models import DomainOrder, Order, OrderLine
from tests.factories.orders import Shop, finish, fresh
from tests.factories.people import UserFactory
from tests.orders.test_installed import changing, delivered

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def fibres(state: str = "active") -> list[str]:
    rows = Service.objects.filter(specification__key="t-fibre", state=state)
    return list(rows.order_by("pk").values_list("number", flat=True))


def picked_in_the_browser(client: Client, line: OrderLine, first: str, second: str) -> None:
    """The first of two is picked; both, and one that is not there, are refused with what was ticked kept."""
    page = reverse("orders:ending", args=[line.order.number, line.pk])
    shown = client.get(page).content.decode()
    assert all(number in shown for number in (first, second))
    refused = client.post(page, {"part": [first, second]})
    assert refused.status_code == 422
    assert "Pick which 1 of 2 end: Fibre access." in refused.content.decode()
    assert f'value="{first}" checked' in refused.content.decode()
    assert client.post(page, {"part": [first, "RES9999999"]}).status_code == 422
    assert client.post(page, {"part": [first]}).status_code == 302
    assert "1 part picked that ends" in client.get(reverse("orders:lines", args=[line.order.number])).content.decode()
    with pytest.raises(NotPermitted):
        reduction.pick(line_id=line.pk, numbers=[first], by=UserFactory(role="technician"))


def test_the_parts_that_were_picked_end_and_the_others_stay(client: Client) -> None:
    shop = Shop()
    DecompositionRule.objects.filter(key="t-access-t-optimiser").delete()
    (product,) = delivered(shop, values={"access_pairs": 2})
    first, second = fibres()
    order = changing(shop, product, "modify", "awaiting_approval", access_pairs=1)
    line = OrderLine.objects.get(order=order)
    assert [one for key, one in validation.problems(order).items() if key == f"line-{line.pk}-ending"] == [
        ["Pick which 1 of 2 end: Fibre access."]
    ]

    tom = UserFactory(role="order_agent")
    client.force_login(tom)
    picked_in_the_browser(client, line, first, second)

    Order.objects.filter(pk=order.pk).update(state="approved")
    with pytest.raises(Conflict):
        reduction.pick(line_id=line.pk, numbers=[second], by=tom)
    orchestration.launch(order_id=order.pk)
    gone = DomainOrder.objects.filter(order=order, action="delete", specification__key="t-fibre")
    assert sorted(gone.values_list("service__number", flat=True)) == [first]
    finish()
    assert fresh(order).state == "completed"
    assert (fibres(), fibres("terminated")) == ([second], [first])
    ports = Resource.objects.filter(specification__key="t-port").order_by("pk")
    assert list(ports.values_list("state", flat=True)) == ["retired", "in_service"], "what stands below ends with it"
    product = Product.objects.get(pk=product.pk)
    assert product.characteristics["access_pairs"] == 1, "the product is what its line asked for"

    more = changing(shop, product, "modify", access_pairs=2, speed=1000)
    assert reduction.choices(more, list(more.lines.all())) == {}, "more than there are needs no choice"
    OrderLine.objects.filter(order=more).update(quantity=4)
    orchestration.launch(order_id=more.pk)
    finish()
    assert len(fibres()) == 2
    assert second in fibres()
    assert Product.objects.get(pk=product.pk).quantity == 4
    speeds = Service.objects.filter(number__in=fibres()).values_list("characteristics__speed", flat=True)
    assert set(speeds) <= {1000, None}
