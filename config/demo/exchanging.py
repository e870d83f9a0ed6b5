"""Exchanging: what each of two installations does when one orders from the other, by the acts that the screens use."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog import publication
from config.demo import people
from crm import accounts, partnership, requesting, shelfreading
from crm.models import Site
from kernel import audit, documents
from orders.models import Order

SHELF = Path(__file__).with_name("partner.yaml")
OFFERING = "partner_line"


@dataclass(frozen=True)
class Sides:
    """The people of this installation by role."""

    team: dict[str, Any]

    def invite(self) -> dict[str, Any]:
        """The seller: a customer of ours may order one offering."""
        publication.load(publication.read(SHELF), None)
        account = accounts.open_account(name="Polder Telecom B.V.", by=None, credit_limit=100_000)
        accounts.add_contact(account_id=account.pk, first_name="Iris", last_name="Bakker", email="iris@polder.example",
                             by=None)  # fmt: skip
        accounts.add_billing_profile(account_id=account.pk, invoice_email="in@polder.example", street="Dijk 4",
                                     postcode="1271 AA", city="Huizen", country="NL", by=None)  # fmt: skip
        _, code = partnership.invite(
            name="Polder Telecom", account_id=account.pk, offerings=[OFFERING], by=self.team["sales_manager"]
        )
        return {"code": code}

    def join(self, url: str, code: str) -> dict[str, Any]:
        """The buyer: redeem the code, read what is offered, ask to be told of news."""
        by = self.team["sales_manager"]
        partner = partnership.join(name="Trunkline Networks", url=url, code=code, by=by)
        shelfreading.read(partner_id=partner.pk)
        requesting.listen_to(partner_id=partner.pk)
        return {"offerings": sorted(partner.shelf.values_list("key", flat=True))}

    def request(self) -> dict[str, Any]:
        """The buyer: an order agent asks for the line at a site of a customer."""
        account = accounts.open_account(name="Gooi Bakeries B.V.", by=None)
        site: Site = accounts.add_site(
            account_id=account.pk, code="GOO-1", name="Bakery Huizen", street="Havenstraat 2", postcode="1271 AB",
            city="Huizen", country="NL", by=None,
        )  # fmt: skip
        offering = requesting.offered(key=OFFERING)
        made = requesting.request(
            offering_id=offering.pk, site_id=site.pk, by=self.team["order_agent"], values={"speed": "500M"}
        )
        return {"number": made.number}

    def share(self) -> dict[str, Any]:
        """The seller: what was agreed about the work goes to the partner with its order."""
        order, name = Order.objects.filter(channel=Order.Channel.PARTNER).latest("pk"), "agreed-work.txt"
        by = self.team["order_manager"]
        documents.upload(order, name=name, content=b"Port 7, rack B2.", by=by, customer_may_see=True)
        audit.record("document_added", order, by=by, changes={"document": [None, name]})
        return {"document": name}

    def orders(self) -> dict[str, Any]:
        """The seller: the orders that came from partners."""
        rows = Order.objects.filter(channel=Order.Channel.PARTNER).order_by("pk")
        return {"orders": [[row.number, row.their_reference, row.state] for row in rows]}


def here() -> Sides:
    """This installation's side."""
    return Sides(people.present())
