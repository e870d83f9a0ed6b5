"""Deals for tests, made by the acts: agreements in each state, presented and signed quotes, their contracts."""

import datetime as dt
import io
from decimal import Decimal
from typing import Any

from django.utils import timezone
from pypdf import PdfReader

from catalog.models import Category, Offering, PriceList, SlaMetric
from cmdb import activation, reservation
from cmdb.models import Product
from cmdb.reservation import NewProduct
from contracts import agreement as agreements
from contracts import billing, contracting, ending, negotiation, presenting, quoteapproval, signature
from contracts.models import Agreement, Contract, Quote, SignatureRequest, Termination
from crm.models import Account, Contact
from kernel import approvals, lifecycle, moving
from kernel.models import Document, User
from tests.factories import contracts_quotes as quotes
from tests.factories.crm import BillingProfileFactory
from tests.factories.people import UserFactory

SLAS = {SlaMetric.AVAILABILITY: "99.9", SlaMetric.REPAIR_HOURS: "4"}


def entitle(*keys: str) -> Offering:
    """An entitlement that these offerings bring, dedicated internet unless told otherwise."""
    category = Category.objects.get(key="connectivity")
    care, made = Offering.objects.get_or_create(
        key="care", defaults={"name": "Care around the clock", "kind": Offering.Kind.ENTITLEMENT, "category": category}
    )
    if made:
        lifecycle.move(care, Offering.to_testing, by=None)
        lifecycle.move(care, Offering.activate, by=None)
    for offering in Offering.objects.filter(key__in=keys or ("dia",), state="active"):
        offering.entitled_to.add(care)
    return care


def manager() -> User:
    """A sales manager."""
    return UserFactory(role="sales_manager")


def signatory(account: Account) -> Contact:
    """Somebody of the account who may sign."""
    return Contact.objects.filter(account=account, role=Contact.Role.SIGNATORY).first() or _fail(account)


def _fail(account: Account) -> Contact:
    raise AssertionError(f"{account} has no signatory")


def drafted(account: Account | None = None, *, by: User | None = None, **values: Any) -> Agreement:
    """A draft with the standard clauses, 10 % on everything and two service levels."""
    today = timezone.localdate()
    wanted = {
        "title": "Framework agreement", "starts_on": today, "ends_on": today + dt.timedelta(days=1000),
        "price_list_id": PriceList.objects.get(key="eur-test").pk,
    }  # fmt: skip
    made = negotiation.draft(account_id=(account or quotes.customer()[0]).pk, by=by, **(wanted | values))
    negotiation.add_discount(agreement_id=made.pk, percent=Decimal(10), by=by)
    for metric, value in SLAS.items():
        negotiation.set_sla(agreement_id=made.pk, metric=metric, value=Decimal(value), by=by)
    return Agreement.objects.get(pk=made.pk)


def in_review(account: Account | None = None, *, by: User | None = None, **values: Any) -> Agreement:
    """Negotiated and submitted."""
    by = by or quotes.seller()
    made = drafted(account, by=by, **values)
    moving.make(made, "negotiate", by=by)
    return agreements.submitted(agreement_id=made.pk, by=by)


def approved(account: Account | None = None, *, by: User | None = None, **values: Any) -> Agreement:
    """Waits for its signature."""
    made = in_review(account, by=by, **values)
    return agreements.decide(agreement_id=made.pk, by=manager(), approve=True)


def sent(account: Account | None = None, **values: Any) -> SignatureRequest:
    """The link of an approved agreement; its `token` is set."""
    made = approved(account, **values)
    return agreements.send(agreement_id=made.pk, contact_id=signatory(made.account).pk, by=None)


def in_force(account: Account | None = None, **values: Any) -> Agreement:
    """Signed, and active when its period has begun."""
    made = sign(sent(account, **values))
    return Agreement.objects.get(pk=made.subject_id)


def sign(made: SignatureRequest, name: str = "") -> SignatureRequest:
    """The signatory signs."""
    return signature.sign(
        token=made.token, name=name or str(made.signatory), consent=True, address="192.0.2.7", agent="Browser 1.0"
    )


