"""Decomposition: rules make the tree, deterministic and idempotent, and wait where a value is missing."""

import itertools
import uuid
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import rulebook, rulemaking
from catalog.models import DecompositionRule, Offering, Specification
from kernel.decisions import BrokenRule
from orders import decomposition, facts, linesums, rehearsal
from orders.models import DomainOrder, DomainOrderLink, MissingValue, Order, OrderLine
from tests.factories.crm import SiteFactory
from tests.factories.orders import LONG_SINCE, Shop, table
from tests.factories.people import UserFactory

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
    unwanted = DomainOrder.objects.get(specification__key="t-optimiser")
    assert (unwanted.state, unwanted.missing, unwanted.lacking) == ("cancelled", ["pop_found"], [])
    assert not any(row.missing for row in linesums.of(order).values())


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


def test_an_order_keeps_to_the_rules_that_it_began_with() -> None:
    shop = Shop()
    order = decomposed(shop)
    access = DomainOrder.objects.get(order=order, specification__key="t-access")
    _replace("t-access-t-optimiser", condition="pop_found == 'AMS1'")
    _replace("t-access-t-bgp", condition="")
    decomposition.know_at(values={access.pk: {"pop_found": "RTM2"}})
    grown = decomposition.decompose(order_id=order.pk)
    node = DomainOrder.objects.get(order=order, specification__key="t-optimiser")
    assert (grown.new, grown.released) == (0, 1)
    assert (node.state, node.rule_version, node.rule.version) == ("qualified", 1, 1)
    later = tree(decomposed(shop))
    assert later["L/t-internet/t-access/t-bgp"].rule_version == 2


def _replace(key: str, **changes: Any) -> None:
    """A changed version in force from today, as publishing leaves it."""
    old = DecompositionRule.objects.get(key=key)
    made = rulemaking.next_version(pk=old.pk, by=UserFactory(role="process_admin"))
    DecompositionRule.objects.filter(pk=made.pk).update(**changes)
    rulemaking.publish(pk=made.pk, starts_on=timezone.localdate(), by=None)


def test_a_value_by_a_decision_table() -> None:
    shop = Shop()
    table("speed-classes", "first", ["speed"], ["speed_class"], [
        {"speed": "<= 100", "speed_class": "'small'"}, {"speed": "", "speed_class": "'big'"},
    ])  # fmt: skip
    DecompositionRule.objects.filter(key="t-access-t-fibre").update(
        mappings=[{"to": "speed_class", "how": "table", "value": "speed-classes"}]
    )
    assert tree(decomposed(shop))["L/t-internet/t-access/t-fibre#1"].characteristics == {"speed_class": "small"}


def test_a_table_that_is_gone_is_said_and_nothing_is_stored() -> None:
    shop = Shop()
    DecompositionRule.objects.filter(key="t-access-t-fibre").update(
        mappings=[{"to": "speed_class", "how": "table", "value": "gone"}]
    )
    order = shop.approved()
    with pytest.raises(BrokenRule, match="no active decision table “gone”"):
        decomposition.decompose(order_id=order.pk)
    assert not DomainOrder.objects.exists()


def test_a_number_that_is_not_whole_counts_nothing() -> None:
    shop = Shop()
    order = shop.approved(values={"access_pairs": 1.5})
    with pytest.raises(BrokenRule, match=r"“1\.5” is not a whole number"):
        decomposition.decompose(order_id=order.pk)


def test_a_tree_is_as_deep_as_its_rules() -> None:
    shop = Shop()
    deep = [Specification(key=f"t-deep-{n}", kind="resource", name="Deep", state="active") for n in range(5)]
    chain = [Specification.objects.get(key="t-port"), *Specification.objects.bulk_create(deep)]
    DecompositionRule.objects.bulk_create(
        DecompositionRule(key=f"deep-{n}", source=above, target=below, **LONG_SINCE)
        for n, (above, below) in enumerate(itertools.pairwise(chain))
    )
    order = decomposed(shop)
    assert max(DomainOrder.objects.filter(order=order).values_list("depth", flat=True)) == 8


