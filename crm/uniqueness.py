"""Uniqueness: a constraint that the database held against us, said at its field."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction

from kernel.refusal import Refusal

SENTENCES = {
    "registration_once": ("registration", "Another customer has this trade register number."),
    "site_code_once": ("code", "This account already has a site with that code."),
    "contact_role_once": ("email", "This account already has a contact with that address in that role."),
    "one_default_billing_profile": ("is_default", "Another billing profile became the default just now."),
    "team_member_once": ("user", "This person is in the team in that role already."),
}


class Duplicate(Refusal):
    """There is one like it already."""


@contextmanager
def said_at_its_field() -> Iterator[None]:
    """Run a write in a savepoint. Raises Duplicate where a unique constraint refuses it, other errors as they are."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") or ""
        if name not in SENTENCES:
            raise
        field, sentence = SENTENCES[name]
        raise Duplicate(problems={field: [sentence]}) from error
