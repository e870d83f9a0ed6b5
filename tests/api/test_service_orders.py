"""TMF641: services that other order systems order by themselves, run by the engine that runs our own orders."""

import datetime as dt
import json
from typing import Any

import pytest
from django.utils import timezone

from catalog import consistency
from catalog.models import Category, DecompositionRule, Offering, Specification
from cmdb.models import Product, Resource, Service
from kernel import outbox
from kernel.models import Delivery
from orders import jeopardy
from orders.models import DomainOrder, Order
from tests.api.published import require_published
from tests.factories.apis import System
from tests.factories.crm import AccountFactory, ContactFactory, SiteFactory
from tests.factories.orders import Shop, finish

pytestmark = pytest.mark.django_db
PATH = "serviceOrdering/v4/serviceOrder"
CANCEL = "serviceOrdering/v4/cancelServiceOrder"
PRODUCTS = "productOrderingManagement/v4/productOrder"


class Wholesale(Shop):
    """A shop that also takes orders for its access service alone."""

    def __init__(self) -> None:
        super().__init__()
        self.offering = Offering.objects.create(
            key="t-wholesale", name="Wholesale access", kind="service", sellable=False, state="active",
            category=Category.objects.get(), specification=Specification.objects.get(key="t-access"),
        )  # fmt: skip
        self.system = System()

    def body(self, *, sites: int = 1, **more: Any) -> dict[str, Any]:
        """An order for the access of some new sites."""
        return {
            "externalId": "SO-1", "description": "Access for a shop",
            "relatedParty": customer(self.account),
            "serviceOrderItem": [
                {"id": f"i{n}", "action": "add", "service": {
                    "serviceSpecification": {"id": "t-access"}, "place": [place(self.account)],
                    "serviceCharacteristic": [
                        {"name": "speed", "value": 100}, {"name": "routing", "value": "BGP"},
                        {"name": "access_pairs", "value": 2}, {"name": "pop_found", "value": "FRA1"}],
                }}
                for n in range(sites)
            ],
        } | more  # fmt: skip

    def built(self) -> Service:
        """A service that was ordered by itself and works."""
        DecompositionRule.objects.filter(key="t-access-t-optimiser").delete()
        self.system.post(PATH, self.body())
        finish()
        return Service.objects.get(specification__key="t-access")

    def change(self, service: Service, *ending: str, **says: Any) -> Any:
        """The answer to a change of it with the parts that end; an order that was taken is done then."""
        below = [{"id": f"e{n}", "action": "delete", "service": {"id": number}} for n, number in enumerate(ending)]
        about = {"id": service.number} | says
        item = {"id": "1", "action": "modify", "service": about, "serviceOrderItem": below}
        answer = self.system.post(PATH, self.body(serviceOrderItem=[item]))
        if answer.status_code == 201:
            require_published("TMF641", "ServiceOrder", answer.json())
            finish()
            assert self.system.get(answer["Location"]).json()["state"] == "completed"
        return answer

    def item(self, action: str, service: str, **values: Any) -> dict[str, Any]:
        """An order that changes or ends a service."""
        told = [{"name": name, "value": value} for name, value in values.items()]
        item = {"id": "1", "action": action, "service": {"id": service, "serviceCharacteristic": told}}
        return self.body(serviceOrderItem=[item])


def customer(account: Any) -> list[dict[str, str]]:
    """For whom something is ordered."""
    return [{"id": account.number, "role": "customer", "@type": "RelatedParty", "@referredType": "Customer"}]


def place(account: Any) -> dict[str, str]:
    """A new site as a place."""
    return {"id": str(SiteFactory(account=account).pk), "role": "installationSite", "@referredType": "GeographicSite"}


