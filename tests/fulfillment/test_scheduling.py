"""Scheduling: dates over working days, forward and backward."""

import datetime as dt
from typing import Any

import pytest

from fulfillment import planning, scheduling
from fulfillment.models import Flow, Task
from kernel.models import BusinessCalendar, Holiday
from tests.factories import fulfillment as make
from tests.factories.crm import SiteFactory

pytestmark = pytest.mark.django_db
MONDAY = dt.date(2026, 12, 7)


def dates(flow: Flow) -> dict[str, tuple[dt.date, dt.date, dt.date]]:
    rows = Task.objects.filter(flow=flow).values_list("key", "planned_start", "planned_end", "estimated_end")
    return {key: (start, end, estimated) for key, start, end, estimated in rows}


def chain(*days: float) -> Flow:
    items = [{"key": f"t{n}", "days": day, "after": [f"t{n - 1}"] if n else []} for n, day in enumerate(days)]
    return make.flow("chain", *items, started=False)


def schedule(flow: Flow, start: dt.date = MONDAY, requested: dt.date | None = None) -> dt.date:
    return scheduling.schedule(flow.root_type, flow.root_id, start=start, requested_on=requested)


def test_a_chain_runs_over_working_days() -> None:
    flow = chain(3, 1, 4)
    assert schedule(flow) == dt.date(2026, 12, 16)
    found = dates(flow)
    assert found["t0"][:2] == (MONDAY, dt.date(2026, 12, 9))
    assert found["t1"][:2] == (dt.date(2026, 12, 10), dt.date(2026, 12, 10))
    assert found["t2"][:2] == (dt.date(2026, 12, 11), dt.date(2026, 12, 16))
    flow = Flow.objects.get(pk=flow.pk)
    assert (flow.planned_start, flow.planned_end, flow.estimated_end) == (
        MONDAY,
        dt.date(2026, 12, 16),
        dt.date(2026, 12, 16),
    )


def test_holidays_do_not_count() -> None:
    calendar = BusinessCalendar.objects.create(name="Netherlands", is_default=True)
    Holiday.objects.create(calendar=calendar, day=dt.date(2026, 12, 25), name="Christmas Day")
    flow = chain(2, 1)
    assert schedule(flow, dt.date(2026, 12, 24)) == dt.date(2026, 12, 29)


def test_a_start_on_a_free_day_is_the_next_working_day() -> None:
    flow = chain(1)
    assert schedule(flow, dt.date(2026, 12, 5)) == MONDAY


def test_parts_of_days_add_up() -> None:
    flow = chain(0.5, 0.5, 0.1)
    schedule(flow)
    found = dates(flow)
    assert [found[key][1] for key in ("t0", "t1", "t2")] == [MONDAY, MONDAY, dt.date(2026, 12, 8)]


@pytest.mark.parametrize(
    ("kind", "lag", "start", "end"),
    [("FS", 2, 14, 15), ("SS", 1, 8, 9), ("FF", 0, 8, 9), ("SF", 3, 8, 9)],
)
def test_every_kind_of_dependency_with_lag(kind: str, lag: int, start: int, end: int) -> None:
    flow = make.flow(
        "kinds",
        {"key": "a", "days": 3},
        {"key": "b", "days": 2, "after": [{"item": "a", "kind": kind, "lag": lag}]},
        started=False,
    )
    schedule(flow)
    assert dates(flow)["b"][:2] == (dt.date(2026, 12, start), dt.date(2026, 12, end))


def test_planned_dates_run_backward_from_the_wish_when_it_fits() -> None:
    flow = chain(2, 3)
    assert schedule(flow, MONDAY, dt.date(2026, 12, 18)) == dt.date(2026, 12, 11)
    found = dates(flow)
    assert found["t1"][:2] == (dt.date(2026, 12, 16), dt.date(2026, 12, 18))
    assert found["t0"][:2] == (dt.date(2026, 12, 14), dt.date(2026, 12, 15))
    assert found["t1"][2] == dt.date(2026, 12, 11)


def test_planned_dates_run_forward_when_the_wish_is_too_early() -> None:
    flow = chain(2, 3)
    assert schedule(flow, MONDAY, dt.date(2026, 12, 8)) == dt.date(2026, 12, 11)
    assert dates(flow)["t0"][0] == MONDAY


def test_the_baseline_stays_and_the_estimate_rolls() -> None:
    flow = chain(2, 3)
    schedule(flow)
    assert schedule(flow, MONDAY + dt.timedelta(days=7)) == dt.date(2026, 12, 18)
    assert dates(flow)["t1"] == (dt.date(2026, 12, 9), dt.date(2026, 12, 11), dt.date(2026, 12, 18))


def test_an_item_on_another_calendar_counts_its_own_days() -> None:
    BusinessCalendar.objects.create(name="Every day", weekdays=[0, 1, 2, 3, 4, 5, 6])
    flow = make.flow(
        "two", {"key": "a", "days": 5}, {"key": "b", "days": 2, "calendar": "Every day", "after": ["a"]}, started=False
    )
    assert schedule(flow) == dt.date(2026, 12, 13)


