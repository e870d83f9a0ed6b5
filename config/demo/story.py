"""The story that `seed_demo` tells: a provider with customers in every stage, and one deal that is being delivered."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from catalog import publication
from catalog.models import Offering
from config.demo import agreed, delivered, people, rollout, waiting
from config.demo.journey import Journey
from contracts.models import Provider
from crm import accounts, capture, casework, pipeline, qualification
from crm.models import Account, Lead
from kernel import commenting
from kernel.models import User

HERE = Path(__file__).resolve().parent
FILES = ("catalogue.yaml", "settings.yaml", "plans.yaml")

LEADS = (
    ("Noordzee Kliniek", "Eva", "Mulder", "eva.mulder@noordzee-kliniek.example", "NL", "referral", 78, "hot",
     "Two clinics and a laboratory lose their line twice a month and want a second path.", ("dia", 3), "contacted"),
    ("Aurich Maschinenbau GmbH", "Hannes", "Vogt", "h.vogt@aurich-maschinen.example", "DE", "fair", 55, "warm",
     "Wants telephony and internet from one hand when the old contract ends in May.", ("sip", 1), "nurturing"),
    ("Brouwerij De Kroon", "Lotte", "Jansen", "lotte@dekroon.example", "BE", "web", 34, "warm",
     "Asked for a price for broadband at the new tap room.", ("broadband", 1), "new"),
    ("Castello Moden", "Mario", "Conti", "m.conti@castello.example", "DE", "partner", 20, "cold",
     "Forty shops, each with a card terminal and a till, on three carriers.", ("sdwan", 40), "new"),
)  # fmt: skip
CUSTOMERS = (
    (
        "Halden Retail N.V.",
        "NL",
        "gold",
        "Retail",
        "Replace MPLS by SD-WAN in 24 shops",
        6_400,
        "develop",
        45,
        "Walk through two pilot shops with their IT",
    ),
    (
        "Rijnveld Foods B.V.",
        "NL",
        "silver",
        "Food",
        "Second internet line for two plants",
        1_900,
        "propose",
        20,
        "Ask the plant for a second way in",
    ),
    ("Tessaro Logistik AG", "DE", "gold", "Logistics", "Voice for 120 people, numbers move", 1_150, "negotiate", 9, ""),
    ("Brandaris Hotels", "NL", "standard", "Hospitality", "Guest internet on the islands", 2_300, "qualify", 70, ""),
)
CASES = (
    ("Halden Retail N.V.", "fault", "critical", "Two shops offline since this morning",
     "Breda and Tilburg cannot take card payments. The router lights are green, but nothing answers.", "start"),
    ("Tessaro Logistik AG", "billing", "minor", "Which number belongs to which invoice line?",
     "We moved eleven numbers and cannot match them with the invoice of last month.", ""),
    ("Brandaris Hotels", "complaint", "major", "Installer did not come",
     "The technician was announced for Tuesday, and nobody came or called.", "start"),
)  # fmt: skip
PROVIDER = {
    "name": "Trunkline", "legal_name": "Trunkline Networks B.V.", "street": "Wilhelminakade 85", "postcode": "3072 AP",
    "city": "Rotterdam", "country": "Netherlands", "registration": "KvK 70 555 012", "vat_number": "NL855501200B01",
    "email": "sales@trunkline.example", "phone": "+31 10 555 0100", "website": "trunkline.example",
}  # fmt: skip


def provider() -> dict[str, User]:
    """Catalogue, plans, decision tables and people; safe to run again. Role → user."""
    for name in FILES:
        publication.load(publication.read(HERE / name), None)
    Provider.objects.get_or_create(only=True, defaults=PROVIDER)
    return people.seed()


@transaction.atomic
def background(team: dict[str, User]) -> None:
    """Leads and customers in other stages, so that no list is empty."""
    mira = team["sales_agent"]
    offerings = {offering.key: offering.pk for offering in Offering.objects.filter(state="active")}
    for company, first, last, email, country, source, score, rating, need, (sold, number), state in LEADS:
        lead = capture.capture(
            by=mira, company=company, first_name=first, last_name=last, email=email, country=country, source=source,
            score=score, rating=rating, need=need, lines=[capture.Line(offering_id=offerings[sold], quantity=number)],
        )  # fmt: skip
        if state in ("contacted", "nurturing"):
            qualification.contact(lead_id=lead.pk, by=mira)
        if state == "nurturing":
            qualification.nurture(lead_id=lead.pk, by=mira)
    asked = Lead.objects.get(company=LEADS[0][0])
    commenting.write(
        record=asked, by=mira, url=asked.get_absolute_url(),
        text="@petra they ask for a reference in their trade. Whom may I name?",
    )  # fmt: skip
    today = timezone.localdate()
    for name, _country, tier, industry, deal, monthly, stage, days, step in CUSTOMERS:
        account = accounts.open_account(name=name, by=mira, tier=tier, industry=industry, credit_limit=50_000)
        opened = pipeline.open_opportunity(
            account_id=account.pk,
            name=deal,
            by=mira,
            close_on=today + dt.timedelta(days=days),
            monthly=monthly,
            next_step=step,
        )
        if stage != "qualify":
            pipeline.move_stage(opportunity_id=opened.pk, stage_key=stage, by=mira)
    reported(team["service_agent"])
    doubles(mira)


def reported(agent: User) -> None:
    """Cases of three customers, one of them not taken yet."""
    for name, kind, severity, title, text, act in CASES:
        account = Account.objects.filter(name=name).latest("pk")  # others may have one of that name
        case = casework.report(
            account=account, by=agent, kind=kind, severity=severity, title=title, description=text
        )  # fmt: skip
        if act:
            casework.take(case_id=case.pk, by=agent)


def doubles(mira: User) -> None:
    """Two colleagues wrote down one customer each after a fair: the list of doubles suggests to merge them."""
    for name, tier, vat, role in (
        ("Kanaalhuis Vastgoed B.V.", "standard", "NL861234567B01", "technical"),
        ("Kanaalhuis Vastgoed", "silver", "NL861234567B01", "buyer"),
    ):
        account = accounts.open_account(name=name, by=mira, tier=tier, industry="Real estate", vat_number=vat)
        accounts.add_contact(
            account_id=account.pk, first_name="Tess", last_name="Bakker", email="tess.bakker@kanaalhuis.example",
            role=role, by=mira,
        )  # fmt: skip
    accounts.add_contact(  # and one person stands at one customer twice
        account_id=account.pk, first_name="Tess", last_name="Bakker", email="t.bakker@bakker.example", role="buyer",
        by=mira,
    )  # fmt: skip


@transaction.atomic
def _year(team: dict[str, User]) -> str:
    """What was sold, delivered and mended before, for the reports."""
    return delivered.tell(team)


def tell(team: dict[str, User]) -> Iterator[str]:
    """Make the customers and take one deal as far as its approved order; the engine does the rest."""
    background(team)
    yield f"{len(LEADS)} leads and {len(CUSTOMERS)} customers with opportunities, one more stands there twice."
    yield _year(team)
    yield rollout.tell(team)
    journey = Journey(team)
    yield from journey.to_approved_order()
    yield agreed.tell(team, journey.deal.quote)
    yield waiting.tell(team)
