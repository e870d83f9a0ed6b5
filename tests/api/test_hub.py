"""Hubs: other systems hear of what changes, signed, once more when they fail, never inside our own network."""

import datetime as dt
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cmdb import alteration
from cmdb.alteration import Altered
from kernel import announcing, audit, outbox
from kernel.models import ApiCall, Delivery, Notification, Subscription
from kernel.rest import notices, outward, sending
from kernel.rest.outward import NotAllowed
from tests.api.test_product_orders import CANCEL, PATH, body
from tests.factories import cmdb
from tests.factories.apis import System
from tests.factories.crm import AccountFactory, SiteFactory
from tests.factories.orders import Shop, finish
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
HUB = "productOrderingManagement/v4/hub"
PRIVATE = """
127.0.0.1 127.1 0.0.0.0 0 2130706433 0x7f000001 0x7f.1 017700000001 10.0.0.1 10.255.255.255 172.16.0.1
172.31.255.254 192.168.0.1 192.168.255.255 169.254.169.254 169.254.0.1 100.64.0.1 100.127.255.254 192.0.0.1
192.0.2.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1
255.255.255.255 [::1] [::] [::ffff:127.0.0.1] [::ffff:10.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [fe80::1]
[fc00::1] [fd12:3456::1] [ff02::1] [2001:db8::1] [2002:7f00:1::] [2002:a00:1::] [64:ff9b::7f00:1]
[64:ff9b::a00:1] [64:ff9b:1::1] [2001::1] [100::1] localhost 127.0.0.2 127.255.255.254
1.0.0.127.in-addr.invalid@127.0.0.1 user:pw@10.0.0.1 [::ffff:192.168.1.1] [::ffff:169.254.169.254] 0177.0.0.1
0x7f.0x0.0x0.0x1 172.20.10.1 127.0.1
"""


