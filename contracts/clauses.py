"""Clauses: the library of terms, versioned; what is signed keeps the version that it was signed with."""

import re

from django.db import transaction

from contracts.models import Agreement, AgreementTerm, Clause
from contracts.standardclauses import CLAUSES
from kernel import audit
from kernel.models import User
from kernel.refusal import Refusal

_LEFT = re.compile(r"\{[a-z_]+\}")


class UnknownClause(Refusal):
    """No active clause of that key."""


def standard() -> list[Clause]:
    """Clauses of every new agreement, in order; an empty library is filled with ours first."""
    found = list(Clause.objects.filter(active=True, standard=True))
    if not found and not Clause.objects.exists():
        Clause.objects.bulk_create(
            [Clause(key=key, title=title, text=text, position=n) for n, (key, title, text) in enumerate(CLAUSES, 1)],
            ignore_conflicts=True,
        )
        found = list(Clause.objects.filter(active=True, standard=True))
    return found


def worded(clause: Clause, agreement: Agreement) -> str:
    """The clause's text with this agreement's names filled in; braces that we do not know stay as they are."""
    text = clause.text
    for name, value in (
        ("customer", agreement.account.name),
        ("term_months", str(agreement.term_months)),
        ("currency", agreement.currency),
    ):
        text = text.replace(f"{{{name}}}", value)
    return text


def unfilled(text: str) -> list[str]:
    """Names in braces that nobody filled in."""
    return _LEFT.findall(text)


def as_terms(agreement: Agreement, found: list[Clause], start: int = 1) -> list[AgreementTerm]:
    """Unsaved terms of an agreement from clauses."""
    return [
        AgreementTerm(agreement=agreement, clause=c, position=n, title=c.title, text=worded(c, agreement))
        for n, c in enumerate(found, start)
    ]


@transaction.atomic
def revise(*, key: str, title: str, text: str, by: User | None) -> Clause:
    """Make the next version of a clause and retire the present one. Raises UnknownClause."""
    present = Clause.objects.select_for_update().filter(key=key, active=True).first()
    if present is None:
        raise UnknownClause(f"There is no active clause “{key}”.")
    Clause.objects.filter(pk=present.pk).update(active=False)
    made = Clause.objects.create(
        key=key, version=present.version + 1, title=title, text=text, position=present.position,
        standard=present.standard,
    )  # fmt: skip
    audit.record("revised", made, by=by, changes={"text": [present.text, text], "title": [present.title, title]})
    return made
