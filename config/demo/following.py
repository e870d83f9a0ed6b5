"""Following: orders that wait for a person – values that nobody knows yet, and fewer parts than are installed."""

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
from crm.models import Account, Contact
from kernel.models import User
from orders import capture, editing, enrichment, submission
from orders.models import Order

MOVER, PLANT, HOTEL = "Tessaro Logistik AG", "Rijnveld Foods B.V.", "Duinrand Hotels B.V."
BOXES = ("Lobby", "Breakfast room", "Bar", "Meeting room")


def tell(team: dict[str, User]) -> str:
    """An order on hold for a value, one whose port-in waits for papers, a draft that leaves a choice of what ends."""
    held, moving, fewer = second_line(team), numbers_move(team), fewer_boxes(team)
    return (
        f"{held.number} is on hold until somebody says which handover fits, {moving.number} waits for the papers of a "
        f"port-in, {fewer.number} is a draft with fewer TV boxes than stand."
    )


def second_line(team: dict[str, User]) -> Order:
    """Internet for a plant far from the network: no table knows which handover the builder uses, so it is asked."""
    mira, tom = team["sales_agent"], team["order_agent"]
    account = Account.objects.get(name=PLANT)
    contact = accounts.add_contact(
        account_id=account.pk, first_name="Joost", last_name="Verbeek", email="joost.verbeek@rijnveld.example",
        role=Contact.Role.TECHNICAL, by=mira,
    )  # fmt: skip
    site = accounts.add_site(
        account_id=account.pk, code="P2", name="Plant Meerlo", by=mira, street="Megelsum 4", postcode="5864 CR",
        city="Meerlo", country="NL", region="remote", latitude=51.5130, longitude=6.0830, contact=contact,
    )  # fmt: skip
    accounts.add_billing_profile(account_id=account.pk, invoice_email="facturen@rijnveld.example", by=mira)
    order = capture.by_hand(account_id=account.pk, title="Second internet line, plant Meerlo", by=tom)
    dia = _offering("dia")
    feasibility.check_many(site_ids=[site.pk], offering_id=dia.pk, asked={"bandwidth": "500M"}, by=tom)
    capture.add_line(
        order_id=order.pk, offering_id=dia.pk, site_id=site.pk, characteristics={"bandwidth": "500M"}, by=tom
    )
    on = timezone.localdate() + dt.timedelta(days=170)
    editing.edit(order_id=order.pk, by=tom, changes={"requested_on": on, "contact": contact.pk})
    submission.submit(order_id=order.pk, by=tom)
    return enrichment.run(order_id=order.pk)


def numbers_move(team: dict[str, User]) -> Order:
    """Voice whose numbers come from another carrier: the port cannot be planned before its papers are collected."""
    mira, tom = team["sales_agent"], team["order_agent"]
    account = Account.objects.get(name=MOVER)
    contact = accounts.add_contact(
        account_id=account.pk, first_name="Greta", last_name="Paulsen", email="greta.paulsen@tessaro.example",
        role=Contact.Role.TECHNICAL, by=mira,
    )  # fmt: skip
    site = accounts.add_site(
        account_id=account.pk, code="HH-1", name="Hamburg Veddel", by=mira, street="Peutestraße 20", postcode="20539",
        city="Hamburg", country="DE", region="metro", latitude=53.5235, longitude=10.0290, contact=contact,
    )  # fmt: skip
    accounts.add_billing_profile(account_id=account.pk, invoice_email="rechnung@tessaro.example", by=mira)
    order = capture.by_hand(account_id=account.pk, title="Voice for 120 people", by=tom, reference="TL-4471")
    wanted = {"channels": 60, "numbers": 120, "port_in": True, "losing_carrier": "Nordfon"}
    capture.add_line(
        order_id=order.pk, offering_id=_offering("sip").pk, site_id=site.pk, characteristics=wanted, by=tom
    )  # fmt: skip
    on = timezone.localdate() + dt.timedelta(days=60)
    editing.edit(order_id=order.pk, by=tom, changes={"requested_on": on, "contact": contact.pk})
    submission.submit(order_id=order.pk, by=tom)
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
