"""Certificate: the page that is put behind a signed document, saying who signed what, when and from where."""

import datetime as dt
import io
from dataclasses import dataclass

from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError

from contracts import printing
from kernel.refusal import Refusal


class NotPdf(Refusal):
    """The file is no readable PDF."""


@dataclass(frozen=True)
class Certificate:
    """What the page tells."""

    document: str
    sha256: str
    customer: str
    name: str
    email: str
    at: dt.datetime
    address: str
    agent: str
    consent: str
    reference: str


def append(original: bytes, told: Certificate) -> bytes:
    """The document with the certificate as its last page; the pages before it stay as they are. Raises NotPdf."""
    reader = require_pdf(original)
    at = told.at.astimezone(dt.UTC)
    context = {"told": told, "pages": len(reader.pages), "at": f"{at.day} {at:%B %Y, %H:%M:%S}"}
    page = printing.pdf("pdf/certificate.html", context, title=f"Signature of {told.document}")
    writer = PdfWriter(clone_from=reader)
    writer.append(io.BytesIO(page), import_outline=False)
    writer.add_metadata({"/Subject": f"Signed by {told.name} at {at:%Y-%m-%dT%H:%M:%SZ}, original {told.sha256}"})
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


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
