"""Installed: what happens to each part is computed from the inventory against the target; an end walks what stands."""

import uuid
from typing import Any

import pytest

from catalog.models import DecompositionRule, Dependency, Specification
from cmdb.models import Product
from orders import checks, decomposition, dependencies
from orders.models import DomainOrder, Order, OrderLine
from tests.factories.orders import Shop, finish, fresh

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    made = Shop()
    DecompositionRule.objects.filter(key="t-access-t-optimiser").delete()  # it waits for a task
    return made


def delivered(shop: Shop, **quote: Any) -> list[Product]:
    """Products of an order that has been delivered, as they stand in the inventory."""
    order = shop.running(**quote)
    finish()
    assert fresh(order).state == "completed"
    return list(Product.objects.filter(order_number=order.number).order_by("pk"))


def changing(shop: Shop, product: Product, action: str, state: str = "approved", **values: Any) -> Order:
    """An approved order that changes one installed product."""
    order: Order = Order.objects.create(title="Change", account=shop.account, state=state)
    given = {"speed": 100, "routing": "static", "access_pairs": 1, "vlan": 100} | values
    OrderLine.objects.create(
        order=order, key=uuid.uuid4(), position=1, action=action, offering=product.offering, account=product.account,
        specification=product.specification, site=product.site, product=product, state="acknowledged",
        characteristics=given if product.specification.key == "t-internet" else {},
    )  # fmt: skip
    return order


def parts(order: Order) -> dict[str, list[str]]:
    """Specification → actions of its nodes."""
    decomposition.decompose(order_id=order.pk)
    found: dict[str, list[str]] = {}
    for key, action in (
        DomainOrder.objects.filter(order=order).order_by("path").values_list("specification__key", "action")
    ):
        found.setdefault(key, []).append(action)
    return found


def test_an_end_walks_what_is_installed_whatever_the_rules_say_today(shop: Shop) -> None:
    (product,) = delivered(shop, values={"routing": "BGP", "access_pairs": 2})
    DecompositionRule.objects.filter(key="t-access-t-fibre").update(condition="speed > 9000")
    order = changing(shop, product, "delete")
    assert parts(order) == {
        "t-internet": ["delete"], "t-access": ["delete"], "t-bgp": ["delete"], "t-fibre": ["delete", "delete"],
        "t-port": ["delete", "delete"],
    }  # fmt: skip
    nodes = DomainOrder.objects.filter(order=order, depth__gt=0)
    assert set(nodes.values_list("rule", flat=True)) == {None}
    assert all(node.service_id or node.resource_id for node in nodes)


def test_only_what_differs_is_touched(shop: Shop) -> None:
    (product,) = delivered(shop)
    assert parts(changing(shop, product, "modify")) == {"t-internet": ["modify"]}
    bgp = parts(changing(shop, product, "modify", routing="BGP"))
    assert bgp == {"t-internet": ["modify"], "t-access": ["modify"], "t-bgp": ["add"]}
    faster = parts(changing(shop, product, "modify", speed=1000))
    assert faster == {
        "t-internet": ["modify"], "t-access": ["modify"], "t-fibre": ["modify"], "t-port": ["modify"],
    }  # fmt: skip


def test_what_is_no_longer_wanted_ends_with_all_below_it(shop: Shop) -> None:
    (product,) = delivered(shop, values={"access_pairs": 2})
    assert parts(changing(shop, product, "modify", access_pairs=1)) == {
        "t-internet": ["modify"], "t-access": ["modify"], "t-fibre": ["delete"], "t-port": ["delete"],
    }  # fmt: skip


def test_what_is_shared_at_the_customer_is_not_built_twice(shop: Shop) -> None:
    DecompositionRule.objects.filter(key="t-overlay-t-tenant").update(merge="account")
    delivered(shop, offerings=("t-internet", "t-sdwan"))
    order = shop.approved(offerings=("t-internet", "t-sdwan"))
    found = parts(order)
    assert found["t-tenant"] == ["modify"]
    assert found["t-overlay"] == ["add"]
    assert DomainOrder.objects.get(order=order, specification__key="t-tenant").resource is not None


def test_an_excluded_product_beside_an_installed_one_is_warned_of_and_does_not_close(shop: Shop) -> None:
    sdwan = next(p for p in delivered(shop, offerings=("t-internet", "t-sdwan")) if p.specification.key == "t-sdwan")
    rule = Dependency.objects.create(source=sdwan.specification, kind="excludes", scope="account")
    rule.targets.set([Specification.objects.get(key="t-phones")])
    order = shop.draft(offerings=("t-phones",))
    lines = list(order.lines.select_related("specification", "site"))
    said = [clash.text for clash in checks.horizontal(order, lines)]
    assert said == ["SD-WAN site cannot be together with Phones at the customer."]
    assert dependencies.met(order, lines) == []


def test_ending_what_another_product_needs_is_warned_of(shop: Shop) -> None:
    products = {p.specification.key: p for p in delivered(shop, offerings=("t-internet", "t-sdwan"))}
    order = changing(shop, products["t-internet"], "delete")
    said = [clash.text for clash in checks.horizontal(order, list(order.lines.all()))]
    assert said == ["SD-WAN site needs Dedicated internet at the same site."]
    assert checks.horizontal(order, []) == []
