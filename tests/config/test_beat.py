"""Beat: a changed schedule is noticed, without asking the database at every tick."""

import pytest
from django_celery_beat.schedulers import DatabaseScheduler

from config import beat


def test_the_database_is_asked_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    clock = [1000.0]
    monkeypatch.setattr(beat.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(DatabaseScheduler, "schedule_changed", lambda self: not asked.append(clock[0]))
    scheduler = beat.Scheduler.__new__(beat.Scheduler)
    assert scheduler.schedule_changed()
    for _ in range(10):
        clock[0] += beat.LOOK / 11
        assert not scheduler.schedule_changed()
    clock[0] += beat.LOOK
    assert scheduler.schedule_changed()
    assert len(asked) == 2