def test_a_service_is_ordered_changed_and_ended_by_itself() -> None:
    shop = Wholesale()
    made = shop.system.post(PATH, shop.body())

    assert made.status_code == 201, made.content
    require_published("TMF641", "ServiceOrder", made.json())
    finish()
    done = shop.system.get(made["Location"]).json()
    require_published("TMF641", "ServiceOrder", done)
    assert done["state"] == "completed", done
    service = Service.objects.get(specification__key="t-access")
    assert done["serviceOrderItem"][0]["service"]["id"] == service.number
    assert (service.state, service.on_its_own, service.characteristics["speed"]) == ("active", True, 100)
    assert sorted(Service.objects.values_list("specification__key", flat=True)) == [
        "t-access", "t-bgp", "t-fibre", "t-fibre", "t-optimiser",
    ]  # fmt: skip
    order = Order.objects.get(number=done["id"])
    assert order.channel == "service"
    assert order.monthly == 0
    assert order.domain_orders.get(depth=0).kind == DomainOrder.Kind.CFS
    assert not Product.objects.exists()

    changed = shop.system.post(PATH, shop.item("modify", service.number, speed=500, access_pairs=1, routing="static"))
    assert changed.status_code == 400, changed.content  # which of the two fibres ends is not said
    changed = shop.system.post(PATH, shop.item("modify", service.number, speed=500, routing="static"))
    assert changed.status_code == 201, changed.content
    finish()
    assert shop.system.get(changed["Location"]).json()["state"] == "completed"
    assert Service.objects.get(pk=service.pk).characteristics["speed"] == 500
    assert Service.objects.get(specification__key="t-bgp").state == "terminated"

    ended = shop.system.post(PATH, shop.item("delete", service.number))
    assert ended.status_code == 201, ended.content
    finish()
    assert shop.system.get(ended["Location"]).json()["state"] == "completed"
    assert set(Service.objects.values_list("state", flat=True)) == {"terminated"}
    assert set(Resource.objects.values_list("state", flat=True)) == {"retired"}
    again = shop.system.post(PATH, shop.item("modify", service.number, speed=20))
    assert again.status_code == 400
    assert again.json()["errors"][0]["path"] == "$.serviceOrderItem[0].service.id"


def test_a_service_rests_works_again_and_ends_while_it_rests() -> None:
    shop = Wholesale()
    service = shop.built()
    faster = [{"name": "speed", "value": 500}]

    both = shop.change(service, state="inactive", serviceCharacteristic=faster)
    assert (both.status_code, both.json()["errors"][0]["path"]) == (400, "$.serviceOrderItem[0].service.state")
    assert shop.change(service, state="inactive").status_code == 201
    assert set(Service.objects.values_list("state", flat=True)) == {"inactive"}
    for refused in ({"state": "inactive"}, {"serviceCharacteristic": faster}):
        answer = shop.change(service, **refused)
        assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, "$.serviceOrderItem[0].service.id")
    assert shop.change(service, state="active").status_code == 201
    assert set(Service.objects.values_list("state", flat=True)) == {"active"}
    assert shop.change(service, state="inactive").status_code == 201
    assert shop.system.post(PATH, shop.item("delete", service.number)).status_code == 201
    finish()
    assert set(Service.objects.values_list("state", flat=True)) == {"terminated"}


def test_a_change_of_a_service_names_which_end_goes() -> None:
    shop = Wholesale()
    service = shop.built()
    fewer = [{"name": "access_pairs", "value": 1}]
    ends = list(Service.objects.filter(specification__key="t-fibre").order_by("pk").values_list("number", flat=True))

    for named in ([], [service.number], [ends[0], "RES404"]):
        answer = shop.change(service, *named, serviceCharacteristic=fewer)
        path = "$.serviceOrderItem[0].serviceOrderItem"
        assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, path), answer.content
    assert shop.change(service, ends[0], serviceCharacteristic=fewer).status_code == 201
    assert [Service.objects.get(number=number).state for number in ends] == ["terminated", "active"]


def test_product_and_service_orders_are_kept_apart() -> None:
    shop = Wholesale()
    service = shop.system.post(PATH, shop.body()).json()
    product = shop.running()

    assert [one["id"] for one in shop.system.get(PATH).json()] == [service["id"]]
    assert [one["id"] for one in shop.system.get(PRODUCTS).json()] == [product.number]
    assert shop.system.get(f"{PRODUCTS}/{service['id']}").status_code == 404
    assert shop.system.get(f"{PATH}/{product.number}").status_code == 404
    assert shop.system.post(CANCEL, {"serviceOrder": {"id": product.number}}).status_code == 400
    offered = shop.system.post(PRODUCTS, {"relatedParty": shop.body()["relatedParty"], "productOrderItem": [
        {"id": "1", "action": "add", "productOffering": {"id": "t-wholesale"}, "product": {}},
    ]})  # fmt: skip
    assert offered.status_code == 400


