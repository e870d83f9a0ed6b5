"""Returned rows: what each row of a list's edited file would change, or why it cannot, and what its columns are."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import translation

from kernel import csvfile
from kernel.amending import Edits
from kernel.listfields import Fields
from kernel.models import AuditEntry, ReturnedFile, User
from kernel.refusal import Refusal
from kernel.saying import said

LONGEST = 8_000  # characters of a cell
KEY, VERSION = "key", "edition"
BAD, CONFLICT, UPDATE, SAME = "bad", "conflict", "update", "same"


@dataclass(frozen=True)
class Change:
    """One field of a row: what is stored and what the file says."""

    label: str
    old: str
    new: str


@dataclass
class Row(csvfile.Checked):
    """One row of a file. `typed` is what the fields take for what differs, `old` the same for what is stored."""

    line: int
    cells: list[str]
    key: str = ""
    record: Any = None
    typed: dict[str, str] = field(default_factory=dict)
    old: dict[str, str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    meanwhile: str = ""

    @property
    def verdict(self) -> str:
        """bad, conflict (somebody changed it since), update or same."""
        if self.problems:
            return BAD
        return (CONFLICT if self.meanwhile else UPDATE) if self.changes else SAME


@dataclass
class Rows:
    """A file as compared with what is stored now."""

    rows: list[Row]

    def of(self, *verdicts: str) -> list[Row]:
        """Rows with these verdicts."""
        return [row for row in self.rows if row.verdict in verdicts]

    @property
    def shown(self) -> str:
        """A mark of what is to be stored, which changes with any of it."""
        told = [(row.record.pk, row.record.edition, sorted(row.typed.items())) for row in self.of(UPDATE)]
        return hashlib.sha256(repr(told).encode()).hexdigest()


def targets(declared: Any, by: User) -> list[tuple[str, str]]:
    """(key, label) of what a column may be."""
    fields = Fields(declared.edits, by)
    return [
        (KEY, key_label(declared.edits)),
        (VERSION, "Version"),
        *((name, fields.label(name)) for name in fields.each),
    ]


def problems(file: ReturnedFile) -> list[str]:
    """Why the rows cannot be read with this mapping, in sentences."""
    chosen = [key for key in file.mapping if key]
    found = []
    if KEY not in chosen:
        found.append("Say which column tells the records apart.")
    if double := sorted({key for key in chosen if chosen.count(key) > 1}):
        found.append(f"Two columns go to the same place: {', '.join(double)}.")
    if not set(chosen) - {KEY, VERSION}:
        found.append("No column holds anything that can be changed here.")
    return found


def compare(file: ReturnedFile, declared: Any, by: User) -> Rows:
    """Each row beside what is stored now; the same few queries whatever the file's size."""
    fields = Fields(declared.edits, by)
    rows = [Row(line, cells) for line, cells in file.rows]
    seen: dict[str, int] = {}
    for row in rows:
        row.key = csvfile.plain(_cell(file, row, KEY))
        first = seen.setdefault(row.key.lower(), row.line)
        if not row.key:
            row.refuse(KEY, "It does not say which record it is. A file adds none.")
        elif first != row.line:
            row.refuse(KEY, f"Line {first} is about {row.key[:40]} too.")
    records = _records(declared, by, {row.key for row in rows if not row.problems})
    for row in rows:
        if not row.problems:
            _compare(file, row, records.get(row.key.lower()), fields)
    _say_who(rows, declared.model)
    return Rows(rows)


def key_label(edits: Edits) -> str:
    return "Id" if edits.key == "pk" else edits.key.capitalize()


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text).strip().lower()


