"""Certificate: the page behind a signed document, saying who signed what, when and from where, under the seal."""

import base64
import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import dataclass

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from contracts import printing, sealing
from kernel.refusal import Refusal


class NotPdf(Refusal):
    """The file is no readable PDF."""


@dataclass(frozen=True)
class Certificate:
    """What the page tells. `drawn` is a PNG of the signature, empty when the name was typed."""

    document: str
    sha256: str
    customer: str
    name: str
    sent_to: str
    email: str
    at: dt.datetime
    address: str
    agent: str
    consent: str
    reference: str
    authority: str = ""  # what they stated when the link had gone to another person
    drawn: bytes = b""
    place: int = 1
    places: int = 1
    wet: bool = False
    copy: str = ""  # SHA-256 of the copy that was signed on paper

    @property
    def picture(self) -> str:
        """The drawn signature as an address."""
        return f"data:image/png;base64,{base64.b64encode(self.drawn).decode()}" if self.drawn else ""


def append(original: bytes, signatures: Sequence[Certificate]) -> bytes:
    """The document with a page for each signature behind it, sealed; its own bytes stay as they are. Raises NotPdf."""
    reader = require_pdf(original)
    leaves = []
    for told in signatures:
        at = told.at.astimezone(dt.UTC)
        context = {
            "told": told, "pages": len(reader.pages), "size": len(original), "at": f"{at.day} {at:%B %Y, %H:%M:%S}",
            "last": told is signatures[-1],
        }  # fmt: skip
        leaves.append(printing.pdf("pdf/certificate.html", context, title=f"Signature of {told.document}"))
    return sealing.seal(original, leaves, reason=f"Signed by {', '.join(told.name for told in signatures)}")


def require_pdf(content: bytes) -> PdfReader:
    """A reader of the file. Raises NotPdf when it is none, is locked by a password, or has no pages."""
    if not content.startswith(b"%PDF-"):
        raise NotPdf("Only a PDF is kept as a signed copy. Scan or save it as PDF.")
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted:
            raise NotPdf("The PDF is locked by a password. Save it without one.")
        pages = len(reader.pages)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise NotPdf("The PDF cannot be read; it seems to be damaged.") from error
    if not pages:
        raise NotPdf("The PDF has no pages.")
    return reader
