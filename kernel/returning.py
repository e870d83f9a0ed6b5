"""Returning: a list's file comes back changed; row by row it is seen what that would do, then it is stored, or undone.

The file has a column that tells the records apart, mostly the version of each when it was written, and fields that the
list's `edits` name. Each row goes through the record's own act. What somebody else changed since is left as it is and
said. Nothing is added or deleted by a file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import BadRequest
from django.db import models, transaction
from django.utils.module_loading import import_string

from kernel import csvfile, freezing, listslips, many, sheets, workspace
from kernel.amending import Edits
from kernel.listfields import Fields
from kernel.models import Many, ManyItem, ReturnedFile, User
from kernel.refusal import Conflict, NotPermitted, Refusal
from kernel.returnedrows import BAD, CONFLICT, LONGEST, UPDATE, compare, guess, key_label, problems, targets

SALT = "kernel.returning"
MOST = csvfile.MAX_ROWS
CHUNK = 1_000


@dataclass(frozen=True)
class Offer:
    """What a list's menu says of files to edit: the slip for the page that takes one, or why none is written."""

    slip: str
    too_many: bool
    most: int = MOST


def offered(declared: Any, path: str, by: Any, count: int) -> Offer | None:
    """The menu's entry for whoever may change fields of such records."""
    edits: Edits | None = declared.edits
    if edits is None or not edits.names(by):
        return None
    return Offer(listslips.write(SALT, declared, path), count > MOST)


def behind(slip: str, by: User) -> tuple[Any, str]:
    """The list and the path behind a slip.

    Raises:
        BadRequest: we did not give it.
        NotPermitted: the person may not open the list, or not change such records.
    """
    declared, told = listslips.read(SALT, slip, by)
    _require(declared, by)
    return declared, told["path"]


def cells(made: Any, found: models.QuerySet[Any], by: User) -> Iterator[list[Any]]:
    """The list's rows as a file to edit: what tells a record apart, its version, then the fields.

    Raises:
        BadRequest: nothing of this list can be changed by a file.
        NotPermitted: this person may change none of it.
        Refusal: more rows than a file may bring back.
    """
    edits: Edits | None = made.edits
    if edits is None:
        raise BadRequest("This list has no file to edit.")
    edits.require(by)
    if found.order_by()[: MOST + 1].count() > MOST:
        raise Refusal(f"A file to edit has {MOST:,} rows at most. Filter the list first.")
    fields = Fields(edits, by)
    related = [name for name in fields.each if made.model._meta.get_field(name).is_relation]
    return _cells(edits, fields, found.select_related(*made.related, *related))


def _cells(edits: Edits, fields: Fields, found: models.QuerySet[Any]) -> Iterator[list[Any]]:
    yield [key_label(edits), "Version", *map(fields.label, fields.each)]
    for record in found.iterator(chunk_size=CHUNK):
        told = (fields.told(name, getattr(record, name)) for name in fields.each)
        yield [getattr(record, edits.key), record.edition, *told]


@transaction.atomic
def keep(slip: str, *, name: str, content: bytes, by: User) -> ReturnedFile:
    """Read a file and keep its rows with a proposed mapping; nothing else is stored. Raises Unreadable."""
    declared, path = behind(slip, by)
    sheet = sheets.read(content, longest=LONGEST)
    rows = [(line, [cell.replace("\x00", "") for cell in cells]) for line, cells in sheet.rows]
    made: ReturnedFile = ReturnedFile.objects.create(
        declared=freezing.path_of(declared), title=declared.title, path=path, name=name[-120:] or "list",
        columns=sheet.columns, rows=rows, notes=sheet.notes, mapping=guess(declared, sheet.columns, by),
        row_count=len(rows), owner=by,
    )  # fmt: skip
    return made


def declared_by(file: ReturnedFile, by: User) -> Any:
    """The list that a file belongs to. Raises NotPermitted when the person may not change it any more."""
    if not workspace.may_open(by, file.path):
        raise NotPermitted("You may not open this list.")
    declared = import_string(file.declared)
    _require(declared, by)
    return declared


