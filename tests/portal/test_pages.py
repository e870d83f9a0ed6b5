"""The portal's pages: what a customer reads, and what they never reach."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cmdb.models import Product
from contracts import signature
from fulfillment.models import Task, WorkOrder
from kernel import documents
from tests.factories import cmdb, portal
from tests.factories.crm import AccountFactory, SiteFactory
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

LISTS = ("home", "order_list", "service_list", "quote_list", "document_list", "people")


@pytest.fixture
def shop() -> Any:
    return portal.shop()


def enter(client: Client, account: Any) -> Any:
    person = portal.customer(account)
    client.force_login(person)
    return person


def test_every_page_opens_for_a_customer_without_anything(client: Client) -> None:
    enter(client, AccountFactory())
    for name in LISTS:
        assert client.get(reverse(f"portal:{name}")).status_code == 200


def test_what_everybody_has_stands_in_the_frame_of_the_portal(client: Client) -> None:
    enter(client, AccountFactory())
    for name in ("profile", "notification_choices", "notifications", "tokens", "second_factor"):
        page = client.get(reverse(name)).content.decode()
        assert reverse("portal:order_list") in page
        assert reverse("notifications") in page
        assert "main-nav" not in page


def test_the_order_page_says_when_and_how_far(client: Client, shop: Any) -> None:
    order = shop.running(sites=2)
    enter(client, shop.account)
    text = client.get(reverse("portal:order", args=[order.number])).content.decode()
    assert "All sites work by" in text
    assert "Line is being connected" in text
    assert "Work on your order has started" in text
    portal.finish(order)
    text = client.get(reverse("portal:order", args=[order.number])).content.decode()
    assert "Everything works since" in text
    assert "All 2 sites work." in text


def test_a_poll_answers_only_when_something_changed(client: Client, shop: Any) -> None:
    order = shop.running()
    enter(client, shop.account)
    url = reverse("portal:order", args=[order.number])
    digest = client.get(url).context["progress"].digest
    assert client.get(url, {"seen": digest}, headers={"HX-Request": "true"}).status_code == 204
    portal.finish(order)
    answer = client.get(url, {"seen": digest}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert answer.content.decode().lstrip().startswith('<div class="p-grid" id="live"')


def test_a_booked_visit_is_something_that_we_need(client: Client, shop: Any) -> None:
    order = shop.running()
    task = Task.objects.filter(flow__root_number=order.number, state="ready").first()
    at = timezone.now() + dt.timedelta(days=2)
    WorkOrder.objects.create(
        task=task, account=task.account, site=task.flow.site, starts_at=at, ends_at=at + dt.timedelta(hours=2),
        technician=UserFactory(role="technician", first_name="Bram", last_name="de Wit"), note="Dog on the premises",
    )  # fmt: skip
    enter(client, shop.account)
    for name, args in (("home", []), ("order", [order.number])):
        text = client.get(reverse(f"portal:{name}", args=args)).content.decode()
        assert "Let the engineer in" in text
        assert "Bram" in text
        assert "Dog on the premises" not in text


def test_a_draft_is_ours_alone(client: Client, shop: Any) -> None:
    order = shop.draft()
    enter(client, shop.account)
    assert client.get(reverse("portal:order", args=[order.number])).status_code == 404
    assert order.number not in client.get(reverse("portal:order_list")).content.decode()


def test_nothing_of_another_customer_is_reached(client: Client, shop: Any) -> None:
    order = shop.running()
    product = Product.objects.get(order_number=order.number)
    paper = documents.store(
        order,
        kind="order",
        name="order.pdf",
        content=b"%PDF-1.7",
        content_type="application/pdf",
        by=None,
        customer_may_see=True,
    )
    enter(client, AccountFactory())
    for url in (
        reverse("portal:order", args=[order.number]),
        reverse("portal:order_table", args=[order.number]),
        reverse("portal:service", args=[product.number]),
        reverse("document", args=[paper.pk]),
    ):
        assert client.get(url).status_code == 404, url
    for name in LISTS:
        text = client.get(reverse(f"portal:{name}")).content.decode()
        for secret in (order.number, product.number, "order.pdf", shop.account.name, shop.contact.email):
            assert secret not in text


def test_a_child_company_sees_itself_and_its_parent_sees_both(client: Client, shop: Any) -> None:
    child = AccountFactory(parent=shop.account)
    mine, theirs = cmdb.product(SiteFactory(account=child)), cmdb.product(SiteFactory(account=shop.account))
    enter(client, child)
    text = client.get(reverse("portal:service_list")).content.decode()
    assert mine.number in text
    assert theirs.number not in text
    enter(client, shop.account)
    text = client.get(reverse("portal:service_list")).content.decode()
    assert mine.number in text
    assert theirs.number in text


def test_internal_papers_stay_inside(client: Client, shop: Any) -> None:
    order = shop.running()
    for name, seen in (("shared.pdf", True), ("margin.pdf", False)):
        documents.store(
            order,
            kind="order",
            name=name,
            content=b"%PDF-1.7",
            content_type="application/pdf",
            by=None,
            customer_may_see=seen,
        )
    enter(client, shop.account)
    text = client.get(reverse("portal:document_list")).content.decode()
    assert "shared.pdf" in text
    assert "margin.pdf" not in text


def test_agents_and_strangers_are_shown_the_door(client: Client) -> None:
    client.force_login(UserFactory(role="order_manager"))
    assert {client.get(reverse(f"portal:{name}")).status_code for name in LISTS} == {403}
    client.logout()
    assert {client.get(reverse(f"portal:{name}")).status_code for name in LISTS} == {302}


@pytest.mark.parametrize("path", ["orders/%00/", "services/%00/", "orders/ORD%000/sites.csv", "orders/%F0%9F%92%A9/"])
def test_a_made_up_number_is_not_found(client: Client, path: str) -> None:
    enter(client, AccountFactory())
    assert client.get(f"/portal/{path}").status_code == 404


def test_the_table_of_sites_is_a_file(client: Client, shop: Any) -> None:
    order = shop.running(sites=2)
    enter(client, shop.account)
    answer = client.get(reverse("portal:order_table", args=[order.number]))
    lines = answer.getvalue().decode("utf-8-sig").splitlines()
    assert lines[0] == "Site,Address,Stage,Promised,Works"
    assert len(lines) == 3


def test_the_signatory_signs_from_here_and_others_read_who_does(client: Client, stock: None) -> None:
    asked = portal.presented()
    client.force_login(portal.customer(asked.account))
    text = client.get(reverse("portal:home")).content.decode()
    assert "What we need from you" in text
    assert "Only they can sign it" in text
    assert client.post(reverse("portal:sign", args=[asked.pk])).status_code == 403
    client.force_login(asked.contact.user)
    assert "Read and sign" in client.get(reverse("portal:quote_list")).content.decode()
    answer = client.post(reverse("portal:sign", args=[asked.pk]))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign/")
    assert client.get(answer["Location"]).status_code == 200
    again = client.post(reverse("portal:sign", args=[asked.pk]))["Location"]
    assert client.get(answer["Location"]).status_code == client.get(again).status_code == 200
    assert signature.open(asked.token).pk == asked.pk  # the link of the mail is as good as before
    assert client.post(again, {"name": "Julia Brandt", "consent": "on"}).status_code == 302
    assert client.post(reverse("portal:sign", args=[asked.pk])).status_code == 409


def test_another_companys_request_is_not_found(client: Client, stock: None) -> None:
    asked = portal.presented()
    enter(client, AccountFactory())
    assert client.post(reverse("portal:sign", args=[asked.pk])).status_code == 404
    assert client.get(reverse("portal:sign", args=[asked.pk])).status_code == 405


@pytest.mark.parametrize("count", [1, 8])
def test_pages_ask_the_same_number_of_questions(
    client: Client, shop: Any, count: int, django_assert_max_num_queries: Any
) -> None:
    order = shop.running(sites=count)
    enter(client, shop.account)
    for url in (reverse("portal:home"), reverse("portal:order", args=[order.number]), reverse("portal:service_list")):
        with django_assert_max_num_queries(26):
            client.get(url)
