"""Requesting: a customer fills a basket at their own prices and hands it in; what needs nobody's word can be signed.

A basket is a draft quote that a customer fills; each person has one at a time. Handed in, it is their account manager's
draft, unless nothing about it has to be decided: then it goes through approval by itself and back to be signed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.text import Truncator

from catalog import configuration
from catalog.models import Offering
from catalog.pricebook import PriceBook
from catalog.pricing import PricingInput, price, sells
from contracts import presenting, quoteapproval, quotecompleteness, quotepricing, quoting
from contracts.models import Quote, QuoteLine
from crm.models import Account, Contact, Site
from kernel import audit, notifications
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal

RIGHT = "contracts.request_quote"
TERMS = quoting.TERMS[1:]
TERM = 36
MOST = 500  # sites at once


@dataclass(frozen=True)
class Offer:
    """What somebody can have, and what it costs them as it is offered, a month and once; none where it depends."""

    offering: Offering
    monthly: Decimal | None
    once: Decimal
    currency: str


@dataclass(frozen=True)
class Handed:
    """A basket that was handed in; `ready` when it can be signed now."""

    quote: Quote
    ready: bool


def account_of(user: User) -> Account:
    """The company for which this person asks: the highest that they see. Raises NotPermitted."""
    if not user.has_perm(RIGHT):
        raise NotPermitted("Your roles do not include the right to ask for quotes.")
    account: Account | None = Account.objects.visible_to(user).select_related("root").order_by("path").first()
    if account is None:
        raise NotPermitted("Your log-in belongs to no company yet. Ask your contact to add you.")
    return account


def basket(user: User) -> Quote | None:
    """The basket that this person is filling."""
    found: Quote | None = Quote.objects.filter(asked_by=user, asked_at=None, state=Quote.State.DRAFT).first()
    return found


def in_basket(user: User) -> int:
    """How many lines lie in it."""
    rows = QuoteLine.objects.filter(quote__asked_by=user, quote__asked_at=None, quote__state=Quote.State.DRAFT)
    return int(rows.filter(parent=None).count())


def lines(quote: Quote) -> list[QuoteLine]:
    """What is in it, by site; members of a bundle stand with their bundle."""
    rows = QuoteLine.objects.filter(quote=quote, parent=None).select_related("site", "offering__specification")
    return list(rows.prefetch_related("offering__specification__characteristics").order_by("site__name", "position"))


def handed(user: User) -> list[Quote]:
    """What was handed in and is being worked on, the latest first."""
    working = (Quote.State.DRAFT, Quote.State.IN_REVIEW, Quote.State.APPROVED)
    rows = Quote.objects.visible_to(user).filter(asked_at__isnull=False, state__in=working)
    return list(rows.select_related("owner").order_by("-asked_at")[:20])


def for_sale() -> QuerySet[Offering]:
    """What customers may put into a basket."""
    rows: QuerySet[Offering] = Offering.objects.on_sale().filter(sellable=True)
    return rows.exclude(kind=Offering.Kind.ENTITLEMENT)


def offers(user: User) -> list[Offer]:
    """Everything for sale that has a price for this customer, in the catalogue's order."""
    frame = _frame(account_of(user))
    rows = for_sale().select_related("category", "specification").prefetch_related("specification__characteristics")
    found = list(rows.order_by("category__position", "position", "name"))
    book = quotepricing.book_of(frame, [one.pk for one in found])
    return [_offer(book, frame, one) for one in found if sells(book, one) or one.kind == Offering.Kind.BUNDLE]


def offer(user: User, offering: Offering, values: dict[str, Any] | None = None, *, quantity: int = 1) -> Offer:
    """What one offering costs this customer with these values."""
    frame = _frame(account_of(user))
    return _offer(quotepricing.book_of(frame, [offering.pk]), frame, offering, values, quantity)


def _offer(
    book: PriceBook, frame: Quote, offering: Offering, values: dict[str, Any] | None = None, quantity: int = 1
) -> Offer:
    if values is None:
        values = configuration.defaults(offering.specification) if offering.specification else {}
    asked = PricingInput(offering.pk, values, term=frame.term_months, quantity=max(1, quantity))
    total = quotepricing.summed(price(book, asked), frame.currency) if sells(book, offering) else {}
    return Offer(offering, total.get("monthly") or None, total.get("one_time", Decimal(0)), frame.currency)


