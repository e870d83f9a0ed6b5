"""Capture: an order comes to be, from an accepted quote or by an agent's hand on the account page."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog import configuration, memory, pricing
from catalog.models import Charge, Offering, PriceList
from cmdb.models import Product
from contracts import rebilling
from contracts.models import Contract, Quote, QuoteLine, SignatureRequest
from crm.models import Account, BillingProfile, Contact, Site
from fulfillment.models import Action
from kernel import audit, lifecycle
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal
from orders import changing
from orders.models import Order, OrderLine
from orders.models.rights import is_own
from orders.tree import WALKED

_DEFAULT_PROFILE = """
SELECT * FROM crm_billingprofile WHERE is_default AND account_id = ANY(%s)
ORDER BY array_position(%s::bigint[], account_id) DESC LIMIT 1
"""
PRIORITY = {"standard": 40, "silver": 50, "gold": 65, "platinum": 80}


class NotAccepted(Conflict):
    """Only what the customer accepted is ordered."""


class Uncapturable(Refusal):
    """The order, or a line of it, cannot be captured so; problems at their fields."""


@transaction.atomic
def from_quote(*, quote_id: int, by: User | None) -> Order:
    """The draft order of an accepted quote with a line for each of its lines; asked again, the same order.

    Raises:
        NotAccepted: the customer has not accepted the quote.
        NotPermitted: the person may not create orders.
    """
    require_capturer(by)
    quote = Quote.objects.select_related("account").select_for_update(of=("self",)).get(pk=quote_id)
    existing: Order | None = Order.objects.filter(quote=quote).first()
    if existing:
        return existing
    if quote.state != Quote.State.ACCEPTED:
        raise NotAccepted(f"{quote} is {quote.get_state_display().lower()}; only an accepted quote can be ordered.")
    order = Order.objects.create(
        title=quote.title, account=quote.account, channel=Order.Channel.QUOTE, quote=quote,
        contract=Contract.objects.filter(quote=quote, kind=Contract.Kind.SALES).first() or quote.basis,
        billing_profile=default_profile(quote.account), contact=_signatory(quote), currency=quote.currency,
        monthly=quote.monthly, one_time=quote.one_time, term_months=quote.term_months,
        priority=PRIORITY.get(quote.account.tier, 40), manager=by if by and "order_manager" in by.roles else None,
    )  # fmt: skip
    _copy_lines(order, quote)
    audit.record("captured", order, by=by, changes={"quote": [None, str(quote)]})
    lifecycle.move(quote, Quote.complete, by=None)
    return order


@transaction.atomic
def by_hand(
    *, account_id: int, title: str, by: User, requested_on: dt.date | None = None, reference: str = ""
) -> Order:
    """An empty draft for an account, to be filled by `add_line`. Raises Uncapturable or NotPermitted."""
    require_capturer(by)
    account = Account.objects.get(pk=account_id)
    if not title.strip():
        raise Uncapturable(problems={"title": ["Give the order a title that people will recognise."]})
    order = Order.objects.create(
        title=title.strip()[:120], account=account, channel=Order.Channel.AGENT, currency=account.currency,
        billing_profile=default_profile(account), contact=Contact.objects.filter(account=account).first(),
        requested_on=requested_on, their_reference=reference.strip()[:60], priority=PRIORITY.get(account.tier, 40),
        manager=by if "order_manager" in by.roles else None,
    )  # fmt: skip
    audit.record("captured", order, by=by, changes={"channel": [None, Order.Channel.AGENT]})
    return order


@transaction.atomic
def add_line(
    *, order_id: int, offering_id: int, by: User, site_id: int | None = None, quantity: int = 1,
    characteristics: dict[str, Any] | None = None,
) -> OrderLine:  # fmt: skip
    """One more product on a draft without a quote, at list price; refused on an order from a quote."""
    require_capturer(by)
    order = own_draft(order_id)
    offering = Offering.objects.select_related("specification").get(pk=offering_id)
    site = Site.objects.select_related("account").filter(pk=site_id).first() if site_id else None
    problems: dict[str, list[str]] = {}
    if offering.specification is None:
        problems["offering"] = ["A bundle is ordered from a quote, not by hand."]
    if site and not site.account.path.startswith(Account.objects.get(pk=order.account_id).path):
        problems["site"] = ["This site belongs to another account."]
    if quantity < 1:
        problems["quantity"] = ["Order at least one."]
    if problems or offering.specification is None:
        raise Uncapturable(problems=problems)
    last = order.lines.order_by("-position").values_list("position", flat=True).first() or 0
    line = OrderLine.objects.create(
        order=order, key=uuid.uuid4(), position=last + 1, offering=offering, specification=offering.specification,
        account=site.account if site else order.account, site=site, contact=site.contact if site else None,
        quantity=quantity,
        characteristics={**configuration.defaults(offering.specification), **(characteristics or {})},
        access_notes=site.access_notes if site else "",
    )  # fmt: skip
    audit.record("line added", order, by=by, changes={"lines": [None, f"{offering} at {site or 'no site'}"]})
    reprice(order)
    return OrderLine.objects.get(pk=line.pk)


@transaction.atomic
def configure(*, line_id: int, raw: dict[str, Any], by: User, quantity: int | None = None) -> OrderLine:
    """Set what the customer chose for a line of a draft that has no quote, from a form's strings.

    Raises:
        Uncapturable: values do not fit; the problems stand at their characteristics and nothing is stored.
    """
    require_capturer(by)
    line = OrderLine.objects.select_related("specification", "product", "site").get(pk=line_id)
    order = own_draft(line.order_id)
    if line.action in WALKED:
        raise Uncapturable("This line ends, suspends or resumes what is there; there is nothing to configure.")
    values, problems = configuration.clean(line.specification, raw, line.characteristics, account_id=order.account_id)
    if why := _needs_quote(order, line, values, quantity or line.quantity):
        problems = {**problems, "": [why]}
    if quantity is not None and quantity < 1:
        problems = {**problems, "quantity": ["Order at least one."]}
    if problems:
        raise Uncapturable(problems=problems)
    changes = audit.difference({**line.characteristics, "quantity": line.quantity},
                               {**values, "quantity": quantity or line.quantity})  # fmt: skip
    line.characteristics, line.quantity = values, quantity or line.quantity
    line.save(update_fields=["characteristics", "quantity", "updated_at"])
    audit.record("line configured", order, by=by, changes=changes)
    reprice(order)
    return OrderLine.objects.get(pk=line.pk)


@transaction.atomic
def remove_line(*, line_id: int, by: User) -> None:
    """Take a line off a draft that has no quote."""
    require_capturer(by)
    line = OrderLine.objects.select_related("offering").get(pk=line_id)
    order = own_draft(line.order_id)
    audit.record("line removed", order, by=by, changes={"lines": [str(line), None]})
    line.delete()
    reprice(order)


def default_profile(account: Account) -> BillingProfile | None:
    """How the account pays by default, else how the nearest account above it does."""
    above = [int(pk) for pk in account.path.split("/") if pk]
    return next(iter(BillingProfile.objects.raw(_DEFAULT_PROFILE, [above, above])), None)


def require_capturer(by: User | None, account_id: int | None = None) -> None:
    """Raises NotPermitted unless the person may create orders, a customer for the own account; the system may."""
    own = by is not None and account_id is not None and is_own(account_id, by)
    if by is not None and not own and not by.has_perm("orders.add_order"):
        raise NotPermitted("Your roles do not include the right to create orders.")


def reprice(order: Order) -> None:
    """List prices for every line of an order by hand that brings or changes something."""
    lines = list(order.lines.select_related("site"))
    for line in lines:
        line.monthly = line.one_time = Decimal(0)
    price_lines(order, [line for line in lines if line.action not in WALKED])
    OrderLine.objects.bulk_update(lines, ["monthly", "one_time"])
    order.save(update_fields=["monthly", "one_time", "updated_at"])


def price_lines(order: Order, lines: list[OrderLine]) -> None:
    """Set list prices on unsaved lines and their sums on the order, from the list of its currency that holds today."""
    listed = _price_list(order.currency, timezone.localdate())
    if listed is not None:
        book = pricing.PriceBook.load(listed, {line.offering_id for line in lines})
        sites = len({line.site_id for line in lines if line.site_id})
        for line in lines:
            charges = pricing.price(book, _asked(order, line, sites))
            line.monthly = sum((c.amount for c in charges if c.charge == Charge.RECURRING), Decimal(0))
            once = (c.amount for c in charges if c.charge == Charge.ONE_TIME and line.action != Action.MODIFY)
            line.one_time = sum(once, Decimal(0))  # what is there already was set up before
    order.monthly = sum((line.monthly for line in lines), Decimal(0))
    order.one_time = sum((line.one_time for line in lines), Decimal(0))


def _price_list(currency: str, on: dt.date) -> PriceList | None:
    def read() -> PriceList | None:
        rows = PriceList.objects.filter(currency=currency, valid_from__lte=on).exclude(valid_until__lt=on)
        found: PriceList | None = rows.order_by("-valid_from", "pk").first()
        return found

    return memory.recall(("list", currency, on), read)


def _asked(order: Order, line: OrderLine, sites: int) -> pricing.PricingInput:
    return pricing.PricingInput(
        offering_id=line.offering_id, values=line.characteristics, region=line.site.region if line.site else "",
        country=line.site.country if line.site else "", term=order.term_months, sites=sites, quantity=line.quantity,
    )  # fmt: skip


def _needs_quote(order: Order, line: OrderLine, values: dict[str, Any], quantity: int) -> str:
    """Why a change of what a contract prices cannot be ordered by hand; "" where it costs as much as before."""
    if line.action != Action.MODIFY or line.product is None:
        return ""
    contract = rebilling.running_contract(line.product)
    if contract is None:
        return ""
    present = line.characteristics, line.quantity
    prices = []
    for pair in ((line.product.characteristics, line.product.quantity), (values, quantity)):
        line.characteristics, line.quantity = pair
        price_lines(order, [line])
        prices.append(line.monthly)
    line.characteristics, line.quantity = present
    if prices[0] == prices[1]:
        return ""
    return f"This changes the price, and {contract.number} runs. Agree it by a quote that changes the contract."


def own_draft(order_id: int) -> Order:
    """A draft without a quote, locked. Raises Uncapturable, IllegalMove."""
    order: Order = Order.objects.locked(order_id)
    if order.quote_id:
        raise Uncapturable("What was sold is changed in the quote: reopen the quote as a new version.")
    if order.state != Order.State.DRAFT:
        raise lifecycle.IllegalMove("Lines are added and removed on a draft only.")
    return order


def _signatory(quote: Quote) -> Contact | None:
    signed = (
        SignatureRequest.objects.filter(subject_type=Quote._meta.label_lower, subject_id=quote.pk)
        .exclude(signed_at=None).exclude(contact=None).select_related("contact").order_by("-signed_at").first()
    )  # fmt: skip
    return signed.contact if signed else Contact.objects.filter(account=quote.account).order_by("id").first()


def _copy_lines(order: Order, quote: Quote) -> None:
    """Every quoted product becomes a line; a bundle's head that is no product itself leaves only its members.

    What the customer has already as wanted is left out; what is there otherwise is changed, what was taken out ends.
    """
    rows = QuoteLine.objects.filter(quote=quote).select_related("offering", "site").order_by("position", "id")
    there = changing.installed(quote)
    if under_way := changing.under_way(order, quote):
        raise Uncapturable(under_way)
    sold = [
        (line, line.offering.specification_id)
        for line in rows
        if line.offering.specification_id
        and not (str(line.key) in there and rebilling.is_as_wanted(there[str(line.key)], line))
    ]
    made_lines = [_line_of(order, line, specification, there.get(str(line.key))) for line, specification in sold]
    ending = changing.ending_lines(order, quote, there, len(made_lines) + 1)
    if not made_lines and not ending:
        raise Uncapturable("Nothing changes at the sites: there is nothing to order. The contract holds as signed.")
    OrderLine.objects.bulk_create([*made_lines, *ending])
    made = {line.quote_line_id: line for line in OrderLine.objects.filter(order=order)}
    members = []
    for line, _ in sold:
        if line.parent_id in made:
            made[line.pk].parent = made[line.parent_id]
            members.append(made[line.pk])
    OrderLine.objects.bulk_update(members, ["parent"])


def _line_of(order: Order, line: QuoteLine, specification: int, product: Product | None = None) -> OrderLine:
    site = line.site
    return OrderLine(
        action=Action.MODIFY if product else Action.ADD, product=product,
        order=order, key=line.key, position=line.position, offering_id=line.offering_id,
        specification_id=specification, account_id=site.account_id if site else order.account_id,
        site=site, contact_id=site.contact_id if site else None, quote_line=line, quantity=line.quantity,
        characteristics=line.characteristics, access_notes=site.access_notes if site else "", monthly=line.monthly,
        one_time=line.one_time,
    )  # fmt: skip
