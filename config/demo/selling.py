"""Selling: Meridor's deal from the first call to the signed quote, each act by the person whose job it is."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils import timezone

from catalog.models import Offering, PriceList, SlaMetric
from config.demo import people, sites
from contracts import agreement as agreements
from contracts import documents, negotiation, presenting, quoteapproval, quoteimport, quoteversions, quoting, signature
from contracts.models import Agreement, Quote, QuoteLine, SignatureRequest
from crm import accounts, capture, conversion, pipeline, qualification
from crm.models import Account, Contact, Opportunity
from kernel import documents as files
from kernel import moving
from kernel.models import User

COMPANY = "Meridor Logistics Holding N.V."
Settle = Callable[[Callable[[], bool]], None]
DUTCH, GERMAN = "Meridor Logistics Nederland B.V.", "Meridor Logistik Deutschland GmbH"


@dataclass
class Deal:
    """What has come to be so far."""

    team: dict[str, User]
    settle: Settle
    account: Account = field(init=False)
    signatory: Contact = field(init=False)
    opportunity: Opportunity = field(init=False)
    agreement: Agreement = field(init=False)
    quote: Quote = field(init=False)
    sites_file: bytes = b""
    mark: str = ""  # told apart from an earlier run in the same database

    @property
    def places(self) -> int:
        """How many sites the customer's file has."""
        return len((self.sites_file or sites.file()).splitlines()) - 1


def capture_lead(deal: Deal) -> str:
    """The sales agent writes down who called, qualifies, and converts to account, contact and opportunity."""
    mira = deal.team["sales_agent"]
    sold = {row.key: row.pk for row in Offering.objects.filter(state="active", key__in=["sdwan", "dia", "firewall"])}
    lead = capture.capture(
        by=mira, company=COMPANY + deal.mark, first_name="Julia", last_name="Brandt",
        email=_mail(deal), phone="+49 40 555 0106", job_title="Head of networks", country="NL",
        source="referral", score=86, rating="hot",
        need="Twelve depots in three countries on one network, failover within seconds, one bill.",
        lines=[capture.Line(sold["sdwan"], quantity=deal.places), capture.Line(sold["dia"], quantity=deal.places),
               capture.Line(sold["firewall"], quantity=4)],
    )  # fmt: skip
    for step in (qualification.contact, qualification.nurture, qualification.qualify):
        step(lead_id=lead.pk, by=mira)
    deal.opportunity = conversion.convert(
        lead_id=lead.pk, by=mira,
        choices=conversion.Choices(
            account_fields={"tier": "platinum", "industry": "Logistics", "credit_limit": Decimal(60_000)},
            contact_role=Contact.Role.SIGNATORY, opportunity_name=f"SD-WAN roll-out, {deal.places} sites",
        ),
    )  # fmt: skip
    deal.account = deal.opportunity.account
    return f"Lead {lead.number} became {deal.account.name} with opportunity {deal.opportunity.number}."


def complete_account(deal: Deal) -> str:
    """Child companies, their people and the signatory's log-in."""
    mira = deal.team["sales_agent"]
    for name, first, last, mail in (
        (DUTCH, "Femke", "Smit", "femke.smit@meridor.example"),
        (GERMAN, "Lukas", "Hahn", "lukas.hahn@meridor.example"),
    ):
        child = accounts.open_account(name=name + deal.mark, parent_id=deal.account.pk, by=mira)
        accounts.add_contact(
            account_id=child.pk, first_name=first, last_name=last, email=mail, role=Contact.Role.TECHNICAL, by=mira
        )
    deal.signatory = Contact.objects.get(account=deal.account, role=Contact.Role.SIGNATORY)
    people.let_in(accounts.let_in(contact_id=deal.signatory.pk, by=mira))
    return f"{deal.account.name} has two child companies; {deal.signatory} can use the portal."


def sign_agreement(deal: Deal) -> str:
    """Terms, a discount and global service levels are negotiated, approved and signed at legal level."""
    mira, today = deal.team["sales_agent"], timezone.localdate()
    made = negotiation.draft(
        account_id=deal.account.pk, title="Framework agreement, networks", by=mira,
        price_list_id=PriceList.objects.get(key="eur-business-2026").pk, opportunity_id=deal.opportunity.pk,
        starts_on=today, ends_on=today + dt.timedelta(days=3 * 365), term_months=36,
    )  # fmt: skip
    negotiation.add_discount(agreement_id=made.pk, percent=Decimal(5), by=mira)
    for metric, value in (
        (SlaMetric.AVAILABILITY, "99.9"), (SlaMetric.REPAIR_HOURS, "4"), (SlaMetric.RESPONSE_MINUTES, "15"),
    ):  # fmt: skip
        negotiation.set_sla(agreement_id=made.pk, metric=metric, value=Decimal(value), by=mira)
    moving.make(made, "negotiate", by=mira)
    negotiation.note_round(
        agreement_id=made.pk, side="customer", text="Wants repair within 4 hours at every site.", by=mira
    )
    negotiation.note_round(agreement_id=made.pk, side="us", text="Agreed, with 5 % on all monthly charges.", by=mira)
    agreements.submit(agreement_id=made.pk, by=mira, note="Platinum customer, three years.")
    agreements.decide(agreement_id=made.pk, by=deal.team["sales_manager"], approve=True)
    asked = agreements.send(agreement_id=made.pk, contact_id=deal.signatory.pk, by=mira)
    sign(deal, asked.token)
    deal.agreement = Agreement.objects.get(pk=made.pk)
    return f"Agreement {deal.agreement} is {deal.agreement.get_state_display().lower()}."


