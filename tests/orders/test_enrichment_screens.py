"""Screens of enrichment flows: list, steps, trial on an order, publishing, and who may."""

import html

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from orders import enrichment
from orders.models import EnrichmentFlow
from tests.factories.orders import Shop, table
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
HTMX = {"HX-Request": "true"}
INTERNET = "t-internet"


@pytest.fixture
def client() -> Client:
    return browser("process_admin")


def browser(role: str) -> Client:
    found = Client()
    found.force_login(UserFactory(roles=[role]))
    return found


def url(flow: EnrichmentFlow, name: str = "flow") -> str:
    return reverse(f"orders:{name}", args=[flow.key, flow.version])


def drafted(client: Client) -> EnrichmentFlow:
    values = {"key": "t-flow", "title": "Internet access", "specification": INTERNET, "action": ""}
    assert client.post(reverse("orders:flow_new"), values).status_code == 302
    return EnrichmentFlow.objects.get(key="t-flow")


def fresh(flow: EnrichmentFlow) -> EnrichmentFlow:
    return EnrichmentFlow.objects.get(pk=flow.pk)


def test_a_flow_is_made_checked_tried_and_published_in_the_browser(client: Client) -> None:
    shop = Shop()
    order = enrichment.run(order_id=shop.submitted(sites=2).pk)
    table("vlans", "first", ["speed"], ["vlan"], [{"speed": "> 50", "vlan": "300"}])
    assert "No flow yet" in client.get(reverse("orders:flow_list")).content.decode()
    flow = drafted(client)
    assert "No step yet" in client.get(url(flow)).content.decode()
    step = {"table": "vlans", "condition": "vlan > 5", "note": "big ones"}
    assert client.post(url(flow, "flow_step"), {"table": ""}, headers=HTMX).status_code == 422
    for condition, wrong in (("nobody > 5", "Nobody knows “nobody” when"), ("speed >", "is missing at its end")):
        answer = client.post(url(flow, "flow_step"), {**step, "condition": condition}, headers=HTMX)
        kept = html.unescape(answer.content.decode())
        assert (answer.status_code, wrong in kept, f'value="{condition}"' in kept) == (422, True, True)
    assert client.post(url(flow, "flow_step"), step, headers=HTMX)["HX-Redirect"] == url(flow)
    assert "looks at vlan, which it fills itself" in client.get(url(flow)).content.decode()
    today = timezone.localdate().isoformat()
    refused = client.post(url(flow, "flow_publish"), {"valid_from": today}, headers=HTMX)
    assert (refused.status_code, "wait for itself" in refused.content.decode()) == (422, True)
    old = fresh(flow).steps[0]["_id"]
    client.post(url(flow, "flow_step"), {**step, "step": old, "condition": ""}, headers=HTMX)
    said = client.get(f"{url(flow, 'flow_trial')}?order={order.number}").content.decode()
    assert "Nothing would be asked" in said
    assert "300" in said
    assert client.post(url(flow, "flow_publish"), {"valid_from": today}, headers=HTMX).status_code == 200
    assert fresh(flow).state == "active"
    said = client.get(reverse("orders:flow_list")).content.decode()
    assert "In force" in said
    assert "Internet access" in said


def test_steps_are_moved_and_removed_and_versions_follow(client: Client) -> None:
    Shop()
    flow = drafted(client)
    for key in ("one", "two"):
        table(key, "first", ["speed"], ["vlan"], [{"vlan": "300"}])
        client.post(url(flow, "flow_step"), {"table": key}, headers=HTMX)
    second = fresh(flow).steps[1]["_id"]
    client.post(url(flow, "flow_arrange"), {"act": "up", "step": second})
    assert [step["table"] for step in fresh(flow).steps] == ["two", "one"]
    client.post(url(flow, "flow_arrange"), {"act": "remove", "step": second})
    assert [step["table"] for step in fresh(flow).steps] == ["one"]
    assert client.post(url(flow, "flow_arrange"), {"act": "remove", "step": second}).status_code == 409
    client.post(url(flow, "flow_publish"), {"valid_from": timezone.localdate().isoformat()}, headers=HTMX)
    assert client.post(url(flow, "flow_step"), {"table": "two"}, headers=HTMX).status_code == 409
    assert client.post(url(flow, "flow_revise")).status_code == 302
    draft = EnrichmentFlow.objects.get(key="t-flow", version=2)
    for name in ("flow", "flow_trial", "flow_versions", "flow_describe", "flow_publish", "flow_step"):
        assert client.get(url(draft, name)).status_code == 200, name
    assert "Publish Internet access, version 2" in client.get(reverse("home")).content.decode()
    assert client.post(url(draft, "flow_discard")).status_code == 302
    assert client.post(url(flow, "flow_retire"), {"reason": "gone"}).status_code == 302
    assert fresh(flow).state == "retired"


def test_only_process_admins_come_in(client: Client) -> None:
    Shop()
    flow = drafted(client)
    other = browser("order_agent")
    for name in ("flow", "flow_trial", "flow_versions"):
        assert other.get(url(flow, name)).status_code == 403
    for name in ("flow_step", "flow_arrange", "flow_publish", "flow_discard", "flow_retire", "flow_revise"):
        assert other.post(url(flow, name)).status_code == 403
    assert other.get(reverse("orders:flow_list")).status_code == 403
    assert client.get("/process/flows/none/1/").status_code == 404
    assert client.post(url(flow, "flow_arrange"), {"act": "fly"}).status_code == 422
