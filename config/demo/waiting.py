"""Waiting: orders that wait for a person – values that nobody knows yet, and fewer parts than are installed."""

import datetime as dt
from typing import Any

from django.utils import timezone

from catalog.models import Offering, Specification
from cmdb import activation, feasibility
from cmdb.activation import Realized
from cmdb.models import Product
from config.demo import agreed
from contracts import basis, quoting
from contracts.models import Contract, Quote
from crm import accounts
from crm.models import Account, Contact, Site
from kernel.models import User
from orders import capture, editing, enrichment, submission
from orders.models import Order

MOVER, PLANT, HOTEL = "Tessaro Logistik AG", "Rijnveld Foods B.V.", "Duinrand Hotels B.V."
BOXES = ("Lobby", "Breakfast room", "Bar", "Meeting room")


def tell(team: dict[str, User]) -> str:
    """An order on hold for a value, one that waits for papers, a draft with a choice to make, one that lacks a line."""
    held, moving, fewer = second_line(team), numbers_move(team), fewer_boxes(team)
    bare = nothing_below(team)
    return (
        f"{held.number} is on hold until somebody says which handover fits, {moving.number} waits for the papers of a "
        f"port-in, {fewer.number} is a draft with fewer TV boxes than stand, {bare.number} waits for an approver, who "
        "is warned that no line reaches its site."
    )


def second_line(team: dict[str, User]) -> Order:
    """Internet for a plant far from the network: no table knows which handover the builder uses, so it is asked."""
    place = {"street": "Megelsum 4", "postcode": "5864 CR", "city": "Meerlo", "country": "NL", "region": "remote",
             "latitude": 51.5130, "longitude": 6.0830}  # fmt: skip
    site = settled(
        team["sales_agent"], PLANT, ("Joost", "Verbeek", "rijnveld", "facturen"), "P2", "Plant Meerlo", place
    )
    wanted = {"bandwidth": "500M"}
    feasibility.check_many(
        site_ids=[site.pk], offering_id=_offering("dia").pk, asked=dict(wanted), by=team["order_agent"]
    )  # fmt: skip
    return ordered(team["order_agent"], site, "Second internet line, plant Meerlo", "dia", wanted, days=170)


def numbers_move(team: dict[str, User]) -> Order:
    """Voice whose numbers come from another carrier: the port cannot be planned before its papers are collected."""
    place = {"street": "Peutestraße 20", "postcode": "20539", "city": "Hamburg", "country": "DE", "region": "metro",
             "latitude": 53.5235, "longitude": 10.0290}  # fmt: skip
    who = ("Greta", "Paulsen", "tessaro", "rechnung")
    site = settled(team["sales_agent"], MOVER, who, "HH-1", "Hamburg Veddel", place)
    wanted = {"channels": 60, "numbers": 120, "port_in": True, "losing_carrier": "Nordfon"}
    return ordered(team["order_agent"], site, "Voice for 120 people", "sip", wanted, days=60, reference="TL-4471")


def nothing_below(team: dict[str, User]) -> Order:
    """SD-WAN for a site that no line reaches: the approver is warned, and its line would wait at its end for one."""
    place = {"street": "Distelweg 451", "postcode": "1031 HD", "city": "Amsterdam", "country": "NL", "region": "metro",
             "latitude": 52.3950, "longitude": 4.8930}  # fmt: skip
    by = team["sales_agent"]
    hotel = Account.objects.get(name=HOTEL)
    contact = Contact.objects.filter(account=hotel).order_by("pk").first()
    site = accounts.add_site(
        account_id=hotel.pk, code="AMS-N", name="Hotel Amsterdam Noord", by=by, contact=contact, **place
    )  # fmt: skip
    wanted = {"size": "M", "ha": False, "tier": "silver", "topology": "spoke", "security": "ipsec"}
    return ordered(team["order_agent"], site, "SD-WAN for the hotel in Amsterdam Noord", "sdwan", wanted, days=90)


