"""The desk and the record in a browser's words: what is shown, refused, swapped."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from fallout.models import Fallout
from tests.factories import fallout as made
from tests.factories.crm import SiteFactory
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def agent(client: Client) -> Any:
    person = UserFactory(role="fallout_agent", teams=["IP Provisioning"])
    client.force_login(person)
    return person


def post(client: Client, record: Fallout, act: str, **values: str) -> Any:
    return client.post(reverse("fallout:fallout_move", args=[record.number, act]), values)


def test_the_desk_shows_groups_rows_and_the_chosen_record(client: Client, agent: Any) -> None:
    site = SiteFactory(name="Venlo cross-dock")
    record = made.fallout(site)
    made.fallout(cause="No answer in time")
    page = client.get(reverse("fallout:fallout_list"), {"cause": record.fingerprint, "record": record.number})
    assert page.status_code == 200
    assert {group.cause for group in page.context["groups"]} == {"VLAN already in use", "No answer in time"}
    text = page.content.decode()
    assert "Venlo cross-dock" in text
    assert "2131" in text
    assert "it cannot be left out" in text


def test_an_empty_desk_says_what_it_is_for(client: Client, agent: Any) -> None:
    page = client.get(reverse("fallout:fallout_list"))
    assert "Nothing is in fallout" in page.content.decode()


def test_the_desk_is_closed_to_those_without_the_right(client: Client) -> None:
    record = made.fallout()
    client.force_login(UserFactory(role="sales_agent"))
    for url in (
        reverse("fallout:fallout_list"),
        reverse("fallout:fallout_every"),
        reverse("fallout:record", args=[record.number]),
    ):
        assert client.get(url).status_code == 403
    assert post(client, record, "retry").status_code == 403


def test_a_viewer_reads_why_they_cannot_mend(client: Client) -> None:
    record = made.fallout()
    client.force_login(UserFactory(role="order_manager"))
    page = client.get(reverse("fallout:record", args=[record.number]))
    assert "do not include the right to resolve fallout" in page.content.decode()
    assert post(client, record, "retry").status_code == 403
    assert Fallout.objects.get().state == "open"


def test_editing_from_the_page(client: Client, agent: Any) -> None:
    record = made.fallout()
    refused = post(client, record, "edit", **{"value-vlan": "9999"})
    assert refused.status_code == 422
    assert "At most 4094" in refused.content.decode()
    assert 'value="9999"' in refused.content.decode()
    assert post(client, record, "edit", **{"value-vlan": "2131"}).status_code == 302
    assert Fallout.objects.select_related("task__flow").get().task.flow.data["vlan"] == 2131


def test_a_refusal_on_its_own_page_does_not_repeat_the_head(client: Client, agent: Any) -> None:
    record = made.fallout()
    url = reverse("fallout:fallout_move", args=[record.number, "edit"])
    for back, clocks in ((record.get_absolute_url(), 0), (reverse("fallout:fallout_list"), 1)):
        told = {"value-vlan": "9999", "back": back}
        page = client.post(url, told, headers={"HX-Request": "true"}).content.decode()
        assert ("At most 4094" in page, page.count("SLA ends in")) == (True, clocks)


def test_a_second_press_is_a_conflict(client: Client, agent: Any) -> None:
    record = made.fallout()
    assert post(client, record, "retry").status_code == 302
    again = post(client, record, "retry")
    assert again.status_code == 409
    assert "somebody was first" in again.content.decode()


def test_a_made_up_act_is_a_bad_request(client: Client, agent: Any) -> None:
    assert post(client, made.fallout(), "explode").status_code == 400
    assert client.get(reverse("fallout:record", args=["FO9999999"])).status_code == 404


def test_many_from_the_desk(client: Client, agent: Any) -> None:
    site = SiteFactory()
    records = [made.fallout(site) for _ in range(3)]
    cause = records[0].fingerprint
    ticked = client.post(reverse("fallout:many_preview"), {"act": "retry", "cause": cause, "pick": [records[0].pk]})
    assert ticked.context["preview"].count == 1
    assert ticked.context["matching"] == 3
    everything = client.post(reverse("fallout:many_preview"), {"act": "retry", "cause": cause, "scope": "all"})
    done = client.post(reverse("fallout:many_run"), {"token": everything.context["preview"].token})
    assert done.context["counts"]["done"] == 3
    nothing = client.post(reverse("fallout:many_preview"), {"act": "retry", "cause": cause})
    assert nothing.status_code == 422


def test_the_one_list_filters(client: Client, agent: Any) -> None:
    record = made.fallout()
    post(client, record, "retry")
    made.fallout(cause="Another")
    page = client.get(reverse("fallout:fallout_every"), {"standing": "open"})
    assert [row.cause for row in page.context["list"].page.rows] == ["Another"]
    mended = client.get(reverse("fallout:fallout_every"), {"standing": "mended"})
    assert [row.number for row in mended.context["list"].page.rows] == [record.number]


@pytest.mark.parametrize("count", [2, 12])
def test_the_desk_asks_the_same_number_of_questions(
    client: Client, agent: Any, count: int, django_assert_max_num_queries: Any
) -> None:
    site = SiteFactory()
    for _ in range(count):
        made.fallout(site)
    client.get(reverse("fallout:fallout_list"))  # the counts of the navigation are kept for some seconds
    with django_assert_max_num_queries(24):
        client.get(reverse("fallout:fallout_list"))