@transaction.atomic
def put(
    *, user: User, offering_id: int, site_ids: Iterable[int], values: dict[str, Any], quantity: int = 1
) -> tuple[list[QuoteLine], list[quoting.RefusedSite]]:
    """Put an offering at sites of the own company into the basket.

    Raises:
        Refusal: a value is wrong, at its field; no site was chosen; it is there already.
        NotPermitted: the person may not ask for quotes.
    """
    account = account_of(user)
    offering = quoting.sellable(offering_id)
    chosen = set(site_ids)
    if len(chosen) > MOST:
        raise Refusal(f"Choose at most {MOST} sites at once.")
    own = set(Site.objects.visible_to(user).filter(pk__in=chosen).values_list("pk", flat=True))
    if offering.specification:
        problems = configuration.validate(offering.specification, values, complete=True, account_id=account.pk)
        if problems:
            raise Refusal(problems=problems)
    quote = _open(user, account)
    return quoting.add_lines(
        quote_id=quote.pk, offering_id=offering.pk, by=user, site_ids=own, values=values, quantity=quantity
    )


@transaction.atomic
def take_out(*, user: User, line_id: int) -> None:
    """Take a line out of one's own basket. Raises DoesNotExist for any other line."""
    quote = basket(user)
    line = QuoteLine.objects.get(pk=line_id, quote=quote, parent=None)
    quoting.remove_lines(quote_id=line.quote_id, line_ids=[line.pk], by=user)


@transaction.atomic
def set_term(*, user: User, months: int) -> None:
    """For how long the customer binds themselves. Raises Refusal for a term that is not offered."""
    quote = basket(user)
    if quote is None or months not in TERMS:
        raise Refusal(problems={"term": ["Choose one of the terms."]})
    quoting.set_terms(quote_id=quote.pk, by=user, term_months=months)


def hand_in(*, user: User, note: str = "") -> Handed:
    """Ask for what is in the basket. With nothing to decide it is ready to be signed, else a person takes over.

    Raises:
        Refusal: the basket is empty.
        Conflict: it was handed in a moment ago.
    """
    quote = _hand_in(user, note)
    contact = Contact.objects.filter(user=user, role=Contact.Role.SIGNATORY).first()
    if contact is not None and not quote.wish and _goes_through(quote.pk) and _presented(quote, contact):
        return Handed(quote, ready=True)
    if quote.owner:
        text = f"{user} asks for a quote: {quote.title}"
        notifications.tell([quote.owner], text, quote.get_absolute_url(), event="deal", mail=True)
    return Handed(quote, ready=False)


@transaction.atomic
def _hand_in(user: User, note: str) -> Quote:
    found = basket(user)
    if found is None or not found.lines.exists():
        raise Refusal("Your basket is empty. Choose something from the catalogue first.")
    quote = quoting.draft(found.pk)
    if quote.asked_at is not None:
        raise Conflict("You have handed it in already.")
    quote.asked_at = timezone.now()
    quote.wish = note.strip()[:2000]
    quote.owner = quote.account.owner or (quote.account.root.owner if quote.account.root else None)
    quote.title = _titled(quote)
    quote.save(update_fields=["asked_at", "wish", "owner", "title", "updated_at"])
    audit.record("asked for", quote, by=user, reason=quote.wish)
    return quote


def _titled(quote: Quote) -> str:
    """What it is called from now on: the products, then the sites, as many as find room."""
    rows = lines(quote)
    products = ", ".join(dict.fromkeys(row.offering.name for row in rows))
    sites = ", ".join(dict.fromkeys(row.site.name for row in rows if row.site))
    return Truncator(f"{products}: {sites}" if sites else products).chars(120)


@transaction.atomic
def _goes_through(quote_id: int) -> bool:
    """Whether it is complete and no rule wants anybody's word; it is approved then."""
    quote = quoting.draft(quote_id)
    if quotecompleteness.problems(quote) or quoteapproval.reasons(quote):
        return False
    return bool(quoteapproval.submit(quote_id=quote_id, by=None).state == Quote.State.APPROVED)


def _presented(quote: Quote, contact: Contact) -> bool:
    """Whether it lies before the customer now; what is missing still is for the account manager to add."""
    try:
        presenting.present(quote_id=quote.pk, contact_id=contact.pk, by=None)
    except Refusal:
        return False
    return True


def _open(user: User, account: Account) -> Quote:
    """The basket, made when there is none; the person's row keeps a second one from being made meanwhile."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if (found := basket(user)) is not None:
        return found
    frames = quoting.frames(account)
    made = quoting.create(
        by=None, account_id=account.pk, agreement_id=frames[0].pk if len(frames) == 1 else None,
        title=f"Basket of {user}",
    )  # fmt: skip
    made.asked_by = user
    made.save(update_fields=["asked_by", "updated_at"])
    return made


def _frame(account: Account) -> Quote:
    """A quote as one would be opened for this customer; it is not kept."""
    frames = quoting.frames(account)
    agreement = frames[0] if len(frames) == 1 else None
    price_list, rate = (agreement.price_list, None) if agreement else quoting.price_list_of(account)
    return Quote(
        account=account, agreement=agreement, price_list=price_list,
        currency=rate.target if rate else price_list.currency,
        exchange_rate=rate.rate if rate else None, rate_on=rate.on if rate else None,
        term_months=agreement.term_months if agreement else TERM,
    )  # fmt: skip