@pytest.mark.parametrize(
    ("merge", "path", "number"),
    [("line", "~line-L/t-tenant", 2), ("site", "~site-S/t-tenant", 2), ("order", "~order/t-tenant", 1),
     ("account", "~account-A/t-tenant", 1)],
)  # fmt: skip
def test_a_merged_node_exists_once_in_its_scope(merge: str, path: str, number: int) -> None:
    shop = Shop()
    DecompositionRule.objects.filter(key="t-overlay-t-tenant").update(merge=merge)
    order = decomposed(shop, sites=2, offerings=("t-internet", "t-sdwan"))
    rows = list(DomainOrder.objects.filter(order=order, specification__key="t-tenant").select_related("line"))
    paths = {
        row.path.replace(str(row.line.key), "L").replace(f"site-{row.site_id}", "site-S")
        .replace(f"account-{order.account_id}", "account-A")
        for row in rows
    }  # fmt: skip
    assert (paths, len(rows)) == ({path}, number)


def test_facts_are_those_that_rules_may_ask() -> None:
    order = Shop().approved()
    (about,) = facts.of_lines(order, decomposition.lines_of(order)).values()
    assert set(about) | {"index", "item"} == set(rulebook.ASKABLE)


SETTINGS = settings(max_examples=12)
ORDERED = st.lists(
    st.tuples(
        st.sampled_from(["t-internet", "t-sdwan", "t-phones"]), st.sampled_from([50, 100, 1000]),
        st.sampled_from(["static", "BGP"]), st.integers(1, 2), st.integers(1, 3),
    ), min_size=1, max_size=6,
)  # fmt: skip


@pytest.mark.slow
def test_any_order_comes_to_one_tree_however_often_it_is_grown() -> None:
    """Whatever is ordered: grown twice in memory it is the same, stored and run again it adds and changes nothing."""
    shop = Shop()
    order = shop.approved()
    sites = [order.lines.get().site, SiteFactory(account=shop.account)]
    offerings = {one.key: one for one in Offering.objects.filter(state="active").select_related("specification")}

    @SETTINGS
    @given(ordered=ORDERED)
    def check(ordered: list[tuple[str, int, str, int, int]]) -> None:
        with transaction.atomic():
            DomainOrder.objects.filter(order=order).delete()
            order.lines.all().delete()
            OrderLine.objects.bulk_create(
                OrderLine(
                    order=order, key=uuid.uuid4(), position=n, offering=offerings[key], account=order.account,
                    specification=offerings[key].specification, site=sites[n % 2], quantity=quantity,
                    state="acknowledged", characteristics={
                        "speed": speed, "routing": routing, "access_pairs": pairs, "vlan": 7,
                    } if key == "t-internet" else {},
                )
                for n, (key, speed, routing, pairs, quantity) in enumerate(ordered)
            )  # fmt: skip
            lines = decomposition.lines_of(order)
            once, twice = (decomposition.grow(order, lines, rulebook.in_force(), {}) for _ in range(2))
            assert rehearsal.compare(once, twice).steps == []
            assert list(once.nodes) == list(twice.nodes)
            decomposition.decompose(order_id=order.pk)
            before = list(DomainOrder.objects.filter(order=order).order_by("pk").values())
            assert {row["path"] for row in before} == set(once.nodes)
            assert decomposition.decompose(order_id=order.pk).new == 0
            assert list(DomainOrder.objects.filter(order=order).order_by("pk").values()) == before

    check()


@pytest.mark.slow
def test_ten_sites_cost_as_many_statements_as_a_hundred() -> None:
    shop = Shop()
    counts = []
    for sites in (10, 100):
        order = shop.approved(sites=sites, offerings=("t-internet", "t-sdwan"))
        with CaptureQueriesContext(connection) as captured:
            decomposition.decompose(order_id=order.pk)
        counts.append(len(captured))
    assert counts[0] == counts[1], [q["sql"][:100] for q in captured]
