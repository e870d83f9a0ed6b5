"""Servicing: installed products are changed, moved, suspended, resumed and disconnected by hand, each to its effect."""

import datetime as dt
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog.models import DecompositionRule
from cmdb.models import Product, Service
from contracts import chargefeed, rebilling
from contracts.models import BillingChange, BillingPause, BillingStart, ContractCharge
from fallout import watchdog
from fulfillment import taskwork
from fulfillment.models import PlanItem, Task
from kernel.refusal import Conflict, NotPermitted
from orders import enrichment, futuredating, orchestration, servicing, submission, tasks, withdrawal
from orders.models import DomainOrder, Order
from tests.factories.crm import SiteFactory
from tests.factories.orders import Shop, finish, fresh
from tests.factories.people import UserFactory
from tests.orders.test_installed import delivered

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def shop() -> Shop:
    made = Shop()
    DecompositionRule.objects.filter(key="t-access-t-optimiser").delete()  # it waits for a task
    return made


def to_work(order: Order, shop: Shop) -> Order:
    """Submitted and approved by the rules; the machine does what it can."""
    submission.submit(order_id=order.pk, by=shop.agent)
    enrichment.run(order_id=order.pk)
    finish()
    return fresh(order)


def by_hand(shop: Shop, product: Product, action: str, on: dt.date | None = None, site: int | None = None) -> Order:
    return servicing.order(product_id=product.pk, action=action, by=shop.agent, on=on, site_id=site)


def month(product: Product, first: dt.date) -> Decimal:
    """What the product costs in a month."""
    starts = BillingStart.objects.filter(product=product)
    return sum((one.amount for one in chargefeed.of_month(starts, first, ContractCharge.objects.none())), Decimal(0))


def test_a_suspended_product_rests_and_costs_nothing_until_it_is_resumed(shop: Shop) -> None:
    (product,) = delivered(shop)
    assert [act.action for act in servicing.offered(product)] == ["modify", "move", "suspend", "delete"]
    order = by_hand(shop, product, "suspend")
    assert (order.monthly, order.lines.get().action, order.title[:8]) == (0, "suspend", "Suspend ")
    busy = f"{order.number} changes it already. End that order first."
    assert [act.why_not for act in servicing.offered(product)] == [busy] * 4
    with pytest.raises(Conflict):
        by_hand(shop, product, "delete")
    assert to_work(order, shop).state == "completed"
    product = fresh(product)
    assert product.state == "suspended"
    assert set(Service.objects.values_list("state", flat=True)) == {"inactive"}
    pause = BillingPause.objects.get()
    assert (pause.on, pause.until) == (timezone.localdate(), None)
    assert month(product, (timezone.localdate().replace(day=1) + dt.timedelta(days=40)).replace(day=1)) == 0

    assert [act.action for act in servicing.offered(product)] == ["modify", "move", "resume", "delete"]
    assert to_work(by_hand(shop, product, "resume"), shop).state == "completed"
    assert fresh(product).state == "active"
    assert set(Service.objects.values_list("state", flat=True)) == {"active"}
    assert BillingPause.objects.get().until == timezone.localdate()
    assert rebilling.go_on([product.pk], on=timezone.localdate()) == 0


def test_what_another_product_stands_on_is_left_alone(shop: Shop) -> None:
    DecompositionRule.objects.filter(key="t-overlay-t-tenant").update(merge="account")
    one = next(p for p in delivered(shop, offerings=("t-internet", "t-sdwan")) if p.specification.key == "t-sdwan")
    other = next(p for p in delivered(shop, offerings=("t-internet", "t-sdwan")) if p.specification.key == "t-sdwan")
    for action in ("suspend", "delete"):
        order = by_hand(shop, one, action)
        assert to_work(order, shop).state == "completed"
        touched = DomainOrder.objects.filter(order=order).values_list("specification__key", flat=True)
        assert "t-overlay" in touched
        assert "t-tenant" not in touched
    assert fresh(one).state == "terminated"
    assert fresh(other).state == "active"
    assert set(fresh(other).services.values_list("state", flat=True)) == {"active"}


