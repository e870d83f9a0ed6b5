"""Signature: a link works once, shows what it was made for, and refuses clearly whatever else."""

import base64
import datetime as dt
import hashlib
import html
import io

import pytest
import time_machine
from django.core import mail
from django.db import ProgrammingError, transaction
from django.db.models import ProtectedError
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from contracts import agreement, consent, presenting, signature, signingname, signingorder
from contracts.models import Agreement, Quote, SignatureRequest
from contracts.signature import LinkClosed, Tampered, UnknownLink, Unsigned
from crm import contactmerging
from kernel.models import AuditEntry, Document
from tests.factories import contracts as make
from tests.factories import contracts_quotes as quotes
from tests.factories.crm import ContactFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


def test_only_the_hash_of_the_secret_is_kept(sent: SignatureRequest) -> None:
    stored = SignatureRequest.objects.get(pk=sent.pk)
    assert len(sent.token) >= 43
    assert stored.token_hash == hashlib.sha256(sent.token.encode()).hexdigest()
    assert stored.token == ""


def test_the_link_goes_by_mail_after_the_commit(django_capture_on_commit_callbacks: object) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        made = make.sent()
    letter = mail.outbox[-1]
    assert letter.to == [made.contact.email]
    assert signature.link(made.token) in letter.body


def test_opening_is_kept_once(sent: SignatureRequest) -> None:
    first = signature.open(sent.token).opened_at
    assert first is not None
    assert signature.open(sent.token).opened_at == first
    with pytest.raises(UnknownLink):
        signature.open("made-up")


def test_signing_keeps_who_when_where_and_what(sent: SignatureRequest) -> None:
    before = sent.document.sha256
    signed = make.sign(sent, "  Julia   Brandt ")
    assert (signed.signed_name, signed.address, signed.agent) == ("Julia Brandt", "192.0.2.7", "Browser 1.0")
    assert signed.document_sha256 == before
    assert "same effect as a signature by hand" in signed.consent
    row = AuditEntry.objects.get(action="signed", subject_id=sent.subject_id)
    assert row.changes["document_sha256"] == [None, before]
    assert row.changes["signed_sha256"] == [None, signed.signed_document.sha256]


def test_the_signed_pdf_is_the_document_with_one_page_more(sent: SignatureRequest) -> None:
    signed = make.sign(sent)
    original, kept = make.pdf(signed.document), make.pdf(signed.signed_document)
    assert len(kept.pages) == len(original.pages) + 1
    with signed.document.file.open("rb") as before, signed.signed_document.file.open("rb") as after:
        assert after.read(signed.document.size) == before.read()
    assert signed.signed_document.customer_may_see


@pytest.mark.parametrize(
    ("name", "consent", "field"), [("", True, "name"), ("J", True, "name"), ("Julia Brandt", False, "consent")]
)
def test_name_and_consent_are_needed(name: str, consent: bool, field: str, sent: SignatureRequest) -> None:
    with pytest.raises(Unsigned) as refused:
        signature.sign(token=sent.token, name=name, consent=consent, address=None, agent="")
    assert set(refused.value.problems) == {field}
    assert SignatureRequest.objects.get(pk=sent.pk).state == "open"


def test_a_link_works_once(sent: SignatureRequest) -> None:
    make.sign(sent)
    with pytest.raises(LinkClosed, match="signed already, by Julia Brandt") as refused:
        make.sign(sent)
    assert refused.value.state == "signed"
    with pytest.raises(LinkClosed):
        signature.decline(token=sent.token, reason="Changed my mind")
    assert SignatureRequest.objects.filter(subject_id=sent.subject_id, signed_at__isnull=False).count() == 1


def test_a_newer_link_voids_the_older(sent: SignatureRequest) -> None:
    second = agreement.send(agreement_id=sent.subject_id, contact_id=sent.contact_id, by=None)
    with pytest.raises(LinkClosed, match="newer link") as refused:
        make.sign(sent)
    assert refused.value.state == "void"
    assert make.sign(second).state == "signed"


