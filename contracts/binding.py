"""Binding: parts of a document become one file with page numbers laid over; equal parts give equal bytes."""

import hashlib
import io
from pathlib import Path
from typing import cast

from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    ByteStringObject,
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    StreamObject,
)

OVERLAY = "/Numbers"


def bind(parts: list[Path], numbers: Path, *, title: str) -> bytes:
    """The parts in order, their outlines kept, each page with its page of `numbers` over it."""
    writer = PdfWriter()
    writer.pdf_header = "%PDF-1.7"
    for part in parts:
        writer.append(str(part))
    for page, leaf in zip(writer.pages, PdfReader(numbers).pages, strict=True):
        _lay(writer, page, leaf)
    writer.add_metadata({"/Title": title, "/Producer": "Trunkline"})
    digest = hashlib.sha256(b"".join(part.read_bytes() for part in [*parts, numbers])).digest()[:16]
    writer._ID = ArrayObject([ByteStringObject(digest), ByteStringObject(digest)])
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _lay(writer: PdfWriter, page: PageObject, leaf: PageObject) -> None:
    """Put one page over another as a form, which keeps its own fonts; nothing of either is read or rewritten."""
    contents = leaf.get_contents()
    form = DecodedStreamObject()
    form.set_data(contents.get_data() if contents is not None else b"")
    form.update(
        {
            NameObject("/Type"): NameObject("/XObject"),
            NameObject("/Subtype"): NameObject("/Form"),
            NameObject("/BBox"): leaf.mediabox,
            NameObject("/Resources"): leaf.raw_get("/Resources").clone(writer),
        }
    )
    drawn = DecodedStreamObject()
    drawn.set_data(f"q {OVERLAY} Do Q".encode())
    opening = DecodedStreamObject()
    opening.set_data(b"q")
    closing = DecodedStreamObject()
    closing.set_data(b"Q")
    before = page["/Contents"]
    parts = list(before) if isinstance(before, ArrayObject) else [page.raw_get("/Contents")]
    streams: list[StreamObject] = [opening, closing, drawn]
    first, last, laid = (writer._add_object(stream) for stream in streams)
    page[NameObject("/Contents")] = ArrayObject([first, *parts, last, laid])
    resources = DictionaryObject(cast(DictionaryObject, page["/Resources"].get_object()))
    forms = DictionaryObject(resources.get("/XObject", DictionaryObject()).get_object())
    forms[NameObject(OVERLAY)] = writer._add_object(form)
    resources[NameObject("/XObject")] = forms
    page[NameObject("/Resources")] = resources
