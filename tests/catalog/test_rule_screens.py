"""The rules' pages: seen by who runs the process, changed by the process admin, refused at the field."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog import rulemaking
from catalog.models import DecompositionRule, Specification
from tests.factories.orders import stock
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def catalogue() -> None:
    stock()


def logged_in(role: str = "process_admin") -> Client:
    client = Client()
    client.force_login(UserFactory(role=role))
    return client


def text(response: Any) -> str:
    return str(response.content.decode())


def url(name: str, version: int = 1, key: str = "t-access-t-bgp") -> str:
    return reverse(f"catalog:{name}", args=[key, version])


def posted(source: str = "t-access", target: str = "t-port", **values: str) -> dict[str, str]:
    """A form as the browser sends it."""
    keys = {s.key: s.pk for s in Specification.objects.filter(state="active")}
    return {
        "source": str(keys[source]), "target": str(keys[target]), "kind": "realized_as", "cardinality": "one",
        "starts_on": timezone.localdate().isoformat(), "position": "0", "merge": "", "condition": "", "count_from": "",
    } | values  # fmt: skip


def row(number: int, **values: str) -> dict[str, str]:
    parts = {"to": "", "how": "same", "where": "parent", "from": "", "value": ""} | values
    return {f"mappings-{number}-{part}": value for part, value in parts.items()}


def test_the_list_and_the_page_say_it_in_words() -> None:
    client = logged_in()
    assert "t-access-t-bgp" in text(client.get(reverse("catalog:rule_list"), {"q": "bgp"}))
    said = text(client.get(url("rule")))
    assert "when Routing is BGP" in said
    assert "calculated from Internet access" in said
    many = text(client.get(url("rule", key="t-access-t-fibre")))
    assert "as many as Access pairs says" in many
    assert "100 → low, any other → high" in many


def test_who_may_see_and_who_may_change() -> None:
    assert logged_in("sales_agent").get(reverse("catalog:rule_list")).status_code == 403
    manager = logged_in("order_manager")
    assert manager.get(url("rule")).status_code == 200
    assert "New version" not in text(manager.get(url("rule")))
    for name in ("rule_next", "rule_publish", "rule_retire", "rule_discard", "rule_test"):
        assert manager.post(url(name)).status_code == 403
    assert manager.get(reverse("catalog:rule_new")).status_code == 403
    assert logged_in().get(url("rule", version=9)).status_code == 404


def test_a_new_rule_is_written_row_by_row() -> None:
    client = logged_in()
    data = posted(condition="speed > 500", cardinality="per_characteristic", count_from="access_pairs")
    more = client.post(reverse("catalog:rule_new"), data | {"add": "1"}, headers={"HX-Request": "true"})
    assert 'name="mappings-0-to"' in text(more)
    assert "<html" not in text(more)
    rows = row(0, to="mbps", how="table", **{"from": "speed", "value": "100 = 10\n* = 1000"}) | row(
        3, to="circuit", how="fixed", value="C-1"
    )
    less = client.post(reverse("catalog:rule_new"), data | rows | {"remove": "3"}, headers={"HX-Request": "true"})
    assert 'name="mappings-1-to"' not in text(less)
    saved = client.post(reverse("catalog:rule_new"), data | rows | row(4))
    rule = DecompositionRule.objects.get(key="t-access-t-port")
    assert saved.headers["Location"] == rule.get_absolute_url()
    assert (rule.state, rule.version, rule.count_from) == ("draft", 1, "access_pairs")
    assert rule.mappings == [
        {"to": "mbps", "how": "table", "where": "parent", "from": "speed", "value": {"100": 10, "*": 1000}},
        {"to": "circuit", "how": "fixed", "where": "parent", "value": "C-1"},
    ]
    assert "= 1000" in text(client.get(url("rule_edit", key=rule.key)))


def test_what_is_wrong_stands_at_its_row_and_what_was_typed_stays() -> None:
    data = posted(condition="sped > 1") | row(0, to="mbps", how="expression", value="speed +")
    refused = logged_in().post(reverse("catalog:rule_new"), data)
    said = text(refused)
    assert refused.status_code == 422
    assert "Internet access has no characteristic “sped”" in said
    assert 'id="err-0-value"' in said
    assert "speed +</textarea>" in said
    assert not DecompositionRule.objects.filter(state="draft").exists()


@pytest.mark.parametrize(
    "crafted",
    [
        {"source": "x"}, {"source": "999999"}, {"starts_on": ""}, {"starts_on": "2026-02-31"}, {"cardinality": "many"},
        {"mappings-0-to": "mbps", "mappings-0-how": "magic"}, {"mappings-0-to": "mbps", "mappings-0-where": "sibling:"},
        {"target": ""},
    ],
)  # fmt: skip
def test_a_crafted_form_is_refused(crafted: dict[str, str]) -> None:
    assert logged_in().post(reverse("catalog:rule_new"), posted() | crafted).status_code == 422


def test_from_new_version_to_published_and_retired() -> None:
    client = logged_in()
    assert client.post(url("rule_next")).headers["Location"] == url("rule_edit", 2)
    assert client.get(url("rule_edit")).status_code == 409
    tried = client.post(url("rule_try", 2), {"routing": "BGP", "vlan": "7"}, headers={"HX-Request": "true"})
    assert "peer-7" in text(tried)
    assert "1 BGP session is made" in text(tried)
    client.post(url("rule_test", 2), {"routing": "BGP", "vlan": "7", "name": "BGP"})
    assert "comes out" in text(client.get(url("rule", 2)))
    late = client.post(url("rule_publish", 2), {"starts_on": "2020-01-01"})
    assert late.status_code == 422
    assert "That day is over" in text(late)
    client.post(url("rule_publish", 2), {"starts_on": timezone.localdate().isoformat()})
    assert "New orders follow it" in text(client.get(url("rule", 2)))
    assert "Orders that it made keep it" in text(client.get(url("rule", 1)))
    client.post(url("rule_retire", 2), {"reason": "Test"})
    assert DecompositionRule.objects.get(key="t-access-t-bgp", version=2).state == "retired"
    assert client.post(url("rule_retire", 2), {"reason": "Test"}).status_code == 409


def test_a_draft_is_thrown_away() -> None:
    client = logged_in()
    rulemaking.next_version(pk=DecompositionRule.objects.get(key="t-access-t-bgp").pk, by=UserFactory())
    client.post(url("rule_discard", 2))
    assert not DecompositionRule.objects.filter(version=2).exists()
    assert client.post(url("rule_discard")).status_code == 409


def test_the_list_costs_the_same_whatever_its_length(django_assert_max_num_queries: Any) -> None:
    client = logged_in()
    client.get(reverse("catalog:rule_list"))
    with django_assert_max_num_queries(22):
        client.get(reverse("catalog:rule_list"))
