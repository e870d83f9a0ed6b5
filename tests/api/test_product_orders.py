"""TMF622: orders of other systems, by the acts of the screens."""

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from catalog.models import DecompositionRule
from cmdb.models import Product, Service
from contracts.models import Quote
from crm.models import Account
from kernel.models import ApiCall, AuditEntry
from orders import submission
from orders.models import Order
from tests.api.published import require_published
from tests.factories.apis import System
from tests.factories.crm import AccountFactory, BillingProfileFactory, ContactFactory, SiteFactory
from tests.factories.orders import Shop, finish

pytestmark = pytest.mark.django_db
PATH = "productOrderingManagement/v4/productOrder"
CANCEL = "productOrderingManagement/v4/cancelProductOrder"


def body(account: Account, *, sites: int = 1, **more: Any) -> dict[str, Any]:
    """An order of dedicated internet at some new sites."""
    return {
        "externalId": "PO-17", "description": "Two lines",
        "relatedParty": [{"id": account.number, "role": "customer", "@referredType": "Customer"}],
        "productOrderItem": [
            {
                "id": f"i{n}", "action": "add", "quantity": 1, "productOffering": {"id": "t-internet"},
                "product": {
                    "productCharacteristic": [{"name": "speed", "value": 100}],
                    "place": [{"id": str(SiteFactory(account=account).pk), "role": "installationSite"}],
                },
            }
            for n in range(sites)
        ],
    } | more  # fmt: skip


def test_an_order_is_created_submitted_and_delivered() -> None:
    shop, system = Shop(), System()
    made = system.post(PATH, body(shop.account, sites=2))

    assert made.status_code == 201, made.content
    order = made.json()
    require_published("TMF622", "ProductOrder", order)
    assert order["href"] == made["Location"] == f"http://testserver/tmf-api/{PATH}/{order['id']}"
    assert (order["state"], order["externalId"]) == ("acknowledged", "PO-17")
    assert [item["id"] for item in order["productOrderItem"]] == ["i0", "i1"]
    kept = Order.objects.get(number=order["id"])
    assert (kept.channel, kept.state, kept.monthly) == ("api", "submitted", kept.monthly)
    assert ApiCall.objects.get().user == system.user
    finish()
    assert system.get(f"{PATH}/{order['id']}").json()["state"] in ("inProgress", "acknowledged", "completed")


def test_an_order_costs_as_many_queries_whatever_its_size_and_is_shown_as_it_is_kept() -> None:
    """Products that are changed, rested and ended beside new ones; the answer is what a later reading shows."""
    shop, system = Shop(), System()
    DecompositionRule.objects.filter(key="t-access-t-optimiser").delete()
    queries, made = [], []
    for sites in (1, 1, 8):
        sent = body(shop.account, sites=sites, note=[{"text": "Ring twice"}])
        with CaptureQueriesContext(connection) as seen:
            made.append(system.post(PATH, sent))
        queries.append(len(seen))
    assert queries[1] == queries[2] <= 27, queries
    trail = AuditEntry.objects.filter(request_id=ApiCall.objects.latest("pk").request_id).order_by("pk")
    assert list(trail.values_list("action", flat=True)) == ["captured", "submit", *["acknowledge"] * 8]
    assert ApiCall.objects.count() == 3
    finish()
    numbers = list(Product.objects.filter(state="active").order_by("pk").values_list("number", flat=True)[:3])
    asked: list[dict[str, Any]] = [
        {"id": "a", "action": "modify", "product": {
            "id": numbers[0], "productCharacteristic": [{"name": "speed", "value": 500}]}},
        {"id": "b", "action": "modify", "product": {"id": numbers[1], "status": "suspended"}},
        {"id": "c", "action": "delete", "product": {"id": numbers[2]}},
    ]  # fmt: skip
    changing = system.post(PATH, body(shop.account) | {"productOrderItem": asked})
    assert changing.status_code == 201, changing.content
    for answer in (changing, system.post(PATH, body(shop.account, sites=2))):
        later = system.get(answer["Location"])
        assert (later.json(), later["ETag"]) == (answer.json(), answer["ETag"])


