"""Signing from the portal: whoever is the signatory gets a link of their own; the one of the mail stays good."""

from django.db import transaction

from contracts import signature
from contracts.models import SignatureRequest, SigningLink
from kernel.models import User
from kernel.refusal import NotPermitted


@transaction.atomic
def fresh_link(*, request_id: int, by: User) -> str:
    """The secret of one more link to the same request.

    Raises:
        NotPermitted: the document waits for somebody else.
        LinkClosed (signature): it is signed, declined, replaced or too old.
    """
    made = SignatureRequest.objects.select_related("contact", "account", "document").get(pk=request_id)
    if made.contact is None or made.contact.user_id != by.pk:
        raise NotPermitted(f"This document waits for {made.signatory}, so only they can sign it.")
    return signature.another_link(made, channel=SigningLink.Channel.PORTAL, by=by)
