"""Sweeping: an idle product is asked one question, and only what has work is woken."""

import pytest
from django.conf import settings
from pytest_django import DjangoAssertNumQueries

from config.celery import app
from kernel import jobs, outbox, sweeping
from orders import events

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _tasks() -> None:
    app.loader.import_default_modules()


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    monkeypatch.setattr(jobs, "wake", lambda task, *, queue="default": found.append((task, queue)))
    return found


def test_nothing_waits_one_question_nobody_is_woken(
    woken: list[tuple[str, str]], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        assert sweeping.look() == []
    assert woken == []


def test_what_has_work_is_woken_in_its_queue(woken: list[tuple[str, str]]) -> None:
    sweeping.watch("kernel.tasks.sweep", "true", queue="engine")
    outbox.publish(events.OrderStarted(order_id=1))
    woken.clear()
    try:
        assert set(sweeping.look()) == {"kernel.tasks.deliver_outbox", "kernel.tasks.sweep"}
    finally:
        sweeping._watches.pop("kernel.tasks.sweep")
    assert set(woken) == {("kernel.tasks.deliver_outbox", "default"), ("kernel.tasks.sweep", "engine")}


def test_whatever_is_watched_or_scheduled_is_a_task() -> None:
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert {"kernel.tasks.deliver_outbox", "fulfillment.tasks.run", "fulfillment.tasks.sweep"} <= set(sweeping._watches)
    assert scheduled | set(sweeping._watches) <= set(app.tasks)
