"""Jeopardy: learned durations, forecasts with their critical path, levels by the rows of a table."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fulfillment import forecasting, jeopardy, learning, planning, scheduling
from fulfillment.jeopardy import Judge
from fulfillment.models import Flow, FlowForecast, LearnedDuration, Level, Task, TaskDate, TaskForecast
from kernel.decisions import BrokenRule
from kernel.models import BusinessCalendar, DecisionTable, Holiday
from tests.factories import fulfillment as make
from tests.factories.crm import SiteFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
MONDAY = dt.date(2026, 12, 7)
FORK = (
    {"key": "a", "days": 1, "kind": "manual"},
    {"key": "b", "days": 4, "kind": "manual", "after": ["a"]},
    {"key": "c", "days": 1, "kind": "manual", "after": ["a"]},
    {"key": "d", "days": 1, "kind": "milestone", "after": ["b", "c"]},
)


def fork() -> Flow:
    """a, then b and c beside each other, then d; planned from a Monday."""
    flow = make.flow("fork", *FORK, started=False)
    scheduling.schedule(flow.root_type, flow.root_id, start=MONDAY)
    return flow


def learned(key: str, p50: float, p90: float, samples: int = 9, days: int = 5) -> None:
    LearnedDuration.objects.create(
        specification_key="fork", action="add", item_key=key, samples=samples, days=days, p50=p50, p90=p90,
        learned_at=timezone.now(),
    )  # fmt: skip


def project(flow: Flow, today: dt.date = MONDAY) -> tuple[dict[str, forecasting.Expected], forecasting.Projection]:
    found = forecasting.project(flow.root_type, flow.root_id, today=today)
    keys = dict(Task.objects.filter(flow=flow).values_list("pk", "key"))
    return {keys[pk]: task for pk, task in found.tasks.items()}, found


def test_durations_are_learned_in_working_days_of_the_calendar() -> None:
    calendar = BusinessCalendar.objects.create(name="NL", is_default=True, time_zone="UTC")
    friday = dt.datetime(2026, 12, 11, 8, tzinfo=dt.UTC)
    Holiday.objects.create(calendar=calendar, day=dt.date(2026, 12, 14), name="A Monday off")
    tasks = [make.manual_task(days=1)]
    tasks += [make.task(make.flow("by_hand", {"key": "work", "kind": "manual", "days": 1}), "work") for _ in range(5)]
    for n, task in enumerate(tasks):  # one, two … working days over a weekend and a holiday
        ended = [dt.datetime(2026, 12, day, 17, tzinfo=dt.UTC) for day in (11, 15, 16, 17, 18, 21)][n]
        Task.objects.filter(pk=task.pk).update(started_at=friday, ended_at=ended)
        Task.objects.filter(pk=task.pk, state="ready").update(state="in_progress")
        Task.objects.filter(pk=task.pk).update(state="completed")
    assert learning.learn(dt.date(2026, 12, 22)) == 1
    row = LearnedDuration.objects.get()
    assert (row.days, learning.missing(row)) == (6, (0, 0))
    assert (row.samples, row.item_key, float(row.p50), float(row.p90)) == (6, "work", 3.5, 5.5)
    assert learning.known() == {("by_hand", "add", "work"): (3.5, 5.5)}
    with CaptureQueriesContext(connection) as again:
        learning.learn(dt.date(2026, 12, 22))
    assert len(again) < 10
    assert LearnedDuration.objects.count() == 1


@pytest.mark.parametrize(("samples", "days"), [(4, 4), (200, 2)], ids=["few tasks", "all in one go"])
def test_too_little_history_leaves_the_definitions_value(samples: int, days: int) -> None:
    flow = fork()
    learned("b", 20, 30, samples, days)
    tasks, found = project(flow)
    assert found.last is not None
    assert found.last.ends_on == dt.date(2026, 12, 14)
    assert tasks["b"].ends_on == dt.date(2026, 12, 11)


def test_the_critical_path_slack_and_the_likely_end() -> None:
    flow = fork()
    learned("b", 4, 9)
    tasks, found = project(flow)
    assert [found.tasks[pk].name for pk in found.path] == ["A", "B", "D"]
    assert {key: task.critical for key, task in tasks.items()} == {"a": True, "b": True, "c": False, "d": True}
    assert tasks["c"].place.slack == 3
    assert (tasks["d"].ends_on, tasks["d"].late) == (dt.date(2026, 12, 14), 0)
    assert tasks["d"].likely_on == dt.date(2026, 12, 21)
    assert tasks["c"].likely_on == tasks["c"].ends_on
    assert forecasting.chance(tasks["d"], tasks["d"].ends_on) == 50
    assert (forecasting.chance(tasks["d"], dt.date(2026, 12, 21)) or 0) >= 88
    assert forecasting.chance(tasks["c"], MONDAY) is None


def test_what_is_late_pushes_what_waits_and_a_told_date_counts_instead() -> None:
    flow = fork()
    tasks, _ = project(flow, dt.date(2026, 12, 10))  # three working days later and nothing begun
    assert (tasks["a"].late, tasks["d"].late) == (3, 3)
    TaskDate.objects.create(task=make.task(flow, "c"), ends_on=dt.date(2026, 12, 23), reason="The supplier says so")
    tasks, found = project(flow, dt.date(2026, 12, 10))
    assert (tasks["c"].ends_on, tasks["d"].ends_on) == (dt.date(2026, 12, 23), dt.date(2026, 12, 24))
    assert [found.tasks[pk].name for pk in found.path] == ["A", "C", "D"]


@pytest.mark.parametrize(
    ("subject", "late", "likely", "critical", "level"),
    [
        ("order", 0, 0, True, Level.NONE), ("order", 0, 1, True, Level.LOW), ("order", 1, 1, True, Level.MEDIUM),
        ("line", 5, 5, False, Level.HIGH), ("order", 10, 12, True, Level.CRITICAL), ("task", 1, 1, True, Level.MEDIUM),
        ("task", 2, 2, False, Level.NONE), ("task", 3, 3, False, Level.LOW), ("milestone", 5, 5, True, Level.HIGH),
    ],
)  # fmt: skip
def test_the_first_rules(subject: str, late: int, likely: int, critical: bool, level: Level) -> None:
    assert Judge().level(subject, late=late, late_likely=likely, length=100, critical=critical) == level


def test_rules_are_rows_that_can_be_changed_and_an_unknown_level_is_refused() -> None:
    table = DecisionTable.objects.get(key="jeopardy")
    table.rows = [{"subject": "'task'", "level": "'terrible'"}]
    table.save()
    with pytest.raises(BrokenRule, match="terrible"):
        Judge().level("task", late=1, late_likely=1, length=1, critical=True)
    table.rows = [{"subject": "'task'", "days_late": "> 0", "level": "'critical'"}]
    table.save()
    assert Judge().level("task", late=1, late_likely=1, length=1, critical=False) == Level.CRITICAL
    DecisionTable.objects.filter(key="jeopardy").delete()
    assert Judge().level("order", late=99, late_likely=99, length=1, critical=True) == Level.NONE


def test_an_assessment_keeps_levels_with_reasons_and_forgets_what_is_over() -> None:
    flow = fork()
    today = dt.date(2026, 12, 14)
    found = jeopardy.assess(flow.root_type, flow.root_id, judge=Judge(), today=today)
    row = TaskForecast.objects.get(task__key="a")
    assert (row.level, row.critical, row.days_late) == (Level.HIGH, True, 5)
    assert row.reason == f"A at {flow.site.name} is 5 working days late and is on the critical path."
    assert FlowForecast.objects.get().level == Level.HIGH
    assert found.worst() == Level.HIGH
    cause = found.cause()
    assert cause is not None
    assert cause.name == "A"
    with CaptureQueriesContext(connection) as again:
        jeopardy.assess(flow.root_type, flow.root_id, judge=Judge(), today=today)
    assert not [q for q in again if q["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    Task.objects.filter(key="c").update(state="ready")
    Task.objects.filter(key="c").update(state="skipped")
    jeopardy.assess(flow.root_type, flow.root_id, judge=Judge(), today=today)
    assert set(TaskForecast.objects.values_list("task__key", flat=True)) == {"a", "b", "d"}
    jeopardy.forget(flow.root_type, flow.root_id)
    assert not TaskForecast.objects.exists()


def test_the_number_of_queries_does_not_grow_with_the_tasks() -> None:
    make.plan("fork", *FORK)
    counts = []
    for flows in (2, 40):
        asked = [make.request("fork", SiteFactory(), root=flows) for _ in range(flows)]
        planning.plan(asked)
        scheduling.schedule("test.root", flows, start=MONDAY)
        with CaptureQueriesContext(connection) as captured:
            jeopardy.assess("test.root", flows, judge=Judge(), today=MONDAY)
        counts.append(len(captured))
    assert counts[0] == counts[1]
