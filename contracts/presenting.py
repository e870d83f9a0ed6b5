"""Presenting: an approved quote goes to the customer's signatory, who accepts it by signing, or declines."""

import datetime as dt
from collections.abc import Sequence

from django.db import models, transaction
from django.utils import timezone

from contracts import concluding, contracting, documents, events, quotechecks, signature, signingorder
from contracts.models import Quote, SignatureRequest
from crm import pipeline
from crm.models import Contact, Opportunity
from kernel import approvals, lifecycle, notifications, outbox
from kernel.models import ApprovalRequest, User
from kernel.refusal import NotPermitted, Refusal

LABEL = "contracts.quote"
RIGHT = "contracts.present_quote"
OVER = (Quote.State.APPROVED, Quote.State.PRESENTED)
UNFINISHED = (Quote.State.DRAFT, Quote.State.IN_REVIEW, Quote.State.REJECTED)


class NotPresentable(Refusal):
    """The customer cannot be given this quote yet; every problem is listed."""


class TooLate(Refusal):
    """The offer is over."""


def present(
    *, quote_id: int, contact_id: int | None, by: User | None, then: Sequence[Contact | User] = ()
) -> SignatureRequest:
    """Give an approved quote to a signatory: PDF, one-time link, mail. The link's `token` is told once, here.

    Without a contact, once the customer has signed, only colleagues do. `then` sign after the contact, one after the
    other, colleagues of ours among them. A presented quote may be sent again, to the same or another signatory; the
    earlier link is void then.

    Raises:
        IllegalMove: the quote is neither approved nor presented.
        NotPresentable: it is out of date, or its sites lack a contact or an entitlement.
        DocumentPending (documents): a very long quote whose PDF is still being made.
        NotPermitted: the person may not present.
    """
    if by is not None and not by.has_perm(RIGHT):
        raise NotPermitted("Your roles do not include the right to present quotes.")
    quote: Quote = Quote.objects.select_related("account", "agreement").get(pk=quote_id)
    _require_presentable(quote)
    document = documents.quote_pdf(quote, by=by)
    with transaction.atomic():
        quote = lock(quote_id)
        _require_presentable(quote)
        if quote.state == Quote.State.APPROVED:
            quote.presented_at = timezone.now()
            lifecycle.move(quote, Quote.present, by=by)
            _supersede(earlier_versions(quote), f"Version {quote.version} was presented", by)
            outbox.publish(events.QuotePresented(quote_id=quote.pk))
        contact = Contact.objects.select_related("account").get(pk=contact_id) if contact_id else None
        made, token = signature.ask(subject=quote, contact=contact, document=document, by=by, then=then)
        made.token = token
        return made


def present_to_signatory(*, quote_id: int, by: User | None) -> Quote:
    """Present to the customer's only signatory, as the move button does. Raises NotPresentable for none or several."""
    quote: Quote = Quote.objects.select_related("account").get(pk=quote_id)
    found = list(signatories(quote.account.root_id or quote.account_id)[:2])
    if len(found) != 1:
        told = "has no signatory; add one to the customer" if not found else "has several signatories; choose one below"
        raise NotPresentable(f"The customer {told}.")
    present(quote_id=quote_id, contact_id=found[0].pk, by=by)
    presented: Quote = Quote.objects.get(pk=quote_id)
    return presented


def signatories(root_id: int) -> models.QuerySet[Contact]:
    """Contacts anywhere in a customer's tree who may sign."""
    found: models.QuerySet[Contact] = Contact.objects.filter(account__root_id=root_id, role=Contact.Role.SIGNATORY)
    return found.order_by("account__path", "last_name", "id")


def accept(made: SignatureRequest) -> None:
    """The customer signed: contracts, rivals superseded, opportunity won. The caller holds the locks of `lock`.

    Raises:
        IllegalMove: the quote is not presented any more.
        TooLate: its validity is over.
        NotReady (contracting): its sites lack a contact or an entitlement.
    """
    quote: Quote = Quote.objects.select_related("account", "agreement", "opportunity").get(pk=made.subject_id)
    today = timezone.localdate()
    days = [timezone.localdate(one.signed_at) for one in signature.of(quote) if one.signed_at and one.contact]
    in_time = any(day <= quote.valid_until for day in days)
    if quote.valid_until < today and not in_time:
        raise TooLate(f"This offer was valid until {quote.valid_until:%d %B %Y}. Ask your contact for a new one.")
    quote.accepted_at = timezone.now()
    lifecycle.move(quote, Quote.accept, by=None, reason=f"Signed by {made.signed_name}")
    _supersede(rivals(quote), f"{quote} was accepted", None)
    contract = concluding.conclude(
        quote, by=None, on=today, signatory=made.contact or signingorder.customers_signatory(quote)
    )
    if quote.opportunity and quote.opportunity.state == Opportunity.State.OPEN:
        pipeline.win(opportunity_id=quote.opportunity.pk, because=f"{quote} was signed by {made.signed_name}.", by=None)
    outbox.publish(events.QuoteAccepted(quote_id=quote.pk, contract_id=contract.pk))
    if quote.owner:
        notifications.tell(
            [quote.owner],
            f"{quote} was signed by {made.signed_name}",
            quote.get_absolute_url(),
            event="deal",
            mail=True,
        )


