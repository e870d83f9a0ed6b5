"""List files: every row of a list that matches, as CSV or as an Excel workbook that no spreadsheet runs."""

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any

from django.db import models

from kernel import documents
from kernel.csvfile import harmless

AT_ONCE = 5_000  # rows up to which a file is written while its reader waits
MOST = {"csv": 5_000_000, "xlsx": 1_000_000}  # rows of one file; a sheet of Excel has no room for more
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": documents.TYPES["xlsx"],
}
CHUNK = 2_000


def rows(
    columns: Iterable[Any], found: models.QuerySet[Any], told: Callable[[int], None] | None = None
) -> Iterator[list[Any]]:
    """The heads, then the cells of each record; `told` hears now and then how many are done."""
    names = [column for column in columns if hasattr(column.column, "plain_cells")]
    yield [head for column in names for head in column.column.plain_heads(column)]
    for number, row in enumerate(found.iterator(chunk_size=CHUNK), 1):
        yield [cell for column in names for cell in column.column.plain_cells(column, row)]
        if told and number % CHUNK == 0:
            told(number)


def write_workbook(cells: Iterable[list[Any]], file: Any) -> None:
    """The rows as a workbook with one sheet, its head held in place; memory does not grow with the rows."""
    openpyxl: Any = import_module("openpyxl")  # few processes ever write a workbook
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("List")
    sheet.freeze_panes = "A2"
    bold = import_module("openpyxl.styles").Font(bold=True)
    cell: Any = import_module("openpyxl.cell").WriteOnlyCell
    for number, values in enumerate(cells):
        row = list(map(harmless, values))
        if number == 0:
            heads = [cell(sheet, value=value) for value in row]
            for head in heads:
                head.font = bold
            sheet.append(heads)
        else:
            sheet.append(row)
    book.save(file)
