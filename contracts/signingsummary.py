"""Signing summary: what a signatory is about to agree to, in a few figures beside the document."""

from dataclasses import dataclass
from decimal import Decimal

from contracts import agreementcontent, quoteversions
from contracts.models import Agreement, Quote, SignatureRequest


@dataclass(frozen=True)
class Figure:
    """One figure: an amount, or words."""

    label: str
    text: str = ""
    amount: Decimal | None = None
    currency: str = "EUR"


@dataclass(frozen=True)
class Summary:
    """Title, figures, and who to ask."""

    title: str
    number: str
    figures: list[Figure]
    contact: str
    email: str


def summary(made: SignatureRequest) -> Summary:
    """The figures of the record that the request is about."""
    if made.subject_type == Quote._meta.label_lower:
        return _quote(Quote.objects.select_related("owner", "agreement").get(pk=made.subject_id))
    return _agreement(Agreement.objects.select_related("owner", "price_list").get(pk=made.subject_id))


def _quote(quote: Quote) -> Summary:
    sites = quote.lines.exclude(site=None).values("site").distinct().count()
    figures = [
        Figure("Per month", amount=quote.monthly, currency=quote.currency),
        Figure("Once", amount=quote.one_time, currency=quote.currency),
        Figure("Term", f"{quote.term_months} months"),
        Figure("Sites", str(sites)),
        Figure("Valid until", f"{quote.valid_until.day} {quote.valid_until:%B %Y}"),
    ]
    if quote.agreement:
        figures.append(Figure("Agreement", quote.agreement.number))
    others = [one for one in quoteversions.alternatives_of(quote) if one.state == Quote.State.PRESENTED]
    if told := ", ".join(f"{one.title} ({one.number})" for one in others if one.pk != quote.pk):
        figures.append(Figure("Closed by signing", told))
    return _told(quote, f"{quote.number}, version {quote.version}", figures)


def _agreement(agreement: Agreement) -> Summary:
    shown = agreementcontent.content(agreement)
    figures = [
        Figure("In force from", f"{agreement.starts_on.day} {agreement.starts_on:%B %Y}"),
        Figure("Until", f"{agreement.ends_on.day} {agreement.ends_on:%B %Y}"),
        Figure("Minimum term", f"{agreement.term_months} months"),
        *[Figure(f"Discount, {d.on.lower()}", f"{d.percent} % on {d.charges.lower()}") for d in shown.discounts],
        *[Figure(level.name, level.promise) for level in shown.levels],
    ]
    return _told(agreement, f"{agreement.number}, version {agreement.version}", figures)


def _told(record: Quote | Agreement, number: str, figures: list[Figure]) -> Summary:
    owner = record.owner
    return Summary(record.title, number, figures, str(owner) if owner else "", owner.email if owner else "")
