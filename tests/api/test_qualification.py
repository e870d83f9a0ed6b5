"""What can be had where, asked by other systems: TMF645 by services, TMF679 by offerings."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from catalog.models import DecompositionRule, Specification
from cmdb import feasibility
from cmdb.models import FeasibilityCheck
from kernel import lifecycle, outbox
from kernel.models import Delivery
from tests.api.published import require_published
from tests.factories import catalog
from tests.factories import contracts_quotes as make
from tests.factories.apis import System
from tests.factories.crm import AccountFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]
OFFERINGS = "productOfferingQualification/v4/productOfferingQualification"
SERVICES = "serviceQualificationManagement/v4/checkServiceQualification"
QUERIES = "serviceQualificationManagement/v4/queryServiceQualification"


@pytest.fixture(scope="module")
def catalogue(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), transaction.atomic():
        catalog.publish()
        service = Specification.objects.create(key="t-reach", kind="cfs", name="Internet access")
        for move in (Specification.to_testing, Specification.activate):
            lifecycle.move(service, move, by=None)
        rule = DecompositionRule.objects.create(
            key="t-reach",
            source=Specification.objects.get(key="dia_product"),
            target=service,
            starts_on="2020-01-01",
            published_at="2020-01-01T00:00:00Z",
        )
        lifecycle.move(rule, DecompositionRule.publish, by=None)
        yield
        transaction.set_rollback(True)


def party(account: Any) -> list[dict[str, str]]:
    return [{"id": account.number, "role": "customer", "@referredType": "Customer"}]


def asked(account: Any, *sites: Any, offering: str = "dia", **values: Any) -> dict[str, Any]:
    items = [
        {"id": f"{site.pk}", "productOffering": {"id": offering}, "product": {
            "place": [{"id": str(site.pk), "role": "installationSite"}],
            "productCharacteristic": [{"name": name, "value": value} for name, value in values.items()]}}
        for site in sites
    ]  # fmt: skip
    return {"relatedParty": party(account), "provideAlternative": True, "productOfferingQualificationItem": items}


def test_each_site_has_its_answer_with_the_reason() -> None:
    account, _ = make.customer(0)
    near, far, nowhere = (make.site(account, place) for place in (make.NEAR, make.FAR, None))
    system = System()
    listening = system.post("productOfferingQualification/v4/hub", {"callback": "https://93.184.216.34/"})
    made = system.post(OFFERINGS, asked(account, near, far, nowhere, bandwidth="500M"))
    assert (listening.status_code, made.status_code) == (201, 201), made.content
    body = made.json()
    require_published("TMF679", "ProductOfferingQualification", body)
    assert body["state"] == "inProgress", "a site without coordinates cannot be answered yet"
    results = [one.get("qualificationItemResult") for one in body["productOfferingQualificationItem"]]
    assert results == ["qualified", "qualified", None]

    wrong = system.post(OFFERINGS, asked(account, near, bandwidth="17G")).json()
    (item,) = wrong["productOfferingQualificationItem"]
    assert (wrong["qualificationResult"], item["qualificationItemResult"]) == ("unqualified", "unqualified")
    assert "bandwidth" in item["eligibilityUnavailabilityReason"][0]["label"]
    assert [row["id"] for row in system.get(f"{OFFERINGS}?{ITEM}.product.place.id={far.pk}").json()] == [body["id"]]
    assert system.get(SERVICES).json() == []
    outbox.drain()
    assert set(Delivery.objects.values_list("event_type", flat=True)) == {"ProductOfferingQualificationCreateEvent"}


ITEM = "productOfferingQualificationItem"


def test_without_items_everything_sold_at_a_place_is_qualified() -> None:
    account, _ = make.customer(0)
    site = make.site(account, make.NEAR)
    place = [{"id": str(site.pk), "role": "installationSite"}]
    system = System(account=account)
    body = system.post(OFFERINGS, {"place": place, "provideOnlyAvailable": True}).json()
    keys = {one["productOffering"]["id"] for one in body["productOfferingQualificationItem"]}
    assert {"sdwan", "dia", "firewall", "sip"} <= keys
    assert body["state"] == "done"


def test_a_service_is_qualified_by_an_offering_that_stands_on_it() -> None:
    account, _ = make.customer(0)
    near = make.site(account, make.NEAR)
    system = System(role="sales_agent")
    body = {"relatedParty": party(account), "externalId": "Q-1", "serviceQualificationItem": [{"id": "a", "service": {
        "serviceSpecification": {"id": "t-reach", "@referredType": "ServiceSpecification"},
        "place": [{"id": str(near.pk), "role": "site"}],
        "serviceCharacteristic": [{"name": "bandwidth", "value": "1G"}]}}]}  # fmt: skip
    made = system.post(SERVICES, body)
    assert made.status_code == 201, made.content
    shown = made.json()
    require_published("TMF645", "CheckServiceQualification", shown)
    assert (shown["state"], shown["qualificationResult"], shown["externalId"]) == ("done", "qualified", "Q-1")
    assert "expectedServiceAvailabilityDate" in shown["serviceQualificationItem"][0]
    assert system.get(f"{SERVICES}?externalId=Q-1").json() == [shown]
    body["serviceQualificationItem"] = [{"id": "a", "service": {"serviceSpecification": {"id": "no-such"}}}]
    refused = system.post(SERVICES, body)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["path"] == "$.serviceQualificationItem[0].service.serviceSpecification.id"


def test_what_can_be_delivered_at_a_place_is_found_by_a_query() -> None:
    account, _ = make.customer(0)
    near, lost = make.site(account, make.NEAR), make.site(account, None)
    system = System()
    system.post("serviceQualificationManagement/v4/hub", {"callback": "https://93.184.216.34/"})
    place = [{"id": str(near.pk), "role": "site"}]
    body: dict[str, Any] = {"relatedParty": party(account), "externalId": "Q-2", "searchCriteria": {"service": {
        "place": place, "serviceCharacteristic": [{"name": "bandwidth", "value": "1G"}]}}}  # fmt: skip
    made = system.post(QUERIES, body)
    assert made.status_code == 201, made.content
    shown = made.json()
    require_published("TMF645", "QueryServiceQualification", shown)
    found = [one["service"]["serviceSpecification"]["id"] for one in shown["serviceQualificationItem"]]
    assert (shown["state"], found) == ("done", ["t-reach"])
    assert shown["searchCriteria"] == body["searchCriteria"]
    assert system.get(f"{QUERIES}?externalId=Q-2").json() == [shown]
    assert system.get(SERVICES).json() == []
    body["searchCriteria"]["service"]["place"] = [{"id": str(lost.pk), "role": "site"}]
    waiting = system.post(QUERIES, body).json()
    assert waiting["state"] == "inProgress"
    assert "serviceQualificationItem" not in waiting
    outbox.drain()
    assert {*Delivery.objects.values_list("event_type", flat=True)} == {"QueryServiceQualificationCreateEvent"}


@pytest.mark.parametrize(
    ("criteria", "path"),
    [
        ({"service": {}}, "$.searchCriteria.service.place"),
        ({"service": {"place": [{"id": "999", "role": "site"}]}}, "$.searchCriteria.service.place[0].id"),
        ({"category": {"id": "1"}, "service": {}}, "$.searchCriteria.category"),
        ({"service": {"place": [{"id": "SITE", "role": "site"}], "serviceSpecification": {"id": "no-such"}}},
         "$.searchCriteria.service.serviceSpecification.id"),
    ],
)  # fmt: skip
def test_a_query_that_says_too_little_is_refused_at_its_place(criteria: dict[str, Any], path: str) -> None:
    account, _ = make.customer(0)
    told = json.loads(json.dumps(criteria).replace("SITE", str(make.site(account, make.NEAR).pk)))
    refused = System().post(QUERIES, {"relatedParty": party(account), "searchCriteria": told})
    assert refused.status_code == 400, refused.content
    assert path in [one["path"] for one in refused.json()["errors"]]


def test_a_partner_that_answers_later_closes_the_request() -> None:
    account, _ = make.customer(0)
    site = make.site(account, make.NEAR)
    check = FeasibilityCheck.objects.create(
        site=site, account=account, offering=catalog.offering("dia"), asked={"bandwidth": "500M"}, provider="p",
        next_try_at="2027-01-01T00:00:00Z",
    )  # fmt: skip
    system = System()
    system.post("productOfferingQualification/v4/hub", {"callback": "https://93.184.216.34/"})
    made = system.post(OFFERINGS, asked(account, site, bandwidth="500M")).json()
    assert made["state"] == "inProgress"
    feasibility.answered_by_partner(check_id=check.pk, told={"result": "near_net", "lead_days": 20})
    outbox.drain()
    assert system.get(made["href"]).json()["qualificationResult"] == "qualified"
    assert Delivery.objects.filter(event_type="ProductOfferingQualificationStateChangeEvent").count() == 1


def test_others_sites_rights_and_crowds() -> None:
    account, _ = make.customer(0)
    sites = [make.site(account, make.NEAR) for _ in range(12)]
    stranger = System(account=AccountFactory())
    refused = stranger.post(OFFERINGS, asked(account, sites[0]))
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (400, "$.relatedParty")
    own = asked(account, sites[0])
    del own["relatedParty"]
    refused = stranger.post(OFFERINGS, own)
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (
        400, "$.productOfferingQualificationItem[0].product.place[0].id",
    )  # fmt: skip
    assert System(role="technician").post(OFFERINGS, asked(account, sites[0])).status_code == 403
    system, counts = System(), []
    for some in (sites[:2], sites[2:]):
        with CaptureQueriesContext(connection) as counted:
            answer = system.post(OFFERINGS, asked(account, *some, bandwidth="500M"))
        assert answer.status_code == 201
        counts.append(len(counted))
    assert counts[0] == counts[1]
