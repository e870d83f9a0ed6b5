"""Enrichment flows: steps of decision tables as versioned data, checked before they fill anything."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.models import Characteristic, Specification
from kernel import tablepublication, tableuse
from kernel.models import AuditEntry, DecisionTable, User
from kernel.refusal import Conflict, NotPermitted, Refusal
from orders import enrichment, flowdrafts, flowpublication, flowtrial
from orders.models import EnrichmentFlow, Order
from tests.factories.orders import Shop, table
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
INTERNET = "t-internet"


def admin() -> User:
    """A process admin."""
    return UserFactory(roles=["process_admin"])


def characteristic(key: str, **values: Any) -> Characteristic:
    """A further technical characteristic of the internet product."""
    specification = Specification.objects.get(key=INTERNET, state="active")
    return Characteristic.objects.create(
        specification=specification, key=key, name=key.title(), source="enrichment", **values
    )


def drafted(by: User, *steps: str | tuple[str, str], specification: str = INTERNET, action: str = "") -> EnrichmentFlow:
    """A draft that asks these tables, each perhaps under a condition."""
    flow = flowdrafts.create(key="t-flow", title="Internet", specification=specification, action=action, by=by)
    for step in steps:
        name, condition = (step, "") if isinstance(step, str) else step
        flowdrafts.add_step(flow_id=flow.pk, table=name, condition=condition, by=by)
    return EnrichmentFlow.objects.get(pk=flow.pk)


def in_force(by: User, *steps: str | tuple[str, str], **values: Any) -> EnrichmentFlow:
    """The same, published today."""
    return flowpublication.publish(flow_id=drafted(by, *steps, **values).pk, valid_from=timezone.localdate(), by=by)


def said(flow: EnrichmentFlow) -> list[str]:
    """What is wrong with it."""
    return [problem.text for problem in flowpublication.problems(flow)]


def test_steps_run_in_order_and_later_ones_see_what_earlier_ones_gave() -> None:
    shop, by = Shop(), admin()
    characteristic("pool")
    characteristic("ring")
    table("pools", "first", ["speed"], ["pool"], [{"speed": ">= 100", "pool": "'P1'"}])
    table("vlans", "first", ["pool"], ["vlan", "ring"], [{"pool": "'P1'", "vlan": "300", "ring": "'R1'"}])
    table("never", "first", [], ["ring"], [{"ring": "'R2'"}])
    in_force(by, "pools", "vlans", ("never", "speed > 5000"))
    order = enrichment.run(order_id=shop.submitted(sites=3).pk)
    assert [line.characteristics for line in order.lines.all()] == [
        {"speed": 100, "pool": "P1", "vlan": 300, "ring": "R1"}
    ] * 3
    assert order.state == "approved"


def test_the_queries_do_not_grow_with_the_lines() -> None:
    shop, by = Shop(), admin()
    table("vlans", "first", ["position"], ["vlan"], [{"vlan": "100 + position"}])
    in_force(by, "vlans")
    counts = []
    for sites in (1, 6):
        order = shop.submitted(sites=sites)
        lines = list(order.lines.select_related("specification", "offering", "site", "quote_line", "order__account")
                     .prefetch_related("specification__characteristics"))  # fmt: skip
        with CaptureQueriesContext(connection) as queries:
            enrichment._fill(lines[0].order, lines)
        counts.append(len(queries))
        assert [line.characteristics["vlan"] for line in lines] == [100 + line.position for line in lines]
    assert counts[0] >= counts[1]


def test_a_flow_for_another_action_leaves_the_line_to_its_own_table() -> None:
    shop, by = Shop(), admin()
    table("vlans", "first", [], ["vlan"], [{"vlan": "300"}])
    in_force(by, "vlans", action="modify")
    order = enrichment.run(order_id=shop.submitted().pk)
    assert order.lines.get().characteristics["vlan"] == 100


def test_a_table_that_breaks_stops_no_order_and_a_person_is_asked() -> None:
    shop, by = Shop(), admin()
    table("vlans", "unique", ["speed"], ["vlan"], [{"vlan": "300"}, {"vlan": "400"}])
    in_force(by, "vlans")
    order = enrichment.run(order_id=shop.submitted().pk)
    assert order.state == "enrichment_on_hold"
    assert AuditEntry.objects.filter(action="enrichment step left out", subject_id=order.pk).count() == 1


def test_a_sound_flow_has_no_problems() -> None:
    Shop()
    table("vlans", "first", ["speed", "feasibility"], ["vlan"], [{"speed": "> 10", "vlan": "2000 + position"}])
    assert said(drafted(admin(), ("vlans", "country == 'NL' and speed > 10"))) == []


@pytest.mark.parametrize(
    ("inputs", "outputs", "row", "wanted"),
    [
        (["speed"], ["colour"], {"colour": "'red'"}, "fills colour, which is no characteristic of"),
        (["speed"], ["speed"], {"speed": "5"}, "fills speed, which is chosen in the sale"),
        (["moon"], ["vlan"], {"vlan": "5"}, "looks at moon, which nobody knows"),
        (["speed"], ["vlan"], {"vlan": "9999"}, "row 1: 9999 does not fit"),
        (["vlan"], ["vlan"], {"vlan": "5"}, "which it fills itself"),
        (["pool"], ["vlan"], {"vlan": "5"}, "looks at pool, which no step fills"),
    ],
)
def test_a_step_that_cannot_work_is_named(
    inputs: list[str], outputs: list[str], row: dict[str, str], wanted: str
) -> None:
    Shop()
    characteristic("pool")
    table("steps", "first", inputs, outputs, [row])
    flow = drafted(admin(), "steps")
    assert any(wanted in text for text in said(flow)), said(flow)
    with pytest.raises(flowpublication.NotReady, match="Step 1"):
        flowpublication.publish(flow_id=flow.pk, valid_from=timezone.localdate(), by=admin())


def test_steps_in_the_wrong_order_and_in_a_circle_are_named() -> None:
    Shop()
    for key in ("pool", "ring"):
        characteristic(key)
    table("a", "first", ["pool"], ["vlan"], [{"vlan": "100"}])
    table("b", "first", ["ring"], ["pool"], [{"pool": "'P'"}])
    table("c", "first", ["vlan"], ["ring"], [{"ring": "'R'"}])
    table("d", "first", [], ["ring"], [{"ring": "'R'"}])
    by = admin()
    assert next(text for text in said(drafted(by, "a", "b", "d")) if "Move" in text).endswith(
        "looks at pool, which only step 2 fills. Move step 2 above it."
    )
    EnrichmentFlow.objects.all().delete()
    assert any("circle" in text for text in said(drafted(by, "a", "b", "c")))


def test_a_flow_needs_steps_tables_a_product_and_a_start() -> None:
    Shop()
    by, today = admin(), timezone.localdate()
    flow = drafted(by)
    assert said(flow) == ["The flow has no steps, so it fills nothing."]
    with pytest.raises(Refusal) as unreadable:
        flowdrafts.add_step(flow_id=flow.pk, table="nowhere", condition="1 +", by=by)
    assert set(unreadable.value.problems) == {"condition"}
    flowdrafts.add_step(flow_id=flow.pk, table="nowhere", by=by)
    with pytest.raises(flowpublication.NotReady) as refusal:
        flowpublication.publish(flow_id=flow.pk, valid_from=None, by=by)
    assert set(refusal.value.problems) == {"", "valid_from"}
    assert "no table “nowhere”" in refusal.value.problems[""][0]
    with pytest.raises(flowpublication.NotReady):
        flowpublication.publish(flow_id=flow.pk, valid_from=today - dt.timedelta(days=1), by=by)
    flowdrafts.describe(flow_id=flow.pk, title="x", specification="no-such", action="", by=by)
    assert "no active product" in said(EnrichmentFlow.objects.get(pk=flow.pk))[0]


def test_versions_follow_each_other_and_a_published_one_never_changes() -> None:
    Shop()
    by, today = admin(), timezone.localdate()
    table("vlans", "first", [], ["vlan"], [{"vlan": "300"}])
    first = in_force(by, "vlans")
    with pytest.raises(flowdrafts.NoDraft):
        flowdrafts.add_step(flow_id=first.pk, table="vlans", by=by)
    second = flowdrafts.revise(flow_id=first.pk, by=by)
    with pytest.raises(Conflict):
        flowdrafts.revise(flow_id=first.pk, by=by)
    step = second.steps[0]["_id"]
    flowdrafts.write_step(flow_id=second.pk, step=step, table="vlans", condition="speed > 5", note="big", by=by)
    added = flowdrafts.add_step(flow_id=second.pk, table="vlans", by=by)
    flowdrafts.move_step(flow_id=second.pk, step=added, steps=-1, by=by)
    flowdrafts.remove_step(flow_id=second.pk, step=added, by=by)
    with pytest.raises(NotPermitted):
        flowdrafts.add_step(flow_id=second.pk, table="vlans", by=UserFactory(roles=["order_agent"]))
    flowpublication.publish(flow_id=second.pk, valid_from=today + dt.timedelta(days=3), by=by)
    assert EnrichmentFlow.objects.in_force().get().version == 1
    later = EnrichmentFlow.objects.in_force(today + dt.timedelta(days=3)).get()
    assert (later.version, later.steps[0]["condition"]) == (2, "speed > 5")
    flowpublication.retire(flow_id=first.pk, by=by)
    with pytest.raises(Refusal):
        flowpublication.retire(flow_id=first.pk, by=by)


def test_a_table_in_a_flow_is_in_use_and_not_retired() -> None:
    Shop()
    by = admin()
    made = table("vlans", "first", [], ["vlan"], [{"vlan": "300"}])
    flow = in_force(by, "vlans")
    assert [use.title for use in tableuse.of("vlans")] == ["Enrichment flows"]
    with pytest.raises(tablepublication.InUse, match="Step 1 of the enrichment flow “Internet”"):
        tablepublication.retire(table_id=made.pk, by=by)
    own = DecisionTable.objects.get(key=f"enrichment:{INTERNET}")
    flowpublication.retire(flow_id=flow.pk, by=by)
    tablepublication.retire(table_id=made.pk, by=by)
    with pytest.raises(tablepublication.InUse, match="are filled by it"):
        tablepublication.retire(table_id=own.pk, by=by)


def test_a_trial_shows_each_step_and_what_would_be_missing() -> None:
    shop, by = Shop(), admin()
    order = enrichment.run(order_id=shop.submitted(sites=2).pk)
    table("vlans", "first", ["speed", "moon"], ["vlan"],
          [{"speed": "> 500", "vlan": "300"}, {"vlan": "9999"}])  # fmt: skip
    flow = drafted(by, "vlans", ("none", ""))
    walked, total = flowtrial.try_on(flow, order)
    assert total == 2
    first, second = walked[0].trail
    assert (first.asked, first.rows) == ({"speed": 100}, (2,))
    assert first.given[0].value == 9999
    assert "At most" in first.given[0].why_not
    assert second.left_out == "There is no such table in force."
    assert [c.key for c in walked[0].missing] == ["vlan"]
    assert [(one.now, one.value) for one in walked[0].filled] == [("100", "")]
    assert Order.objects.get(pk=order.pk).lines.first().characteristics["vlan"] == 100


def test_real_lines_and_orders_are_cases_for_the_tables_that_orders_ask() -> None:
    shop, by = Shop(), admin()
    order = enrichment.run(order_id=shop.submitted(sites=2).pk)
    lines = tableuse.cases_for(f"enrichment:{INTERNET}", 10, by)
    assert [case.facts["speed"] for case in lines] == [100, 100]
    assert "vlan" not in lines[0].facts
    assert [case.url for case in tableuse.cases_for("order_approval", 10, by)] == [order.get_absolute_url()]
    assert tableuse.cases_for("order_approval", 10, UserFactory()) == []
    assert {"speed", "feasibility"} <= {fact.name for fact in tableuse.facts_for(f"enrichment:{INTERNET}")}
    assert [fact.name for fact in tableuse.answers_for(f"enrichment:{INTERNET}")] == ["vlan"]
