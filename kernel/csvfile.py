"""CSV files: what arrives as bytes becomes rows of known columns, or a sentence that says what to mend."""

import csv
import difflib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.conf import settings

from kernel.refusal import Refusal

T = TypeVar("T")
MAX_ROWS = 5_000
IGNORED = ("line", "problems")  # our own error file, mended and sent again
FORMULA = ("=", "+", "-", "@", "|", "%", "＝", "＋", "－", "＠")
_RUNS = re.compile(f"'*(?: *[{re.escape(''.join(FORMULA))}]|[ \t\r\n]*[\t\r\n])")  # apostrophes, then what runs
APART = ",;\t|"  # what may stand between cells
HOW_TO_SAVE = "In Excel choose File, Save as, “CSV UTF-8 (comma delimited)”; elsewhere choose UTF-8 as the encoding."


class Unreadable(Refusal):
    """The file as a whole cannot be taken; nothing was read."""

    def __init__(self, *sentences: str) -> None:
        super().__init__(problems={"file": list(sentences)})


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
    delimiter: str


@dataclass
class Checked:
    """One row as checked: what is wrong with it, by column."""

    problems: dict[str, list[str]] = field(default_factory=dict, kw_only=True)

    @property
    def sentences(self) -> list[str]:
        """Everything wrong with the row."""
        return [sentence for texts in self.problems.values() for sentence in texts]

    def refuse(self, column: str, sentence: str) -> None:
        """Note one problem at its column."""
        self.problems.setdefault(column, []).append(sentence)


def parse(content: bytes, *, known: tuple[str, ...], required: tuple[str, ...]) -> File:
    """Decode and split a CSV file with comma, semicolon, tab or bar between the cells; its head names `known` columns.

    Raises:
        Unreadable: too large, not UTF-8, not CSV, columns missing or unknown, no rows, or more than 5,000.
    """
    text = _decoded(content)
    delimiter = _delimiter(text)
    columns: tuple[str, ...] = ()
    records: list[Record] = []
    for line, cells in rows(text, delimiter):
        if not any(cells):
            continue
        if not columns:
            columns = _columns(cells, known, required)
            continue
        if len(records) >= MAX_ROWS:
            raise Unreadable(f"The file has more than {MAX_ROWS:,} rows; split it.")
        found = dict(zip(columns, cells, strict=False))
        records.append(Record(line, found, len([cell for cell in cells[len(columns) :] if cell])))
    if not records:
        raise Unreadable("The file has a head but no rows." if columns else "The file is empty.")
    return File(columns, tuple(records), delimiter)


def rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with the number of its last line, cells without the space around them. Raises Unreadable."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise Unreadable(f"Line {reader.line_num} is not CSV ({error}). Is a quotation mark left open?") from error


def require_size(content: bytes, *advice: str) -> None:
    """Raises Unreadable, with the advice, when the file is larger than uploads may be."""
    limit = settings.MAX_UPLOAD_BYTES
    if len(content) > limit:
        told = f"The file is {len(content) / 1048576:.1f} MB; the limit is {limit / 1048576:.0f} MB."
        raise Unreadable(told, *advice)


def _decoded(content: bytes) -> str:
    require_size(content)
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise Unreadable("This is an Excel workbook, not CSV.", HOW_TO_SAVE)
    if b"\x00" in content[:1000] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("The file holds binary data, not text.", HOW_TO_SAVE)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("The file is in UTF-16 (“Unicode text”), not UTF-8.", HOW_TO_SAVE)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Unreadable(
            f"Line {line} has letters that are not UTF-8; the file is probably in Latin-1 or Windows-1252.", HOW_TO_SAVE
        ) from error
    if "\x00" in text:
        raise Unreadable("The file holds binary data, not text.", HOW_TO_SAVE)
    return text


def _delimiter(text: str) -> str:
    head = next((line for line in text.splitlines() if line.strip()), "")
    return max(APART, key=head.count) if any(sign in head for sign in APART) else ","


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


def harmless(cell: T) -> T | str:
    """The cell as a spreadsheet takes it for text, never for a formula; numbers and dates stay what they are.

    Text that has such an apostrophe of its own gets one more, so that `plain` gives back what was there. Writers of
    files call it, once for each cell.
    """
    return f"'{cell}" if isinstance(cell, str) and _RUNS.match(cell) else cell


def plain(cell: str) -> str:
    """The cell without the apostrophe that makes a spreadsheet take it as text: what `harmless` was given."""
    return cell[1:] if cell.startswith("'") and _RUNS.match(cell) else cell


def formula_problem(name: str, cell: str) -> str:
    """What to say of a cell that a spreadsheet would run; empty when it would not."""
    if not cell.startswith(FORMULA):
        return ""
    return f"“{name}” begins with “{cell[0]}”, which a spreadsheet runs as a formula."


class _Echo:
    """A file that hands back what is written, for the streaming CSV writer."""

    def write(self, value: str) -> str:
        return value


def lines(cells: Iterable[Iterable[Any]]) -> Iterator[str]:
    """Rows as lines of CSV, with the mark by which Excel knows UTF-8; no cell is run as a formula."""
    writer = csv.writer(_Echo())
    yield "\ufeff"
    for row in cells:
        yield writer.writerow(map(harmless, row))


def error_file(columns: tuple[str, ...], rows: Iterable[tuple[int, dict[str, str], list[str]]]) -> str:
    """Refused rows (line, cells, problems) as CSV, ready to be mended and sent again."""
    head = [*columns, *IGNORED[::-1]]
    refused = (
        [*(plain(cells.get(name, "")) for name in columns), " ".join(texts), line] for line, cells, texts in rows
    )
    return "".join(lines([head, *refused]))
