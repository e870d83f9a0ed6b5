"""Partner exchange: a code pairs two sides, an offering that one publishes is ordered by the other, news flow back.

Both sides are this installation here, and calls between them go through the test client; `manage.py exchange` shows two
installations.
"""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from catalog.models import Offering
from crm import partnership, requesting, shelfreading
from crm.models import Account, Partner, PartnerRequest, Site
from crm.models.partners import PROTOCOL
from kernel import audit, documents, outbox
from kernel.models import ApiCall, User
from kernel.refusal import Conflict, NotPermitted, Refusal
from kernel.rest import outward, sending
from kernel.rest.outward import Answer
from orders import progress
from orders.models import DomainOrder, Order
from tests.factories.apis import System
from tests.factories.crm import AccountFactory, SiteFactory
from tests.factories.orders import Shop, finish
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
SELLER = "http://seller.example"
READ = "/tmf-api/productCatalogManagement/v4/productOffering"


class Line:
    """What lies between the two: calls go to this installation, unless it is down."""

    def __init__(self) -> None:
        self.is_down = False
        self.nonsense = ""  # what it answers about its catalogue and orders instead

    def send(self, method: str, url: str, body: bytes, headers: dict[str, str], *, most: int = 0) -> Answer:
        """One call."""
        if self.is_down:
            return Answer(0, problem="Nobody listens.")
        if self.nonsense and "/product" in url:
            return Answer(200, self.nonsense)
        parts = urlsplit(url)
        kind = headers.get("Content-Type", "application/json")
        passed = {name: value for name, value in headers.items() if name not in ("Host", "Content-Length")}
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        answer = Client(raise_request_exception=False).generic(method, path, body, content_type=kind, headers=passed)
        return Answer(answer.status_code, answer.content.decode())


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Line:
    settings.HUB_ALLOW_PRIVATE = True
    made = Line()
    monkeypatch.setattr(outward, "send", made.send)
    monkeypatch.setattr(outward, "post", lambda url, body, headers: made.send("POST", url, body, headers))
    return made


@pytest.fixture
def admin() -> User:
    return UserFactory(role="sales_manager")


def invited(shop: Shop, by: User, *offerings: str) -> tuple[Partner, str]:
    return partnership.invite(name="Buyer", account_id=shop.account.pk, offerings=offerings or ("t-internet",), by=by)


def joined(code: str, by: User) -> Partner:
    partner = partnership.join(name="Seller", url=SELLER, code=code, by=by)
    shelfreading.read(partner_id=partner.pk)
    requesting.listen_to(partner_id=partner.pk)
    return partner


def with_milestone() -> Shop:
    shop = Shop(plans=False)
    shop.plan("t-fibre", "dig")
    shop.plan("t-access", "access-works", waits_for="t-fibre", kind="milestone")
    return shop


def tell() -> None:
    outbox.drain()
    sending.send_due()
    requesting.ask_due()


def wait_out(line: Line, asked: PartnerRequest) -> None:
    """Nobody answers, then somebody with nonsense: the request waits, and nothing is lost."""
    line.is_down = True
    assert requesting.ask_due() == 1
    waiting = PartnerRequest.objects.get()
    assert (waiting.state, waiting.number_there, waiting.problem) == ("waiting", "", "Nobody listens.")
    line.is_down = False
    for line.nonsense in ("[1]", '{"state": "completed"}', '{"id": "1", "state": "x", "note": [3]}', '"yes"'):
        PartnerRequest.objects.update(due_at=asked.created_at)
        requesting.ask_due()
        waiting = PartnerRequest.objects.get()
        assert (waiting.state, waiting.number_there) == ("waiting", ""), line.nonsense
        assert waiting.problem
    line.nonsense = ""