def test_a_circle_across_flows_is_refused_by_name() -> None:
    make.specification("ping")
    make.specification("pong")
    make.plan("ping", {"key": "a", "after": [{"specification": "pong", "scope": "order"}]})
    make.plan("pong", {"key": "b", "after": [{"specification": "ping", "scope": "order"}]})
    site = SiteFactory()
    planning.plan([make.request("ping", site, root=90), make.request("pong", site, root=90)])
    with pytest.raises(scheduling.Circular, match="wait for each other"):
        scheduling.schedule("test.root", 90, start=MONDAY)


def test_a_projection_takes_other_durations_and_dates_and_writes_nothing() -> None:
    flow = make.flow(
        "fork",
        {"key": "a", "days": 1},
        {"key": "b", "days": 4, "after": ["a"]},
        {"key": "c", "days": 1, "after": ["a"]},
        {"key": "d", "days": 1, "after": ["b", "c"]},
        started=False,
    )
    pk = dict(Task.objects.filter(flow=flow).values_list("key", "pk"))
    found = scheduling.project(flow.root_type, flow.root_id, start=MONDAY)
    assert found[pk["d"]].ends_on == dt.date(2026, 12, 14)
    assert [found[pk[key]].slack for key in "abcd"] == [0, 0, 3, 0]
    assert found[pk["d"]].driver == pk["b"]
    longer = scheduling.project(flow.root_type, flow.root_id, start=MONDAY, days={pk["c"]: 9.0})
    assert longer[pk["d"]].ends_on == dt.date(2026, 12, 21)
    assert longer[pk["d"]].driver == pk["c"]
    assert longer[pk["b"]].slack == 5
    told = scheduling.project(flow.root_type, flow.root_id, start=MONDAY, ends={pk["c"]: dt.date(2026, 12, 16)})
    assert (told[pk["c"]].ends_on, told[pk["d"]].ends_on) == (dt.date(2026, 12, 16), dt.date(2026, 12, 17))
    assert not Task.objects.filter(flow=flow, planned_end__isnull=False).exists()


@pytest.mark.slow
def test_the_number_of_statements_does_not_grow_with_the_sites(django_assert_max_num_queries: Any) -> None:
    make.plan("line_access", {"key": "order", "days": 2}, {"key": "accept", "after": ["order"]})
    reach = {"specification": "line_access", "scope": "site"}
    make.plan("router", {"key": "ship", "days": 4}, {"key": "install", "days": 1, "after": ["ship", reach]})
    sites = [SiteFactory() for _ in range(40)]
    counts = []
    for root, some in ((811, sites[:4]), (812, sites)):
        asked = [make.request(key, site, root=root) for site in some for key in ("router", "line_access")]
        with django_assert_max_num_queries(40) as found:
            planning.plan(asked, wish=planning.Wish(MONDAY))
            scheduling.schedule("test.root", root, start=MONDAY)
            scheduling.schedule("test.root", root, start=MONDAY + dt.timedelta(days=1))
        counts.append(len(found))
    assert counts[0] == counts[1]
    assert Task.objects.filter(flow__root_id=812, planned_end__isnull=False).count() == 160


def test_dates_at_planning_are_those_that_scheduling_gives() -> None:
    BusinessCalendar.objects.create(name="Every day", country="DE", weekdays=[0, 1, 2, 3, 4, 5, 6])
    make.plan(
        "router", {"key": "a", "days": 3}, {"key": "b", "days": 4, "after": [{"item": "a", "kind": "SS", "lag": 2}]}
    )
    here, there = SiteFactory(country="DE"), SiteFactory(country="NL")
    wish = planning.Wish(MONDAY, dt.date(2026, 12, 31))
    at_once = planning.plan([make.request("router", site, root=821) for site in (here, there)], wish=wish)
    later = planning.plan([make.request("router", site, root=822) for site in (here, there)])
    scheduling.schedule("test.root", 822, start=MONDAY, requested_on=wish.requested_on)
    for one, other in zip(at_once.values(), later.values(), strict=True):
        assert dates(Flow.objects.get(pk=one)) == dates(Flow.objects.get(pk=other))
    ends = {str(flow.site.country): flow.estimated_end for flow in Flow.objects.filter(pk__in=at_once.values())}
    assert ends == {"DE": dt.date(2026, 12, 12), "NL": dt.date(2026, 12, 14)}


def test_a_new_baseline_is_set_on_request() -> None:
    flow = chain(2, 3)
    schedule(flow)
    later = MONDAY + dt.timedelta(days=7)
    scheduling.schedule(flow.root_type, flow.root_id, start=later, baseline=True)
    assert dates(flow)["t1"][1] == dt.date(2026, 12, 18)
    assert Flow.objects.get(pk=flow.pk).planned_end == dt.date(2026, 12, 18)