def test_every_problem_is_named_at_its_place_and_nothing_is_kept() -> None:
    shop, system = Shop(), System()
    other = SiteFactory(account=AccountFactory())
    wrong = body(shop.account, sites=3)
    items = wrong["productOrderItem"]
    items[0]["productOffering"]["id"] = "nothing-of-the-kind"
    items[1]["product"]["place"][0]["id"] = str(other.pk)
    items[2]["quantity"] = 0
    answer = system.post(PATH, wrong)

    assert answer.status_code == 400
    require_published("TMF622", "Error", answer.json())
    assert {e["path"] for e in answer.json()["errors"]} == {
        "$.productOrderItem[0].productOffering.id", "$.productOrderItem[1].product.place[0].id",
        "$.productOrderItem[2].quantity",
    }  # fmt: skip
    late = body(shop.account, requestedCompletionDate="2020-01-01T00:00:00Z")
    late["productOrderItem"][0]["product"]["productCharacteristic"][0]["value"] = 5
    answer = system.post(PATH, late)
    assert {e["path"] for e in answer.json()["errors"]} == {
        "$.requestedCompletionDate", "$.productOrderItem[0].product.productCharacteristic[speed].value",
    }  # fmt: skip
    assert not Order.objects.exists()


def test_items_relate_to_items_of_the_order_and_in_no_circle_and_have_one_place() -> None:
    shop, system = Shop(), System()

    def related(*others: str) -> Any:
        sent = body(shop.account, sites=3)
        for item, other in zip(sent["productOrderItem"], others, strict=False):
            item["productOrderItemRelationship"] = [{"id": other, "relationshipType": "reliesOn"}]
        return system.post(PATH, sent)

    relation = "productOrderItemRelationship"
    for others, where in (
        (("i9",), {f"[0].{relation}[0]"}), (("i0",), {f"[0].{relation}"}),
        (("i1", "i2", "i0"), {f"[{n}].{relation}" for n in range(3)}),
    ):  # fmt: skip
        answer = related(*others)
        assert answer.status_code == 400, answer.content
        require_published("TMF622", "Error", answer.json())
        assert {e["path"].removeprefix("$.productOrderItem") for e in answer.json()["errors"]} == where
    twice = body(shop.account)
    twice["productOrderItem"][0]["product"]["place"] *= 2
    answer = system.post(PATH, twice)
    assert [e["path"] for e in answer.json()["errors"]] == ["$.productOrderItem[0].product.place[1]"]
    assert not Order.objects.exists()
    assert related("i1", "i2").status_code == 201


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        (b'{"productOrderItem": [', "line 1, column 23"),
        (b"[]", "$"),
        ({}, "$.productOrderItem"),
        ({"productOrderItem": []}, "$.productOrderItem"),
        ({"productOrderItem": [{"action": "add"}]}, "$.productOrderItem[0].id"),
        ({"productOrderItem": [{"id": "1", "action": "explode"}]}, "$.productOrderItem[0].action"),
        ({"productOrderItem": [{"id": 1, "action": "add"}]}, "$.productOrderItem[0].id"),
        ({"productOrderItem": [{"id": "1", "action": "add"}], "nonsense": 1}, "$.nonsense"),
        ({"productOrderItem": [{"id": "a\u0000", "action": "add"}]}, "$.productOrderItem[0].id"),
    ],
)
def test_a_body_that_is_not_as_published_is_refused_with_its_path(sent: Any, path: str) -> None:
    answer = System().post(PATH, sent)

    assert answer.status_code == 400
    assert path in [e["path"] for e in answer.json()["errors"]]
    assert answer.json()["code"] == "invalidRequest"


def test_a_partner_orders_for_itself_and_sees_nothing_else() -> None:
    shop = Shop()
    stranger = AccountFactory()
    BillingProfileFactory(account=stranger)
    ContactFactory(account=stranger)
    partner, agent = System(account=stranger), System()
    theirs = agent.post(PATH, body(shop.account)).json()
    own = partner.post(PATH, body(stranger)).json()

    assert [one["id"] for one in partner.get(PATH).json()] == [own["id"]]
    assert partner.get(f"{PATH}/{theirs['id']}").status_code == 404
    assert partner.patch(f"{PATH}/{theirs['id']}", {"description": "x"}).status_code == 404
    assert partner.get(f"{PATH}?relatedParty.id={shop.account.number}").json() == []
    assert partner.post(PATH, body(shop.account)).status_code == 400
    assert partner.post(CANCEL, {"productOrder": {"id": theirs["id"]}}).status_code == 400
    foreign = body(stranger)
    foreign["productOrderItem"][0]["product"]["place"][0]["id"] = str(SiteFactory(account=shop.account).pk)
    assert partner.post(PATH, foreign).status_code == 400
    done = partner.post(CANCEL, {"productOrder": {"id": own["id"]}, "cancellationReason": "No longer"})
    assert done.status_code in (201, 409), done.content


