"""Signature: a one-time link lets a signatory read a document and sign exactly that, once, without a log-in.

The link's secret is told once and kept only as a hash. What is signed is the stored file whose hash was taken when the
link was made; the signed PDF is that file with a certificate page behind it, kept unaltered.
"""

import datetime as dt
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from contracts import certificate
from contracts.models import SignatureRequest
from crm.models import Contact
from kernel import audit, documents
from kernel.models import Document, User
from kernel.refusal import Conflict, NotPermitted, Refusal

DAYS = 30  # a link lives this long unless its subject ends earlier
NAME_LENGTH, REASON_LENGTH = 120, 2000


class UnknownLink(Exception):
    """No request has this token; the door answers as for any page that does not exist."""


class LinkClosed(Conflict):
    """The link was used, declined, replaced, or is too old; `state` says which."""

    def __init__(self, state: str, message: str) -> None:
        self.state = state
        super().__init__(message)


class Unsigned(Refusal):
    """Something is missing for a signature; problems at their fields."""


class Unfit(Refusal):
    """This person cannot sign this."""


class Tampered(Conflict):
    """The stored file is not the one that was shown."""


@dataclass(frozen=True)
class Subject:
    """What an app's act does around the signature of its record.

    `lock` locks the record and its rivals in key order and returns the record, `valid_until` ends its links early,
    `conclude` and `decline` take the request once it is settled, `why_closed` says why its record cannot be signed now.
    """

    kind: str
    word: str
    lock: Callable[[int], models.Model]
    conclude: Callable[[SignatureRequest], None]
    decline: Callable[[SignatureRequest], None]
    valid_until: Callable[[Any], dt.date | None]
    why_closed: Callable[[Any], str]


_subjects: dict[str, Subject] = {}


def register(label: str, subject: Subject) -> None:
    """Let records of a model be signed."""
    _subjects[label] = subject


def subject_of(made: SignatureRequest) -> Subject:
    """How the request's kind of record is signed."""
    return _subjects[made.subject_type]


@transaction.atomic
def ask(
    *, subject: models.Model, contact: Contact, document: Document, by: User | None
) -> tuple[SignatureRequest, str]:
    """Make a one-time link to sign this document; an earlier open one of the record is void. Tells the secret.

    The caller holds the lock of the record.

    Raises:
        Unfit: the contact belongs to another customer.
    """
    known = _subjects[subject._meta.label_lower]
    account = subject.account  # type: ignore[attr-defined]
    if contact.account.root_id != account.root_id:
        raise Unfit(problems={"contact": [f"{contact} is not a contact of {account.name}."]})
    void(subject, "A newer link was made.")
    token = secrets.token_urlsafe(32)
    now = timezone.now()
    until = known.valid_until(subject)
    expires = min(now + dt.timedelta(days=DAYS), _end_of(until)) if until else now + dt.timedelta(days=DAYS)
    made = SignatureRequest.objects.create(
        subject_type=subject._meta.label_lower, subject_id=subject.pk, account=account, contact=contact,
        token_hash=_hash(token), document=document, document_sha256=document.sha256, expires_at=expires, created_by=by,
    )  # fmt: skip
    audit.record("signature asked", subject, by=by, changes={"signatory": [None, str(contact)]})
    transaction.on_commit(lambda: _mail(made.pk, token), robust=True)
    return made, token


def link(token: str) -> str:
    """The address that the signatory opens."""
    return f"{settings.BASE_URL}{reverse('contracts:sign', args=[token])}"


def find(token: str) -> SignatureRequest:
    """The request behind a secret. Raises UnknownLink."""
    found = SignatureRequest.objects.filter(token_hash=_hash(token))
    made = found.select_related("contact", "account", "document", "signed_document").first()
    if made is None:
        raise UnknownLink
    return made


def open(token: str) -> SignatureRequest:
    """The request that a signatory looks at; the first look is kept. Raises UnknownLink, LinkClosed."""
    made = find(token)
    _require_open(made)
    if made.opened_at is None:
        made.opened_at = timezone.now()
        SignatureRequest.objects.filter(pk=made.pk, opened_at__isnull=True).update(opened_at=made.opened_at)
    return made


