"""Repricing: a new version of an agreement proposes new prices for the open quotes under it, quote by quote."""

from collections.abc import Iterable
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from contracts import quotepricing, quoteversions
from contracts.models import Agreement, Quote, RepriceProposal
from kernel import audit, lifecycle, notifications
from kernel.models import User
from kernel.money import ZERO
from kernel.refusal import Conflict, NotPermitted

OPEN = (Quote.State.DRAFT, Quote.State.IN_REVIEW, Quote.State.REJECTED, Quote.State.APPROVED, Quote.State.PRESENTED)
RIGHT = "contracts.edit_quote"


class Overtaken(Conflict):
    """The quote or the agreement went on since the prices were worked out."""


@transaction.atomic
def offer(agreement_id: int) -> list[RepriceProposal]:
    """Work out what each open quote under older versions would cost now; those that stay the same just follow.

    Called again it adds nothing: a quote has one proposal for each version of the agreement and edition of itself.
    """
    agreement = Agreement.objects.select_related("price_list").get(pk=agreement_id)
    if agreement.state != Agreement.State.ACTIVE:
        return []
    older = Agreement.objects.filter(number=agreement.number).exclude(pk=agreement.pk)
    quotes = Quote.objects.locked_all(
        Quote.objects.filter(agreement__in=older, state__in=OPEN).values_list("pk", flat=True)
    )
    _overtake(RepriceProposal.objects.filter(quote__in=quotes))
    made = [_proposal(agreement, quote) for quote in quotes]
    RepriceProposal.objects.bulk_create(made, ignore_conflicts=True)
    _tell(agreement, quotes)
    found = RepriceProposal.objects.filter(agreement=agreement, state=RepriceProposal.State.OPEN)
    return list(found.select_related("quote"))


@transaction.atomic
def accept(*, proposal_id: int, by: User) -> Quote:
    """Give the quote the agreement's new version and its prices: a draft itself, else its next version.

    Raises:
        IllegalMove: it is answered already.
        Overtaken: the quote was changed, or a newer version of the agreement is in force; work it out again.
        NotPermitted: the person may not write quotes.
    """
    proposal, quote = _locked(proposal_id, by)
    lifecycle.require_source(proposal, RepriceProposal.accept)
    if not _holds(proposal, quote):
        raise Overtaken(f"{quote} or its agreement went on since this was worked out. Work it out again.")
    if quote.state != Quote.State.DRAFT:
        wish = f"Prices of {proposal.agreement}"
        quote = quoteversions.new_version(quote_id=quote.pk, by=by, wish=wish)
    before = quote.agreement
    quote.agreement, quote.price_list = proposal.agreement, proposal.agreement.price_list
    quote.currency = proposal.agreement.currency
    quote.save(update_fields=["agreement", "price_list", "currency", "updated_at"])
    quote = quotepricing.reprice(quote_id=quote.pk)
    proposal.made = quote
    audit.record("repriced", quote, by=by, changes={"agreement": [str(before), str(proposal.agreement)]})
    _decide(proposal, RepriceProposal.accept, by)
    return quote


@transaction.atomic
def reject(*, proposal_id: int, by: User) -> RepriceProposal:
    """Leave the quote as it is. Raises IllegalMove, NotPermitted."""
    proposal, _ = _locked(proposal_id, by)
    return _decide(proposal, RepriceProposal.reject, by)


def accept_all(*, agreement_id: int, by: User) -> tuple[list[Quote], list[tuple[Quote, str]]]:
    """Accept every open proposal of an agreement, each by itself; the quotes done, and those refused with why."""
    done, refused = [], []
    rows = RepriceProposal.objects.filter(agreement=agreement_id, state=RepriceProposal.State.OPEN)
    for proposal in rows.select_related("quote").order_by("quote_id"):
        try:
            done.append(accept(proposal_id=proposal.pk, by=by))
        except Conflict as error:
            refused.append((proposal.quote, str(error)))
    return done, refused


def of_quote(quote: Quote) -> RepriceProposal | None:
    """The open proposal about a quote."""
    rows = RepriceProposal.objects.filter(quote=quote, state=RepriceProposal.State.OPEN).select_related("agreement")
    return rows.first()


def _proposal(agreement: Agreement, quote: Quote) -> RepriceProposal:
    """Prices as they would be; nothing is written to the quote."""
    lines = quotepricing.lines_of(quote)
    before = {line.pk: (line.monthly, line.one_time) for line in lines}
    quote.agreement, quote.price_list = agreement, agreement.price_list
    prices = quotepricing.prices_of(quote, lines)
    sums = {pk: quotepricing.summed(charges, quote.currency) for pk, charges in prices.items()}
    changed = sum((one["monthly"], one["one_time"]) != before[pk] for pk, one in sums.items())
    return RepriceProposal(
        agreement=agreement, quote=quote, quote_edition=quote.edition, lines_changed=changed,
        monthly_before=quote.monthly, monthly_after=_total(sums.values(), "monthly"),
        one_time_before=quote.one_time, one_time_after=_total(sums.values(), "one_time"),
    )  # fmt: skip


def _total(sums: Iterable[dict[str, Decimal]], name: str) -> Decimal:
    return sum((one[name] for one in sums), ZERO)


def _locked(proposal_id: int, by: User) -> tuple[RepriceProposal, Quote]:
    """The proposal and its quote, the quote locked first."""
    if not by.has_perm(RIGHT):
        raise NotPermitted("Your roles do not include the right to write quotes.")
    quote = Quote.objects.locked(RepriceProposal.objects.values_list("quote_id", flat=True).get(pk=proposal_id))
    proposal: RepriceProposal = RepriceProposal.objects.locked(proposal_id)
    return proposal, quote


def _holds(proposal: RepriceProposal, quote: Quote) -> bool:
    newest = Quote.objects.filter(number=quote.number, version__gt=quote.version).exists()
    same = quote.edition == proposal.quote_edition and quote.state in OPEN and not newest
    return same and proposal.agreement.state == Agreement.State.ACTIVE


def _overtake(rows: object) -> None:
    lifecycle.move_many(rows, RepriceProposal.overtake, by=None)  # type: ignore[arg-type]


def _decide(proposal: RepriceProposal, move: object, by: User) -> RepriceProposal:
    proposal.decided_by, proposal.decided_at = by, timezone.now()
    return lifecycle.move(proposal, move, by=by)  # type: ignore[arg-type,no-any-return]


def _tell(agreement: Agreement, quotes: Iterable[Quote]) -> None:
    owners = {quote.owner for quote in quotes if quote.owner}
    if owners:
        text = f"{agreement} is in force: see what your open quotes cost under it"
        notifications.tell(owners, text, f"{agreement.get_absolute_url()}#reprices")