def test_a_disconnect_waits_for_its_day(shop: Shop) -> None:
    (product,) = delivered(shop)
    today = timezone.localdate()
    order = by_hand(shop, product, "delete", on=today + dt.timedelta(days=12))
    assert to_work(order, shop).state == "approved"
    assert fresh(product).state == "pending_terminate"
    assert futuredating.waiting([fresh(order)]) == {order.pk}
    assert order.pk not in {one.order_id for one in watchdog.standing(timezone.now() + dt.timedelta(hours=5))}
    assert tasks.begin_due() == 0
    Order.objects.filter(pk=order.pk).update(requested_on=today)
    assert tasks.begin_due() == 1
    finish()
    assert (fresh(order).state, fresh(product).state) == ("completed", "terminated")


def test_a_moved_product_ends_only_once_the_new_one_works(shop: Shop) -> None:
    (product,) = delivered(shop)
    PlanItem.objects.filter(definition__key="t-access-add").update(kind="manual")
    site = SiteFactory(account=shop.account)
    order = by_hand(shop, product, "move", site=site.pk)
    new, old = order.lines.order_by("position")
    assert (new.action, new.site, old.action, old.replaced_by) == ("add", site, "delete", new)
    assert new.characteristics == {"speed": 100, "routing": "static", "access_pairs": 1}
    assert to_work(order, shop).state == "in_progress"
    assert fresh(product).state == "active", "the old one works until the new one does"
    assert not DomainOrder.objects.filter(line=old).exists()

    lines = withdrawal.scope(fresh(order), [new.pk])
    assert [line.pk for line in lines.lines] == [new.pk, old.pk]
    for task in Task.objects.filter(state="ready", kind="manual"):
        taskwork.complete(task_id=task.pk, by=UserFactory(role="fulfilment_manager"), values={})
    finish()
    assert fresh(order).state == "completed"
    assert fresh(product).state == "terminated"
    assert Product.objects.get(order_number=order.number).site == site


def test_a_change_by_hand_is_configured_priced_and_billed(shop: Shop, client: Client) -> None:
    (product,) = delivered(shop)
    client.force_login(shop.agent)
    panel = client.get(reverse("orders:of_product", args=[product.number])).content.decode()
    assert all(word in panel for word in ("Change", "Move", "Suspend", "Disconnect"))
    dialog = reverse("orders:service", args=[product.number, "modify"])
    assert client.get(dialog).status_code == 200
    went = client.post(dialog, {"on": "", "note": "They grow."})
    order = Order.objects.get(title__startswith="Change ")
    line = order.lines.get()
    assert went["Location"] == reverse("orders:configure_line", args=[order.number, line.pk])
    client.post(went["Location"], {"speed": "1000", "routing": "static", "access_pairs": "1", "quantity": "2"})
    line = order.lines.get()
    assert (line.characteristics["speed"], line.quantity, line.one_time) == (1000, 2, 0)
    assert client.post(reverse("orders:submit", args=[order.number])).status_code == 302
    enrichment.run(order_id=order.pk)
    finish()
    assert fresh(order).state == "completed"
    product = fresh(product)
    assert (product.characteristics["speed"], product.quantity) == (1000, 2)
    assert BillingChange.objects.get().monthly == line.monthly


def test_refusals_of_the_screens(shop: Shop, client: Client) -> None:
    (product,) = delivered(shop)
    client.force_login(shop.agent)
    move = reverse("orders:service", args=[product.number, "move"])
    assert "Choose the site that it moves to." in client.post(move, {}).content.decode()
    assert client.get(reverse("orders:service", args=[product.number, "explode"])).status_code == 422
    assert client.post(reverse("orders:service", args=[product.number, "resume"]), {}).status_code == 409
    order = by_hand(shop, product, "suspend")
    assert "Remove line 1" in (shown := client.get(reverse("orders:lines", args=[order.number])).content.decode())
    assert "Configure line 1" not in shown
    again = client.post(
        reverse("orders:add_service", args=[order.number]), {"product": product.pk, "action": "delete"}
    )  # fmt: skip
    assert again.status_code == 422
    with pytest.raises(NotPermitted):
        servicing.order(product_id=product.pk, action="delete", by=UserFactory(role="technician"))
    client.force_login(UserFactory(role="technician"))
    assert "btn" not in client.get(reverse("orders:of_product", args=[product.number])).content.decode()
    assert client.get(move).status_code == 403


def test_launching_leaves_what_is_replaced_for_later(shop: Shop) -> None:
    (product,) = delivered(shop)
    order = by_hand(shop, product, "move", site=SiteFactory(account=shop.account).pk)
    assert len(futuredating.lines_now(order) or ()) == 1
    assert orchestration.launch(order_id=order.pk).state == "draft", "only approved orders are launched"