def settled(
    by: User, company: str, who: tuple[str, str, str, str], code: str, name: str, place: dict[str, Any]
) -> Site:  # fmt: skip
    """A site of a customer with its technical contact and whoever pays; `who` ends in the domain and the mailbox."""
    account = Account.objects.get(name=company)
    first, last, domain, mailbox = who
    contact = accounts.add_contact(
        account_id=account.pk, first_name=first, last_name=last, email=f"{first}.{last}@{domain}.example".lower(),
        role=Contact.Role.TECHNICAL, by=by,
    )  # fmt: skip
    accounts.add_billing_profile(account_id=account.pk, invoice_email=f"{mailbox}@{domain}.example", by=by)
    return accounts.add_site(account_id=account.pk, code=code, name=name, by=by, contact=contact, **place)


def ordered(
    by: User, site: Site, title: str, sold: str, wanted: dict[str, Any], *, days: int, reference: str = ""
) -> Order:  # fmt: skip
    """An order by hand of one product at a site, submitted and enriched."""
    order = capture.by_hand(account_id=site.account_id, title=title, by=by, reference=reference)
    capture.add_line(
        order_id=order.pk, offering_id=_offering(sold).pk, site_id=site.pk, characteristics=wanted, by=by
    )  # fmt: skip
    changes = {"requested_on": timezone.localdate() + dt.timedelta(days=days), "contact": site.contact_id}
    editing.edit(order_id=order.pk, by=by, changes=changes)
    submission.submit(order_id=order.pk, by=by)
    enrichment.run(order_id=order.pk)
    return Order.objects.get(pk=order.pk)


def fewer_boxes(team: dict[str, User]) -> Order:
    """A hotel has four TV boxes and keeps two: whoever takes the order picks which of them end."""
    contract = agreed.live(
        team, HOTEL, "NL", "Utrecht", months_ago=14, sold="broadband", at=(52.0907, 5.1214),
        values={"speed": "1G", "tv_pack": "sports", "boxes": len(BOXES)},
    )  # fmt: skip
    install(Product.objects.get(account__root=contract.account.root_id), contract)
    change = basis.start(contract_id=contract.pk, purpose=Quote.Purpose.AMENDMENT, by=team["sales_agent"])
    line = change.lines.get()
    quoting.configure(line_id=line.pk, values=line.characteristics | {"boxes": 2}, by=team["sales_agent"])
    agreed.sign(team, change, Contact.objects.get(account=contract.account, role=Contact.Role.SIGNATORY))
    return capture.from_quote(quote_id=change.pk, by=team["order_agent"])


def install(product: Product, contract: Contract) -> None:
    """What the product stands on, as its delivery left it."""
    specs = {row.key: row for row in Specification.objects.filter(state="active")}

    def part(number: int, key: str, above: int = 0, **values: Any) -> Realized:
        spec = specs[key]
        return Realized(
            domain_order=f"{contract.number}-{number}", kind=spec.kind, name=spec.name, specification_id=spec.pk,
            account_id=product.account_id, site_id=product.site_id, characteristics=values,
            parents=(f"{contract.number}-{above}",) if above else (), products=() if above else (product.pk,),
        )  # fmt: skip

    boxes = [part(10 + n, "set_top_box", 4, serial_number=f"STB-70{n}4-{n}", room=room) for n, room in enumerate(BOXES)]
    parts = [
        part(1, "bb_internet", speed="1G"), part(2, "olt_access", 1, speed="1G", olt_port="UTC1-7/12"),
        part(3, "ont", 2, serial_number="ONT-55120"), part(4, "bb_tv", tv_pack="sports", boxes=len(BOXES)),
        part(5, "bb_voice", voice=True), *boxes,
    ]  # fmt: skip
    activation.realize(parts, None, at=product.started_at or timezone.now())


def _offering(key: str) -> Offering:
    return Offering.objects.get(key=key, state="active")
