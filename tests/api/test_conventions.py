"""TMF630 on every face: fields, filters, sort, pages, errors; each answer as published."""

import itertools
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from guardian.shortcuts import remove_perm

from contracts.models import Quote
from kernel.models import ApiCall
from kernel.rest import resource
from tests.api.published import require_published
from tests.factories import cmdb as inventory
from tests.factories.apis import System
from tests.factories.crm import SiteFactory
from tests.factories.orders import Shop

pytestmark = pytest.mark.django_db
EVERY = [(api.key, one.name) for api in resource.apis() for one in api.resources]
ORDERS = "productOrderingManagement/v4/productOrder"


@pytest.fixture
def system() -> System:
    return System(role="order_manager")


def grow(shop: Shop | None = None) -> Shop:
    """Something of everything: two orders, products on services, quotes."""
    shop = shop or Shop()
    shop.running(sites=1)
    shop.submitted(sites=2)
    inventory.chain(SiteFactory(account=shop.account), mark=f"M{next(_marks)}")
    return shop


_marks = itertools.count(1)


def test_every_face_lists_and_shows_what_is_published_in_a_constant_number_of_queries(system: System) -> None:
    shop = grow()
    seen: dict[str, int] = {}
    for key, name in EVERY:
        api = resource.api(key)
        one = api.resource(name) if api else None
        assert api is not None
        assert one is not None
        with CaptureQueriesContext(
            connection,
        ) as counted:
            answer = system.get(f"{api.root}{name}")
        seen[name] = len(counted)
        assert answer.status_code == 200, answer.content
        for row in answer.json():
            require_published(api.file, one.type, row)
            assert row["href"] == f"http://testserver{api.root}{name}/{row['id']}"
        if answer.json():
            last = answer.json()[-1]
            shown = system.get(last["href"])
            assert (shown.status_code, shown.json()) == (200, last)
            for mark in (shown["ETag"], f'"x", W/{shown["ETag"]}'):  # weak once a proxy or we have packed it
                assert system.get(last["href"], **{"If-None-Match": mark}).status_code == 304
            bare = system.get(f"{last['href']}?fields=none").json()
            assert set(bare) == {"id", "href", "@type"}
            assert [r["id"] for r in system.get(f"{api.root}{name}?id={last['id']}").json()] == [last["id"]]
        assert system.get(f"{api.root}{name}/nothing-like-it").status_code == 404
    grow(shop)
    for key, name in EVERY:
        with CaptureQueriesContext(connection) as counted:
            system.get(f"{resource.api(key).root}{name}")  # type: ignore[union-attr]
        assert len(counted) <= seen[name] + 1, name


def test_every_declared_filter_and_sort_is_answered(system: System) -> None:
    grow()
    for key, name in EVERY:
        api = resource.api(key)
        one = api.resource(name) if api else None
        assert api is not None
        assert one is not None
        for attribute, found in one.known.items():
            value = {"number": "1", "moment": "2026-01-01", "day": "2026-01-01", "flag": "true"}.get(found.kind, "x")
            value = next(iter(found.words)) if found.words else value
            assert system.get(f"{api.root}{name}?{attribute}={value}").status_code == 200, (name, attribute)
            if found.kind in ("number", "moment", "day") and not found.build:
                assert system.get(f"{api.root}{name}?{attribute}.gte={value}").status_code == 200, (name, attribute)
            if found.sorts:
                assert system.get(f"{api.root}{name}?sort=-{attribute}").status_code == 200, (name, attribute)


def test_filters_find_what_they_say(system: System) -> None:
    shop = Shop()
    one, two = shop.submitted(sites=1), shop.running(sites=2)

    def found(query: str) -> set[str]:
        answer = system.get(f"{ORDERS}?{query}")
        assert answer.status_code in (200, 206), answer.content
        return {row["id"] for row in answer.json()}

    assert found("state=acknowledged") == {one.number}
    assert found("state=acknowledged,inProgress") == {one.number, two.number}
    assert found("state.ne=acknowledged") == {two.number}
    assert found("productOrderItem.productOffering.id=t-internet") == {one.number, two.number}
    assert found("productOrderItem.product.productCharacteristic.value=100&state=inProgress") == {two.number}
    assert found("productOrderItem.product.productCharacteristic.name=nothing") == set()
    assert found("orderDate%3E2020-01-01T00:00:00Z") == {one.number, two.number}
    assert found("orderDate.lt=2020-01-01") == set()
    assert found(f"description.regex=^Roll&relatedParty.id={shop.account.number}") == {one.number, two.number}
    assert found('description="Roll-out"') == {one.number, two.number}
    assert found("id!=" + one.number) == {two.number}


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("nonsense=1", "nonsense"),
        ("state.between=1", "state.between"),
        ("state=blue", "state"),
        ("state.gt=held", "state.gt"),
        ("orderDate.gt=soon", "orderDate"),
        ("description.regex=(", "description"),
        ("sort=nonsense", "sort"),
        ("offset=-1", "offset"),
        ("limit=many", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("fields=nonsense", "fields"),
        ("state", "state"),
        ("description=%00", ""),
    ],
)
def test_what_cannot_be_asked_is_named(system: System, query: str, named: str) -> None:
    answer = system.get(f"{ORDERS}?{query}")

    assert answer.status_code == 400
    require_published("TMF622", "Error", answer.json())
    assert not named or named in [e["path"] for e in answer.json()["errors"]]