def declined(made: SignatureRequest) -> None:
    """The customer said no."""
    quote: Quote = Quote.objects.get(pk=made.subject_id)
    lifecycle.move(quote, Quote.decline, by=None, reason=made.declined_because)
    if quote.owner:
        notifications.tell(
            [quote.owner],
            f"{quote} was declined: {made.declined_because}"[:240],
            quote.get_absolute_url(),
            event="deal",
            mail=True,
        )


@transaction.atomic
def withdraw(*, quote_id: int, by: User, reason: str) -> Quote:
    """The customer said no by another way than the link; its link is void."""
    quote: Quote = lock(quote_id)
    lifecycle.move(quote, Quote.decline, by=by, reason=reason)
    signature.void(quote, "The offer was withdrawn.")
    return quote


def rivals(quote: Quote) -> models.QuerySet[Quote]:
    """Other versions of the quote, its alternatives, and other quotes of its opportunity."""
    root = quote.alternative_of or quote.number
    same = models.Q(number=quote.number) | models.Q(number=root) | models.Q(alternative_of=root)
    if quote.opportunity_id:
        same |= models.Q(opportunity_id=quote.opportunity_id)
    found: models.QuerySet[Quote] = Quote.objects.filter(same).exclude(pk=quote.pk)
    return found


def earlier_versions(quote: Quote) -> models.QuerySet[Quote]:
    """Versions before this one."""
    found: models.QuerySet[Quote] = Quote.objects.filter(number=quote.number, version__lt=quote.version)
    return found


def lock(quote_id: int) -> Quote:
    """The quote, locked together with all its rivals in key order: whoever signs any of them waits here."""
    quote = Quote.objects.get(pk=quote_id)
    keys = [quote_id, *rivals(quote).values_list("pk", flat=True)]
    found: Quote = next(row for row in Quote.objects.locked_all(keys) if row.pk == quote_id)
    return found


def _supersede(rows: models.QuerySet[Quote], because: str, by: User | None) -> None:
    """Presented and approved ones are superseded, unfinished ones cancelled, their links void, their approvals over."""
    for other in Quote.objects.locked_all(rows.filter(state__in=[*OVER, *UNFINISHED]).values_list("pk", flat=True)):
        if other.state in OVER:
            lifecycle.move(other, Quote.supersede, by=None, reason=because)
        else:
            approvals.end(other, ApprovalRequest.State.VOID)
            lifecycle.move(other, Quote.cancel, by=None, reason=because)
        signature.void(other, because + ".")


def _require_presentable(quote: Quote) -> None:
    if quote.state not in OVER:
        word = quote.get_state_display().lower()
        raise lifecycle.IllegalMove(f"This quote is {word}; only an approved one is presented.")
    found = contracting.problems(quote)
    if quote.valid_until < timezone.localdate():
        found.insert(0, f"It was valid until {quote.valid_until:%d %B %Y}; make a new version.")
    if waiting := quotechecks.still_open(quote):
        found.insert(0, waiting)
    if found:
        raise NotPresentable(problems={"": found})


def _valid_until(quote: Quote) -> dt.date:
    return quote.valid_until


def _why_closed(quote: Quote) -> str:
    if quote.state == Quote.State.PRESENTED:
        return ""
    until = f"{quote.valid_until:%d %B %Y}"
    return {
        Quote.State.SUPERSEDED: "A newer offer replaced this one. Ask your contact for its link.",
        Quote.State.EXPIRED: f"This offer was valid until {until}. Ask your contact for a new one.",
    }.get(quote.state, "This offer was withdrawn. Ask your contact for a new one.")


signature.register(LABEL, signature.Subject("quote", "quote", lock, accept, declined, _valid_until, _why_closed))
