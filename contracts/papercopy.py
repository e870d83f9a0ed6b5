"""Paper copies: an upload of what was signed by hand; it counts once a second person has compared and confirmed it."""

import datetime as dt
import hashlib

from django.apps import apps
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from contracts import certificate, pictures, signature
from contracts.models import PaperCopy, SignatureRequest
from crm.models import Account
from kernel import audit, documents
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal

RIGHT = "contracts.sign_agreement"
KIND = "paper_copy"
TYPES = ("application/pdf", "image/png", "image/jpeg")
PIXELS = 60_000_000  # a scan of A3 at 400 dots an inch has 31 million


class NotCopy(Refusal):
    """The file is no copy of a signed document."""


def upload(*, request_id: int, name: str, signed_on: dt.date, filename: str, content: bytes, by: User) -> PaperCopy:
    """Keep a scan or photograph for an open request, byte for byte; somebody else confirms it.

    Raises:
        NotPermitted: the person may not record signatures.
        LinkClosed (signature): the request is settled.
        Unsigned (signature): no PDF, PNG or JPEG, no name, or a day that cannot be.
        Conflict: another copy waits to be confirmed.
    """
    _require_right(by)
    made = SignatureRequest.objects.select_related("contact", "person", "account", "document").get(pk=request_id)
    signature.require_open(made, expired_too=False)
    problems = _problems(made, name, signed_on)
    kind = ""
    try:
        kind = accept(filename, content)
    except Refusal as error:
        problems["file"] = [str(error)]
    if problems:
        raise signature.Unsigned(problems=problems)
    record = signature.record_of(made)
    try:
        with transaction.atomic():
            kept = documents.store(
                record, kind=KIND, name=documents.clean_name(filename), content=content, content_type=kind, by=by
            )
            copy = PaperCopy.objects.create(
                request=made, document=kept, name=name.strip()[: signature.NAME_LENGTH], signed_on=signed_on,
                uploaded_by=by,
            )  # fmt: skip
    except IntegrityError:
        raise Conflict("Another copy waits to be confirmed. Confirm or refuse that one first.") from None
    audit.record(
        "paper copy uploaded", record, by=by, changes={"file": [None, kept.name], "sha256": [None, kept.sha256]}
    )
    return copy


@transaction.atomic
def confirm(*, copy_id: int, by: User) -> SignatureRequest:
    """Take the copy as the signature of its request.

    Raises:
        NotPermitted: whoever uploaded it cannot confirm it; or the right is missing.
        Conflict: it is decided already, or its file is not the one that was uploaded.
    """
    copy = _undecided(copy_id, by)
    with copy.document.file.open("rb") as file:
        content: bytes = file.read()
    if hashlib.sha256(content).hexdigest() != copy.document.sha256:
        raise signature.Tampered("The stored copy is not the file that was uploaded. Refuse it and upload it again.")
    made = signature.settle(copy.request, expired_too=False)
    copy.decided_by, copy.decided_at = by, timezone.now()
    copy.save()
    made.signed_at, made.signed_name, made.wet = timezone.now(), copy.name, True
    made.sent_to, made.signed_email = str(made.signatory), made.email
    told = f"the copy was uploaded by {copy.uploaded_by} and confirmed by {by}"
    made.consent = f"Signed on paper on {copy.signed_on:%d %B %Y}; {told}."
    return signature.conclude(made, content, by=by, content_type=copy.document.content_type)


@transaction.atomic
def refuse(*, copy_id: int, by: User, reason: str) -> PaperCopy:
    """The copy does not count; the request stays open. Its uploader may withdraw it too. Raises as `confirm`."""
    if not reason.strip():
        raise Refusal(problems={"reason": ["Say what is wrong with the copy."]})
    _require_right(by)
    copy = PaperCopy.objects.select_for_update().select_related("request", "uploaded_by", "document").get(pk=copy_id)
    if copy.decided_at:
        raise Conflict("This copy has been decided already.")
    copy.decided_by = None if by.pk == copy.uploaded_by_id else by
    copy.decided_at, copy.refused_because = timezone.now(), reason.strip()
    copy.save()
    audit.record("paper copy refused", signature.record_of(copy.request), by=by, reason=reason.strip())
    return copy


def waiting(made: SignatureRequest | None) -> PaperCopy | None:
    """The copy that waits to be confirmed."""
    if made is None:
        return None
    return made.copies.filter(decided_at=None).select_related("uploaded_by", "document").first()


def of(record: models.Model) -> PaperCopy | None:
    """The copy of a record that waits to be confirmed."""
    found = PaperCopy.objects.filter(
        request__subject_type=record._meta.label_lower, request__subject_id=record.pk, decided_at=None
    )
    return found.order_by("-id").first()


def to_confirm(user: User, most: int) -> list[tuple[PaperCopy, models.Model]]:
    """Copies that this person could confirm, the oldest first, each with the record that was signed."""
    rows = PaperCopy.objects.filter(decided_at=None, request__account__in=Account.objects.visible_to(user))
    found = list(rows.exclude(uploaded_by=user).select_related("request__account").order_by("uploaded_at")[:most])
    wanted: dict[str, list[int]] = {}
    for copy in found:
        wanted.setdefault(copy.request.subject_type, []).append(copy.request.subject_id)
    records = {kind: apps.get_model(kind)._default_manager.in_bulk(keys) for kind, keys in wanted.items()}
    return [(copy, records[copy.request.subject_type][copy.request.subject_id]) for copy in found]


def accept(filename: str, content: bytes) -> str:
    """The type of a copy, told by its content. Raises Refusal."""
    _, kind = documents.accept(filename, content)
    if kind not in TYPES:
        raise NotCopy("A signed copy is a PDF, a PNG or a JPEG.")
    if kind == "application/pdf":
        certificate.require_pdf(content)
    else:
        pictures.require(content, limit=PIXELS)
    return kind


def _undecided(copy_id: int, by: User) -> PaperCopy:
    _require_right(by)
    copy = PaperCopy.objects.select_related("request__contact", "uploaded_by", "document").get(pk=copy_id)
    signature.subject_of(copy.request).lock(copy.request.subject_id)  # the record first, as everywhere
    decided = PaperCopy.objects.select_for_update().values_list("decided_at", flat=True).get(pk=copy_id)
    if decided:
        raise Conflict("This copy has been decided already.")
    if copy.uploaded_by_id == by.pk:
        raise NotPermitted("Whoever uploaded a copy cannot confirm it; ask a colleague.")
    return copy


def _require_right(by: User) -> None:
    if not by.has_perm(RIGHT):
        raise NotPermitted("Your roles do not include the right to record signatures.")


def _problems(made: SignatureRequest, name: str, signed_on: dt.date) -> dict[str, list[str]]:
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