def guess(declared: Any, columns: list[str], by: User) -> list[str]:
    """What each column is by its heading: of a file to edit, or of an ordinary export; each once."""
    edits: Edits = declared.edits
    words: dict[str, str] = {}
    for key, label in targets(declared, by):
        with translation.override("de"):
            german = str(said(label))
        words |= {_bare(text): key for text in (key, label, german)}
    words.setdefault("id", KEY)
    for name, column in declared.table.base_columns.items():
        head = str(column.verbose_name or name)
        if getattr(column, "sub", "") == edits.key:
            words.setdefault(_bare(f"{head} (second line)"), KEY)
        elif name in edits.names(by):
            words.setdefault(_bare(head), name)
    found: list[str] = []
    for column in columns:
        target = words.get(_bare(column), "")
        found.append("" if target in found else target)
    return found


def _cell(file: ReturnedFile, row: Row, target: str) -> str:
    at = file.mapping.index(target)
    return row.cells[at] if at < len(row.cells) else ""


def _records(declared: Any, by: User, keys: set[str]) -> dict[str, Any]:
    """Records that this person sees, by what tells them apart."""
    key = declared.edits.key
    wanted: set[Any] = {int(one) for one in keys if one.isdecimal() and len(one) < 19} if key == "pk" else keys
    rows: Any = declared.model._default_manager
    found = rows.visible_to(by).select_related(*declared.related).filter(**{f"{key}__in": wanted})
    return {str(getattr(record, key)).lower(): record for record in found}


def _compare(file: ReturnedFile, row: Row, record: Any, fields: Fields) -> None:
    if record is None:
        row.refuse(KEY, f"There is nothing called {row.key[:40]} that you see.")
        return
    row.record = record
    stale = _stale(file, row, record)
    for name in (key for key in file.mapping if key in fields.each):
        stored = getattr(record, name)
        cell, told = _cell(file, row, name), fields.told(name, stored)
        cell = "\n".join(cell.splitlines()).strip()
        if cell == str(csvfile.harmless(told)).strip() or cell == told == csvfile.plain(cell):
            continue  # as it was written, made harmless or not
        try:
            _read(row, fields, name, cell, stored)
        except ValidationError as error:
            for text in error.messages:
                row.refuse(name, f"{fields.label(name)}: {text}")
    if row.changes and not row.problems:
        _fit(row, fields)
    if stale and row.changes:
        row.meanwhile = "Somebody changed this since the file was written."


def _read(row: Row, fields: Fields, name: str, cell: str, stored: Any) -> None:
    if cell.startswith("="):
        raise ValidationError(f"“{cell[:40]}” is a formula. Write its result instead.")
    if len(cell) >= LONGEST:
        raise ValidationError(f"At most {LONGEST:,} characters are read of a cell.")
    raw = fields.read(name, csvfile.plain(cell))
    value = fields.value(name, raw)
    if value != stored:
        row.typed[name], row.old[name] = raw, fields.raw(name, stored)
        row.changes.append(Change(fields.label(name), fields.told(name, stored), fields.told(name, value)))


def _fit(row: Row, fields: Fields) -> None:
    if why := fields.edits.why_not(row.record):
        row.refuse("", why)
        return
    try:
        fields.values(row.record, row.typed)
    except Refusal as refusal:
        for name, texts in refusal.problems.items():
            for text in texts:
                row.refuse(name, f"{fields.label(name)}: {text}" if name in fields.each else text)


def _stale(file: ReturnedFile, row: Row, record: Any) -> bool:
    if VERSION not in file.mapping:
        return False
    told = _cell(file, row, VERSION)
    if not told.isdecimal() or len(told) > 9:
        row.refuse(VERSION, "The version is not the number that was in the file. Export the list again.")
        return False
    return int(told) != int(record.edition)


def _say_who(rows: list[Row], model: type[models.Model]) -> None:
    """Whoever changed a record last, at the rows that would undo it unseen."""
    stale = {row.record.pk: row for row in rows if row.verdict == CONFLICT}
    found = AuditEntry.objects.filter(subject_type=model._meta.label_lower, subject_id__in=stale, actor__isnull=False)
    for entry in found.order_by("subject_id", "-id").distinct("subject_id").select_related("actor"):
        stale[entry.subject_id].meanwhile = f"{entry.actor} changed this since the file was written."
