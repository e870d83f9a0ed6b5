"""Signing order: several people sign one document, one after the other, each by a link of their own.

Everybody signs the same file, whose hash is taken once. The next link is made when the one before has signed; the
signed PDF of the last holds the page of each.
"""

from collections.abc import Sequence

from django.db import models

from contracts import provider
from contracts.certificate import Certificate
from contracts.models import Signatory, SignatureRequest
from crm.models import Contact
from kernel.models import Document, User
from kernel.refusal import Refusal

MOST = 6
RIGHT = "contracts.sign_agreement"


class Unfit(Refusal):
    """These people cannot sign this, or not in this order."""


def require(subject: models.Model, people: Sequence[Contact | User]) -> None:
    """Raises Unfit for a stranger, a colleague without the right, somebody named twice, or too many."""
    account = subject.account  # type: ignore[attr-defined]
    if not people or (isinstance(people[0], User) and not signed(subject)):
        raise Unfit(problems={"contact": ["The customer signs first; choose who does."]})
    for who in people:
        if isinstance(who, Contact) and who.account.root_id != account.root_id:
            raise Unfit(problems={"contact": [f"{who} is not a contact of {account.name}."]})
        if isinstance(who, User) and not who.has_perm(RIGHT):
            raise Unfit(problems={"countersigner": [f"{who} may not sign for us."]})
    named = [*(str(who.email).lower() for who in people), *(one.email.lower() for one in signed(subject))]
    if twice := next((mail for mail in named if named.count(mail) > 1), ""):
        raise Unfit(problems={"then": [f"{twice} would sign twice; name everybody once."]})
    if len(named) > MOST:
        raise Unfit(problems={"then": [f"At most {MOST} people sign one document."]})


def signed(subject: models.Model) -> list[SignatureRequest]:
    """Signatures that stand, in order."""
    rows = SignatureRequest.objects.filter(
        subject_type=subject._meta.label_lower, subject_id=subject.pk, signed_at__isnull=False
    )
    return list(rows.select_related("contact", "person", "document", "signed_document").order_by("position"))


def waiting(subject: models.Model) -> models.QuerySet[Signatory]:
    """Those whose turn has not come, in order."""
    rows = Signatory.objects.filter(subject_type=subject._meta.label_lower, subject_id=subject.pk)
    return rows.select_related("contact__account", "person", "document")


def line_up(
    subject: models.Model, people: Sequence[Contact | User], document: Document, *, after: int, by: User | None
) -> None:
    """Remember who signs after the one at `after`; whoever stood there before is let go. The record is locked."""
    waiting(subject).delete()
    Signatory.objects.bulk_create(
        Signatory(
            subject_type=subject._meta.label_lower, subject_id=subject.pk, position=place, document=document,
            contact=who if isinstance(who, Contact) else None, person=who if isinstance(who, User) else None,
            created_by=by,
        )
        for place, who in enumerate(people, after + 1)
    )  # fmt: skip


def next_up(subject: models.Model) -> Signatory | None:
    """Take the next of the line out of it."""
    found = waiting(subject).first()
    if found:
        Signatory.objects.filter(pk=found.pk).delete()
    return found


def certificates(made: SignatureRequest, ahead: int) -> list[Certificate]:
    """The page of everybody who signed before, then one's own; `ahead` others are still to sign."""
    pages = [one for one in signed_before(made) if one.document_sha256 == made.document_sha256] + [made]
    return [_of(one, place, len(pages) + ahead) for place, one in enumerate(pages, 1)]


def signed_before(made: SignatureRequest) -> list[SignatureRequest]:
    """Who signed the same record earlier."""
    rows = SignatureRequest.objects.filter(
        subject_type=made.subject_type, subject_id=made.subject_id, signed_at__isnull=False, position__lt=made.position
    )
    return list(rows.select_related("contact", "person", "account", "document", "signed_document").order_by("position"))


def newest_copy(made: SignatureRequest) -> Document | None:
    """The copy with the most signatures: that of the last who signed the same document by a link, else one's own."""
    rows = SignatureRequest.objects.filter(
        subject_type=made.subject_type, subject_id=made.subject_id, signed_at__isnull=False, wet=False,
        document_sha256=made.document_sha256,
    ).select_related("signed_document")  # fmt: skip
    last = rows.order_by("-position").first()
    return last.signed_document if last else made.signed_document


def customers_signatory(subject: models.Model) -> Contact | None:
    """The first of the customer's people who signed a record."""
    return next((one.contact for one in signed(subject) if one.contact), None)


def party(made: SignatureRequest) -> str:
    """For whom somebody signs: the customer, or us."""
    return provider.current().legal_name if made.person_id else made.account.name


def _of(made: SignatureRequest, place: int, places: int) -> Certificate:
    copy = made.signed_document.sha256 if made.wet and made.signed_document else ""
    at = made.signed_at or made.created_at
    return Certificate(
        document=made.document.name, sha256=made.document_sha256, customer=party(made), name=made.signed_name,
        sent_to=made.sent_to, email=made.signed_email or made.email, authority=made.authority,
        at=at, address=made.address or "", agent=made.agent, consent=made.consent,
        reference=made.token_hash[:16], drawn=bytes(made.drawn or b""), place=place, places=places, wet=made.wet,
        copy=copy,
    )  # fmt: skip
