"""Pushing back: a discount that a quote negotiated is proposed for the agreement, so that every later quote has it."""

from collections import defaultdict
from decimal import Decimal

from django.db import transaction

from contracts import agreement as agreements
from contracts import negotiation, proposals, quotepricing
from contracts.models import Agreement, Proposal, Quote, QuoteLine
from contracts.negotiation import Unfit
from kernel.models import User
from kernel.money import ZERO
from kernel.refusal import Conflict, NotPermitted

HUNDRED = Decimal(100)


def possible(quote: Quote) -> bool:
    """Whether the quote has a discount of its own beside its agreement's."""
    return quote.agreement_id is not None and quote.monthly < quote.monthly_agreed


def wanted(quote: Quote) -> dict[str, Decimal]:
    """Offering → discount on list prices that would give the quote's prices without one of its own; {} for none."""
    if quote.agreement is None:
        return {}
    agreed: dict[int, Decimal] = defaultdict(Decimal)
    sold: dict[int, Decimal] = defaultdict(Decimal)
    names: dict[int, str] = {}
    for line in QuoteLine.objects.filter(quote=quote).select_related("offering"):
        agreed[line.offering_id] += line.monthly_agreed
        sold[line.offering_id] += line.monthly
        names[line.offering_id] = line.offering.key
    granted = [one for one in quotepricing.negotiated(quote) if one.charge == "recurring" and one.price is None]
    has = {one.offering_id: one.percent for one in granted}
    found = {}
    for offering, before in agreed.items():
        if before and sold[offering] < before:
            present = has.get(offering, has.get(None, ZERO))
            left = (HUNDRED - present) * sold[offering] / before
            found[names[offering]] = (HUNDRED - left).quantize(Decimal("0.01"))
    return found


@transaction.atomic
def push(*, quote_id: int, by: User) -> list[Proposal]:
    """Propose the quote's discounts for its agreement; one in force gets its next version for it.

    Raises:
        Unfit: the quote has no agreement or no discount of its own.
        Conflict: the same was proposed from this quote already, or the newer version is past negotiation.
        NotPermitted: the person may not negotiate.
    """
    if not by.has_perm(negotiation.RIGHT):
        raise NotPermitted("Your roles do not include the right to negotiate agreements.")
    quote = Quote.objects.select_related("agreement").get(pk=quote_id)
    found = wanted(quote)
    if quote.agreement is None or not found:
        raise Unfit(problems={"": ["This quote has no discount of its own beside that of its agreement."]})
    target = _open_version(quote.agreement, by)
    if Proposal.objects.filter(agreement=target, quote=quote, state=Proposal.State.OPEN).exists():
        raise Conflict(f"{quote} is proposed for {target} already.")
    keys = {item.label: item.key for item in proposals.items(target) if item.part == Proposal.Part.DISCOUNT}
    names = dict(QuoteLine.objects.filter(quote=quote).values_list("offering__key", "offering__name"))
    return [
        proposals.propose(
            agreement_id=target.pk, side="us", part=Proposal.Part.DISCOUNT, wanted=str(percent), by=by, quote=quote,
            key=keys[f"Discount on {names[key]}"], reason=f"As negotiated in {quote}.",
        )
        for key, percent in found.items()
    ]  # fmt: skip


def _open_version(agreement: Agreement, by: User) -> Agreement:
    newest: Agreement = Agreement.objects.filter(number=agreement.number).order_by("-version")[:1].get()
    if newest.state in negotiation.OPEN:
        return newest
    if newest.state == Agreement.State.ACTIVE:
        return agreements.new_version(agreement_id=newest.pk, by=by)
    word = newest.get_state_display().lower()
    raise Conflict(f"{newest} is {word}; its discounts change when that is over.")