def test_every_problem_is_named_at_its_place_and_nothing_is_kept() -> None:
    shop = Wholesale()
    wrong = shop.body(sites=4)
    items = wrong["serviceOrderItem"]
    items[0]["service"]["serviceSpecification"]["id"] = "t-fibre"
    items[1]["service"]["place"][0]["id"] = str(SiteFactory(account=AccountFactory()).pk)
    items[2]["quantity"] = 3
    items[3] = {"id": "i3", "action": "delete", "service": {"id": "SRV404"}}
    answer = shop.system.post(PATH, wrong)

    assert answer.status_code == 400
    require_published("TMF641", "Error", answer.json())
    assert {e["path"] for e in answer.json()["errors"]} == {
        "$.serviceOrderItem[0].service.serviceSpecification.id", "$.serviceOrderItem[1].service.place[0].id",
        "$.serviceOrderItem[2].quantity", "$.serviceOrderItem[3].service.id",
    }  # fmt: skip
    wrong = shop.body()
    wrong["serviceOrderItem"][0]["service"]["serviceCharacteristic"] = [{"name": "speed", "value": "fast"}]
    answer = shop.system.post(PATH, wrong)
    place = "$.serviceOrderItem[0].service.serviceCharacteristic[speed].value"
    assert [e["path"] for e in answer.json()["errors"]] == [place]
    assert not Order.objects.exists()


def test_another_customer_sees_and_changes_nothing() -> None:
    shop = Wholesale()
    made = shop.system.post(PATH, shop.body())
    finish()
    service = Service.objects.get(specification__key="t-access")
    stranger = AccountFactory()
    ContactFactory(account=stranger)
    partner = System(account=stranger)
    theirs = shop.body(relatedParty=customer(stranger))

    assert partner.get(PATH).json() == []
    assert partner.get(made["Location"]).status_code == 404
    assert partner.post(PATH, shop.body()).status_code == 400
    assert partner.post(PATH, theirs | shop.item("delete", service.number) | {
        "relatedParty": theirs["relatedParty"]}).status_code == 400  # fmt: skip
    assert partner.post(CANCEL, {"serviceOrder": {"id": made.json()["id"]}}).status_code == 400


def test_it_is_cancelled_by_a_request_of_its_own() -> None:
    shop = Wholesale()
    made = shop.system.post(PATH, shop.body())
    outbox.drain()
    answer = shop.system.post(CANCEL, {"serviceOrder": {"id": made.json()["id"]}, "cancellationReason": "Moved away"})

    assert answer.status_code == 201, answer.content
    require_published("TMF641", "CancelServiceOrder", answer.json())
    assert shop.system.get(made["Location"]).json()["state"] == "cancelled"
    assert shop.system.get(CANCEL).json()[0]["serviceOrder"]["id"] == made.json()["id"]


def test_milestones_are_shown_and_told(settings: Any) -> None:
    settings.HUB_ALLOW_PRIVATE = True
    shop = Wholesale()
    shop.plan("t-bgp", "session", kind="milestone")
    hub = shop.system.post("serviceOrdering/v4/hub", {"callback": "http://127.0.0.1:9/"})
    assert hub.status_code == 201, hub.content
    made = shop.system.post(PATH, shop.body())
    finish()

    shown = shop.system.get(made["Location"]).json()
    assert [(one["name"], one["status"]) for one in shown["milestone"]] == [("Session", "achieved")]
    outbox.drain()
    kinds = set(Delivery.objects.values_list("event_type", flat=True))
    assert kinds >= {"ServiceOrderCreateEvent", "ServiceOrderStateChangeEvent", "ServiceOrderMilestoneEvent"}, kinds


def test_danger_is_shown_and_told(settings: Any) -> None:
    settings.HUB_ALLOW_PRIVATE = True
    shop = Wholesale()
    shop.plan("t-bgp", "session", kind="manual")
    shop.system.post("serviceOrdering/v4/hub", {"callback": "http://127.0.0.1:9/"})
    made = shop.system.post(PATH, shop.body())
    outbox.drain()
    Order.objects.update(promised_on=timezone.localdate() - dt.timedelta(days=9))
    jeopardy.assess(order_id=Order.objects.get().pk)
    outbox.drain()

    (alert,) = shop.system.get(made["Location"]).json()["jeopardyAlert"]
    assert alert["message"]
    told = Delivery.objects.get(event_type="ServiceOrderJeopardyEvent")
    assert json.loads(told.body)["event"]["serviceOrder"]["jeopardyAlert"] == [alert]


def test_what_is_ordered_by_itself_is_a_service_and_not_for_sale() -> None:
    shop = Wholesale()
    shop.offering.sellable = True
    shop.offering.specification = Specification.objects.get(key="t-internet")

    assert consistency.of_offering(shop.offering).keys() == {"specification", "sellable"}
