"""Documents: the PDF of a quote or an agreement as the customer gets it; no cost, margin or internal note is in it."""

import datetime as dt

from django.utils import timezone

from contracts import agreementcontent, printing, quotecontent
from contracts.models import Agreement, Quote
from kernel import documents
from kernel.models import AuditEntry, Document, User
from kernel.refusal import Conflict

AT_ONCE = 100  # lines up to which a PDF is made while the person waits
UNAPPROVED = (Quote.State.DRAFT, Quote.State.IN_REVIEW, Quote.State.REJECTED, Quote.State.CANCELLED)
QUOTE, AGREEMENT = "quote_pdf", "agreement_pdf"


class DocumentPending(Conflict):
    """The PDF is being made in the background."""


def kept(quote: Quote) -> Document | None:
    """The PDF of this version, when it is there."""
    return documents.of(quote).filter(kind=QUOTE).first()


def quote_pdf(quote: Quote, *, by: User | None = None) -> Document:
    """The PDF of this version, made once; a version that was approved never changes again.

    Raises:
        DocumentPending: a quote of more than 100 lines whose PDF is not there yet; a worker is making it now.
    """
    if found := kept(quote):
        return found
    if is_long(quote):
        from contracts import printruns

        run = printruns.ask(quote, by=by)
        raise DocumentPending(f"The PDF of {quote.lines.count()} lines is being made{_so_far(run.done, run.total)}.")
    return keep(quote, quote_bytes(quote), by=by)


def is_long(quote: Quote) -> bool:
    """Whether nobody should wait for its PDF."""
    return quote.lines.count() > AT_ONCE


def keep(quote: Quote, content: bytes, *, by: User | None) -> Document:
    """Store the offer of an approved version."""
    return documents.store(
        quote, kind=QUOTE, name=f"{quote.number}-v{quote.version}.pdf", content=content,
        content_type="application/pdf", by=by, customer_may_see=True,
    )  # fmt: skip


def quote_bytes(quote: Quote, *, progress: printing.Told | None = None) -> bytes:
    """The quote as PDF; a draft is marked as one. A long one is set in parts, and `progress` hears of each.

    The same content gives the same bytes.
    """
    content = quotecontent.content(quote)
    said = {"quote": quote, "content": content, "draft": quote.state in UNAPPROVED, "on": dated(quote)}
    title = f"Offer {quote}, {quote.title}"
    if progress is None and content.line_count <= AT_ONCE:
        return printing.pdf("pdf/quote.html", said, title=title)
    parts = [printing.Part("pdf/quote.html", said)]
    parts += [printing.Part("pdf/quote_part.html", said | {"section": section}) for section in content.sections]
    return printing.long_pdf(parts, title=title, progress=progress)


def dated(quote: Quote) -> dt.date:
    """The day on the document: that of the approval, so that it is the same whenever it is printed."""
    row = AuditEntry.objects.filter(subject_type="contracts.quote", subject_id=quote.pk, action="approve").last()
    return timezone.localdate(row.at) if row and quote.state not in UNAPPROVED else timezone.localdate()


def quote_file(quote: Quote) -> bytes:
    """The kept PDF of a quote, or one made now, marked as a draft before the quote is approved.

    Raises:
        DocumentPending: a quote of more than 100 lines whose PDF is not kept yet.
    """
    if found := kept(quote):
        with found.file.open("rb") as file:
            content: bytes = file.read()
        return content
    if is_long(quote):
        raise DocumentPending(f"The PDF of {quote.lines.count()} lines is made in the background.")
    return quote_bytes(quote)


def agreement_pdf(agreement: Agreement, *, by: User | None = None) -> Document:
    """The PDF of this version, made once it is approved."""
    if found := documents.of(agreement).filter(kind=AGREEMENT).first():
        return found
    return documents.store(
        agreement, kind=AGREEMENT, name=f"{agreement.number}-v{agreement.version}.pdf",
        content=agreement_bytes(agreement), content_type="application/pdf", by=by, customer_may_see=True,
    )  # fmt: skip


def agreement_bytes(agreement: Agreement, *, draft: bool = False) -> bytes:
    """The agreement as PDF; a draft is marked as one on every page."""
    context = {"agreement": agreement, "content": agreementcontent.content(agreement), "draft": draft}
    return printing.pdf("pdf/agreement.html", context, title=f"Agreement {agreement}, {agreement.title}")


def _so_far(done: int, total: int) -> str:
    return f", {done} of {total} parts" if total else " and will be there in a minute"
