"""Sheets: CSV files of any common encoding and XLSX workbooks as rows of text, or a sentence that says what to mend."""

import csv
import datetime as dt
import difflib
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from kernel import csvfile
from kernel.csvfile import HOW_TO_SAVE, IGNORED, MAX_ROWS, Unreadable
from kernel.documents import TYPES

PACKED = b"PK\x03\x04"  # how a workbook begins
MAX_COLUMNS = 60
MAX_CELL = 500  # characters
LONGEST = 20_000  # characters of a cell, where the column says what fits
MAX_UNPACKED = 60 * 1024 * 1024  # bytes that a workbook may hold; a small file can be a bomb
DELIMITERS = ",;\t|"
SPLIT = f"Split it into files of {MAX_ROWS:,} rows at most."


@dataclass(frozen=True)
class Sheet:
    """The head's names as written, then (line, cells) for each row that is not empty. `notes` tell how it was read."""

    columns: list[str]
    rows: list[tuple[int, list[str]]]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Record:
    """One line of the file: its number (the head is 1), its cells by column, and whether it has too many."""

    line: int
    cells: dict[str, str]
    surplus: int = 0


@dataclass(frozen=True)
class File:
    """The file as read: its columns in their order and its lines."""

    columns: tuple[str, ...]
    records: tuple[Record, ...]


def parse(content: bytes, *, known: tuple[str, ...], required: tuple[str, ...]) -> File:
    """A file whose head names `known` columns.

    Raises:
        Unreadable: what `read` refuses, letters that are not UTF-8, columns missing, unknown or twice.
    """
    sheet = read(content, longest=LONGEST, guess=False)
    columns = _columns(sheet.columns, known, required)
    records = (
        Record(line, dict(zip(columns, cells, strict=False)), len([cell for cell in cells[len(columns) :] if cell]))
        for line, cells in sheet.rows
    )
    return File(columns, tuple(records))


def _columns(cells: list[str], known: tuple[str, ...], required: tuple[str, ...]) -> tuple[str, ...]:
    """The head's columns in our spelling. Raises Unreadable with everything that is wrong with it."""
    names = [cell.strip().lower().replace(" ", "_").replace("-", "_") for cell in cells]
    while names and not names[-1]:
        names.pop()
    problems = []
    unknown = [name for name in names if name not in known and name not in IGNORED]
    for name in unknown:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        shown = name[:40] or "(without a name)"
        problems.append(f"Unknown column “{shown}”" + (f"; did you mean “{near[0]}”?" if near else "."))
    if missing := [name for name in required if name not in names]:
        problems.append(f"Missing column{'s' if len(missing) > 1 else ''}: {', '.join(missing)}.")
    if double := sorted({name for name in names if names.count(name) > 1}):
        problems.append(f"Column twice: {', '.join(double)}.")
    if problems:
        raise Unreadable(*problems[:12], f"The columns are: {', '.join(known)}.")
    return tuple(names)


def media_type(content: bytes) -> str:
    """Under which type a file that could be read is kept."""
    return TYPES["xlsx" if content.startswith(PACKED) else "csv"]


def read(content: bytes, *, longest: int = MAX_CELL, guess: bool = True) -> Sheet:
    """Read a CSV file (UTF-8, UTF-16, with `guess` Windows-1252; comma, semicolon, tab or bar) or the first sheet of
    an XLSX.

    Cells are cut to `longest` characters. A formula of a workbook stays what it is, text that begins with “=”, so that
    whoever takes the cell refuses it.

    Raises:
        Unreadable: too large, another kind of file, no table, or more than 5,000 rows.
    """
    csvfile.require_size(content, SPLIT)
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable("This is an old or protected Excel file (.xls).", "Save it as .xlsx without a password.")
    notes: list[str] = []
    rows = _workbook(content) if content.startswith(PACKED) else _text(content, notes, guess=guess)
    rows = ((line, [cell[:longest] for cell in cells]) for line, cells in rows)
    return _sheet(rows, notes)


def _sheet(rows: Iterable[tuple[int, list[str]]], notes: list[str]) -> Sheet:
    columns: list[str] = []
    found: list[tuple[int, list[str]]] = []
    for line, cells in rows:
        if not any(cells):
            continue
        if not columns:
            columns = _head(cells)
        elif len(found) >= MAX_ROWS:
            raise Unreadable(f"The file has more than {MAX_ROWS:,} rows.", SPLIT)
        else:
            found.append((line, cells))
    if not found:
        raise Unreadable("The file has a head but no rows." if columns else "The file is empty.")
    return Sheet(columns, found, notes)


def _head(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells.pop()
    if len(cells) > MAX_COLUMNS:
        raise Unreadable(f"The file has {len(cells)} columns; at most {MAX_COLUMNS} are read.")
    if len(cells) == 1 and len(cells[0]) > MAX_CELL:
        raise Unreadable("The first row is one long text, not the names of columns.")
    if len(cells) == 1:
        raise Unreadable(
            f"Only one column was found, “{cells[0][:40]}”.", "Put comma, semicolon or tab between the cells."
        )
    return cells


def _text(content: bytes, notes: list[str], *, guess: bool) -> Iterator[tuple[int, list[str]]]:
    text = _decoded(content, notes, guess=guess)
    yield from csvfile.rows(text, _delimiter(text))


def _decoded(content: bytes, notes: list[str], *, guess: bool) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError as error:
            raise Unreadable("The file says that it is UTF-16 and is not.", HOW_TO_SAVE) from error
    if b"\x00" in content:
        raise Unreadable("The file holds binary data, not text.", HOW_TO_SAVE)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if not guess:
            line = content[: error.start].count(b"\n") + 1
            raise Unreadable(
                f"Line {line} has letters that are not UTF-8; the file is probably in Latin-1 or Windows-1252.",
                HOW_TO_SAVE,
            ) from error
        notes.append("The file is not UTF-8; it was read as Windows-1252. Look at letters such as é, ü and ø below.")
        return content.decode("cp1252", errors="replace")


def _delimiter(text: str) -> str:
    """The sign that splits the first lines into the most, equally many cells."""
    lines = [line for line in text.splitlines()[:20] if line.strip()][:10]

    def cells(sign: str) -> tuple[int, int]:
        counts = [len(row) for row in csv.reader(lines, delimiter=sign)]
        return (min(counts) if counts else 0, counts[0] if counts else 0)

    return max(DELIMITERS, key=cells)


def _workbook(content: bytes) -> Iterator[tuple[int, list[str]]]:
    load_workbook: Any = import_module("openpyxl").load_workbook  # few processes ever see a workbook
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            size = sum(part.file_size for part in packed.infolist())
        if size > MAX_UNPACKED:
            raise Unreadable(f"The workbook unpacks to {size / 1048576:.0f} MB.", SPLIT)
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
        sheet: Any = book.worksheets[0]
        for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
            yield number, [_told(cell) for cell in cells[: MAX_COLUMNS + 1]]
            if number > MAX_ROWS * 2:
                raise Unreadable(f"The sheet has more than {MAX_ROWS:,} rows.", SPLIT)
    except Unreadable:
        raise
    except Exception as error:  # a damaged or crafted package fails anywhere in the library
        raise Unreadable("The workbook cannot be read; it is damaged or no .xlsx file.") from error


def _told(value: Any) -> str:
    """A workbook's cell as it would be typed."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime | dt.date):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(getattr(value, "text", value)).strip()
