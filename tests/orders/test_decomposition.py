"""Decomposition: rules make the tree, deterministic and idempotent, and wait where a value is missing."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import DecompositionRule
from kernel.decisions import BrokenRule
from orders import decomposition
from orders.models import DomainOrder, DomainOrderLink, MissingValue, Order
from tests.factories.orders import Shop

pytestmark = pytest.mark.django_db


def tree(order: Order) -> dict[str, DomainOrder]:
    """Nodes by path without the line's key."""
    rows = DomainOrder.objects.filter(order=order).select_related("rule", "parent", "line").order_by("path")
    return {row.path.replace(str(row.line.key), "L"): row for row in rows}


def decomposed(shop: Shop, **quote: Any) -> Order:
    order = shop.approved(**quote)
    decomposition.decompose(order_id=order.pk)
    return order


def test_rules_make_a_tree_and_every_node_says_which() -> None:
    found = tree(decomposed(Shop()))
    top = "L/t-internet/t-access"
    assert set(found) == {
        "L/t-internet", top, f"{top}/t-fibre#1", f"{top}/t-fibre#1/t-port", f"{top}/t-optimiser",
    }  # fmt: skip
    assert found["L/t-internet"].rule is None
    assert found["L/t-internet"].product is not None
    node = found[f"{top}/t-fibre#1"]
    assert (node.rule.key, node.rule_version, node.parent.path[-8:], node.kind, node.action) == (
        "t-access-t-fibre", 1, "t-access", "rfs", "add",
    )  # fmt: skip
    assert node.state == "qualified"


def test_values_are_mapped_same_by_table_expression_and_from_related_nodes() -> None:
    found = tree(decomposed(Shop(), values={"routing": "BGP"}))
    top = "L/t-internet/t-access"
    assert found[top].characteristics == {"speed": 100, "vlan": 100, "routing": "BGP", "access_pairs": 1}
    assert found[f"{top}/t-fibre#1"].characteristics == {"speed_class": "low"}
    assert found[f"{top}/t-bgp"].characteristics == {"peer": "peer-100"}
    assert found[f"{top}/t-fibre#1/t-port"].characteristics == {"mbps": 100}


def test_a_condition_that_does_not_hold_makes_nothing() -> None:
    assert not [path for path in tree(decomposed(Shop())) if path.endswith("t-bgp")]


def test_instances_are_counted_by_characteristic_and_by_quantity() -> None:
    shop = Shop()
    fibres = [path for path in tree(decomposed(shop, values={"access_pairs": 2})) if "t-fibre#" in path]
    assert len(fibres) == 4  # two with a port each
    sims = [path for path in tree(decomposed(shop, offerings=("t-phones",), quantity=3)) if "t-sim#" in path]
    assert sims == ["L/t-phones/t-sim#1", "L/t-phones/t-sim#2", "L/t-phones/t-sim#3"]


def test_merged_nodes_exist_once_and_serve_every_parent() -> None:
    order = decomposed(Shop(), sites=3, offerings=("t-internet", "t-sdwan"))
    tenant = DomainOrder.objects.get(order=order, specification__key="t-tenant")
    assert (tenant.path, tenant.site) == ("~order/t-tenant", None)
    assert DomainOrder.objects.filter(order=order, specification__key="t-overlay").count() == 3
    assert DomainOrderLink.objects.filter(child=tenant).count() == 2


def test_running_it_again_adds_and_changes_nothing() -> None:
    order = decomposed(Shop(), sites=2, offerings=("t-internet", "t-sdwan"), values={"access_pairs": 2})
    before = list(DomainOrder.objects.order_by("pk").values())
    links = DomainOrderLink.objects.count()
    for _ in range(2):
        grown = decomposition.decompose(order_id=order.pk)
        assert (grown.new, grown.released) == (0, 0)
    assert list(DomainOrder.objects.order_by("pk").values()) == before
    assert DomainOrderLink.objects.count() == links


def test_a_rule_without_its_value_leaves_its_node_waiting_and_names_it() -> None:
    order = decomposed(Shop())
    node = DomainOrder.objects.get(order=order, specification__key="t-optimiser")
    assert (node.state, node.missing) == ("waiting_data", ["pop_found"])
    assert not MissingValue.objects.exists()  # a task supplies it, nobody is asked


def test_the_value_releases_only_that_node() -> None:
    order = decomposed(Shop(), sites=2)
    first = order.lines.first()
    access = DomainOrder.objects.get(line=first, specification__key="t-access")
    touched = decomposition.know_at(values={access.pk: {"pop_found": "RTM2"}})
    assert touched == {first.pk}
    grown = decomposition.decompose(order_id=order.pk, line_ids=touched)
    assert (grown.new, grown.released) == (0, 1)
    rows = DomainOrder.objects.filter(specification__key="t-optimiser").order_by("line__position")
    assert [(row.state, row.missing) for row in rows] == [("qualified", []), ("waiting_data", ["pop_found"])]
    assert rows[0].characteristics == {"pop": "RTM2"}


def test_a_node_that_turns_out_unwanted_is_cancelled() -> None:
    shop = Shop()
    DecompositionRule.objects.filter(key="t-access-t-optimiser").update(condition="pop_found == 'AMS1'")
    order = decomposed(shop)
    access = DomainOrder.objects.get(specification__key="t-access")
    decomposition.know_at(values={access.pk: {"pop_found": "RTM2"}})
    decomposition.decompose(order_id=order.pk)
    assert DomainOrder.objects.get(specification__key="t-optimiser").state == "cancelled"


def test_a_condition_that_is_decided_whatever_the_missing_value_is_does_not_wait() -> None:
    shop = Shop()
    DecompositionRule.objects.filter(key="t-access-t-optimiser").update(
        source=DecompositionRule.objects.get(key="t-internet-t-access").source,
        condition="speed > 500 and vlan != 7", mappings=[{"to": "pop", "how": "fixed", "value": "X"}],
    )  # fmt: skip
    order = decomposed(shop)
    assert not DomainOrder.objects.filter(order=order, specification__key="t-optimiser").exists()


def test_a_value_that_a_person_has_to_give_is_asked() -> None:
    shop = Shop()
    DecompositionRule.objects.filter(key="t-access-t-optimiser").update(condition="", mappings=[])
    order = decomposed(shop)
    node = DomainOrder.objects.get(order=order, specification__key="t-optimiser")
    assert (node.state, node.missing) == ("waiting_data", ["pop"])
    asked = MissingValue.objects.get(order=order)
    assert (asked.characteristic.key, asked.needed_for, asked.line_id) == ("pop", "rule", node.line_id)


def test_rules_in_a_circle_are_refused_and_store_nothing() -> None:
    shop = Shop()
    rule = DecompositionRule.objects.get(key="t-fibre-t-port")
    rule.pk, rule.key, rule.source, rule.target = None, "back", rule.target, rule.source
    rule.mappings = [{"to": "speed_class", "how": "fixed", "value": "low"}]
    rule.save()
    order = shop.approved()
    with pytest.raises(BrokenRule, match="circle"):
        decomposition.decompose(order_id=order.pk)
    assert not DomainOrder.objects.exists()


def test_the_number_of_queries_does_not_grow_with_the_sites() -> None:
    shop = Shop()
    counts = []
    for sites in (1, 12):
        order = shop.approved(sites=sites, offerings=("t-internet", "t-sdwan"))
        with CaptureQueriesContext(connection) as captured:
            decomposition.decompose(order_id=order.pk)
        counts.append(len(captured))
    assert counts[1] <= counts[0] + 1, [q["sql"][:100] for q in captured]
