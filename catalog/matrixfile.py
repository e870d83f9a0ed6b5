"""Matrix files: a price matrix as CSV, out to a spreadsheet and back, with every cell that cannot be read named."""

from typing import Any

from catalog import matrices, matrixmaking
from catalog.models import PriceMatrix
from kernel import csvfile, sheets
from kernel.models import User
from kernel.refusal import Refusal


class BadFile(Refusal):
    """Cells of the file cannot be taken; `problems` says each with its row and column, nothing was stored."""


def write(matrix: PriceMatrix) -> str:
    """The matrix as CSV: a column for each name of the rows, then one for each head of the columns."""
    head = [*matrix.rows["by"], *map(matrices.said, matrix.columns["heads"])]
    rows = ([*values, *cells] for values, cells in zip(matrix.rows["heads"], matrix.cells, strict=True))
    return "".join(csvfile.lines([head, *rows]))


def take(*, pk: int, edition: int, content: bytes, by: User) -> PriceMatrix:
    """Fill a draft from a file; its columns stay as they are, its rows become those of the file.

    Raises:
        Unreadable (kernel.csvfile): the file as a whole cannot be taken.
        BadFile: with every cell that cannot be read.
        NotADraft, editing.Changed: see `catalog.matrixmaking`.
    """
    matrix = PriceMatrix.objects.select_related("offering__specification").get(pk=pk)
    names = {_column(name): name for name in matrix.rows["by"]}
    heads = {_column(csvfile.harmless(matrices.said(head))): head for head in matrix.columns["heads"]}
    file = sheets.parse(content, known=(*names, *heads), required=(*names,))
    present = [key for key in file.columns if key in heads]
    old = {(*row, *column): text for (row, column), text in matrices.cells_of(matrix).items()}
    rows: list[list[str]] = []
    cells: list[list[str]] = []
    for record in file.records:
        row = [csvfile.plain(record.cells.get(key, "")) for key in names]
        rows.append(row)
        cells.append([
            csvfile.plain(record.cells.get(key, "")) if key in present else old.get((*row, *head), "")
            for key, head in heads.items()
        ])  # fmt: skip
    try:
        return matrixmaking.change(
            pk=pk, edition=edition, rows=rows, columns=matrix.columns["heads"], cells=cells, by=by
        )
    except matrixmaking.Unsound as error:
        lines = [record.line for record in file.records]
        raise BadFile(problems={"file": _worded(error.problems, lines, matrix)}) from error


def _worded(problems: dict[str, list[str]], lines: list[int], matrix: PriceMatrix) -> list[str]:
    """Problems of cells as sentences with their line and column in the file."""
    found = []
    for place, texts in problems.items():
        kind, _, rest = place.partition("-")
        row, _, column = rest.partition("-")
        if kind == "cell":
            where = f"Line {lines[int(row)]}, {matrices.said(matrix.columns['heads'][int(column)])}: "
        elif kind == "rows" and rest:
            where = f"Line {lines[int(row)]}, {matrix.rows['by'][int(column)]}: "
        else:
            where = ""
        found += [where + text for text in texts]
    return found


def _column(name: Any) -> str:
    """A name as `kernel.csvfile` writes the columns that it knows."""
    return str(name).strip().lower().replace(" ", "_").replace("-", "_")
