"""Signature: a one-time link lets a signatory read a document and sign exactly that, once, without a log-in.

The link's secret is told once and kept only as a hash. What is signed is the stored file whose hash was taken when the
link was made; the signed PDF is that file with a certificate page behind it, kept unaltered.
"""

import datetime as dt
import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from contracts import certificate, pictures, signingname, signingorder
from contracts import consent as consent_texts
from contracts.models import SignatureRequest, SigningLink
from crm import spoken
from crm.models import Contact
from kernel import audit, documents, letters
from kernel.models import Document, User
from kernel.refusal import Conflict, Refusal

REMINDED_AT_MOST = dt.timedelta(hours=20)
DAYS = 30  # a link lives this long unless its subject ends earlier
NAME_LENGTH, REASON_LENGTH = 120, 2000
DRAWING_LIMIT, DRAWING_PIXELS = 200_000, 2_000_000
ENDINGS = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}


class UnknownLink(Exception):
    """No request has this token; the door answers as for any page that does not exist."""


class LinkClosed(Conflict):
    """The link was used, declined, replaced, or is too old; `state` says which."""

    def __init__(self, state: str, message: str) -> None:
        self.state = state
        super().__init__(message)


class Unsigned(Refusal):
    """Something is missing for a signature; problems at their fields."""


class TooSoon(Conflict):
    """They were reminded a short while ago."""


Unfit = signingorder.Unfit


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
    *,
    subject: models.Model,
    contact: Contact | None,
    document: Document,
    by: User | None,
    then: Sequence[Contact | User] = (),
) -> tuple[SignatureRequest, str]:
    """Make a one-time link to sign this document; an earlier open one of the record is void. Tells the secret.

    `then` sign after the contact, each by a link that is made when the one before has signed. Signatures of this
    document that are there already stand. The caller holds the lock of the record.

    Raises:
        Unfit: somebody belongs to another customer, may not sign for us, or would sign twice.
    """
    people = [*([contact] if contact else []), *then]
    signingorder.require(subject, people)
    void(subject, "A newer link was made.")
    place = len(signingorder.signed(subject)) + 1
    signingorder.line_up(subject, people[1:], document, after=place, by=by)
    return _request(subject, people[0], document, place, by)


def _request(
    subject: models.Model, who: Contact | User, document: Document, place: int, by: User | None
) -> tuple[SignatureRequest, str]:
    token, now = secrets.token_urlsafe(32), timezone.now()
    contact, person = (None, who) if isinstance(who, User) else (who, None)
    until = None if person else _subjects[subject._meta.label_lower].valid_until(subject)
    expires = min(now + dt.timedelta(days=DAYS), _end_of(until)) if until else now + dt.timedelta(days=DAYS)
    made = SignatureRequest.objects.create(
        subject_type=subject._meta.label_lower, subject_id=subject.pk, contact=contact,
        account=subject.account, person=person, position=place,  # type: ignore[attr-defined]
        token_hash=_hash(token), document=document, document_sha256=document.sha256, expires_at=expires, created_by=by,
    )  # fmt: skip
    audit.record("signature asked", subject, by=by, changes={"signatory": [None, str(who)]})
    transaction.on_commit(lambda: _mail(made.pk, token), robust=True)
    return made, token


def another_link(made: SignatureRequest, *, channel: str, by: User | None) -> str:
    """The secret of one more link to an open request; those that are out stay good. Raises LinkClosed."""
    require_open(made)
    token = secrets.token_urlsafe(32)
    made.links.create(token_hash=_hash(token), channel=channel, created_by=by)
    return token


@transaction.atomic
def remind(made: SignatureRequest, *, by: User | None) -> None:
    """Write to the signatory once more, with a link of its own. Raises LinkClosed, TooSoon."""
    now = timezone.now()
    require_open(made)
    due = models.Q(reminded_at=None) | models.Q(reminded_at__lt=now - REMINDED_AT_MOST)
    if not SignatureRequest.objects.filter(due, pk=made.pk).update(reminded_at=now):
        raise TooSoon("A reminder went out less than a day ago; give them time.")
    token = another_link(made, channel=SigningLink.Channel.MAIL, by=by)
    audit.record("signature reminded", record_of(made), by=by, changes={"signatory": [None, str(made.signatory)]})
    transaction.on_commit(lambda: _mail(made.pk, token, again=True), robust=True)


