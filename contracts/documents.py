"""Documents: the PDF of a quote or an agreement as the customer gets it; no cost, margin or internal note is in it."""

from contracts import agreementcontent, printing, quotecontent
from contracts.models import Agreement, Quote
from kernel import documents, jobs
from kernel.models import Document, User
from kernel.refusal import Conflict

AT_ONCE = 100  # lines up to which a PDF is made while the person waits
UNAPPROVED = (Quote.State.DRAFT, Quote.State.IN_REVIEW, Quote.State.REJECTED, Quote.State.CANCELLED)
QUOTE, AGREEMENT = "quote_pdf", "agreement_pdf"


class DocumentPending(Conflict):
    """The PDF is being made in the background."""


def quote_pdf(quote: Quote, *, by: User | None = None) -> Document:
    """The PDF of this version, made once; a version that was approved never changes again.

    Raises:
        DocumentPending: a quote of more than 100 lines whose PDF is not there yet; a worker is making it now.
    """
    if found := documents.of(quote).filter(kind=QUOTE).first():
        return found
    count = quote.lines.count()
    if count > AT_ONCE:
        jobs.wake("contracts.tasks.make_quote_pdf", queue="documents", quote_id=quote.pk)
        raise DocumentPending(
            f"The PDF of {count} lines is being made. Present the quote when it is there, in a minute."
        )
    return _make(quote, by)


def made_once(quote: Quote) -> Document:
    """The PDF of a quote however long it is, made when it is not there yet."""
    return documents.of(quote).filter(kind=QUOTE).first() or _make(quote, None)


def _make(quote: Quote, by: User | None) -> Document:
    return documents.store(
        quote, kind=QUOTE, name=f"{quote.number}-v{quote.version}.pdf", content=quote_bytes(quote),
        content_type="application/pdf", by=by, customer_may_see=True,
    )  # fmt: skip


def quote_bytes(quote: Quote, *, draft: bool = False) -> bytes:
    """The quote as PDF; a draft is marked as one on every page."""
    context = {"quote": quote, "content": quotecontent.content(quote), "draft": draft}
    return printing.pdf("pdf/quote.html", context, title=f"Offer {quote}, {quote.title}")


def quote_file(quote: Quote) -> bytes:
    """The kept PDF of a quote, or one made now, marked as a draft before the quote is approved.

    Raises:
        DocumentPending: a quote of more than 100 lines whose PDF is not kept yet.
    """
    if found := documents.of(quote).filter(kind=QUOTE).first():
        with found.file.open("rb") as file:
            content: bytes = file.read()
        return content
    if (count := quote.lines.count()) > AT_ONCE:
        raise DocumentPending(f"The PDF of {count} lines is made when the quote is presented.")
    return quote_bytes(quote, draft=quote.state in UNAPPROVED)


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
