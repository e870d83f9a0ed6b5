"""Explanation: every node says which rule made it, from what, and what it waits for; trees are compared."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog import rulemaking
from catalog.models import DecompositionRule
from fulfillment.models import PlanItem
from orders import decomposition, explanation, outline, outlook, rehearsal
from orders.models import DomainOrder, Order
from tests.factories.orders import Shop, finish, fresh
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def node(order: Order, key: str) -> DomainOrder:
    found: DomainOrder = DomainOrder.objects.get(order=order, specification__key=key)
    return found


def client(role: str) -> Client:
    made = Client()
    made.force_login(UserFactory(role=role))
    return made


def text(response: Any) -> str:
    return str(response.content.decode())


def change_rule(key: str, **changes: Any) -> DecompositionRule:
    """The next version of a rule, published today."""
    old = DecompositionRule.objects.get(key=key)
    made = rulemaking.next_version(pk=old.pk, by=UserFactory(role="process_admin"))
    made = rulemaking.change(pk=made.pk, edition=made.edition, values=changes, by=UserFactory(role="process_admin"))
    return rulemaking.publish(pk=made.pk, starts_on=timezone.localdate(), by=None)


def test_a_node_says_its_rule_what_it_saw_and_where_values_come_from() -> None:
    order = Shop().running(values={"routing": "BGP"})
    reason = explanation.explain_node(order, node(order, "t-bgp"))
    assert reason.text == "Made by rule t-access-t-bgp version 1: its condition holds."
    assert reason.seen == {"routing": "BGP"}
    assert [(one.to, one.how, one.where, one.seen, one.value) for one in reason.values] == [
        ("peer", "expression", "parent", {"vlan": 100}, "peer-100")
    ]
    port = explanation.explain_node(order, node(order, "t-port"))
    assert [(one.to, one.where, one.value) for one in port.values] == [
        ("mbps", "related:t-access", 100), ("circuit", "parent", None),
    ]  # fmt: skip
    root = explanation.explain_node(order, node(order, "t-internet"))
    assert (root.rule, root.text) == (None, "The product of its order line.")


def test_what_a_node_waits_for_names_the_task_that_gives_it() -> None:
    shop = Shop()
    PlanItem.objects.filter(key="configure").update(outputs=["pop_found"], team="core")
    order = shop.running()
    (wait,) = explanation.explain_node(order, node(order, "t-optimiser")).waits
    assert (wait.name, wait.who) == ("pop found", "task “Configure”, core")
    assert wait.url.startswith("/tasks/")
    rows = outline.of(order).rows
    assert any("needs pop found from task “Configure”, core" in row.sub for row in rows)
    assert any(
        "waits for pop found" in item.strong and "“Configure”" in item.text
        for item in outlook.blocked_by(order, [], shop.agent)
    )


def test_what_a_person_has_to_say_is_asked_of_a_person() -> None:
    shop = Shop()
    DecompositionRule.objects.filter(key="t-access-t-optimiser").update(condition="", mappings=[])
    order = shop.running()
    (wait,) = explanation.explain_node(order, node(order, "t-optimiser")).waits
    assert (wait.who, wait.url) == ("asked of the fulfilment agents", reverse("orders:values", args=[order.number]))


def test_a_whole_order_is_explained_and_grown_again_the_same() -> None:
    order = Shop().running(sites=2, offerings=("t-internet", "t-sdwan"), values={"access_pairs": 2})
    before = list(DomainOrder.objects.order_by("pk").values())
    found = explanation.explain(order)
    assert len(found.reasons) == len(before)
    assert (found.again.steps, found.today.steps) == ([], [])
    assert list(DomainOrder.objects.order_by("pk").values()) == before
    tenant = next(reason for reason in found.reasons if reason.node.path == "~order/t-tenant")
    assert tenant.also == ["4"]


def test_an_order_that_has_ended_is_explained_as_well() -> None:
    order = Shop().running()
    finish()
    decomposition.know_at(values={node(order, "t-access").pk: {"pop_found": "RTM2"}})
    found = explanation.explain(fresh(order))
    assert [step.what for step in found.again.steps] == ["changed"]  # the value is there, its node not grown yet
    assert next(iter(found.again.steps)).name == "WAN optimiser"


def test_rules_of_today_may_differ_and_the_order_keeps_its_own() -> None:
    order = Shop().running()
    change_rule("t-access-t-bgp", condition="")
    change_rule("t-access-t-fibre", mappings=[{"to": "speed_class", "how": "fixed", "value": "high"}])
    found = explanation.explain(order)
    assert found.again.steps == []
    assert {(step.what, step.name): step.changes for step in found.today.steps} == {
        ("added", "BGP session"): {"peer": ("", "peer-100")},
        ("changed", "Fibre access"): {"speed_class": ("low", "high")},
    }


def test_a_draft_is_rehearsed_against_an_order_without_touching_it() -> None:
    order = Shop().running(sites=2)
    rule = DecompositionRule.objects.get(key="t-fibre-t-port")
    draft = rulemaking.next_version(pk=rule.pk, by=UserFactory(role="process_admin"))
    assert rehearsal.rehearse(order, draft).steps == []
    draft = rulemaking.change(pk=draft.pk, edition=draft.edition, values={"condition": "speed_class == 'high'"},
                              by=UserFactory(role="process_admin"))  # fmt: skip
    before = list(DomainOrder.objects.order_by("pk").values())
    found = rehearsal.rehearse(order, draft)
    assert [(step.what, step.name, step.line) for step in found.steps] == [
        ("gone", "IP port", 1), ("gone", "IP port", 2),
    ]  # fmt: skip
    assert found.count("gone") == 2
    assert list(DomainOrder.objects.order_by("pk").values()) == before
    assert rule.state == "active"

    admin, url = client("process_admin"), reverse("orders:rehearsal", args=[draft.pk])
    assert "2 gone" in text(admin.get(url, {"order": order.number}))
    refused = admin.get(url, {"order": "ORD9999999"})
    assert (refused.status_code, "There is no order" in text(refused)) == (422, True)
    assert client("sales_agent").get(url).status_code == 403


def test_the_panel_says_why_to_whoever_may_see_the_order() -> None:
    order = Shop().running(values={"routing": "BGP"})
    url = reverse("orders:why", args=[node(order, "t-bgp").number])
    page = text(client("order_manager").get(url))
    for said in ("Why BGP session?", "Routing", "calculated, from above it", "VLAN" if "VLAN" in page else "Vlan"):
        assert said in page
    panel = text(client("order_manager").get(url, headers={"HX-Request": "true"}))
    assert "<html" not in panel
    assert "Made by rule t-access-t-bgp version 1" in panel
    assert client("customer").get(url).status_code in (403, 404)
    assert client("order_manager").get(reverse("orders:why", args=["DOM9999999"])).status_code == 404


def replay(number: str, *flags: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("replay", number, "--dry-run", *flags, stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_replay_tells_it_and_its_exit_code_says_whether_it_is_the_same() -> None:
    order = Shop().running(values={"routing": "BGP"})
    code, said = replay(order.number)
    assert code == 0
    for line in ("saw routing = BGP", "peer = peer-100 – expression, parent (vlan = 100)", "the same tree",
                 "waits for pop found"):  # fmt: skip
        assert line in said
    code, document = replay(order.number, "--json")
    found = json.loads(document)
    assert (code, found["same_again"], found["same_today"], len(found["nodes"])) == (0, True, True, 6)
    DomainOrder.objects.filter(order=order, specification__key="t-port").delete()
    code, said = replay(order.number)
    assert (code, "1 difference," in said) == (1, True)
    with pytest.raises(CommandError) as refused:
        call_command("replay", "ORD9999999", "--dry-run")
    assert refused.value.returncode == 2


def test_replay_of_an_order_without_a_tree_says_what_it_would_come_to() -> None:
    order = Shop().submitted()
    code, said = replay(order.number)
    assert code == 0
    assert "has not been decomposed yet" in said
    assert "line 1: " in said
    found = json.loads(replay(order.number, "--json")[1])
    assert (found["decomposed"], found["same_again"], found["nodes"]) == (False, None, [])


def test_what_does_not_go_together_is_said_before_submission() -> None:
    order = Shop().draft(offerings=("t-sdwan",))
    page = text(client("order_manager").get(reverse("orders:lines", args=[order.number])))
    assert "SD-WAN site needs Dedicated internet at the same site." in page
