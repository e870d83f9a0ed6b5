"""Editing: changed fields of a record are kept once, and a second editor is told instead of overwriting the first."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import models, transaction

from kernel import audit
from kernel.models.base import Record
from kernel.models.people import User
from kernel.models.trail import AuditEntry
from kernel.refusal import Conflict

M = TypeVar("M", bound=Record)


@dataclass(frozen=True)
class Difference:
    """One field that both editors changed apart: what is stored now, and what was typed."""

    field: str
    label: str
    stored: str
    typed: str


class Changed(Conflict):
    """Somebody else saved this record since the form was opened; nothing of this form was stored.

    `differences` says field by field what is stored now and what was typed, `edition` is the one to save over.
    """

    def __init__(self, record: Record, differences: list[Difference]) -> None:
        self.edition = record.edition
        self.differences = differences
        last = AuditEntry.objects.filter(subject_type=record._meta.label_lower, subject_id=record.pk).order_by("-id")
        entry = last.select_related("actor").first()
        self.who = str(entry.actor) if entry and entry.actor else "The system"
        self.at = entry.at if entry else record.updated_at
        super().__init__(f"{self.who} changed this meanwhile. Compare, then save again to keep yours.")


@transaction.atomic
def edit(model: type[M], pk: int, *, edition: int, values: dict[str, Any], by: User | None) -> M:
    """Store fields of a record that was shown at `edition`; no change stores nothing.

    Raises:
        Changed: another edition is stored by now and differs from what was typed.
    """
    record: M = model.objects.locked(pk)
    before = {name: getattr(record, name) for name in values}
    changes = audit.difference(before, values)
    if not changes:
        return record
    if record.edition != edition:
        raise Changed(record, _differences(record, changes))
    for name in changes:
        setattr(record, name, values[name])
    record.edition += 1
    record.save(update_fields=[*changes, "edition", "updated_at"])
    audit.record("edited", record, by=by, changes=changes)
    return record


def _differences(record: models.Model, changes: dict[str, list[Any]]) -> list[Difference]:
    return [
        Difference(name, _label(record, name), _said(record, name, old), _said(record, name, new))
        for name, (old, new) in changes.items()
    ]


def _label(record: models.Model, name: str) -> str:
    return str(getattr(record._meta.get_field(name), "verbose_name", name)).capitalize()


def _said(record: models.Model, name: str, value: Any) -> str:
    if isinstance(value, list | dict):
        return f"{len(value)} entries"
    choices: Iterable[tuple[Any, Any]] = getattr(record._meta.get_field(name), "flatchoices", None) or ()
    return str(dict(choices).get(value, value)) if value not in (None, "") else "empty"
