"""Reports: one mechanism for every figure that people watch; apps declare theirs in `reports.py`.

A report is one object: who may see it, its filters, one set-based aggregate over rows that the reader may see, its
columns, and the records behind every number. An example, in `crm/reports.py`:

    class Won(Report):
        key, title = "won", "Won and lost"
        permissions = ("crm.view_opportunity",)
        filters = (PERIOD,)
        columns = (Column("won", "Won"), Column("rate", "Won of all", "percent", ("won", "all")))
        records = "crm:opportunity_list"                  # the list that a number opens

        def rows(self, asked): ...                        # one Row for each line of the table
        def behind(self, asked, row, column): ...         # the records that a number counts

    reporting.add(Won())

A number's address is a list's with `?figure=`, which names report, row, column and filters: the list asks the report
for the records behind it, so that it always holds what the number counted.
"""

from kernel.reporting.asking import PERIOD, Asked, Filter, ask, start_of
from kernel.reporting.shelf import (
    Chart,
    Column,
    Dashboard,
    Report,
    Row,
    add,
    add_dashboard,
    board,
    boards_for,
    own_board,
    report,
    reports_for,
)  # fmt: skip
from kernel.reporting.table import Cell, Table, made

__all__ = [
    "PERIOD", "Asked", "Cell", "Chart", "Column", "Dashboard", "Filter", "Report", "Row", "Table", "add",
    "add_dashboard", "ask", "board", "boards_for", "made", "own_board", "report", "reports_for", "start_of",
]  # fmt: skip
