"""Consent: what a signatory agrees to, in versions; a signature keeps the words and the number of its version."""

from dataclasses import dataclass

from django.db import transaction

from contracts import signingorder
from contracts.models import ConsentText, SignatureRequest
from kernel import audit
from kernel.models import User

FIRST = (
    "I have read {document} and sign it on behalf of {customer}; I am authorised to do so and agree that my name, "
    "typed or drawn here, has the same effect as a signature by hand."
)


@dataclass(frozen=True)
class Consent:
    """One version, with the names of one request filled in."""

    version: int
    text: str


def shown(made: SignatureRequest) -> Consent:
    """The newest version for this request; the product's own words as long as nobody wrote others."""
    newest = ConsentText.objects.first()
    version, text = (newest.version, newest.text) if newest else (1, FIRST)
    for name, value in (("document", made.document.name), ("customer", signingorder.party(made))):
        text = text.replace(f"{{{name}}}", value)
    return Consent(version, text)


@transaction.atomic
def revise(*, text: str, by: User | None) -> ConsentText:
    """Make the next version; documents that were signed keep theirs."""
    newest = ConsentText.objects.select_for_update().first()
    made = ConsentText.objects.create(version=(newest.version if newest else 1) + 1, text=text)
    audit.record("revised", made, by=by, changes={"text": [newest.text if newest else FIRST, text]})
    return made
