"""Roll-out: a retailer with two hundred sites in three countries, and the draft quote that its site list filled."""

from pathlib import Path

from django.db import transaction

from contracts import quoting, sheetimport
from contracts.models import Quote, SheetImport
from crm import accounts, pipeline
from crm.models import Contact
from kernel.models import User

SITES = Path(__file__).resolve().parent / "rollout.csv"
COMPANY = "Halvora Retail Group N.V."
DEAL = "SD-WAN and internet for 200 stores"
COMPANIES = (
    ("Halvora Nederland B.V.", "Marit", "Dekker"),
    ("Halvora Deutschland GmbH", "Jonas", "Albers"),
    ("Halvora Belgium N.V.", "Elise", "Lenaerts"),
)
GOOD, BAD = 190, 10  # rows of the list


@transaction.atomic
def open_deal(by: User) -> Quote:
    """The customer with its companies and people, the opportunity, and an empty quote."""
    account = accounts.open_account(name=COMPANY, by=by, tier="gold", industry="Retail", credit_limit=500_000)
    accounts.add_contact(
        account_id=account.pk, first_name="Ruben", last_name="Verhoeven", email="ruben.verhoeven@halvora.example",
        role=Contact.Role.SIGNATORY, by=by,
    )  # fmt: skip
    for name, first, last in COMPANIES:
        company = accounts.open_account(name=name, parent_id=account.pk, by=by)
        accounts.add_contact(
            account_id=company.pk, first_name=first, last_name=last, role=Contact.Role.TECHNICAL, by=by,
            email=f"{first}.{last}@halvora.example".lower(),
        )  # fmt: skip
    opportunity = pipeline.open_opportunity(account_id=account.pk, name=DEAL, by=by, monthly=80_000)
    return quoting.create(by=by, opportunity_id=opportunity.pk, title=DEAL)


def take_sites(quote: Quote, by: User) -> SheetImport:
    """The site list goes into the quote; its ten bad rows wait to be mended."""
    sheet = sheetimport.keep(quote_id=quote.pk, name=SITES.name, content=SITES.read_bytes(), by=by)
    return sheetimport.start(sheet_id=sheet.pk, by=by)


def tell(team: dict[str, User]) -> str:
    """The deal as far as its draft."""
    mira = team["sales_agent"]
    quote = open_deal(mira)
    done = take_sites(quote, mira)
    return (
        f"{quote} has {done.sites_made} sites and {done.lines_made} lines; {len(done.refused)} rows wait to be mended."
    )
