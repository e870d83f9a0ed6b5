"""T14: whose records are whose: the company's, its daughter's, another customer's; and what each role may read."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import get_resolver, reverse

from cmdb.models import Product
from contracts.models import Quote
from kernel import documents, finding, roles
from kernel.models import Comment, User
from tests.factories import portal
from tests.factories.crm import AccountFactory
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
STAFF = [role for role in roles.ROLES if role != "customer"]
LISTS = ("home", "order_list", "service_list", "quote_list", "document_list", "people")


@pytest.fixture
def company(settings: LazySettings, tmp_path: Path) -> Any:
    """A shop's customer with a running order, a paper for the customer, one that is not, and a word among us."""
    settings.MEDIA_ROOT = str(tmp_path)
    shop = portal.shop()
    order = shop.running(sites=1)
    paper = documents.store(
        order, kind="order", name="ours.pdf", content=b"%PDF-1.7", content_type="application/pdf", by=None,
        customer_may_see=True,
    )  # fmt: skip
    hidden = documents.store(
        order, kind="design", name="inner.pdf", content=b"%PDF-1.7", content_type="application/pdf", by=None
    )
    Comment.objects.create(subject_type="orders.order", subject_id=order.pk, author=shop.agent, text="margin is thin")
    shop.order, shop.paper, shop.hidden = order, paper, hidden
    shop.product = Product.objects.get(order_number=order.number)
    return shop


def _addresses(company: Any) -> dict[str, list[Any]]:
    """Every address of the portal that names a record, with a key of the company's."""
    values = {
        "portal:order": [company.order.number], "portal:order_table": [company.order.number],
        "portal:quote": [company.order.quote.number, company.order.quote.version],
        "portal:service": [company.product.number], "document": [company.paper.pk],
        "documents": ["orders.order", company.order.pk],
    }  # fmt: skip
    portal_urls = next(entry for entry in get_resolver().url_patterns if getattr(entry, "namespace", "") == "portal")
    named = {f"portal:{entry.name}" for entry in portal_urls.url_patterns if entry.pattern.converters}
    people = {"portal:person_role", "portal:person_in", "portal:person_out"}
    elsewhere = {"portal:sign", "portal:offering", "portal:cart_out"} | people  # trials of signing, shopping, log-ins
    assert named - set(values) <= elsewhere, "an address of the portal without a record in this trial"
    return values


def _status(client: Client, url: str) -> int:
    answer: Any = client.get(url)
    assert answer.content if not answer.streaming else b"".join(answer.streaming_content)
    return int(answer.status_code)


def test_a_company_reaches_its_own_records_and_nobody_elses(client: Client, company: Any) -> None:
    own, daughter = portal.customer(company.account), portal.customer(AccountFactory(parent=company.account))
    other = portal.customer(AccountFactory())
    secrets = (company.order.number, company.product.number, "ours.pdf", company.contact.email)
    for person, expected in ((own, 200), (daughter, 404), (other, 404)):
        client.force_login(person)
        for name, args in _addresses(company).items():
            assert _status(client, reverse(name, args=args)) == expected, (person, name)
        assert client.get(reverse("document", args=[company.hidden.pk])).status_code == 404
        text = "".join(client.get(reverse(f"portal:{name}"), {"q": "ORD"}).content.decode() for name in LISTS)
        assert any(secret in text for secret in secrets) == (expected == 200)
        assert "inner.pdf" not in text
        assert "margin is thin" not in text


def test_a_page_of_any_record_opens_for_who_may_see_the_record_only(client: Client, company: Any) -> None:
    quote = Quote.objects.get(pk=company.order.quote_id)
    for role in STAFF:
        person: User = UserFactory(role=role)
        client.force_login(person)
        for record in (company.order, quote, company.account):
            label = record._meta.label_lower
            right = f"{label.split('.')[0]}.view_{record._meta.model_name}"
            expected = 200 if person.has_perm(right) else 404
            for name in ("activity", "documents"):
                url = reverse(name, args=[label, record.pk])
                assert client.get(url).status_code == expected, (role, url)
            move = reverse("move", args=[record._meta.label_lower, record.pk])
            assert client.post(move, {"move": "__init__"}).status_code in (
                (409, 403, 422) if expected == 200 else (404,)
            )
        found = {kind.name for kind, _ in finding.find(person, company.order.number)}
        assert bool(found) <= person.has_perm("orders.view_order"), (role, found)


def test_the_administration_is_for_staff(client: Client) -> None:
    for role in roles.ROLES:
        client.force_login(UserFactory(role=role))
        assert client.get("/admin/").status_code == 302
        assert client.get("/admin/kernel/user/").status_code == 302