def approved_quote(agreement: Agreement | None = None, *, sites: int = 2, **values: Any) -> Quote:
    """Ready to present; under an agreement when given one."""
    entitle()
    if agreement is None:
        return quotes.approved(sites=sites, **values)
    by = quotes.seller()
    account, places = agreement.account, [quotes.site(agreement.account) for _ in range(sites)]
    made = quotes.quote(account, by=by, agreement_id=agreement.pk, **values)
    quotes.lines(made, places)
    return quoteapproval.submit(quote_id=made.pk, by=by)


def presented(quote: Quote | None = None, **values: Any) -> SignatureRequest:
    """The link of a presented quote; its `token` is set."""
    quote = quote or approved_quote(**values)
    return presenting.present(quote_id=quote.pk, contact_id=signatory(quote.account).pk, by=None)


def accepted(quote: Quote | None = None, **values: Any) -> Quote:
    """Signed by the customer, with its contracts."""
    made = sign(presented(quote, **values))
    return Quote.objects.get(pk=made.subject_id)


def service_contract(**values: Any) -> Contract:
    """One that waits for its site, under an agreement in force."""
    quotes.point_of_presence()
    made = accepted(approved_quote(in_force(), sites=1, **values))
    return Contract.objects.get(quote=made, kind=Contract.Kind.SERVICE)


def pdf(document: Document) -> PdfReader:
    """A stored document, read back."""
    with document.file.open("rb") as file:
        return PdfReader(io.BytesIO(file.read()))


def words(document: Document) -> str:
    """All that a stored PDF says, with single spaces."""
    return " ".join(" ".join(page.extract_text() for page in pdf(document).pages).split())


def live(*, sites: int = 2, on: dt.date | None = None, agreement: Agreement | None = None) -> Contract:
    """A sales contract in force whose sites are live since a day, today unless told otherwise."""
    quotes.point_of_presence()
    quote = accepted(approved_quote(agreement or in_force(), sites=sites))
    pairs = [(quote.pk, one.site_id) for one in quote.contracts.filter(kind=Contract.Kind.SERVICE)]
    contracting.start_service_contracts(pairs=pairs, on=on or timezone.localdate(), by=None)
    return Contract.objects.get(quote=quote, kind=Contract.Kind.SALES)


def installed(contract: Contract, *, order: str = "ORD0000001") -> list[Product]:
    """What the contract sold, at work at its sites since they went live, with technical data beside what was chosen."""
    lines = list(contract.lines.select_related("quote_line", "offering", "site").order_by("pk"))
    made = reservation.reserve_products(
        [
            NewProduct(
                order_number=order, order_line_key=str(line.quote_line.key), name=line.offering.name,
                offering_id=line.offering_id, specification_id=line.offering.specification_id,
                account_id=line.site.account_id, site_id=line.site_id, quantity=line.quantity, monthly=line.monthly,
                one_time=line.one_time, characteristics=line.characteristics | {"vlan": 2114},
            )
            for line in lines
        ],
        None,
    )  # fmt: skip
    activation.activate_products([one.pk for one in made], at=timezone.now(), by=None)
    return [Product.objects.get(pk=one.pk) for one in made]


def billed(contract: Contract, on: dt.date | None = None) -> list[Product]:
    """The same, billed since a day, today unless told otherwise."""
    if not contract.account.billing_profiles.exists():
        BillingProfileFactory(account=contract.account)
    made = installed(contract)
    day = on or timezone.localdate()
    Product.objects.filter(pk__in=[one.pk for one in made]).update(
        started_at=timezone.make_aware(dt.datetime.combine(day, dt.time(9)))
    )
    billing.start(product_ids=[one.pk for one in made], on=day, by=None)
    return made


def signed(quote: Quote) -> Quote:
    """Approved by whoever is asked, and accepted."""
    quoteapproval.submit(quote_id=quote.pk, by=quotes.seller())
    for step in quoteapproval.steps_of(quote):
        quoteapproval.decide(step_id=step.pk, by=UserFactory(role=step.role), approve=True)
    return accepted(Quote.objects.get(pk=quote.pk))


def ended(contract: Contract, on: dt.date) -> Termination:
    """Asked and approved; carried out when the day has come."""
    made = ending.ask(contract_id=contract.pk, on=on, reason="They leave.", by=quotes.seller())
    request = approvals.current(made)
    assert request
    for step in request.steps.all():
        approvals.decide(step.pk, by=UserFactory(role=step.role), approve=True)
    return Termination.objects.get(pk=made.pk)
