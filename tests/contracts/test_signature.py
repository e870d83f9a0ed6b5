"""Signature: a link works once, shows what it was made for, and refuses clearly whatever else."""

import datetime as dt
import hashlib
import io

import pytest
import time_machine
from django.core import mail
from django.utils import timezone
from pypdf import PdfWriter

from contracts import agreement, presenting, signature
from contracts.models import Agreement, Quote, SignatureRequest
from contracts.signature import LinkClosed, Tampered, UnknownLink, Unsigned
from kernel.models import AuditEntry
from kernel.refusal import NotPermitted
from tests.factories import contracts as make
from tests.factories import contracts_quotes as quotes
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


def test_only_the_hash_of_the_secret_is_kept() -> None:
    made = make.sent()
    stored = SignatureRequest.objects.get(pk=made.pk)
    assert len(made.token) >= 43
    assert stored.token_hash == hashlib.sha256(made.token.encode()).hexdigest()
    assert stored.token == ""


def test_the_link_goes_by_mail_after_the_commit(django_capture_on_commit_callbacks: object) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        made = make.sent()
    letter = mail.outbox[-1]
    assert letter.to == [made.contact.email]
    assert signature.link(made.token) in letter.body


def test_opening_is_kept_once() -> None:
    made = make.sent()
    first = signature.open(made.token).opened_at
    assert first is not None
    assert signature.open(made.token).opened_at == first
    with pytest.raises(UnknownLink):
        signature.open("made-up")


def test_signing_keeps_who_when_where_and_what() -> None:
    made = make.sent()
    before = made.document.sha256
    signed = make.sign(made, "  Julia   Brandt ")
    assert (signed.signed_name, signed.address, signed.agent) == ("Julia Brandt", "192.0.2.7", "Browser 1.0")
    assert signed.document_sha256 == before
    assert "same effect as a signature by hand" in signed.consent
    row = AuditEntry.objects.get(action="signed", subject_id=made.subject_id)
    assert row.changes["document_sha256"] == [None, before]
    assert row.changes["signed_sha256"] == [None, signed.signed_document.sha256]


def test_the_signed_pdf_is_the_document_with_one_page_more() -> None:
    signed = make.sign(make.sent())
    original, kept = make.pdf(signed.document), make.pdf(signed.signed_document)
    assert len(kept.pages) == len(original.pages) + 1
    assert signed.document_sha256 in str(kept.metadata["/Subject"])
    assert signed.signed_document.customer_may_see


@pytest.mark.parametrize(
    ("name", "consent", "field"), [("", True, "name"), ("J", True, "name"), ("Julia B", False, "consent")]
)
def test_name_and_consent_are_needed(name: str, consent: bool, field: str) -> None:
    made = make.sent()
    with pytest.raises(Unsigned) as refused:
        signature.sign(token=made.token, name=name, consent=consent, address=None, agent="")
    assert set(refused.value.problems) == {field}
    assert SignatureRequest.objects.get(pk=made.pk).state == "open"


def test_a_link_works_once() -> None:
    made = make.sent()
    make.sign(made)
    with pytest.raises(LinkClosed, match="signed already, by Julia Brandt") as refused:
        make.sign(made)
    assert refused.value.state == "signed"
    with pytest.raises(LinkClosed):
        signature.decline(token=made.token, reason="Changed my mind")
    assert SignatureRequest.objects.filter(subject_id=made.subject_id, signed_at__isnull=False).count() == 1


def test_a_newer_link_voids_the_older() -> None:
    first = make.sent()
    second = agreement.send(agreement_id=first.subject_id, contact_id=first.contact_id, by=None)
    with pytest.raises(LinkClosed, match="newer link") as refused:
        make.sign(first)
    assert refused.value.state == "void"
    assert make.sign(second).state == "signed"


def test_a_link_ends() -> None:
    made = make.sent()
    with time_machine.travel(made.expires_at + dt.timedelta(seconds=1)), pytest.raises(LinkClosed) as refused:
        make.sign(made)
    assert refused.value.state == "expired"


def test_a_quotes_link_ends_with_its_validity() -> None:
    made = make.presented(approved := make.approved_quote(valid_until=timezone.localdate() + dt.timedelta(days=3)))
    assert timezone.localdate(made.expires_at) == approved.valid_until


def test_a_changed_file_is_not_signed() -> None:
    made = make.sent()
    with made.document.file.storage.open(made.document.file.name, "wb") as file:
        file.write(b"%PDF-1.7 something else")
    with pytest.raises(Tampered):
        make.sign(made)
    assert Agreement.objects.get(pk=made.subject_id).state == "approved"


def test_declining_keeps_the_reason_and_moves_the_quote() -> None:
    made = make.presented()
    with pytest.raises(Unsigned):
        signature.decline(token=made.token, reason="  ")
    signature.decline(token=made.token, reason="Too expensive in Brno")
    assert Quote.objects.get(pk=made.subject_id).state == "declined"
    assert SignatureRequest.objects.get(pk=made.pk).declined_because == "Too expensive in Brno"
    with pytest.raises(LinkClosed):
        make.sign(made)


def test_a_declined_agreement_can_be_sent_again() -> None:
    made = make.sent()
    signature.decline(token=made.token, reason="Liability is too low")
    again = agreement.send(agreement_id=made.subject_id, contact_id=made.contact_id, by=None)
    assert make.sign(again).state == "signed"


def test_a_withdrawn_quote_cannot_be_signed() -> None:
    made = make.presented()
    presenting.withdraw(quote_id=made.subject_id, by=make.manager(), reason="They called and said no")
    with pytest.raises(LinkClosed):
        make.sign(made)


def _scan() -> bytes:
    out, writer = io.BytesIO(), PdfWriter()
    writer.add_blank_page(595, 842)
    writer.write(out)
    return out.getvalue()


def test_a_copy_signed_on_paper_is_kept_as_it_is() -> None:
    made, by, scan = make.presented(), quotes.seller(), _scan()
    signed = signature.record_wet(
        request_id=made.pk,
        name="Julia Brandt",
        signed_on=timezone.localdate(),
        filename="scan.pdf",
        content=scan,
        by=by,
    )
    assert signed.signed_document.sha256 == hashlib.sha256(scan).hexdigest()
    assert (signed.wet, Quote.objects.get(pk=made.subject_id).state) == (True, "accepted")
    with pytest.raises(LinkClosed):
        make.sign(made)


@pytest.mark.parametrize("content", [b"", b"<html>", b"%PDF-1.7 but nothing more", b"PK\x03\x04"])
def test_only_a_readable_pdf_counts(content: bytes) -> None:
    made, by = make.presented(), quotes.seller()
    with pytest.raises(Unsigned) as refused:
        signature.record_wet(
            request_id=made.pk, name="X", signed_on=timezone.localdate() + dt.timedelta(days=1), filename="scan.pdf",
            content=content, by=by,
        )  # fmt: skip
    assert set(refused.value.problems) == {"file", "name", "signed_on"}
    assert Quote.objects.get(pk=made.subject_id).state == "presented"


def test_recording_paper_needs_the_right() -> None:
    made = make.presented()
    with pytest.raises(NotPermitted):
        signature.record_wet(
            request_id=made.pk, name="Julia Brandt", signed_on=timezone.localdate(), filename="scan.pdf",
            content=_scan(), by=UserFactory(role="finance"),
        )  # fmt: skip