def test_a_link_ends(sent: SignatureRequest) -> None:
    with time_machine.travel(sent.expires_at + dt.timedelta(seconds=1)), pytest.raises(LinkClosed) as refused:
        make.sign(sent)
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


def test_declining_keeps_the_reason_and_moves_the_quote(presented: SignatureRequest) -> None:
    with pytest.raises(Unsigned):
        signature.decline(token=presented.token, reason="  ")
    signature.decline(token=presented.token, reason="Too expensive in Brno")
    assert Quote.objects.get(pk=presented.subject_id).state == "declined"
    assert SignatureRequest.objects.get(pk=presented.pk).declined_because == "Too expensive in Brno"
    with pytest.raises(LinkClosed):
        make.sign(presented)


def test_a_declined_agreement_can_be_sent_again(sent: SignatureRequest) -> None:
    signature.decline(token=sent.token, reason="Liability is too low")
    again = agreement.send(agreement_id=sent.subject_id, contact_id=sent.contact_id, by=None)
    assert make.sign(again).state == "signed"


def test_a_withdrawn_quote_cannot_be_signed(presented: SignatureRequest) -> None:
    presenting.withdraw(quote_id=presented.subject_id, by=make.manager(), reason="They called and said no")
    with pytest.raises(LinkClosed):
        make.sign(presented)


def test_a_further_link_leaves_the_first_good_and_both_end_with_the_signature(sent: SignatureRequest) -> None:
    token = signature.another_link(sent, channel="portal", by=None)
    assert signature.open(token).pk == signature.open(sent.token).pk == sent.pk
    signature.sign(token=token, name="Julia Brandt", consent=True, address=None, agent="")
    for spent in (token, sent.token):
        with pytest.raises(LinkClosed, match="signed already"):
            signature.open(spent)