def test_the_same_key_is_one_order_another_body_is_refused() -> None:
    shop, system = Shop(), System()
    sent = body(shop.account)
    first = system.post(PATH, sent, **{"Idempotency-Key": "k1"})
    again = system.post(PATH, sent, **{"Idempotency-Key": "k1"})

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again["Location"] == first["Location"]
    assert again["Idempotent-Replayed"] == "true"
    assert system.post(PATH, sent | {"description": "Other"}, **{"Idempotency-Key": "k1"}).status_code == 422
    assert system.post(PATH, {"productOrderItem": []}, **{"Idempotency-Key": "k2"}).status_code == 400
    assert system.post(PATH, sent, **{"Idempotency-Key": "k2"}).status_code == 201
    assert Order.objects.count() == 2


def test_what_broke_in_the_middle_leaves_its_key_free(monkeypatch: pytest.MonkeyPatch) -> None:
    shop, system = Shop(), System()
    sent, real = body(shop.account), submission.submit_new
    with monkeypatch.context() as broken:
        broken.setattr(submission, "submit_new", lambda *told, **more: real(*told, **more) or 1 // 0)
        assert system.post(PATH, sent, **{"Idempotency-Key": "k-1"}).status_code == 500
    assert not Order.objects.exists()
    for _ in range(2):
        assert system.post(PATH, sent, **{"Idempotency-Key": "k-1"}).status_code == 201
    assert Order.objects.count() == 1


def storm(call: Callable[[int], Any], times: int = 50) -> list[Any]:
    """What is answered to so many calls at once."""
    answers: list[Any] = []

    def run(number: int) -> None:
        try:
            answers.append(call(number))
        finally:
            connection.close()

    callers = [threading.Thread(target=run, args=(number,)) for number in range(times)]
    for one in callers:
        one.start()
    for one in callers:
        one.join()
    return answers


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_fifty_at_once_are_one_order() -> None:
    shop, system = Shop(), System()
    sent = body(shop.account)
    answers = storm(lambda _: system.post(PATH, sent, **{"Idempotency-Key": "storm"}))

    assert {a.status_code for a in answers} == {201}
    assert len({a.content for a in answers}) == 1
    assert Order.objects.count() == 1

    quote, screen = shop.quote(sites=2), Client()
    screen.force_login(shop.agent)
    sold, button = of_quote(quote), reverse("orders:from_quote", args=[quote.pk])
    answers = storm(lambda number: system.post(PATH, sold) if number % 2 else screen.post(button))

    order = Order.objects.get(quote=quote)
    assert {a["Location"].rstrip("/").rpartition("/")[2] for a in answers} == {order.number}
    assert {a.status_code for a in answers} == {201, 302}
    assert order.state == "submitted"
    assert order.lines.count() == quote.lines.count()


def of_quote(quote: Quote) -> dict[str, Any]:
    """The order of everything in an accepted quote."""
    return {
        "quote": [{"id": f"{quote.number}-{quote.version}"}],
        "relatedParty": [{"id": quote.account.number, "role": "customer", "@referredType": "Customer"}],
        "productOrderItem": [
            {"id": str(n), "action": "add", "quoteItem": {"id": str(line.key), "quoteId": "x"}}
            for n, line in enumerate(quote.lines.all())
        ],
    }


def test_the_order_of_a_quote_is_made_once_however_often_it_is_asked_for() -> None:
    shop, system = Shop(), System()
    quote = shop.quote(sites=2)
    sent = of_quote(quote)
    first, again = system.post(PATH, sent), system.post(PATH, sent)

    assert (first.status_code, again.status_code) == (201, 201), first.content
    assert first.json()["id"] == again.json()["id"]
    sent["productOrderItem"][0]["quoteItem"]["id"] = "another"
    assert system.post(PATH, sent).status_code == 400


def test_what_the_state_allows_is_patched_and_the_rest_is_a_conflict() -> None:
    shop, system = Shop(), System()
    made = system.post(PATH, body(shop.account))
    where = made["Location"]
    later = (timezone.localdate() + dt.timedelta(days=90)).isoformat()
    done = system.patch(where, {"description": "Renamed", "requestedCompletionDate": f"{later}T00:00:00Z"})

    assert done.status_code == 200, done.content
    assert done.json()["description"] == "Renamed"
    assert done.json()["requestedCompletionDate"].startswith(later)
    assert system.patch(where, {"description": "Lost"}, **{"If-Match": made["ETag"]}).status_code == 412
    assert system.patch(where, {"description": "Kept"}, **{"If-Match": f"W/{done['ETag']}"}).status_code == 200
    assert system.patch(where, {"state": "completed"}).status_code == 409
    assert system.patch(where, {"productOrderItem": [{"id": "9", "action": "add"}]}).status_code == 409
    assert system.patch(where, {"id": "ORD1"}).status_code == 400
    assert system.patch(where, {"priority": 7}).status_code == 400
    assert system.delete(where).status_code == 501


def test_an_order_is_cancelled_by_a_request_of_its_own() -> None:
    shop, system = Shop(), System()
    order = shop.running()
    answer = system.post(CANCEL, {"productOrder": {"id": order.number}, "cancellationReason": "Moved away"})

    assert answer.status_code == 201, answer.content
    require_published("TMF622", "CancelProductOrder", answer.json())
    shown = system.get(answer["Location"]).json()
    assert (shown["state"], shown["cancellationReason"]) == ("done", "Moved away")
    assert system.get(f"{PATH}/{order.number}").json()["state"] == "cancelled"
    assert system.post(CANCEL, {"productOrder": {"id": order.number}}).status_code == 409


def _changing(account: Account, product: Product, *below: dict[str, Any], **product_says: Any) -> dict[str, Any]:
    """An order that changes one installed product, with items below the one that does."""
    item = {"id": "c1", "action": "modify", "product": {"id": product.number} | product_says,
            "productOrderItem": list(below)}  # fmt: skip
    return body(account) | {"productOrderItem": [item]}


def test_fewer_parts_are_named_below_the_item_and_the_refusal_says_which_there_are() -> None:
    shop, system = Shop(), System()
    DecompositionRule.objects.filter(key="t-access-t-optimiser").delete()
    shop.running(values={"access_pairs": 2})
    finish()
    product = Product.objects.get()
    fewer = {"productCharacteristic": [{"name": "access_pairs", "value": 1}]}
    answer = system.post(PATH, _changing(shop.account, product, **fewer))
    assert answer.status_code == 400
    assert {e["path"] for e in answer.json()["errors"]} == {"$.productOrderItem[0].productOrderItem"}
    parts = list(Service.objects.filter(specification__key="t-fibre").order_by("pk").values_list("number", flat=True))
    assert all(number in answer.content.decode() for number in parts)

    going = {"id": "c2", "action": "delete", "product": {"id": parts[0]}}
    made = system.post(PATH, _changing(shop.account, product, going, **fewer))
    assert made.status_code == 201, made.content
    finish()
    assert Order.objects.get(number=made.json()["id"]).state == "completed"
    assert Service.objects.get(number=parts[0]).state == "terminated"
    assert Service.objects.get(number=parts[1]).state == "active"

    rests = system.post(PATH, _changing(shop.account, product, status="suspended"))
    assert (rests.status_code, rests.json()["productOrderItem"][0]["product"]["status"]) == (201, "suspended")
    require_published("TMF622", "ProductOrder", rests.json())
    again = system.post(PATH, _changing(shop.account, product, status="suspended"))
    assert again.status_code == 409
    finish()
    assert Product.objects.get(pk=product.pk).state == "suspended"
    assert system.post(PATH, _changing(shop.account, product, status="suspended")).status_code == 400
    assert system.post(PATH, _changing(shop.account, product, status="active")).status_code == 201
    finish()
    assert Product.objects.get(pk=product.pk).state == "active"
