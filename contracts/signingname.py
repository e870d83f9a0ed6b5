"""Signing name: whose name may stand under a document whose link went to one person.

The link says to whom it was sent, the signature who signed. Another name of the customer's side is taken only with a
statement of its own, that the company gave this person the authority; ours sign themselves or not at all.
"""

import unicodedata

from contracts import signingorder
from contracts.models import SignatureRequest
from crm import spoken
from kernel import letters

MORE = 2  # names or titles beyond those of the person to whom the link went: “Dr. Julia Maria Brandt”
FOLDED = {"ø": "o", "ł": "l", "đ": "d", "æ": "a", "œ": "o", "ae": "a", "oe": "o", "ue": "u"}
Problems = dict[str, list[str]]


def same_person(known: str, typed: str) -> bool:
    """Whether a typed name is that of the person known: in any order and spelling, at most with a title or two more."""
    names, given = _parts(known), _parts(typed)
    return bool(names) and set(names) <= set(given) and len(given) <= len(names) + MORE


def authority(made: SignatureRequest) -> str:
    """What somebody states who signs with the link of another person."""
    return (
        f"The link was sent to {made.signatory}. I am somebody else: {signingorder.party(made)} has given me the "
        f"authority to sign {made.document.name} in their place, and I answer for this statement."
    )


def problems(made: SignatureRequest, name: str, *, stated: bool) -> Problems:
    """What is wrong with the name of a request's signatory, at its field; `stated` when they said by what right."""
    if same_person(str(made.signatory), name):
        return {}
    if made.person_id:
        said = f"Only {made.signatory} signs for us with this link. Ask for a link of your own."
        return {"name": [said]}
    if stated:
        return {}
    said = f"This link was sent to {made.signatory}. Type that name, or state below that you sign in their place."
    return {"authority": [said]}


def given(made: SignatureRequest, name: str) -> dict[str, str]:
    """What is kept of a name: who signed, to whom the link had gone, and of another person by what right."""
    addressee = str(made.signatory)
    stated = "" if same_person(addressee, name) else authority(made)
    return {"signed_name": name, "signed_email": made.email, "sent_to": addressee, "authority": stated}


def tell(made: SignatureRequest) -> None:
    """Write to the person whose link somebody else signed with."""
    letters.send(
        f"{made.signed_name} signed in your place: {made.document.name}",
        f"Dear {made.sent_to},\n\n{made.signed_name} signed {made.document.name} for {made.account.name} with the link "
        "that we sent to you, and stated to have the authority of your company.\n\nIf that is not so, please tell us "
        "at once.\n",
        made.signed_email,
        language=spoken.by_contact(made.contact),
    )


def _parts(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(sign if sign.isalnum() else "" if unicodedata.combining(sign) else " " for sign in plain)
    for sign, other in FOLDED.items():
        plain = plain.replace(sign, other)
    return plain.split()
