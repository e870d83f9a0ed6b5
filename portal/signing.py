"""Signing from the portal: whoever is the signatory gets a fresh one-time link without waiting for the mail."""

from django.db import transaction
from django.utils import timezone

from contracts import signature
from contracts.models import SignatureRequest
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted


@transaction.atomic
def fresh_link(*, request_id: int, by: User) -> str:
    """The secret of a new link for the same document; the earlier link of the mail is void then.

    Raises:
        NotPermitted: the document waits for somebody else.
        Conflict: it is signed, declined or too old.
    """
    made = SignatureRequest.objects.select_related("contact", "document").get(pk=request_id)
    if made.contact.user_id != by.pk:
        raise NotPermitted(f"This document waits for {made.contact}, so only they can sign it.")
    record = signature.subject_of(made).lock(made.subject_id)
    made = SignatureRequest.objects.select_related("contact", "document").get(pk=request_id)
    if made.signed_at or made.declined_at or made.void_at or made.expires_at <= timezone.now():
        raise Conflict("This request is closed: it was signed, declined or replaced.")
    _, token = signature.ask(subject=record, contact=made.contact, document=made.document, by=by)
    return token
