"""The doctor: what it finds, and that it says what to do."""

import datetime as dt
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from config import doctor
from fulfillment import calling, maintenance
from fulfillment.models import Ready, Task
from kernel.models import OutboxEvent
from tests.factories import fulfillment as make

pytestmark = pytest.mark.django_db
LONG_AGO = dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.current_app.control, "ping", lambda timeout: [{"worker@here": {"ok": "pong"}}])


def troubles() -> dict[str, str]:
    return {finding.area: finding.todo for finding in doctor.examine() if not finding.ok}


def test_a_healthy_system_has_no_trouble(capsys: pytest.CaptureFixture[str]) -> None:
    assert troubles() == {}
    call_command("doctor", "--json")
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert {one["area"] for one in found} == {
        "database", "broker", "settings", "clock", "migrations", "workers", "engine", "orders", "outbox",
    }  # fmt: skip
    assert all(one["ok"] for one in found)


def test_a_missing_worker_is_trouble_and_ends_with_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor.current_app.control, "ping", lambda timeout: [])
    with pytest.raises(SystemExit) as ended:
        call_command("doctor")
    assert ended.value.code == 1
    assert "→ Start one" in capsys.readouterr().out


def test_stuck_work_is_named_with_what_to_do() -> None:
    make.flow("stuck", {"key": "auto"}, {"key": "call", "kind": "api_call", "adapter": "inventory", "operation": "x.y"})
    calling.take()
    Task.objects.filter(key="call").update(lease_until=timezone.now() - LONG_AGO)
    Ready.objects.update(since=timezone.now() - LONG_AGO)
    OutboxEvent.objects.create(kind="x.Y", payload={}, created_at=timezone.now() - LONG_AGO, error="Boom\nat line 1")
    found = [finding for finding in doctor.examine() if not finding.ok]
    assert [finding.area for finding in found] == ["engine", "engine", "outbox"]
    assert "1 calls lost their worker" in found[0].text
    assert "ready, the oldest for 60 min." in found[1].text
    assert "Boom" in found[2].text
    assert "line 1" not in found[2].text


def test_a_pause_is_told_and_waiting_steps_are_not_held_against_it() -> None:
    make.flow("paused", {"key": "auto"})
    Ready.objects.update(since=timezone.now() - LONG_AGO)
    maintenance.pause(by=None, reason="New disks")
    assert troubles() == {"engine": "Run `manage.py engine resume` when that is over."}


def test_a_setting_that_can_lose_work_is_trouble() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
    assert troubles() == {"settings": "Set synchronous_commit = on in postgresql.conf and reload."}
