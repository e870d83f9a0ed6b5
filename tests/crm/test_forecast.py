"""The forecast: open deals weighted by stage, by owner and month, each currency by itself."""

import datetime as dt
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm import forecast, pipeline
from crm.models import Opportunity
from kernel.models import User
from tests.factories.crm import AccountFactory, OpportunityFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def day(months: int) -> dt.date:
    """The tenth of the month that is so many months from now."""
    found = timezone.localdate().replace(day=10)
    for _ in range(abs(months)):
        first = found.replace(day=1)
        found = (first + dt.timedelta(days=32) if months > 0 else first - dt.timedelta(days=1)).replace(day=10)
    return found


def deal(owner: User | None, months: int, monthly: int, currency: str = "EUR", stage: str = "qualify") -> Opportunity:
    made: Opportunity = OpportunityFactory(
        owner=owner, close_on=day(months), monthly=monthly, account=AccountFactory(currency=currency)
    )
    if stage != "qualify":
        made = pipeline.move_stage(opportunity_id=made.pk, stage_key=stage, by=None, reason="Signed")
    return made


@pytest.fixture
def manager() -> User:
    return UserFactory(role="sales_manager", last_name="Aa")  # type: ignore[no-any-return]


def test_deals_are_weighted_by_stage_and_stand_in_their_month(manager: User) -> None:
    other = UserFactory(role="sales_agent", last_name="Zz")
    deal(manager, 0, 1000)  # 10 %
    deal(manager, 1, 500, stage="negotiate")  # 80 %
    deal(manager, -2, 300)
    deal(other, 9, 200)
    deal(other, 0, 700, stage="closed_won")
    deal(other, 0, 999, stage="closed_lost")
    found = forecast.forecast(manager)
    assert [column.label for column in found.columns][::7] == ["Before this month", "Later"]
    mine, theirs = sorted(found.rows, key=lambda row: row.owner != manager)
    assert [(cell.count, cell.total, cell.likely) for cell in mine.cells[:3]] == [
        (1, 300, 30), (1, 1000, 100), (1, 500, 400),
    ]  # fmt: skip
    assert (theirs.cells[1].won, theirs.cells[1].count, theirs.cells[-1].total) == (700, 0, 200)
    assert (found.sum.count, found.sum.total, found.sum.likely, found.sum.won) == (4, 2000, 550, 700)
    assert sum(cell.likely for cell in found.totals) == found.sum.likely


def test_currencies_are_never_added_up(manager: User) -> None:
    deal(manager, 0, 1000)
    deal(manager, 0, 900, currency="EUR")
    deal(manager, 0, 500, currency="CHF")
    assert (forecast.forecast(manager).currency, forecast.forecast(manager).sum.total) == ("EUR", 1900)
    swiss = forecast.forecast(manager, currency="CHF")
    assert (swiss.sum.total, swiss.currencies) == (Decimal(500), ["CHF", "EUR"])
    assert forecast.forecast(manager, currency="XXX").currency == "EUR"


def test_a_reopened_deal_is_no_longer_won(manager: User) -> None:
    won = deal(manager, 0, 700, stage="closed_won")
    pipeline.reopen(opportunity_id=won.pk, because="They ask again", by=None)
    assert forecast.forecast(manager).sum.won == 0


def test_each_cell_opens_the_deals_behind_it() -> None:
    client = Client()
    agent = UserFactory(role="sales_agent")
    client.force_login(agent)
    page = reverse("crm:opportunity_forecast")
    assert b"Nothing to forecast" in client.get(page).content
    late, now = deal(agent, -1, 300), deal(None, 0, 1000)
    shown = client.get(page).content.decode()
    url = reverse("crm:opportunity_list")
    assert f"{url}?state=open&amp;month=late&amp;owner={agent.pk}" in shown
    assert "Nobody yet" in shown
    listed = client.get(url, {"state": "open", "month": "late"}).content.decode()
    assert late.number in listed
    assert now.number not in listed
    assert now.number in client.get(url, {"month": f"{day(0):%Y-%m}"}).content.decode()
    mine = client.get(page, {"owner": "me"}).content.decode()
    assert "Nobody yet" not in mine
    assert client.get(url, {"month": "2026-13"}).status_code == 200


def test_the_forecast_is_for_those_who_see_deals(client: Client) -> None:
    client.force_login(UserFactory(role="technician"))
    assert client.get(reverse("crm:opportunity_forecast")).status_code == 403
