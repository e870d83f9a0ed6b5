"""Agreed: deals of other years and other talks, so that agreements and contracts show every stage of their life."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.utils import timezone

from catalog.models import Offering, PriceList, SlaMetric
from cmdb import activation, reservation
from cmdb.models import Product
from cmdb.reservation import NewProduct
from contracts import (
    billing,
    clauses,
    contracting,
    ending,
    negotiation,
    periods,
    presenting,
    proposals,
    pushing,
    quoteapproval,
    quoting,
    signature,
)
from contracts.models import Agreement, Clause, Contract, Quote, Termination
from crm import accounts
from crm.models import Account, Contact
from kernel import approvals, moving
from kernel.models import User

ENDING, ENDED = "Noorderhof Zorggroep", "Elbtal Druck GmbH"


def tell(team: dict[str, User], quote: Quote | None = None) -> str:
    """An agreement in negotiation, an amendment that a quote proposes, a contract that ends soon, one ended early."""
    talks = negotiating(team)
    soon = live(team, ENDING, "NL", "Utrecht", months_ago=35)
    ended = _end(team, live(team, ENDED, "DE", "Hamburg", months_ago=8))
    _clause(team)
    told = f"{talks} is under negotiation, {soon.number} ends soon, {ended.contract.number} ended early"
    if quote and pushing.possible(quote):
        pushed = pushing.push(quote_id=quote.pk, by=team["sales_agent"])
        told += f", {quote} proposes its discount for {pushed[0].agreement}"
    return told + "."


def negotiating(team: dict[str, User]) -> Agreement:
    """Halden Retail wants more discount and faster repair; we have answered the one and not the other."""
    mira, today = team["sales_agent"], timezone.localdate()
    account = Account.objects.get(name="Halden Retail N.V.")
    made = negotiation.draft(
        account_id=account.pk, title="Framework agreement, 24 shops", by=mira, price_list_id=_prices().pk,
        starts_on=today + dt.timedelta(days=30), ends_on=today + dt.timedelta(days=30 + 3 * 365),
    )  # fmt: skip
    sdwan = Offering.objects.get(key="sdwan", state="active")
    negotiation.add_discount(
        agreement_id=made.pk, percent=Decimal(8), offering_id=sdwan.pk, commitment=Decimal(6000), by=mira
    )
    for metric, value in ((SlaMetric.AVAILABILITY, "99.9"), (SlaMetric.REPAIR_HOURS, "8")):
        negotiation.set_sla(agreement_id=made.pk, metric=metric, value=Decimal(value), by=mira)
    partner = accounts.open_account(name="Glasvezel Noord B.V.", by=mira, kind=Account.Kind.PARTNER)
    negotiation.set_partner_term(
        agreement_id=made.pk, partner_id=partner.pk, by=mira,
        text="Where the access is this partner’s, its working hours hold for visits; our repair time stays ours.",
    )  # fmt: skip
    moving.make(made, "negotiate", by=mira)
    discount = made.discounts.get()
    first = proposals.propose(
        agreement_id=made.pk, side="customer", part="discount", key=str(discount.pk), wanted="15", by=mira,
        reason="The incumbent offers 14 %.",
    )  # fmt: skip
    proposals.counter(proposal_id=first.pk, wanted="11", reason="For all 24 shops and three years.", by=mira)
    proposals.propose(
        agreement_id=made.pk, side="customer", part="level", key=SlaMetric.REPAIR_HOURS, wanted="4", by=mira,
        reason="Shops lose a day’s takings otherwise.",
    )  # fmt: skip
    term = made.terms.get(clause__key="liability")
    words = term.text.replace("twelve months", "twenty-four months")
    proposals.propose(
        agreement_id=made.pk, side="customer", part="term", key=str(term.pk), wanted=words, by=mira,
        reason="Asked by their lawyers.",
    )  # fmt: skip
    return Agreement.objects.get(pk=made.pk)


def _clause(team: dict[str, User]) -> None:
    """Legal is writing the next version of a clause."""
    lawyer = team.get("legal")
    liability = Clause.objects.filter(key="liability", state="approved").first()
    if lawyer and liability:
        text = liability.text.replace("twelve months before the event", "calendar year of the event")
        clauses.write(key="liability", title=liability.title, text=text, by=lawyer)


def live(
    team: dict[str, User], company: str, country: str, city: str, *, months_ago: int, sold: str = "sip",
    values: dict[str, Any] | None = None, at: tuple[float, float] | None = None,
) -> Contract:  # fmt: skip
    """A contract of a small customer with one product at one site, signed some months ago and live since."""
    mira, today = team["sales_agent"], timezone.localdate()
    account = accounts.open_account(name=company, by=mira, industry="Services")
    signatory = accounts.add_contact(
        account_id=account.pk, first_name="Robin", last_name="Meier", by=mira, role=Contact.Role.SIGNATORY,
        email=f"robin.meier@{company.split()[0].lower()}.example",
    )  # fmt: skip
    site = accounts.add_site(
        account_id=account.pk, code="01", name=f"{city} office", by=mira, street="Hoofdstraat 1", postcode="1000 AA",
        city=city, country=country, region="metro", contact=signatory,
        **({"latitude": at[0], "longitude": at[1]} if at else {}),
    )  # fmt: skip
    accounts.add_billing_profile(
        account_id=account.pk, invoice_email=f"invoices@{account.pk}.example", by=mira, street="Hoofdstraat 1",
        postcode="1000 AA", city=city, country=country,
    )  # fmt: skip
    offering = Offering.objects.get(key=sold, state="active")
    quote = quoting.create(by=mira, account_id=account.pk, title=f"{offering.short_name}, {city}", term_months=36)
    quoting.add_lines(quote_id=quote.pk, offering_id=offering.pk, site_ids=[site.pk], by=mira)
    if values:
        line = quote.lines.get()
        quoting.configure(line_id=line.pk, values=line.characteristics | values, by=mira)
    sign(team, quote, signatory)
    began = periods.first_of(today, -months_ago)
    contracting.start_service_contracts(pairs=[(quote.pk, site.pk)], on=began, by=None)
    sales: Contract = Contract.objects.get(quote=quote, kind=Contract.Kind.SALES)
    Contract.objects.filter(pk=sales.pk).update(starts_on=began, ends_on=periods.after(began, 36))
    _deliver(sales, began)
    return sales


def sign(team: dict[str, User], quote: Quote, signatory: Contact) -> None:
    """The quote is approved by whoever has to, presented, and signed by the customer."""
    mira = team["sales_agent"]
    quoteapproval.submit(quote_id=quote.pk, by=mira)
    for step in quoteapproval.steps_of(quote):
        quoteapproval.decide(step_id=step.pk, by=team[step.role], approve=True)
    asked = presenting.present(quote_id=quote.pk, contact_id=signatory.pk, by=mira)
    signature.open(asked.token)
    signature.sign(token=asked.token, name=str(signatory), consent=True, address="127.0.0.1", agent="seed_demo")


def _deliver(contract: Contract, on: dt.date) -> None:
    """What was sold works at its sites since that day, and is billed since then."""
    lines = contract.lines.select_related("quote_line", "offering", "site").order_by("pk")
    products = reservation.reserve_products(
        [
            NewProduct(
                order_number=contract.number, order_line_key=str(line.quote_line.key), name=line.offering.name,
                offering_id=line.offering_id, specification_id=line.offering.specification_id,
                account_id=line.site.account_id, site_id=line.site_id, quantity=line.quantity,
                characteristics=line.characteristics, currency=contract.currency, monthly=line.monthly,
                one_time=line.one_time, term_months=contract.term_months,
            )
            for line in lines
            if line.site and line.offering.specification_id
        ],
        None,
    )  # fmt: skip
    keys = [product.pk for product in products]
    activation.activate_products(keys, timezone.make_aware(dt.datetime.combine(on, dt.time(9))), None)
    billing.start(product_ids=keys, on=on, by=None)
    Product.objects.filter(pk__in=keys).update(order_number="")  # it came long before there were orders here


def _end(team: dict[str, User], contract: Contract) -> Termination:
    """The customer closes; the sales manager approves the charge."""
    made = ending.ask(
        contract_id=contract.pk, on=timezone.localdate(), by=team["sales_agent"],
        reason="The print shop closes at the end of the month.",
    )  # fmt: skip
    request = approvals.current(made)
    for step in request.steps.order_by("sequence") if request else ():
        approvals.decide(step.pk, by=team[step.role], approve=True)
    return Termination.objects.get(pk=made.pk)


def _prices() -> PriceList:
    return PriceList.objects.get(key="eur-business-2026")
