"""The demo’s year: every number of every report opens a list of just as many records, for a handful of queries."""

from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.demo import delivered, story
from kernel import reporting
from kernel.models import User
from kernel.reporting import figures, shelf

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
LINES = 3  # of each report, beside its last one
MOST = 6  # queries of a report with the choices of its filters


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss", "boss@trunkline.example", "-")


def tables(boss: User) -> dict[str, tuple[reporting.Table, int]]:
    """Every report with the number of its queries."""
    found: dict[str, tuple[reporting.Table, int]] = {}
    for key, report in shelf._reports.items():
        with CaptureQueriesContext(connection) as queries:
            table = reporting.made(report, reporting.ask(report.filters, boss, {}))
        found[key] = (table, len(queries))
    return found


def counted(table: reporting.Table) -> list[tuple[str, Any, int]]:
    """The numbers of a table with how many records their lists have."""
    lines = [line for line in table.lines if any(cell.raw for cell in line.cells)][-LINES:]
    boss = table.asked.user
    return [
        (f"{table.report.key} {line.label} {column.key}", cell.raw, figures.read(token, boss).records.count())
        for line in [*lines, *([table.total] if table.total else [])]
        for column, cell in zip(table.columns, line.cells, strict=True)
        if cell.url and column.kind == "count"
        for token in parse_qs(urlparse(cell.url).query)["figure"]
    ]


def test_every_number_is_that_of_its_list(boss: User) -> None:
    delivered.tell(story.provider())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # else the year's questions are planned for the empty tables of before
    after = tables(boss)
    assert {key for key, (table, _) in after.items() if table.is_empty} == {
        "pipeline",
        "jeopardy",
        "quotes",
        "contracts-ending",  # of what is under way, which the year has none of
    }
    found = [one for table, _ in after.values() for one in counted(table)]
    assert len(found) > 50
    assert [one for one in found if one[1] != one[2]] == []
    assert {key: queries for key, (_, queries) in after.items() if queries > MOST} == {}
