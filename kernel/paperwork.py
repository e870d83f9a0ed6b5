"""Paperwork: the types of file that records of a kind have, and the stages that they do not come to without them.

Types are kept in the administration. A person's move to a stage is refused while a file of a type that it needs is
missing; what the machine moves by itself is not held up here, and asks `lacking` where it has to wait.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef

from kernel.models.documents import Document, DocumentType
from kernel.refusal import Refusal

if TYPE_CHECKING:
    from kernel.lifecycle import Move


class Missing(Refusal):
    """A type of file that a stage needs is not there; the message names it."""


def types(record: Any) -> list[DocumentType]:
    """The types of file that a record may have, each with `kept`: whether one is there."""
    label = record._meta.label_lower
    files = Document.objects.filter(subject_type=label, subject_id=record.pk, kind=OuterRef("key"))
    return list(DocumentType.objects.filter(subject_type=label).annotate(kept=Exists(files)))


def lacking(model: Any, keys: Collection[int], state: str) -> dict[int, list[str]]:
    """The types that a stage needs and that these records of one kind do not have, by key; nothing for who has all."""
    label = model._meta.label_lower
    rows = DocumentType.objects.filter(subject_type=label, needed_for=state) if state else ()
    needed = {one.key: one.label for one in rows}
    if not needed or not keys:
        return {}
    files = Document.objects.filter(subject_type=label, subject_id__in=keys, kind__in=needed)
    kept = set(files.values_list("subject_id", "kind"))
    found = {pk: [word for key, word in needed.items() if (pk, key) not in kept] for pk in keys}
    return {pk: words for pk, words in found.items() if words}


def without(rows: Any, state: str) -> Any:
    """Of a queryset, the records that lack a type of file which a stage needs."""
    label = rows.model._meta.label_lower
    files = Document.objects.filter(subject_type=label, subject_id=OuterRef(OuterRef("pk")), kind=OuterRef("key"))
    return rows.filter(Exists(DocumentType.objects.filter(~Exists(files), subject_type=label, needed_for=state)))


def require(record: Any, state: str) -> None:
    """Raises Missing unless a record has every type of file that a stage needs."""
    if words := lacking(type(record), [record.pk], state).get(record.pk):
        raise Missing(why_not(words))


def barred(record: Any, moves: list["Move"]) -> list["Move"]:
    """The moves as a screen offers them, those whose stage needs a file that is missing with that reason."""
    if not any(not move.why_not for move in moves):
        return moves
    missing: dict[str, list[str]] = {}
    for one in types(record):
        if one.needed_for and not one.kept:  # type: ignore[attr-defined]
            missing.setdefault(one.needed_for, []).append(one.label)
    return [
        replace(move, why_not=why_not(missing.get(move.target, []))) if not move.why_not else move for move in moves
    ]


def why_not(words: list[str]) -> str:
    """What to do about types that are missing; empty for none."""
    return f"Add this under Documents first: {', '.join(words)}." if words else ""
