"""Clauses: the library of terms, versioned; what is signed keeps the version that it was signed with."""

import re

from django.db import IntegrityError, models, transaction

from contracts.models import Agreement, AgreementTerm, Clause
from contracts.standardclauses import CLAUSES
from kernel import audit, lifecycle
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal

_LEFT = re.compile(r"\{[a-z_]+\}")
KNOWN = ("customer", "term_months", "currency")
RIGHT = "contracts.change_clause"
State = Clause.State


class UnknownClause(Refusal):
    """No approved clause of that key."""


class Unfit(Refusal):
    """A clause cannot be kept so; problems at their fields."""


def standard(language: str = "en") -> list[Clause]:
    """Clauses of every new agreement, in order; an empty library is filled with ours first."""
    wanted = Clause.objects.filter(state=State.APPROVED, standard=True, language=language)
    found = list(wanted)
    if not found and not Clause.objects.exists():
        Clause.objects.bulk_create(
            [
                Clause(key=key, title=title, text=text, position=n, state=State.APPROVED)
                for n, (key, title, text) in enumerate(CLAUSES, 1)
            ],
            ignore_conflicts=True,
        )
        found = list(wanted.all())
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


def deviations(agreement: Agreement) -> list[tuple[AgreementTerm, str]]:
    """Terms that do not say what the library says, each with the library's words; "" for terms in own words."""
    found = []
    for term in agreement.terms.select_related("clause"):
        standard_words = worded(term.clause, agreement) if term.clause else ""
        if term.text != standard_words:
            found.append((term, standard_words))
    return found


def left_out(agreement: Agreement) -> list[Clause]:
    """Standard clauses that the agreement lacks."""
    has = agreement.terms.filter(clause__isnull=False).values("clause__key")
    return list(Clause.objects.filter(state=State.APPROVED, standard=True, language="en").exclude(key__in=has))


def used_in(clause: Clause) -> models.QuerySet[Agreement]:
    """Agreements that have this version."""
    return Agreement.objects.filter(terms__clause=clause).distinct().order_by("-id")


@transaction.atomic
def write(
    *, key: str, title: str, text: str, by: User | None, language: str = "en", standard: bool = True
) -> Clause:  # fmt: skip
    """Write a new clause, or the next version of one, as a draft; a draft that is there already is changed.

    Raises:
        Unfit: no title or text, a key that is no key, or names in braces that nothing fills in.
        NotPermitted: the person may not write the library.
    """
    if by is not None and not by.has_perm(RIGHT):
        raise NotPermitted("Your roles do not include the right to write the clause library.")
    _require_fit(key, title, text, language)
    rows = Clause.objects.select_for_update().filter(key=key, language=language).order_by("version")
    versions = list(rows)
    if versions and versions[-1].state == State.DRAFT:
        return _rewrite(versions[-1], title, text, standard, by)
    last = versions[-1] if versions else None
    made = Clause(
        key=key, language=language, version=last.version + 1 if last else 1, title=title.strip(), text=text.strip(),
        position=last.position if last else _next_position(), standard=standard,
    )  # fmt: skip
    try:
        with transaction.atomic():
            made.save()
    except IntegrityError:
        raise Conflict("Somebody else began the next version a moment ago; open that one.") from None
    audit.record("drafted", made, by=by, changes={"text": [last.text if last else None, made.text]})
    return made


@transaction.atomic
def approve(*, clause_id: int, by: User | None, reason: str = "") -> Clause:
    """Let new agreements take a draft; the version before is retired. Raises IllegalMove, NotPermitted."""
    key, language = Clause.objects.values_list("key", "language").get(pk=clause_id)
    rows = Clause.objects.filter(key=key, language=language).values_list("pk", flat=True)
    family = {clause.pk: clause for clause in Clause.objects.locked_all(rows)}
    clause = family[clause_id]
    lifecycle.require_source(clause, Clause.approve)
    for other in family.values():
        if other.state == State.APPROVED:
            lifecycle.move(other, Clause.retire, by=by, reason=f"Replaced by version {clause.version}")
    return lifecycle.move(clause, Clause.approve, by=by, reason=reason)  # type: ignore[no-any-return]


@transaction.atomic
def revise(*, key: str, title: str, text: str, by: User | None) -> Clause:
    """Make the next version of a clause and approve it at once. Raises UnknownClause."""
    if not Clause.objects.filter(key=key, language="en", state=State.APPROVED).exists():
        raise UnknownClause(f"There is no approved clause “{key}”.")
    made = write(key=key, title=title, text=text, by=by)
    return approve(clause_id=made.pk, by=by)


def _rewrite(draft: Clause, title: str, text: str, standard: bool, by: User | None) -> Clause:
    wanted = {"title": title.strip(), "text": text.strip(), "standard": standard}
    changes = audit.difference({name: getattr(draft, name) for name in wanted}, wanted)
    for name, value in wanted.items():
        setattr(draft, name, value)
    draft.edition += 1
    draft.save(update_fields=[*wanted, "edition", "updated_at"])
    audit.record("edited", draft, by=by, changes=changes)
    return draft


def _require_fit(key: str, title: str, text: str, language: str) -> None:
    problems: dict[str, list[str]] = {}
    if not re.fullmatch(r"[a-z0-9_-]{1,60}", key):
        problems["key"] = ["A key has small letters, digits and underscores, such as service_levels."]
    if not title.strip():
        problems["title"] = ["Give the clause a title."]
    if not text.strip():
        problems["text"] = ["Write the clause."]
    strange = [name for name in unfilled(text) if name.strip("{}") not in KNOWN]
    if strange:
        known = ", ".join(f"{{{name}}}" for name in KNOWN)
        problems["text"] = [f"Nothing fills in {', '.join(strange)}. Use {known}, or write it out."]
    if language not in dict(Clause._meta.get_field("language").choices or ()):
        problems["language"] = ["Choose one of the languages of the library."]
    if problems:
        raise Unfit(problems=problems)


def _next_position() -> int:
    return int(Clause.objects.aggregate(last=models.Max("position"))["last"] or 0) + 10
