"""A customer's system cannot tell what others have: an id of theirs is answered as one that nobody has."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction

from cmdb.models import Product, Service
from contracts.models import Quote
from crm.models import Account, BillingProfile, Contact, Site
from kernel.rest import resource
from orders.models import Order
from tests.api.test_conventions import EVERY, grow
from tests.api.test_service_orders import Wholesale
from tests.factories.apis import System
from tests.factories.cmdb import chain
from tests.factories.crm import AccountFactory, BillingProfileFactory, CaseFactory, ContactFactory, SiteFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
ORDERS, CANCEL = "productOrderingManagement/v4/productOrder", "productOrderingManagement/v4/cancelProductOrder"
SERVICES, CANCEL_SERVICE = "serviceOrdering/v4/serviceOrder", "serviceOrdering/v4/cancelServiceOrder"
QUOTES, OFFERINGS = "quoteManagement/v4/quote", "productOfferingQualification/v4/productOfferingQualification"
TICKETS = "troubleTicket/v4/troubleTicket"
NOBODY = "9999999"  # no key; behind a prefix, no number


class World:
    """A child company with a system of its own; beside it a sister, and another customer who has something of all."""

    def __init__(self) -> None:
        self.shop = Wholesale()
        grow(self.shop)
        mother = AccountFactory()
        self.own, self.sister = (AccountFactory(parent=mother, kind=Account.Kind.CHILD) for _ in range(2))
        for account in (self.own, self.sister, self.shop.account):
            ContactFactory(account=account)
            BillingProfileFactory(account=account)
            SiteFactory(account=account)
            CaseFactory(account=account)
        chain(Site.objects.get(account=self.sister), mark="sister")
        self.system = System(account=self.own)

    def keys(self, kind: str) -> tuple[str, str]:
        """An id of that kind that others have, of the sister if she has any, and one that nobody has."""
        if kind == "party":
            return self.sister.number, f"ACC{NOBODY}"
        models: dict[str, Any] = {"contact": Contact, "profile": BillingProfile, "site": Site}
        if model := models.get(kind):
            return str(model.objects.filter(account=self.sister).latest("pk").pk), NOBODY
        numbered: dict[str, Any] = {"order": Order, "product": Product, "service": Service, "quote": Quote}
        account = self.sister if kind in ("product", "service") else self.shop.account
        one = numbered[kind].objects.filter(account=account).latest("pk")
        return one.number, one.number[:3] + NOBODY

    def product_order(self, **more: Any) -> dict[str, Any]:
        """An order that would be taken."""
        item = {"id": "1", "action": "add", "productOffering": {"id": "t-internet"}, "product": {
            "productCharacteristic": [{"name": "speed", "value": 100}], "place": [self.site()]}}  # fmt: skip
        return {"description": "Own", "relatedParty": self.parties(), "productOrderItem": [item]} | more

    def service_order(self, **more: Any) -> dict[str, Any]:
        """The same of a service."""
        item = self.shop.body()["serviceOrderItem"][0]
        item["service"]["place"] = [self.site()]
        return {"description": "Own", "relatedParty": self.parties(), "serviceOrderItem": [item]} | more

    def parties(self, contact: str = "") -> list[dict[str, str]]:
        """The customer, with a contact."""
        found = [{"id": self.own.number, "role": "customer", "@type": "RelatedParty", "@referredType": "Customer"}]
        more = {"id": contact, "role": "contact", "@type": "RelatedParty", "@referredType": "Individual"}
        return [*found, more] if contact else found

    def site(self, key: str = "") -> dict[str, str]:
        """A place, an own one if no other is named."""
        return {"id": key or str(Site.objects.filter(account=self.own).latest("pk").pk), "role": "installationSite",
                "@referredType": "GeographicSite"}  # fmt: skip

    def named(self, key: str) -> list[dict[str, str]]:
        """Another customer than the own one."""
        return [{**self.parties()[0], "id": key}]

    def ordered(self, key: str) -> Any:
        """A product at a site."""
        made = self.product_order()
        made["productOrderItem"][0]["product"]["place"] = [self.site(key)]
        return made

    def ended(self, key: str) -> Any:
        """The end of a product."""
        return self.product_order(productOrderItem=[{"id": "1", "action": "delete", "product": {"id": key}}])

    def served(self, key: str) -> Any:
        """A service at a site."""
        made = self.service_order()
        made["serviceOrderItem"][0]["service"]["place"] = [self.site(key)]
        return made

    def ticket(self, key: str = "", **more: Any) -> Any:
        """Something is wrong with what has that id."""
        told = {"description": "Down", "severity": "minor", "ticketType": "fault", "relatedParty": self.parties()}
        return told | more | ({"relatedEntity": [{"id": key, "@referredType": "Anything"}]} if key else {})

    def quote(self, key: str = "", **more: Any) -> Any:
        """An offer for a site."""
        item = {"productOffering": {"id": "t-internet"}, "product": {"place": [self.site(key)]}}
        return {"relatedParty": self.parties(), "quoteItem": [item]} | more

    def offering(self, key: str = "", **more: Any) -> Any:
        """What can be had at a site, by offerings."""
        item = {"id": "1", "productOffering": {"id": "t-internet"}, "product": {"place": [self.site(key)]}}
        return {"relatedParty": self.parties(), "productOfferingQualificationItem": [item]} | more

    def service(self, key: str = "", **more: Any) -> Any:
        """The same by services."""
        speed = [{"name": "speed", "value": 100}]
        service = {"serviceSpecification": {"id": "t-access"}, "place": [self.site(key)],
                   "serviceCharacteristic": speed}  # fmt: skip
        return {"relatedParty": self.parties(), "serviceQualificationItem": [{"id": "1", "service": service}]} | more

    def bodies(self) -> list[tuple[str, str, Callable[[str], Any]]]:
        """Address, what kind of id is tried, and the body with that id in it; each would be taken with an own one."""
        checks = "serviceQualificationManagement/v4/"
        return [
            (ORDERS, "party", lambda key: self.product_order(relatedParty=self.named(key))),
            (ORDERS, "contact", lambda key: self.product_order(relatedParty=self.parties(key))),
            (ORDERS, "profile", lambda key: self.product_order(billingAccount={"id": key})),
            (ORDERS, "site", self.ordered), (ORDERS, "product", self.ended),
            (ORDERS, "quote", lambda key: self.product_order(quote=[{"id": key}])),
            (CANCEL, "order", lambda key: {"productOrder": {"id": key}}),
            (SERVICES, "party", lambda key: self.service_order(relatedParty=self.named(key))),
            (SERVICES, "contact", lambda key: self.service_order(relatedParty=self.parties(key))),
            (SERVICES, "site", self.served), (CANCEL_SERVICE, "order", lambda key: {"serviceOrder": {"id": key}}),
            (TICKETS, "party", lambda key: self.ticket(relatedParty=self.named(key))),
            (TICKETS, "contact", lambda key: self.ticket(relatedParty=self.parties(key))),
            (TICKETS, "product", self.ticket), (TICKETS, "service", self.ticket), (TICKETS, "order", self.ticket),
            ("party/v4/individual", "party", lambda key: {
                "givenName": "A", "familyName": "B", "relatedParty": self.named(key)}),
            ("party/v4/organization", "party", lambda key: {
                "tradingName": "A", "organizationParentRelationship": {"organization": {"id": key}}}),
            ("customerManagement/v4/customer", "party", lambda key: {
                "name": "A", "engagedParty": {"id": key, "@referredType": "Organization"}}),
            (QUOTES, "party", lambda key: self.quote(relatedParty=self.named(key))), (QUOTES, "site", self.quote),
            (OFFERINGS, "party", lambda key: self.offering(relatedParty=self.named(key))),
            (OFFERINGS, "site", self.offering), (f"{checks}checkServiceQualification", "site", self.service),
            (f"{checks}checkServiceQualification", "party", lambda key: self.service(relatedParty=self.named(key))),
            (f"{checks}queryServiceQualification", "site", lambda key: {
                "relatedParty": self.parties(), "searchCriteria": {"service": {"place": [self.site(key)]}}}),
        ]  # fmt: skip


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield World()
        transaction.set_rollback(True)


def said(answer: Any, key: str) -> tuple[int, str]:
    """What an answer says, whichever id was tried."""
    return answer.status_code, answer.content.decode().replace(key, "ID")


def test_an_id_of_others_in_a_body_is_answered_as_one_that_nobody_has(world: World) -> None:
    wrong = []
    for address, kind, made in world.bodies():
        theirs, unknown = (said(world.system.post(address, made(key)), key) for key in world.keys(kind))
        if theirs != unknown or unknown[0] not in (400, 403, 404):
            wrong.append((address, kind, theirs, unknown))
    assert not wrong


def test_an_id_of_others_in_the_address_or_a_filter_is_answered_as_one_that_nobody_has(world: World) -> None:
    agent, tried = System(), [world.keys(kind)[0] for kind in ("party", "contact", "profile", "site", "product")]
    models: list[Any] = [Contact, BillingProfile, Site]  # keys of ours that are those of others in another table
    ours = {
        str(key) for model in models for key in model.objects.filter(account=world.own).values_list("pk", flat=True)
    }
    for key, name in EVERY:
        api = resource.api(key)
        one = api.resource(name) if api else None
        if api is None or one is None or key == "tmf620":
            continue  # what is sold is there for everybody
        own = {row["id"] for row in world.system.get(f"{api.root}{name}?fields=none").json()}
        above = world.own.root.number
        theirs = [row["id"] for row in agent.get(f"{api.root}{name}?fields=none").json()]
        theirs = [it for it in theirs if it not in own and it != above][:1]
        for it in theirs:
            nobody = re.sub(r"\d{7}T?", NOBODY, it) if it[:3].isalpha() else NOBODY
            for method in (world.system.get, lambda path: world.system.patch(path, {})):
                asked = said(method(f"{api.root}{name}/{it}"), it)
                assert asked == said(method(f"{api.root}{name}/{nobody}"), nobody), (name, it)
                assert asked[0] in (404, 501), (name, asked)
        for attribute, known in one.known.items():
            if attribute.rpartition(".")[2] != "id" or known.words:
                continue
            every = [it for it in (*theirs, *tried) if it not in ours and (known.kind != "number" or it.isdecimal())]
            answer = world.system.get(f"{api.root}{name}?{attribute}={','.join(every)}")
            assert (answer.content, answer["X-Total-Count"]) == (b"[]", "0"), (name, attribute)