def sign(deal: Deal, token: str) -> None:
    """The signatory opens the link and signs."""
    signature.open(token)
    signature.sign(token=token, name=str(deal.signatory), consent=True, address="127.0.0.1", agent="lead_to_cash")


def quote_sites(deal: Deal) -> str:
    """The quote under the agreement; the site file brings what is good of it, then sites are configured."""
    mira = deal.team["sales_agent"]
    pipeline.move_stage(opportunity_id=deal.opportunity.pk, stage_key="propose", by=mira)
    deal.quote = quoting.create(
        by=mira, opportunity_id=deal.opportunity.pk, agreement_id=deal.agreement.pk, title=deal.opportunity.name
    )
    done = quoteimport.import_sites(quote_id=deal.quote.pk, content=_sites(deal), by=mira)
    for line in _lines(deal, offering="sdwan"):
        if line.characteristics["size"] == "L":
            hub = "hub" if line.site and line.site.code == "NL-03" else "spoke"
            chosen = line.characteristics | {"ha": True, "tier": "gold", "topology": hub}
            quoting.configure(line_id=line.pk, values=chosen, by=mira)
    for line in _lines(deal, offering="dia"):
        if line.site and line.site.code == "DE-06":
            chosen = line.characteristics | {"routing": "BGP", "customer_asn": 210483}
            quoting.configure(line_id=line.pk, values=chosen, by=mira)
    refused = "; ".join(f"row {row.line}: {' '.join(row.sentences)}" for row in done.bad)
    return f"{deal.quote} has {done.sites.created} sites and {done.made} lines. Left out: {refused or 'nothing'}"


def discount(deal: Deal) -> str:
    """17 % off needs the sales manager; the approved version is presented."""
    quoting.set_discount(quote_id=deal.quote.pk, percent=Decimal(17), by=deal.team["sales_agent"])
    asked = _approve_and_present(deal, "The incumbent is 16 % under our standard price.")
    return f"{deal.quote}, 17 % off, was {asked} and presented."


def second_version(deal: Deal) -> str:
    """The customer wants one site faster: version 2, approved and presented in its turn."""
    mira = deal.team["sales_agent"]
    deal.quote = quoteversions.new_version(quote_id=deal.quote.pk, by=mira, wish="Duisburg with 1 Gbit/s, please.")
    for line in _lines(deal, offering="dia"):
        if line.site and line.site.code == "DE-07":
            quoting.configure(line_id=line.pk, values=line.characteristics | {"bandwidth": "1G"}, by=mira)
    pipeline.move_stage(opportunity_id=deal.opportunity.pk, stage_key="negotiate", by=mira)
    asked = _approve_and_present(deal, "Same discount, one site faster.")
    return f"{deal.quote} was {asked} and presented: {deal.quote.monthly} {deal.quote.currency} a month."


def accept(deal: Deal) -> str:
    """The signatory signs; contracts come to be and the opportunity is won."""
    sign(deal, _present(deal).token)
    deal.quote = Quote.objects.get(pk=deal.quote.pk)
    made = deal.quote.contracts.filter(kind="service").count()
    return f"{deal.quote} is {deal.quote.state}: one sales contract and {made} service contracts."


def _approve_and_present(deal: Deal, note: str) -> str:
    """Submit, let everybody who is asked approve, present. In words, who approved."""
    mira = deal.team["sales_agent"]
    quoteapproval.submit(quote_id=deal.quote.pk, by=mira, note=note)
    by = []
    for step in quoteapproval.steps_of(deal.quote):
        quoteapproval.decide(step_id=step.pk, by=deal.team[step.role], approve=True)
        by.append(str(deal.team[step.role]))
    _present(deal)
    deal.quote = Quote.objects.get(pk=deal.quote.pk)
    return f"approved by {' and '.join(by)}" if by else "approved without need of anybody"


def _present(deal: Deal) -> SignatureRequest:
    """Give the quote to the signatory; the PDF of a long one is waited for."""
    mira = deal.team["sales_agent"]
    try:
        return presenting.present(quote_id=deal.quote.pk, contact_id=deal.signatory.pk, by=mira)
    except documents.DocumentPending:
        quote = deal.quote
        deal.settle(lambda: files.of(quote).filter(kind=documents.QUOTE).exists())
        return presenting.present(quote_id=quote.pk, contact_id=deal.signatory.pk, by=mira)


def _lines(deal: Deal, offering: str) -> list[QuoteLine]:
    lines = QuoteLine.objects.filter(quote=deal.quote, offering__key=offering)
    return list(lines.select_related("site", "offering").order_by("position"))


def _sites(deal: Deal) -> bytes:
    """The site file with the child companies' names of this run."""
    text = (deal.sites_file or sites.file()).decode()
    for name in (DUTCH, GERMAN) if deal.mark else ():
        text = text.replace(f"{name},", f"{name}{deal.mark},")
    return text.encode()


def _mail(deal: Deal) -> str:
    """The signatory's address, another one for each run."""
    return f"julia.brandt{deal.mark.strip() and '+' + deal.mark.strip()}@meridor.example"