def test_an_order_goes_to_the_partner_and_its_end_comes_back(line: Line, admin: User) -> None:
    shop = with_milestone()
    seller = joined(invited(shop, admin)[1], admin)
    (offering,) = seller.shelf.all()
    agent = UserFactory(role="order_agent")
    own = SiteFactory(account=AccountFactory(name="Where it is used"), code="OWN-1")

    asked = requesting.request(offering_id=offering.pk, site_id=own.pk, by=agent, values={"speed": 100})
    wait_out(line, asked)
    for _ in range(2):  # sent twice, as after a crash before it was noted: taken once
        PartnerRequest.objects.update(due_at=asked.created_at, number_there="")
        requesting.ask_due()

    order = Order.objects.get()
    taken = PartnerRequest.objects.get()
    assert (taken.number_there, taken.state, taken.problem) == (order.number, "acknowledged", "")
    assert (order.channel, order.their_reference, order.account) == ("partner", asked.number, shop.account)
    assert Site.objects.filter(account=shop.account, code="OWN-1", name=own.name).count() == 1
    tell()
    access = DomainOrder.objects.get(order=order, specification__key="t-access")
    progress.values_supplied(values={access.pk: {"pop_found": "RTM2"}})
    finish()
    tell()
    done = PartnerRequest.objects.get()
    assert (Order.objects.get().state, done.state, done.due_at) == ("completed", "completed", None)
    assert done.expected_on is not None
    assert [one["text"].partition(",")[0] for one in done.milestones] == ["Access-works"]
    calls = ApiCall.objects.filter(by="Buyer", method="POST", path__endswith="/productOrder")
    assert sorted(calls.values_list("status", flat=True)) == [201, 201]
    client = Client()
    client.force_login(agent)
    assert done.number_there in client.get(done.get_absolute_url()).content.decode()


def test_documents_for_the_customer_come_to_the_request_once(line: Line, admin: User) -> None:
    shop = Shop()
    seller = joined(invited(shop, admin)[1], admin)
    agent = UserFactory(role="order_agent")
    requesting.request(
        offering_id=seller.shelf.get().pk, site_id=SiteFactory().pk, by=agent, values={"speed": 100}
    )  # fmt: skip
    requesting.ask_due()
    order, asked = Order.objects.get(), PartnerRequest.objects.get()
    clerk = UserFactory(role="order_manager")
    for name, shared in (("letter.txt", True), ("margin.txt", False), ("photo.png", True)):
        content = b"\x89PNG\r\n\x1a\n" + b"0" * 9 if name.endswith("png") else name.encode()
        documents.upload(order, name=name, content=content, by=clerk, customer_may_see=shared)
    audit.record("document_added", order, by=clerk)
    line.is_down = True
    tell()
    assert not documents.of(asked).exists()
    line.is_down = False
    for _ in range(2):
        PartnerRequest.objects.update(due_at=asked.created_at)
        requesting.ask_due()
    kept = list(documents.of(asked).order_by("pk"))
    assert [(one.name, one.version) for one in kept] == [("letter.txt", 1), ("photo.png", 1)]
    assert [one.sha256 for one in kept] == [documents.of(order).get(name=one.name).sha256 for one in kept]

    address = reverse("orders:exchange_documents", args=[order.number])
    stranger, own = System(account=AccountFactory()), System(account=shop.account)
    version = {"X-Trunkline-Exchange": str(PROTOCOL)}
    hidden = documents.of(order).get(name="margin.txt")
    assert [one["name"] for one in own.get(address, **version).json()] == ["photo.png", "letter.txt"]
    assert own.get(f"{address}{hidden.pk}/", **version).status_code == 404
    assert own.get(address).status_code == 409
    assert own.post(address, {}, **version).status_code == 405
    assert stranger.get(address, **version).status_code == 404
    assert System(account=shop.account, only=["tmf620:read"]).get(address, **version).status_code == 403
    assert Client().get(address).status_code == 401


