"""Feasibility: distance to the nearest fitting place, judged by the table; answers hold 90 days; few queries."""

import datetime as dt
import math
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from cmdb import feasibility
from cmdb.feasibility import NoRules
from cmdb.models import PointOfPresence
from contracts import quotechecks
from crm.models import Site
from kernel.models import DecisionTable
from tests.factories import catalog
from tests.factories import contracts_quotes as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


@pytest.fixture(scope="module")
def catalogue(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), transaction.atomic():
        catalog.publish()
        yield
        transaction.set_rollback(True)


def sites(*places: tuple[float, float] | None) -> list[Site]:
    account, _ = make.customer(0)
    return [make.site(account, place) for place in places]


def check(*found: Site, **asked: Any) -> list[Any]:
    keys = [one.pk for one in found]
    return feasibility.check_many(site_ids=keys, offering_id=catalog.offering("dia").pk, asked=asked, by=None)


def test_distance_is_that_of_the_globe() -> None:
    here, there = (map(math.radians, place) for place in ((51.899, 4.4208), (52.3565, 4.9517)))
    assert abs(feasibility.distance_m(*here, *there) - 62_500) < 300


def test_near_partner_and_far() -> None:
    near, partner, far = check(*sites(make.NEAR, make.PARTNER, make.FAR), bandwidth="500M")
    assert [(one.result, one.lead_days) for one in (near, partner, far)] == [
        ("on_net", 15), ("near_net", 25), ("off_net", 75),
    ]  # fmt: skip
    assert near.build_cost == partner.build_cost == 0
    assert far.build_cost == 8000 + 2 * far.distance_m
    assert far.valid_until == timezone.localdate() + dt.timedelta(days=90)
    assert far.reason == "The access has to be built."


def test_a_place_that_carries_the_bandwidth_is_looked_for() -> None:
    (site,) = sites(make.NEAR)
    PointOfPresence.objects.update(max_mbps=1000)
    (refused,) = check(site, bandwidth="10G")
    assert (refused.result, refused.reason) == ("impossible", "No point of presence carries this bandwidth.")
    assert [one["bandwidth"] for one in refused.alternatives] == ["100M", "500M", "1G"]


def test_a_site_without_coordinates_stays_open() -> None:
    (site,) = sites(None)
    (answer,) = check(site, bandwidth="1G")
    assert (answer.result, answer.valid_until) == ("open", None)
    assert "no coordinates" in answer.reason


def test_an_answer_holds_for_its_time_and_bandwidth() -> None:
    (answer,) = check(*sites(make.NEAR), bandwidth="1G")
    today = timezone.localdate()
    assert feasibility.still_valid(answer, {"bandwidth": "1G"}, today + dt.timedelta(days=90))
    assert not feasibility.still_valid(answer, {"bandwidth": "1G"}, today + dt.timedelta(days=91))
    assert not feasibility.still_valid(answer, {"bandwidth": "10G"}, today)


def test_the_latest_answer_of_each_pair() -> None:
    (site,) = sites(make.NEAR)
    check(site, bandwidth="1G")
    (second,) = check(site, bandwidth="500M")
    pair = (site.pk, catalog.offering("dia").pk)
    assert feasibility.latest([pair]) == {pair: second}


def test_many_sites_take_as_many_queries_as_one(django_assert_max_num_queries: Any) -> None:
    for number in (1, 12):
        found = sites(*[make.NEAR] * number)
        with django_assert_max_num_queries(10):
            check(*found, bandwidth="1G")


def test_without_a_table_nothing_is_guessed() -> None:
    (site,) = sites(make.NEAR)
    DecisionTable.objects.filter(key="feasibility").update(state="retired")
    with pytest.raises(NoRules):
        check(site, bandwidth="1G")


def test_the_slowest_site_makes_the_date() -> None:
    near, far = check(*sites(make.NEAR, make.FAR), bandwidth="500M")
    days = [near.lead_days, far.lead_days, None]
    assert quotechecks.ready_on(days, dt.date(2026, 11, 2)) == dt.date(2027, 2, 15)
    assert quotechecks.ready_on([None]) is None


@pytest.mark.parametrize(
    ("asked", "speed"), [("1G", 1000), ("500M", 500), ("2.5G", 2500), ("64K", 0), ("fast", 0), ("", 0)]
)
def test_bandwidths_are_read(asked: str, speed: int) -> None:
    assert feasibility.mbps({"bandwidth": asked}) == speed