@transaction.atomic
def revoke(subject: models.Model, *, by: User) -> None:
    """Take the open request of a record back, with all its links."""
    if void(subject, f"It was withdrawn by {by}."):
        audit.record("signature link withdrawn", subject, by=by)


def link(token: str) -> str:
    """The address that the signatory opens."""
    return f"{settings.BASE_URL}{reverse('contracts:sign', args=[token])}"


def find(token: str) -> SignatureRequest:
    """The request behind a secret. Raises UnknownLink."""
    known = models.Q(token_hash=_hash(token)) | models.Q(links__token_hash=_hash(token))
    found = SignatureRequest.objects.filter(known)
    made = found.select_related("contact", "person", "account", "document", "signed_document").first()
    if made is None:
        raise UnknownLink
    return made


def open(token: str) -> SignatureRequest:
    """The request that a signatory looks at; the first look is kept. Raises UnknownLink, LinkClosed."""
    made = find(token)
    require_open(made)
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


@transaction.atomic
def sign(
    *, token: str, name: str, consent: bool, address: str | None, agent: str, drawn: str = "", version: int = 0,
    authority: bool = False,
) -> SignatureRequest:  # fmt: skip
    """Sign what was shown: keep who, when, from where and which hash, make the signed PDF, conclude the record.

    `drawn` is the data address of a PNG, empty when the typed name is the signature; `version` is that of the consent
    text that was shown, 0 for the present one; `authority` states the right to sign in another's place. All of it
    happens in one transaction; of two signatories at once one is told that it is signed already.

    Raises:
        UnknownLink: no such link.
        LinkClosed: it was used, declined, voided, or is too old.
        Unsigned: the name is missing or another person's, the consent is missing or to older words, or the drawing is
            no picture.
        Tampered: the stored file has changed.
    """
    made = find(token)
    require_open(made)
    name = " ".join(name.replace("\x00", "").split())[:NAME_LENGTH]
    agreed = consent_texts.shown(made)
    wrong = signingname.problems(made, name, stated=authority) if len(name) > 2 else {"name": ["Type your full name."]}
    picture = _require_signature(wrong, consent and version in (0, agreed.version), drawn, reworded=bool(consent))
    given = {
        "signed_at": timezone.now(), "drawn": picture or None, "address": address, "agent": agent[:300],
        "consent": agreed.text, "consent_version": agreed.version, **signingname.given(made, name),
    }  # fmt: skip
    vars(made).update(given)
    ahead = signingorder.waiting(record_of(made)).count()
    signed_pdf = certificate.append(shown(made), signingorder.certificates(made, ahead))
    made = settle(made)
    vars(made).update(given)
    if made.authority:
        transaction.on_commit(lambda: signingname.tell(made), robust=True)
    return conclude(made, signed_pdf, by=None)


def _require_signature(problems: signingname.Problems, agreed: bool, drawn: str, *, reworded: bool) -> bytes:
    """The drawing, if there is one. Raises Unsigned with all that is missing, beside what is wrong already."""
    picture = b""
    if not agreed:
        told = "The words have changed since this page was opened. Read them again and tick the box."
        problems["consent"] = [told if reworded else "Tick the box to sign; without it nothing is agreed."]
    if drawn:
        try:
            picture = pictures.from_address(drawn, longest=DRAWING_LIMIT, limit=DRAWING_PIXELS)
        except Refusal as error:
            problems["drawn"] = [f"The drawing cannot be used. {error}"]
    if problems:
        raise Unsigned(problems=problems)
    return picture


@transaction.atomic
def decline(*, token: str, reason: str) -> SignatureRequest:
    """Say no, with the reason. Raises UnknownLink, LinkClosed, Unsigned."""
    made = find(token)
    require_open(made)
    reason = reason.replace("\x00", "").strip()[:REASON_LENGTH]
    if not reason:
        raise Unsigned(problems={"reason": ["Tell us why, so that we can make you a better offer."]})
    made = settle(made)
    made.declined_at, made.declined_because = timezone.now(), reason
    made.save()
    subject = record_of(made)
    audit.record(
        "signature declined", subject, by=None, changes={"signatory": [None, str(made.signatory)]}, reason=reason
    )
    signingorder.waiting(subject).delete()
    subject_of(made).decline(made)
    return made