class Listener:
    """A system that takes notifications, answering what it is told to."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answer = 204
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                text = self.rfile.read(int(self.headers["Content-Length"]))
                outer.heard.append(({k.lower(): v for k, v in self.headers.items()}, text))
                self.send_response(outer.answer)
                if outer.answer == 302:
                    self.send_header("Location", outer.url + "elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def listener(settings: Any) -> Iterator[Listener]:
    settings.HUB_ALLOW_PRIVATE = True
    made = Listener()
    yield made
    made.stop()


def subscribed(system: System, listener: Listener, query: str = "") -> Any:
    answer = system.post(HUB, {"callback": listener.url, "query": query})
    assert answer.status_code == 201, answer.content
    return answer


def test_a_listener_hears_of_an_order_from_its_birth_to_its_end(listener: Listener) -> None:
    shop, system = Shop(), System()
    made = subscribed(system, listener)
    number = system.post(PATH, body(shop.account)).json()["id"]
    finish()
    system.patch(f"{PATH}/{number}", {"externalId": "PO-18"})
    system.post(CANCEL, {"productOrder": {"id": number}})
    outbox.drain()
    assert sending.send_due() >= 3

    assert made["Location"].endswith(made.json()["id"])
    events = {delivery.event_type for delivery in Delivery.objects.exclude(done_at=None)}
    assert {"ProductOrderCreateEvent", "ProductOrderAttributeValueChangeEvent"} <= events
    headers, text = listener.heard[0]
    told = Delivery.objects.get(event_id=headers["x-trunkline-event"])
    assert told.body.encode() == text
    stamp = headers["x-trunkline-timestamp"]
    assert headers["x-trunkline-signature"] == sending.sign(made["X-Hub-Secret"], stamp, text)
    assert sending.send_due() == 0
    assert system.delete(f"{HUB}/{made.json()['id']}").status_code == 204
    assert system.delete(f"{HUB}/{made.json()['id']}").status_code == 404


def test_values_that_an_order_writes_on_products_are_told(listener: Listener) -> None:
    products = [cmdb.product(SiteFactory(), active=True) for _ in range(2)]
    system = System()
    system.post("productInventory/v4/hub", {"callback": listener.url})
    wanted = [Altered(one.pk, characteristics={"speed": 900}) for one in products]
    alteration.alter_products(wanted, None, because="test")
    outbox.drain()

    kinds = Delivery.objects.values_list("event_type", "subject")
    assert set(kinds) == {("ProductAttributeValueChangeEvent", one.number) for one in products}


def test_within_a_crowd_it_is_asked_once_who_listens() -> None:
    products = [cmdb.product(SiteFactory()) for _ in range(3)]
    with announcing.holding(), CaptureQueriesContext(connection) as asked:
        for one in products:
            audit.record("changed", one, by=None, changes={"quantity": [1, 2]})
    assert len(asked) == len(products) + 1


def test_a_query_and_the_account_decide_who_hears(listener: Listener) -> None:
    shop = Shop()
    system, stranger = System(), System(account=AccountFactory())
    subscribed(system, listener, "eventType=ProductOrderCreateEvent&event.productOrder.externalId=PO-9")
    subscribed(stranger, listener)
    system.post(PATH, body(shop.account))
    system.post(PATH, body(shop.account, externalId="PO-9"))
    outbox.drain()

    (only,) = Delivery.objects.select_related("subscription")
    assert (only.subscription.user, only.event_type) == (system.user, "ProductOrderCreateEvent")
    for wrong in ("nonsense", "limit=3", "state.regex=x"):
        assert system.post(HUB, {"callback": listener.url, "query": wrong}).status_code == 400


def test_what_fails_is_tried_again_for_a_day_and_then_the_listener_is_disabled(listener: Listener) -> None:
    admin = UserFactory(is_superuser=True)
    shop, system = Shop(), System()
    subscribed(system, listener, "eventType=ProductOrderCreateEvent")
    system.post(PATH, body(shop.account))
    outbox.drain()
    listener.answer = 302
    assert sending.send_due() == 1
    (delivery,) = Delivery.objects.all()
    assert (delivery.answered, delivery.attempts, delivery.done_at) == (302, 1, None)
    assert delivery.due_at > timezone.now()
    assert len(listener.heard) == 1, "a redirect is not followed"

    past = timezone.now() - dt.timedelta(days=1, hours=1)
    Delivery.objects.update(due_at=past, created_at=past)
    Subscription.objects.update(failing_since=past)
    assert sending.send_due() == 1
    assert Delivery.objects.get().given_up_at is not None
    assert Subscription.objects.get().why_disabled.endswith("It answered 302.")
    told = Notification.objects.filter(text__contains="stopped").values_list("user", "url")
    assert set(told) == {(admin.pk, "/admin/kernel/subscription/"), (system.user.pk, "/api/")}

    listener.answer = 200
    sending.enable([Subscription.objects.get().pk])
    call_command("notices", "--again", str(delivery.pk))
    assert Delivery.objects.get().done_at is not None
    assert Subscription.objects.get().failing_since is None


@pytest.mark.parametrize("host", PRIVATE.split())
def test_nothing_is_sent_into_a_private_network(host: str) -> None:
    with pytest.raises(NotAllowed):
        outward.require_allowed(f"https://{host}/")
    assert outward.post(f"https://{host}/", b"{}", {}).status == 0


def test_a_name_that_answers_otherwise_later_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    monkeypatch.setattr("socket.getaddrinfo", lambda *a, **k: [(2, 1, 6, "", (one, 443)) for one in next(answers)])
    outward.require_allowed("https://rebinding.example/")
    answer = outward.post("https://rebinding.example/", b"{}", {})

    assert (answer.status, answer.problem) == (0, "This address lies in a private network.")
    for scheme in ("http", "ftp", "file", "gopher"):
        with pytest.raises(NotAllowed):
            outward.require_allowed(f"{scheme}://93.184.216.34/")


def test_a_refusal_that_quotes_what_cannot_be_stored_is_noted_all_the_same() -> None:
    for name in ("a\x00b", "a\ud800b"):
        refused = System().post(HUB, {"callback": "https://93.184.216.34/", name: 1})
        assert refused.status_code == 400
    assert ApiCall.objects.filter(status=400).count() == 2


def test_conditions_on_events_are_read_like_filters() -> None:
    event = {"eventType": "X", "event": {"order": {"state": "held", "items": [{"n": 3}, {"n": 7}]}}}

    assert notices.matches("event.order.items.n>6", event)
    assert notices.matches("eventType=X&event.order.state=held,done", event)
    assert not notices.matches("event.order.state!=held", event)
    assert not notices.matches("event.order.missing=1", event)
