"""CSV files: rows out of text and into it, cells that no spreadsheet runs, rows as checked."""

import csv
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
HOW_TO_SAVE = "In Excel choose File, Save as, “CSV UTF-8 (comma delimited)”; elsewhere choose UTF-8 as the encoding."


class Unreadable(Refusal):
    """The file as a whole cannot be taken; nothing was read."""

    def __init__(self, *sentences: str) -> None:
        super().__init__(problems={"file": list(sentences)})


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