def test_a_partner_sees_and_orders_only_what_is_published(line: Line, admin: User) -> None:
    shop = Shop()
    buyer, code = invited(shop, admin)
    seller = joined(code, admin)
    assert Offering.objects.on_sale().count() > 1
    assert [one.key for one in seller.shelf.filter(gone_at=None)] == ["t-internet"]
    for line.nonsense in ("[3]", '{"a": 1}', "[{}]"):
        with pytest.raises(shelfreading.NotRead, match="no catalogue"):
            shelfreading.read(partner_id=seller.pk)
    line.nonsense = ""
    assert [one.key for one in seller.shelf.filter(gone_at=None)] == ["t-internet"]
    other = Offering.objects.on_sale().filter(sellable=True).exclude(key="t-internet").earliest("pk").key
    partnership.publish(partner_id=buyer.pk, offerings=[other], by=admin)
    before = seller.shelf.get(key="t-internet")
    asked = requesting.request(
        offering_id=before.pk, site_id=SiteFactory().pk, by=UserFactory(role="order_agent"), values={"speed": 100}
    )
    requesting.ask_due()
    refused = PartnerRequest.objects.get(pk=asked.pk)
    assert (refused.state, refused.due_at) == ("refused", None)
    assert "t-internet" in refused.problem
    assert not Order.objects.exists()
    shelfreading.read(partner_id=seller.pk)
    assert [one.key for one in seller.shelf.filter(gone_at=None)] == [other]
    with pytest.raises(Conflict):
        requesting.request(offering_id=before.pk, site_id=SiteFactory().pk, by=asked.asked_by, values={"speed": 100})

    partnership.end(partner_id=buyer.pk, by=admin)
    with pytest.raises(Refusal):
        shelfreading.read(partner_id=seller.pk)


def test_a_code_lets_in_once_and_versions_have_to_agree(line: Line, admin: User) -> None:
    shop = Shop(plans=False)
    _, code = invited(shop, admin)
    told = {"code": code, "url": "http://buyer.example", "secret": "s" * 40, "protocol": PROTOCOL}
    address, client = reverse("crm:exchange_pair"), Client()

    def pair(**more: Any) -> Any:
        return client.post(address, json.dumps(told | more), content_type="application/json")

    assert pair(protocol=PROTOCOL + 1).status_code == 409
    assert pair(secret="short").status_code == 400
    assert pair(code="tlx_nothing").status_code == 400
    assert pair(url=7).status_code == 400
    assert client.get(address).status_code == 405
    assert client.post(address, "{", content_type="application/json").status_code == 400
    assert pair().status_code == 201
    assert pair().status_code == 400
    line.is_down = True
    with pytest.raises(Refusal) as refused:
        partnership.join(name="Seller", url=SELLER, code=code, by=admin)
    assert set(refused.value.problems) == {"url"}
    with pytest.raises(NotPermitted):
        invited(shop, UserFactory(role="order_agent"))
    with pytest.raises(Refusal):
        invited(shop, admin, "no-such-thing")
    assert Account.objects.filter(pk=shop.account.pk).exists()


def test_pages_pair_publish_request_and_take_back(line: Line, admin: User) -> None:
    shop, client = Shop(), Client()
    client.force_login(admin)
    assert b"No partners yet" in client.get(reverse("crm:partner_list")).content
    made = client.post(
        reverse("crm:partner_invite"), {"name": "Buyer", "account": shop.account.pk, "offerings": ["t-internet"]}
    )
    code = next(word for word in made.content.decode().replace("<", " ").replace(">", " ").split() if "tlx_" in word)
    assert client.post(reverse("crm:partner_join"), {"name": "S", "url": SELLER, "code": "x"}).status_code == 422
    client.post(reverse("crm:partner_join"), {"name": "Seller", "url": SELLER, "code": code})
    seller = Partner.objects.get(side="seller")
    buyer = Partner.objects.get(side="buyer")
    assert b"Request" in client.get(seller.get_absolute_url()).content
    assert b"t-internet" in client.get(buyer.get_absolute_url()).content
    ask = reverse("crm:partner_ask", args=[seller.number, seller.shelf.get().pk])
    assert b"Speed" in client.get(ask).content
    assert client.post(ask, {"quantity": 1}).status_code == 422
    site = SiteFactory()
    client.post(ask, {"quantity": 1, "site": site.pk, "value-speed": "100"})
    asked = PartnerRequest.objects.get()
    assert client.post(reverse("crm:partner_request_cancel", args=[asked.number]), {}).status_code == 422
    client.post(reverse("crm:partner_request_cancel", args=[asked.number]), {"reason": "Site is sold"})
    assert PartnerRequest.objects.get().state == "cancelled"
    client.force_login(UserFactory(role="technician"))
    assert client.get(reverse("crm:partner_list")).status_code == 403