def test_a_reminder_brings_a_link_of_its_own_once_a_day(
    django_capture_on_commit_callbacks: object, sent: SignatureRequest
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        signature.remind(sent, by=None)
    letter = mail.outbox[-1]
    assert "still waits for you" in letter.body
    assert signature.link(sent.token) not in letter.body
    with pytest.raises(signature.TooSoon):
        signature.remind(sent, by=None)
    assert signature.open(sent.token).state == "open"


def test_a_withdrawn_link_says_so(presented: SignatureRequest) -> None:
    made, by = presented, quotes.seller()
    signature.revoke(Quote.objects.get(pk=made.subject_id), by=by)
    with pytest.raises(LinkClosed, match=f"withdrawn by {by}"):
        make.sign(made)


def test_reworded_consent_is_read_again(sent: SignatureRequest) -> None:
    before = consent.shown(sent)
    consent.revise(text="I, for {customer}, accept {document}.", by=None)
    with pytest.raises(Unsigned) as refused:
        signature.sign(
            token=sent.token, name="Julia Brandt", consent=True, version=before.version, address=None, agent=""
        )
    assert "changed" in refused.value.problems["consent"][0]
    signed = make.sign(sent)
    assert (signed.consent_version, signed.consent) == (2, f"I, for {sent.account.name}, accept {sent.document.name}.")


@pytest.mark.parametrize(("typed", "same"), [
    ("julia  BRANDT", True), ("Brandt, Júlia", True), ("Dr. Julia Maria Brandt", True), ("J. Brandt", False),
    ("Karl Brandt", False), ("Karl Maier for Julia Brandt", False), ("Julia", False),
])  # fmt: skip
def test_a_name_is_the_same_in_any_order_with_a_title_more(typed: str, same: bool) -> None:
    assert signingname.same_person("Julia Brandt", typed) is same
    assert signingname.same_person("Jürgen Müller-Weiß", "Juergen Mueller Weiss")


def test_another_person_signs_only_with_a_statement_that_stands_in_the_signed_pdf(
    client: Client, django_capture_on_commit_callbacks: object, sent: SignatureRequest
) -> None:
    page = reverse("contracts:sign", args=[sent.token])
    drawn = _drawing()
    typed = {"name": "Karl Maier", "consent": "on", "drawn": drawn}
    asked = client.post(page, typed)
    said = asked.content.decode()
    assert asked.status_code == 422
    assert "This link was sent to Julia Brandt." in said
    assert "has given me the authority" in html.unescape(said)
    assert drawn in said  # nothing is drawn twice
    assert SignatureRequest.objects.get(pk=sent.pk).state == "open"
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        assert client.post(page, typed | {"authority": "on"}).status_code == 302
    kept = SignatureRequest.objects.select_related("signed_document").get(pk=sent.pk)
    assert (kept.signed_name, kept.sent_to, kept.signed_email) == ("Karl Maier", "Julia Brandt", sent.contact.email)
    (page_of,) = signingorder.certificates(kept, 0)
    last = html.unescape(render_to_string("pdf/certificate.html", {"told": page_of, "pages": 1, "size": 1, "at": ""}))
    for told in ("Karl Maier", f"Julia Brandt, {sent.contact.email}", "authority to sign", "in the place of Julia"):
        assert told in last
    letter = next(one for one in mail.outbox if "in your place" in one.subject)
    assert letter.to == [sent.contact.email]
    trail = AuditEntry.objects.get(action="signed", subject_id=kept.subject_id)
    assert trail.changes["link_sent_to"] == [None, "Julia Brandt"]
    assert "authority" in trail.reason


def _drawing(size: tuple[int, int] = (60, 20), kind: str = "PNG") -> str:
    out = io.BytesIO()
    Image.new("RGB", size, "white").save(out, kind)
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"


def test_a_drawn_signature_is_kept(sent: SignatureRequest) -> None:
    signed = signature.sign(
        token=sent.token, name="Julia Brandt", consent=True, address=None, agent="", drawn=_drawing()
    )
    kept = SignatureRequest.objects.get(pk=signed.pk).drawn
    assert bytes(kept).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "drawn",
    ["javascript:alert(1)", "data:image/svg+xml;base64,PHN2Zz4=", "data:image/png;base64,PHN2Zz4=",
     "data:image/png;base64,%%%", _drawing((3000, 3000)), "data:image/png;base64," + "A" * 300_000],
)  # fmt: skip
def test_a_drawing_that_is_no_picture_is_refused(drawn: str, sent: SignatureRequest) -> None:
    with pytest.raises(Unsigned) as refused:
        signature.sign(token=sent.token, name="Julia Brandt", consent=True, address=None, agent="", drawn=drawn)
    assert set(refused.value.problems) == {"drawn"}


def test_what_was_signed_stays_as_it_is(sent: SignatureRequest) -> None:
    signed = make.sign(sent)
    for change in (
        lambda: SignatureRequest.objects.filter(pk=signed.pk).update(signed_name="Somebody Else"),
        lambda: Document.objects.filter(pk=signed.signed_document_id).update(sha256="0" * 64),
        lambda: Document.objects.filter(pk=signed.signed_document_id).delete(),
    ):
        with pytest.raises((ProgrammingError, ProtectedError)), transaction.atomic():
            change()


def test_two_records_of_the_signatory_become_one_and_the_evidence_stays(sent: SignatureRequest) -> None:
    signed = make.sign(sent)
    names = ("signed_name", "signed_email", "signed_at", "document_sha256", "consent", "address", "signed_document")
    before = {name: getattr(SignatureRequest.objects.get(pk=signed.pk), name) for name in names}
    keep = ContactFactory(account=signed.account, email="new@address.example")
    contactmerging.merge(keep_id=keep.pk, other_id=signed.contact_id, by=None)
    after = SignatureRequest.objects.get(pk=signed.pk)
    assert after.contact == keep
    assert {name: getattr(after, name) for name in names} == before
    assert after.email == before["signed_email"] != keep.email