def shown(made: SignatureRequest) -> bytes:
    """The stored file. Raises Tampered when it is not the one that the request was made for."""
    with made.document.file.open("rb") as file:
        content: bytes = file.read()
    if hashlib.sha256(content).hexdigest() != made.document_sha256:
        raise Tampered(
            "The stored document is not the one that was sent. Nothing was signed; please tell your contact."
        )
    return content


def consent_text(made: SignatureRequest) -> str:
    """What a signatory agrees to, word by word as it is kept."""
    return (
        f"I have read {made.document.name} and sign it on behalf of {made.account.name}; I am authorised to do so and "
        "agree that my typed name has the same effect as a signature by hand."
    )


@transaction.atomic
def sign(*, token: str, name: str, consent: bool, address: str | None, agent: str) -> SignatureRequest:
    """Sign what was shown: keep who, when, from where and which hash, make the signed PDF, conclude the record.

    All of it happens in one transaction; of two signatories at once one is told that it is signed already.

    Raises:
        UnknownLink: no such link.
        LinkClosed: it was used, declined, voided, or is too old.
        Unsigned: the name or the consent is missing.
        Tampered: the stored file has changed.
    """
    made = find(token)
    _require_open(made)
    name = " ".join(name.replace("\x00", "").split())[:NAME_LENGTH]
    problems: dict[str, list[str]] = {}
    if len(name) < 3:
        problems["name"] = ["Type your full name."]
    if not consent:
        problems["consent"] = ["Tick the box to sign; without it nothing is agreed."]
    if problems:
        raise Unsigned(problems=problems)
    consent_given = consent_text(made)
    now = timezone.now()
    page = certificate.Certificate(
        document=made.document.name, sha256=made.document_sha256, customer=made.account.name, name=name,
        email=made.contact.email, at=now, address=address or "", agent=agent[:300], consent=consent_given,
        reference=made.token_hash[:16],
    )  # fmt: skip
    signed_pdf = certificate.append(shown(made), page)
    made = _settle(made)
    made.signed_at, made.signed_name, made.consent = now, name, consent_given
    made.address, made.agent = address, agent[:300]
    return _conclude(made, signed_pdf, by=None)


@transaction.atomic
def decline(*, token: str, reason: str) -> SignatureRequest:
    """Say no, with the reason. Raises UnknownLink, LinkClosed, Unsigned."""
    made = find(token)
    _require_open(made)
    reason = reason.replace("\x00", "").strip()[:REASON_LENGTH]
    if not reason:
        raise Unsigned(problems={"reason": ["Tell us why, so that we can make you a better offer."]})
    made = _settle(made)
    made.declined_at, made.declined_because = timezone.now(), reason
    made.save()
    subject = _record(made)
    audit.record(
        "signature declined", subject, by=None, changes={"signatory": [None, str(made.contact)]}, reason=reason
    )
    subject_of(made).decline(made)
    return made


@transaction.atomic
def record_wet(
    *, request_id: int, name: str, signed_on: dt.date, filename: str, content: bytes, by: User
) -> SignatureRequest:
    """Keep an uploaded copy that was signed on paper as the signature of an open request, byte for byte.

    Raises:
        NotPermitted: the person may not record signatures.
        LinkClosed: the request is settled.
        Unsigned: not a PDF, no name, or a day that cannot be.
    """
    if not by.has_perm("contracts.sign_agreement"):
        raise NotPermitted("Your roles do not include the right to record signatures.")
    made = SignatureRequest.objects.select_related("contact", "account", "document").get(pk=request_id)
    _require_open(made, expired_too=False)
    problems = _wet_problems(made, name, signed_on)
    try:
        documents.accept(filename, content)
        certificate.require_pdf(content)
    except Refusal as error:
        problems["file"] = [str(error)]
    if problems:
        raise Unsigned(problems=problems)
    made = _settle(made, expired_too=False)
    made.signed_at, made.signed_name, made.wet = timezone.now(), name.strip()[:NAME_LENGTH], True
    made.consent = f"Signed on paper on {signed_on:%d %B %Y}; the copy was uploaded by {by}."
    return _conclude(made, content, by=by)


