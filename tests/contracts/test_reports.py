"""Reports of money against numbers counted by hand: recurring revenue as it comes, changes and ends."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from contracts.models import BillingChange, BillingStart
from kernel import reporting
from kernel.models import User
from kernel.reporting import figures
from tests.factories import cmdb
from tests.factories.crm import BillingProfileFactory, SiteFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2026, 3, 16, 11, tzinfo=dt.UTC)


@pytest.fixture
def finance() -> User:
    return UserFactory(role="finance")  # type: ignore[no-any-return]


def billed(since: dt.date, monthly: int, **more: Any) -> BillingStart:
    site = SiteFactory()
    made: BillingStart = BillingStart.objects.create(
        product=cmdb.product(site), account=site.account, site=site, starts_on=since, monthly=monthly, one_time=0,
        billing_profile=BillingProfileFactory(account=site.account), **({"currency": "EUR"} | more),
    )  # fmt: skip
    return made


def change(start: BillingStart, on: dt.date, monthly: int = 0, *, ends: bool = False) -> None:
    BillingChange.objects.create(
        billing_start=start, on=on, monthly=monthly, ends=ends, because="Test",
        contract_line=None,
    )  # fmt: skip


def test_revenue_comes_changes_and_ends(finance: User) -> None:
    old = billed(dt.date(2024, 6, 1), 100)
    grown = billed(dt.date(2026, 1, 10), 200)
    gone = billed(dt.date(2026, 1, 20), 50)
    new = billed(dt.date(2026, 3, 2), 30)
    billed(dt.date(2026, 3, 20), 999)  # still to come
    billed(dt.date(2026, 3, 1), 500, currency="CHF")
    change(grown, dt.date(2026, 2, 1), 260)
    change(gone, dt.date(2026, 3, 1), ends=True)
    report = reporting.report("monthly-revenue")
    assert report is not None
    asked = reporting.ask(report.filters, finance, {}, NOON)
    found = {row.key: row.values for row in report.rows(asked)}
    assert [found[f"2026-0{n}"]["revenue"] for n in (1, 2, 3)] == [350, 410, 390]
    assert (found["2025-12"]["revenue"], found["2026-01"]["came"]) == (100, 250)
    assert (found["2026-02"]["changed"], found["2026-03"]["ended"], found["2026-03"]["came"]) == (60, -50, 30)
    assert [found[f"2026-0{n}"]["products"] for n in (1, 2, 3)] == [3, 3, 3]

    def behind(row: str, column: str) -> set[int]:
        return set(figures.Figure(report, asked, row, column).records.values_list("pk", flat=True))

    assert behind("2026-02", "revenue") == {old.product_id, grown.product_id, gone.product_id}
    assert behind("", "revenue") == {old.product_id, grown.product_id, new.product_id}
    assert behind("2026-03", "ended") == {gone.product_id}
    assert behind("2026-02", "changed") == {grown.product_id}
    assert behind("", "came") == {grown.product_id, gone.product_id, new.product_id}
    total = reporting.made(report, asked).total
    assert total is not None
    assert [cell.raw for cell in total.cells] == [390, 280, 60, -50, 3]
    assert total.cells[0].text.endswith("390")
    assert Decimal(total.cells[0].raw) == 390
