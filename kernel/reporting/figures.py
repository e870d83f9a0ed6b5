"""Figures: the records behind one number of a report, in the list that the number opens."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.core.exceptions import BadRequest
from django.urls import reverse
from django.utils.functional import cached_property

from kernel.models.people import User
from kernel.refusal import NotPermitted
from kernel.reporting import shelf
from kernel.reporting.asking import Asked, ask, inside
from kernel.reporting.shelf import Report
from kernel.saying import said

LONGEST = 600  # characters of a token


@dataclass(frozen=True)
class Figure:
    """One number as somebody opened it."""

    report: Report
    asked: Asked
    row: str
    column: str

    @cached_property
    def records(self) -> Any:
        """What it counts. Raises BadRequest for a line or a column that the report does not have."""
        try:
            return self.report.behind(self.asked, self.row, self.column)
        except (KeyError, ValueError, OverflowError):  # a month in the year 9999 has none after it
            raise BadRequest("Open the report again.") from None

    @cached_property
    def words(self) -> str:
        """The number in words: its report, line, column and filters."""
        column = next((one.label for one in self.report.columns if one.key == self.column), "")
        parts = (said(self.report.label(self.asked, self.row)), inside(column), inside(self.asked.words))
        return f"{said(self.report.title)}: {', '.join(filter(None, parts))}"

    @property
    def url(self) -> str:
        """The page of its report with the same filters."""
        query = urlencode(self.asked.values)
        return reverse("report", args=[self.report.key]) + (f"?{query}" if query else "")


def token(report: Report, asked: Asked, row: str, column: str) -> str:
    """A number's place, as one value of an address."""
    return urlencode({"report": report.key, "row": row, "column": column, **asked.values})


def read(text: str, user: User) -> Figure:
    """The figure that an address names.

    Raises:
        BadRequest: a made-up one.
        NotPermitted: the person may not see the report, or the column.
    """
    told = {name: value.replace("\x00", "") for name, value in parse_qsl(text[:LONGEST], keep_blank_values=True)}
    report = shelf.report(told.pop("report", ""))
    row, column = told.pop("row", ""), told.pop("column", "")
    if report is None:
        raise BadRequest("There is no such report. Open it again.")
    if not report.allowed(user):
        raise NotPermitted(f"Your roles do not include the report “{report.title}”.")
    if column not in {one.opens for one in report.columns_for(user)}:
        raise BadRequest("The report has no such number. Open it again.")
    return Figure(report, ask(report.filters, user, told), row, column)


def narrowed(found: Any, text: str, user: User) -> tuple[Any, Figure]:
    """Those of a list's rows that a number counts. Raises BadRequest where the number counts something else."""
    figure = read(text, user)
    if figure.records.model is not found.model:
        raise BadRequest("This list does not hold what the number counts. Open the report again.")
    return found.filter(pk__in=figure.records.order_by().values("pk")), figure