def void(subject: models.Model, because: str) -> int:
    """Close the open links of a record and let go who would sign later; whoever opens one is told why."""
    signingorder.waiting(subject).delete()
    return (
        of(subject)
        .filter(signed_at=None, declined_at=None, void_at=None)
        .update(void_at=timezone.now(), void_because=because)
    )


def of(subject: models.Model) -> models.QuerySet[SignatureRequest]:
    """Requests of a record, newest first."""
    return (
        SignatureRequest.objects.filter(subject_type=subject._meta.label_lower, subject_id=subject.pk)
        .select_related("contact", "person", "document", "signed_document", "created_by")
        .order_by("-id")
    )


def settle(made: SignatureRequest, *, expired_too: bool = True) -> SignatureRequest:
    """Lock the record with its rivals, then the request, and look again; always in this order. Raises LinkClosed."""
    subject_of(made).lock(made.subject_id)
    locked = (
        SignatureRequest.objects.select_for_update(of=("self",))
        .select_related("contact", "person", "account", "document")
        .get(pk=made.pk)
    )
    require_open(locked, expired_too=expired_too)
    return locked


def conclude(
    made: SignatureRequest, content: bytes, *, by: User | None, content_type: str = "application/pdf"
) -> SignatureRequest:
    """Keep the signed file of a settled request, unaltered for ever; the next one is asked, or the record moves on."""
    known = subject_of(made)
    subject = record_of(made)
    stem = made.document.name.rsplit(".", 1)[0]
    made.signed_document = documents.store(
        subject, kind=f"signed_{known.kind}", name=f"{stem}-signed.{ENDINGS[content_type]}", content=content,
        content_type=content_type, by=by, customer_may_see=True,
    )  # fmt: skip
    made.save()
    changes = {
        "signed_by": [None, made.signed_name],
        "link_sent_to": [None, made.sent_to],
        "document_sha256": [None, made.document_sha256],
        "signed_sha256": [None, made.signed_document.sha256],
    }
    stated = " ".join(filter(None, (made.consent, made.authority)))
    audit.record("signed on paper" if made.wet else "signed", subject, by=by, changes=changes, reason=stated)
    if after := signingorder.next_up(subject):
        _request(subject, after.who, after.document, after.position, after.created_by)
    else:
        known.conclude(made)
    return made


def open_of(subject: models.Model) -> SignatureRequest | None:
    """The request that a record waits for."""
    return of(subject).filter(signed_at=None, declined_at=None, void_at=None).first()


def record_of(made: SignatureRequest) -> Any:
    """What is signed."""
    from django.apps import apps

    return apps.get_model(made.subject_type)._default_manager.get(pk=made.subject_id)


def require_open(made: SignatureRequest, *, expired_too: bool = True) -> None:
    """Raises LinkClosed when it was used, declined, voided, is too old, or its record cannot be signed now."""
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
    if why := known.why_closed(record_of(made)):
        raise LinkClosed("void", why)


def _end_of(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time.max))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _mail(request_id: int, token: str, *, again: bool = False) -> None:
    made = SignatureRequest.objects.select_related("contact", "person", "account", "document").get(pk=request_id)
    until = timezone.localtime(made.expires_at)
    before = " and ".join(one.signed_name for one in signingorder.signed_before(made))
    letters.send(
        f"{'Still for' if again else 'For'} your signature: {made.document.name}",
        f"Dear {made.signatory},\n\n{made.document.name} for {made.account.name} "
        f"{'still waits for you' if again else 'is ready'}. {f'It was signed by {before}. ' if before else ''}"
        f"Read and sign it here:\n\n"
        f"{link(token)}\n\nThe link is for you alone, works once and ends on {until:%d %B %Y}.\n",
        made.email,
        language=made.person.language if made.person else spoken.by_contact(made.contact),
    )
