"""Paper copies: read by their content, kept as they are, and counted once a second person confirmed them."""

import datetime as dt
import hashlib
import io
import struct
import zlib
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from PIL import Image
from pypdf import PdfWriter

from contracts import papercopy, signature
from contracts.models import PaperCopy, Quote, SignatureRequest
from contracts.signature import LinkClosed, Unsigned
from kernel import home
from kernel.refusal import Conflict, NotPermitted
from tests.factories import contracts as make
from tests.factories import contracts_quotes as quotes
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


def _pdf(password: str = "") -> bytes:
    out, writer = io.BytesIO(), PdfWriter()
    writer.add_blank_page(595, 842)
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    writer.write(out)
    return out.getvalue()


def _picture(kind: str, size: tuple[int, int] = (80, 60)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "white").save(out, kind)
    return out.getvalue()


def _bomb() -> bytes:
    """A PNG of a few bytes whose head promises 900 million dots."""
    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    return b"\x89PNG\r\n\x1a\n" + chunk


def _uploaded(made: SignatureRequest, content: bytes | None = None, name: str = "scan.pdf", **values: Any) -> PaperCopy:
    wanted = {"name": "Julia Brandt", "signed_on": timezone.localdate(), "by": make.manager()} | values
    return papercopy.upload(request_id=made.pk, filename=name, content=content or _pdf(), **wanted)


@pytest.mark.parametrize(
    ("name", "content"), [("scan.pdf", _pdf()), ("photo.jpg", _picture("JPEG")), ("scan.png", _picture("PNG"))]
)
def test_a_confirmed_copy_is_the_signature_byte_for_byte(name: str, content: bytes) -> None:
    made = make.presented()
    copy = _uploaded(made, content, name)
    assert Quote.objects.get(pk=made.subject_id).state == "presented"
    signed = papercopy.confirm(copy_id=copy.pk, by=quotes.seller())
    assert signed.signed_document.sha256 == hashlib.sha256(content).hexdigest()
    assert (signed.wet, Quote.objects.get(pk=made.subject_id).state) == (True, "accepted")
    assert str(copy.uploaded_by) in signed.consent
    with pytest.raises(LinkClosed):
        make.sign(made)


def test_whoever_uploaded_it_cannot_confirm_it() -> None:
    copy = _uploaded(make.presented(), by=(by := make.manager()))
    with pytest.raises(NotPermitted, match="ask a colleague"):
        papercopy.confirm(copy_id=copy.pk, by=by)
    quote = Quote.objects.get(pk=copy.request.subject_id)
    asked = f"Confirm the signed copy of {quote}"
    assert asked not in [action.text for action in home.actions_for(by)]
    assert (asked, quote.get_absolute_url()) in [(one.text, one.url) for one in home.actions_for(make.manager())]
    with pytest.raises(IntegrityError), transaction.atomic():
        PaperCopy.objects.filter(pk=copy.pk).update(decided_by=by)


def test_a_refused_copy_leaves_the_link_open() -> None:
    made = make.presented()
    copy = _uploaded(made)
    with pytest.raises(Conflict, match="Another copy waits"):
        _uploaded(made)
    papercopy.refuse(copy_id=copy.pk, by=quotes.seller(), reason="The last page is missing")
    with pytest.raises(Conflict, match="decided already"):
        papercopy.confirm(copy_id=copy.pk, by=quotes.seller())
    assert make.sign(made).state == "signed"


BAD = [
    ("scan.pdf", b""), ("scan.pdf", b"<html><script>alert(1)</script>"), ("scan.pdf", b"%PDF-1.7 but nothing more"),
    ("scan.pdf", b"PK\x03\x04"), ("scan.pdf", _pdf("secret")), ("scan.pdf", _picture("PNG")), ("scan.png", _pdf()),
    ("scan.png", _bomb()), ("scan.png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 40), ("scan.jpg", b"\xff\xd8\xff" + b"x" * 99),
    ("scan.svg", b"<svg onload=alert(1)>"), ("scan.exe", b"MZ"), ("notes.txt", b"signed, honestly"),
    ("../../etc/passwd", b"root"), ("scan.pdf\x00.exe", b"MZ"), ("scan.pdf", b"%PDF-1.7\n" + b"[" * 5000),
    ("scan.jpg", _picture("JPEG")[:60]), ("scan.zip", b"PK\x03\x04"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content"), BAD, ids=map(str, range(len(BAD))))
def test_whatever_is_no_copy_is_refused_at_its_field(name: str, content: bytes) -> None:
    with pytest.raises(Exception) as refused:  # noqa: PT011 – its kind is looked at below
        papercopy.accept(name, content)
    assert getattr(refused.value, "status", 500) == 422, refused.value


def test_all_problems_are_told_at_once() -> None:
    made = make.presented()
    with pytest.raises(Unsigned) as refused:
        _uploaded(
            made, b"<html>", name="scan.pdf", signed_on=timezone.localdate() + dt.timedelta(days=1), by=make.manager()
        )
    assert set(refused.value.problems) == {"file", "signed_on"}
    assert Quote.objects.get(pk=made.subject_id).state == "presented"


def test_recording_paper_needs_the_right() -> None:
    made = make.presented()
    with pytest.raises(NotPermitted):
        _uploaded(made, by=UserFactory(role="finance"))
    copy = _uploaded(made)
    with pytest.raises(NotPermitted):
        papercopy.confirm(copy_id=copy.pk, by=UserFactory(role="finance"))


def test_a_signed_quote_takes_no_copy() -> None:
    made = make.presented()
    copy = _uploaded(made)
    make.sign(made)
    with pytest.raises(signature.LinkClosed):
        papercopy.confirm(copy_id=copy.pk, by=quotes.seller())
    with pytest.raises(signature.LinkClosed):
        _uploaded(made)