def void(subject: models.Model, because: str) -> int:
    """Close the open links of a record; whoever opens one is told why."""
    return (
        of(subject)
        .filter(signed_at=None, declined_at=None, void_at=None)
        .update(void_at=timezone.now(), void_because=because)
    )


def of(subject: models.Model) -> models.QuerySet[SignatureRequest]:
    """Requests of a record, newest first."""
    return (
        SignatureRequest.objects.filter(subject_type=subject._meta.label_lower, subject_id=subject.pk)
        .select_related("contact", "document", "signed_document", "created_by")
        .order_by("-id")
    )


def _settle(made: SignatureRequest, *, expired_too: bool = True) -> SignatureRequest:
    """Lock the record with its rivals, then the request, and look again; always in this order."""
    subject_of(made).lock(made.subject_id)
    locked = (
        SignatureRequest.objects.select_for_update(of=("self",))
        .select_related("contact", "account", "document")
        .get(pk=made.pk)
    )
    _require_open(locked, expired_too=expired_too)
    return locked


def _conclude(made: SignatureRequest, signed_pdf: bytes, *, by: User | None) -> SignatureRequest:
    known = subject_of(made)
    subject = _record(made)
    stem = made.document.name.rsplit(".", 1)[0]
    made.signed_document = documents.store(
        subject, kind=f"signed_{known.kind}", name=f"{stem}-signed.pdf", content=signed_pdf,
        content_type="application/pdf", by=by, customer_may_see=True,
    )  # fmt: skip
    made.save()
    changes = {
        "signed_by": [None, made.signed_name],
        "document_sha256": [None, made.document_sha256],
        "signed_sha256": [None, made.signed_document.sha256],
    }
    audit.record("signed on paper" if made.wet else "signed", subject, by=by, changes=changes, reason=made.consent)
    known.conclude(made)
    return made


def _record(made: SignatureRequest) -> Any:
    from django.apps import apps

    return apps.get_model(made.subject_type)._default_manager.get(pk=made.subject_id)


def _require_open(made: SignatureRequest, *, expired_too: bool = True) -> None:
    known = subject_of(made)
    word = known.word
    told = {
        "signed": f"This {word} was signed already, by {made.signed_name}. A link works once.",
        "declined": f"This {word} was declined. Ask your contact for a new one.",
        "void": f"This link is no longer valid: {made.void_because or 'it was replaced.'}",
    }
    if expired_too:
        told["expired"] = (
            f"This link ended on {timezone.localtime(made.expires_at):%d %B %Y}. Ask your contact for a new one."
        )
    if made.state in told:
        raise LinkClosed(made.state, told[made.state])
    if why := known.why_closed(_record(made)):
        raise LinkClosed("void", why)


def _wet_problems(made: SignatureRequest, name: str, signed_on: dt.date) -> dict[str, list[str]]:
    problems: dict[str, list[str]] = {}
    if len(name.strip()) < 3:
        problems["name"] = ["Type the name under the signature."]
    if signed_on > timezone.localdate():
        problems["signed_on"] = ["The day of the signature cannot be in the future."]
    elif signed_on < timezone.localdate(made.created_at):
        problems["signed_on"] = [
            f"The document was made on {timezone.localdate(made.created_at):%d %B %Y}; it was signed later."
        ]
    return problems


def _end_of(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time.max))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _mail(request_id: int, token: str) -> None:
    made = SignatureRequest.objects.select_related("contact", "account", "document").get(pk=request_id)
    until = timezone.localtime(made.expires_at)
    send_mail(
        f"For your signature: {made.document.name}",
        f"Dear {made.contact},\n\n{made.document.name} for {made.account.name} is ready. Read and sign it here:\n\n"
        f"{link(token)}\n\nThe link is for you alone, works once and ends on {until:%d %B %Y}.\n",
        None,
        [made.contact.email],
    )