@transaction.atomic
def map_columns(*, file_id: int, mapping: list[str], by: User) -> ReturnedFile:
    """Say what the columns are; a wrong choice is kept, so that it can be mended. Raises Conflict once it is stored."""
    file = _locked(file_id, by)
    known = {key for key, _ in targets(declared_by(file, by), by)}
    wanted = [key if key in known else "" for key in mapping[: len(file.columns)]]
    file.mapping = wanted + [""] * (len(file.columns) - len(wanted))
    file.save(update_fields=["mapping"])
    return file


@transaction.atomic
def store(*, file_id: int, shown: str, by: User) -> Many:
    """Begin to store what a preview showed, one record after the other.

    Raises:
        Conflict: it is stored already, or what is stored or seen is not what the preview showed.
        Refusal: its columns are not clear, or there is nothing to change.
    """
    file = _locked(file_id, by)
    if said_no := problems(file):
        raise Refusal(problems={"": said_no})
    found = compare(file, declared_by(file, by), by)
    if not (wanted := found.of(UPDATE)):
        raise Refusal("There is nothing to change.")
    if found.shown != shown:
        raise Conflict("Something changed since this preview. Look at it again, then store it.")
    items = [_item(row.record, row.record.edition, row.typed, row.old) for row in wanted]
    declared = declared_by(file, by)
    act = many.amends(declared)
    file.stored = many.begin(declared, act, file.path, items, by, once=f"returned:{file.pk}", about=file.name)
    file.save(update_fields=["stored"])
    return file.stored


@transaction.atomic
def undo(*, file_id: int, by: User) -> Many:
    """Begin to put back what the file changed; what was changed again since stays and is named.

    Raises:
        Conflict: it was not stored, is still being stored, or is undone already.
    """
    file: ReturnedFile = ReturnedFile.objects.visible_to(by).locked(file_id)
    declared = declared_by(file, by)
    if file.stored is None or file.stored.ended_at is None:
        raise Conflict("It is not stored yet, so there is nothing to undo.")
    if file.undone is not None:
        raise Conflict("It is undone already.")
    done = file.stored.items.filter(answer=ManyItem.Answer.DONE).order_by("pk")
    items = [_back(item, item.values or {}) for item in done]
    if not items:
        raise Conflict("Nothing of it was stored.")
    act = many.amends(declared, "Changes taken back")
    file.undone = many.begin(declared, act, file.path, items, by, once=f"returned-undo:{file.pk}", about=file.name)
    file.save(update_fields=["undone"])
    return file.undone


def error_file(file: ReturnedFile, by: User) -> str:
    """The rows that are not stored as CSV with the reason, ready to be mended and sent again."""
    told = []
    for row in compare(file, declared_by(file, by), by).of(BAD, CONFLICT):
        cells = [*map(csvfile.plain, row.cells[: len(file.columns)]), *[""] * (len(file.columns) - len(row.cells))]
        told.append([*cells, " ".join([*row.sentences, row.meanwhile]).strip(), row.line])
    return "".join(csvfile.lines([[*file.columns, "problems", "line"], *told]))


def _back(item: ManyItem, took: dict[str, Any]) -> ManyItem:
    values = {"edition": took["edition"] + 1, "typed": took["old"]}
    return ManyItem(subject_id=item.subject_id, name=item.name, values=values)


def _item(record: Any, edition: int, typed: dict[str, str], old: dict[str, str]) -> ManyItem:
    values = {"edition": edition, "typed": typed, "old": old}
    return ManyItem(subject_id=record.pk, name=str(record)[:200], values=values)


def _require(declared: Any, by: User) -> None:
    if declared.edits is None:
        raise BadRequest("This list has no file to edit.")
    declared.edits.require(by)


def _locked(file_id: int, by: User) -> ReturnedFile:
    file: ReturnedFile = ReturnedFile.objects.visible_to(by).locked(file_id)
    if file.stored_id is not None:
        raise Conflict(f"{file.name} was stored already.")
    return file
