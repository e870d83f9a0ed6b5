"""Concluding: what a signed quote becomes: new contracts, a contract that follows another, or a changed one."""

import datetime as dt

from django.db import transaction

from contracts import amending, contracting
from contracts.models import Contract, Quote
from crm.models import Contact
from kernel.models import User
from kernel.refusal import Conflict


@transaction.atomic
def conclude(quote: Quote, *, by: User | None, on: dt.date, signatory: Contact | None = None) -> Contract:
    """Make of an accepted quote what its purpose says. The caller has locked the quote and moved it to accepted.

    Raises:
        NotReady (contracting), Conflict: see `contracting.from_quote` and `amending.apply`.
    """
    if quote.purpose == Quote.Purpose.AMENDMENT:
        return amending.apply(quote, by=by, on=on)
    if quote.purpose == Quote.Purpose.RENEWAL and quote.basis_id:
        before: Contract = Contract.objects.locked(quote.basis_id)
        if before.renewals.exclude(state=Contract.State.CANCELLED).exists():
            raise Conflict(f"{before.number} is renewed already.")
        return contracting.from_quote(quote, by=by, on=on, signatory=signatory, follows=before)
    return contracting.from_quote(quote, by=by, on=on, signatory=signatory)
