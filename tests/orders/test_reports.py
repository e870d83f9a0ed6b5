"""Reports of delivery against numbers counted by hand: cycle time, promises kept, orders by month."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from kernel import copying, reporting
from kernel.models import AuditEntry, User
from kernel.reporting import figures
from orders.models import Order
from tests.factories.crm import AccountFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2026, 3, 16, 11, tzinfo=dt.UTC)


@pytest.fixture
def manager() -> User:
    return UserFactory(role="order_manager")  # type: ignore[no-any-return]


def delivered(ended: dt.datetime, *, took: float, approval: float = 1, promise: int | None = 0, **more: Any) -> Order:
    """An order that took so many days; its promise is so many days after its end."""
    began = ended - dt.timedelta(days=took)
    asked = began + dt.timedelta(days=0.5)
    agreed = asked + dt.timedelta(days=approval)
    day = timezone.localtime(ended).date() + dt.timedelta(days=promise or 0)
    made: Order = Order.objects.create(
        account=AccountFactory(), title="Old", submitted_at=began, started_at=agreed, ended_at=ended,
        **({"state": "completed", "first_promised_on": None if promise is None else day, "promised_on": day} | more),
    )  # fmt: skip
    copying.copy(
        AuditEntry, ("action", "at"), [("ask_approval", asked), ("approve", agreed)],
        subject_type="orders.order", subject_id=made.pk, changes={},
    )  # fmt: skip
    return made


def asked(key: str, user: User, **query: str) -> tuple[reporting.Report, reporting.Asked]:
    found = reporting.report(key)
    assert found is not None
    return found, reporting.ask(found.filters, user, query, NOON)


def rows(key: str, user: User, **query: str) -> dict[str, dict[str, Any]]:
    report, what = asked(key, user, **query)
    return {row.key: row.values for row in report.rows(what)}


def behind(key: str, user: User, row: str, column: str, **query: str) -> set[int]:
    report, what = asked(key, user, **query)
    return set(figures.Figure(report, what, row, column).records.values_list("pk", flat=True))


def test_phases_have_their_median_and_ninetieth_percentile(manager: User) -> None:
    made = [delivered(NOON - dt.timedelta(days=n), took=10 * n, approval=n) for n in (1, 2, 3, 4, 5)]
    delivered(NOON - dt.timedelta(days=9), took=90, state="cancelled")
    found = rows("cycle-time", manager)
    assert (found["approval"]["p50"], found["approval"]["p90"]) == (pytest.approx(3), pytest.approx(4.6))
    assert (found["whole"]["p50"], found["whole"]["p90"]) == (pytest.approx(30), pytest.approx(46))
    assert found["delivery"]["p50"] == pytest.approx(30 - 0.5 - 3)
    assert {values["orders"] for values in found.values()} == {5}
    assert behind("cycle-time", manager, "whole", "p90") == {made[4].pk}  # the one that took longer
    assert behind("cycle-time", manager, "approval", "p50") == {made[3].pk, made[4].pk}


def test_promises_are_kept_or_not_by_the_month_of_delivery(manager: User) -> None:
    early = delivered(NOON, took=5, promise=2)
    exact = delivered(NOON - dt.timedelta(days=1), took=5, promise=0)
    late = delivered(NOON - dt.timedelta(days=2), took=5, promise=-4)
    delivered(NOON - dt.timedelta(days=3), took=5, promise=None)
    before = delivered(NOON.replace(month=2), took=5, promise=-2)
    moved = delivered(NOON.replace(month=2, day=3), took=5, promise=-2, promised_on=dt.date(2026, 2, 20))
    found = rows("on-time", manager)
    march = found["2026-03"]
    assert (march["delivered"], march["on_time"], march["late"], march["none"]) == (4, 2, 1, 1)
    assert march["days"] == pytest.approx(4)
    assert (found["2026-02"]["late"], found["2026-01"]["delivered"]) == (2, 0)
    assert behind("on-time", manager, "2026-03", "on_time") == {early.pk, exact.pk}
    assert behind("on-time", manager, "", "late") == {late.pk, before.pk, moved.pk}
    assert rows("on-time", manager, against="last")["2026-02"]["late"] == 1


def test_a_month_is_the_readers_month(manager: User) -> None:
    delivered(dt.datetime(2026, 2, 28, 23, 30, tzinfo=dt.UTC), took=5)  # the first of March in Amsterdam
    with timezone.override("Europe/Amsterdam"):
        assert rows("on-time", manager)["2026-03"]["delivered"] == 1
    with timezone.override("America/New_York"):
        assert rows("on-time", manager)["2026-02"]["delivered"] == 1


def test_what_came_in_and_what_ended(manager: User) -> None:
    first = delivered(NOON, took=30, monthly=100)
    second = delivered(NOON, took=3, monthly=40, channel="portal")
    third = delivered(NOON, took=3, monthly=7, currency="CHF", state="cancelled")
    found = rows("orders-by-month", manager)
    assert (found["2026-02"]["submitted"], found["2026-02"]["monthly"], found["2026-02"]["done"]) == (1, 100, 0)
    march = found["2026-03"]
    assert (march["submitted"], march["monthly"], march["done"], march["cancelled"]) == (2, 40, 2, 1)
    assert behind("orders-by-month", manager, "2026-03", "submitted") == {second.pk, third.pk}
    assert behind("orders-by-month", manager, "", "done") == {first.pk, second.pk}
    assert rows("orders-by-month", manager, channel="portal")["2026-03"]["submitted"] == 1


def test_a_reader_counts_only_what_they_may_see() -> None:
    delivered(NOON, took=3)
    stranger = UserFactory(role="customer")  # of no company
    assert rows("orders-by-month", stranger)["2026-03"]["done"] == 0
    assert behind("orders-by-month", stranger, "", "done") == set()