def test_pages_tell_where_they_stand(system: System) -> None:
    shop = Shop()
    numbers = [shop.submitted().number for _ in range(5)]
    first = system.get(f"{ORDERS}?limit=2&fields=id")

    assert (first.status_code, first["X-Total-Count"], first["X-Result-Count"]) == (206, "5", "2")
    assert 'rel="next"' in first["Link"]
    assert 'rel="prev"' not in first["Link"]
    seen, url = [row["id"] for row in first.json()], first["Link"]
    while 'rel="next"' in url:
        link = next(part for part in url.split(", ") if 'rel="next"' in part)
        answer = system.get(link[1 : link.index(">")])
        seen += [row["id"] for row in answer.json()]
        url = answer["Link"]
    assert seen == numbers
    assert [row["id"] for row in system.get(f"{ORDERS}?sort=-orderDate&limit=9").json()] == numbers[::-1]
    assert system.get(f"{ORDERS}?limit=9").status_code == 200
    assert system.get(f"{ORDERS}?offset=99").json() == []


def test_long_lists_are_read_from_their_near_end(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernel.rest.paging.EXACT", 1)
    shop = Shop()
    numbers = [shop.submitted().number for _ in range(5)]
    for offset in range(5):
        answer = system.get(f"{ORDERS}?limit=2&offset={offset}")
        assert [row["id"] for row in answer.json()] == numbers[offset : offset + 2]
        assert answer["X-Total-Count"] == "5"


def test_nobody_comes_in_without_a_token_and_its_scope() -> None:
    reader = System(only=["tmf622:read"])
    assert Client().get(f"/tmf-api/{ORDERS}")["WWW-Authenticate"].startswith("Bearer")
    assert Client(headers={"authorization": "Bearer x"}).get(f"/tmf-api/{ORDERS}").status_code == 401
    assert reader.get(ORDERS).status_code == 200
    assert reader.post(ORDERS, {}).status_code == 403
    assert reader.get("productInventory/v4/product").json()["message"].endswith("“tmf637:read”.")
    reader.user.is_active = False
    reader.user.save()
    assert reader.get(ORDERS).status_code == 401
    assert ApiCall.objects.filter(status=403).count() == 2


def test_a_client_that_calls_too_often_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    system = System()
    system.client.rate = 2
    system.client.save()
    answers = [system.get(ORDERS) for _ in range(4)]
    assert {a.status_code for a in answers} >= {429}
    late = next(a for a in answers if a.status_code == 429)
    assert 0 < int(late["Retry-After"]) <= 60
    monkeypatch.setattr("kernel.rest.access._redis", lambda: (_ for _ in ()).throw(OSError))
    assert system.get(ORDERS).status_code == 200


def test_a_token_is_issued_for_id_and_secret() -> None:
    from crm import systems

    shop = Shop()
    client, secret = systems.register(
        name="Their shop", scopes=["tmf622:read"], by=None, account_id=shop.account.pk, role=""
    )
    asked = {"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": secret}
    answer = Client().post("/oauth/token/", asked)
    assert answer.status_code == 200, answer.content
    token = answer.json()["access_token"]
    there = Client(headers={"authorization": f"Bearer {token}"})
    assert there.get(f"/tmf-api/{ORDERS}").status_code == 200
    assert there.get("/tmf-api/productInventory/v4/product").status_code == 403
    assert Client().post("/oauth/token/", asked | {"client_secret": "x"}).status_code == 401
    assert Client().post("/oauth/token/", asked | {"scope": "tmf637:read"}).status_code == 400
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM oauth2_provider_accesstoken WHERE token = %s", [token])
        assert cursor.fetchone() == (0,)


def test_what_is_not_there_is_said(system: System) -> None:
    assert system.post("productInventory/v4/product", {}).status_code == 501
    assert system.get("productCatalogManagement/v4/importJob").status_code == 501
    assert system.http.put(f"/tmf-api/{ORDERS}", "{}", content_type="application/json").status_code == 405
    assert system.get("productOrderingManagement/v4/nonsense").status_code == 404
    assert system.get("/tmf-api/nonsense/v4/x").status_code == 404
    assert system.http.post(f"/tmf-api/{ORDERS}", "<a/>", content_type="text/xml").status_code == 415
    assert system.post(ORDERS, b'{"a": "' + b"x" * 5_000_000 + b'"}').status_code == 413
    assert system.post(ORDERS, b"[" * 100_000).status_code == 400
    assert system.post(ORDERS, b"{}", **{"Transfer-Encoding": "chunked"}).status_code == 411


def test_a_customer_reads_no_cost_and_no_note_of_ours() -> None:
    shop = Shop()
    quote = shop.quote()
    Quote.objects.filter(pk=quote.pk).update(note_for_approver="our secret thought")
    theirs = System(account=shop.account)
    told: list[Any] = []
    for key, name in EVERY:
        answer = theirs.get(f"{resource.api(key).root}{name}")  # type: ignore[union-attr]
        assert answer.status_code == 200
        told.append(answer.content.decode().lower())
    said = " ".join(told)
    assert quote.number.lower() in said
    for word in ("secret thought", "margin", "cost", "credit"):
        assert word not in said


def test_a_right_that_is_taken_away_is_gone_with_the_next_call() -> None:
    shop = Shop()
    order = shop.submitted(sites=1)
    agent, partner = System(role="order_manager"), System(account=shop.account)
    path = f"{ORDERS}/{order.number}"
    assert [one.get(path).status_code for one in (agent, partner)] == [200, 200]

    agent.user.groups.clear()
    remove_perm("crm.access_account", partner.user, shop.account)
    assert [one.get(path).status_code for one in (agent, partner)] == [404, 404]
    partner.client.scopes = ["tmf620:read"]
    partner.client.save()
    assert partner.get(path).status_code == 403
    partner.user.is_active = False
    partner.user.save()
    assert partner.get(path).status_code == 401
    agent.client.is_active = False
    agent.client.save()
    assert agent.get(path).status_code == 401
