"""Maintenance: the switch, what it keeps from starting, and where people see it."""

import datetime as dt
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from fulfillment import adapters, execution, maintenance, recovery, taskwork
from fulfillment.adapters.provisioning.fake import Fake as Provisioning
from fulfillment.models import Pause, Ready
from kernel.models import AuditEntry
from kernel.refusal import Conflict, NotPermitted, Refusal
from tests.factories import fulfillment as make
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
API: dict[str, Any] = {"kind": "api_call", "adapter": "provisioning", "operation": "port.create"}


def test_nothing_new_starts_until_the_engine_goes_on() -> None:
    flow = make.flow("both", {"key": "auto"}, {"key": "call", **API}, {"key": "ring", "kind": "timer"})
    lead = UserFactory(role="fulfilment_manager")
    maintenance.pause(by=lead, reason="The database moves.")
    with adapters.replaced(Provisioning()):
        assert execution.run_ready() == 0
        assert not recovery.work_waits()
        maintenance.resume(by=lead)
        assert recovery.work_waits()
        assert execution.run_ready() == 3
    assert set(make.states(flow).values()) == {"completed"}
    trail = AuditEntry.objects.filter(subject_type="fulfillment.pause").order_by("pk")
    assert list(trail.values_list("action", flat=True)) == ["engine_paused", "engine_resumed"]


def test_what_has_begun_is_finished_and_its_successor_waits() -> None:
    flow = make.flow("hands", {"key": "a", "kind": "manual"}, {"key": "b", "kind": "manual", "after": ["a"]})
    ravi = UserFactory(role="order_fulfilment_agent")
    taskwork.start(make.task(flow, "a").pk, ravi)
    maintenance.pause(by=None, reason="Maintenance")
    taskwork.complete(make.task(flow, "a").pk, ravi)
    assert make.states(flow) == {"a": "completed", "b": "ready"}
    with pytest.raises(maintenance.Paused, match="Maintenance"):
        taskwork.start(make.task(flow, "b").pk, ravi)
    maintenance.resume(by=None)
    taskwork.start(make.task(flow, "b").pk, ravi)


def test_the_switch_asks_for_a_reason_a_right_and_its_other_position() -> None:
    lead = UserFactory(role="fulfilment_manager")
    with pytest.raises(NotPermitted):
        maintenance.pause(by=UserFactory(role="order_agent"), reason="No")
    with pytest.raises(Refusal):
        maintenance.pause(by=lead, reason="  ")
    with pytest.raises(Conflict):
        maintenance.resume(by=lead)
    maintenance.pause(by=lead, reason="Once")
    with pytest.raises(Conflict, match="Once"):
        maintenance.pause(by=lead, reason="Twice")
    assert Pause.objects.count() == 1


def test_the_commands_move_the_switch(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("engine", "pause", "--reason", "New disks")
    call_command("engine", "status", "--json")
    call_command("engine", "resume")
    said = capsys.readouterr().out
    assert '"paused": "New disks"' in said
    assert maintenance.current() is None
    make.flow("swept", {"key": "auto"})
    Ready.objects.update(since=timezone.now() - dt.timedelta(minutes=42))
    call_command("engine", "sweep", "--json")
    swept = json.loads(capsys.readouterr().out)
    assert swept["retried"] == 0
    assert "fulfillment.tasks.run" in swept["woken"]
    call_command("engine", "status")
    assert "42 minutes ago" in capsys.readouterr().out
    for wrong, said in ((("resume",), "not paused"), (("pause",), "Say why")):
        with pytest.raises(CommandError, match=said):
            call_command("engine", *wrong)


def test_the_page_pauses_shows_why_and_resumes(client: Client) -> None:
    task = make.manual_task()
    client.force_login(UserFactory(role="fulfilment_manager"))
    assert client.post("/engine/pause/", {"reason": ""}).status_code == 422
    assert client.post("/engine/pause/", {"reason": "The switch room is cleaned"}).status_code == 302
    assert "The switch room is cleaned" in client.get("/engine/").content.decode()
    assert "The switch room is cleaned" in client.get(f"/tasks/{task.number}/").content.decode()
    assert "The switch room is cleaned" in client.get("/tasks/").content.decode()
    assert client.post("/engine/pause/", {"reason": "Again"}).status_code == 409
    assert client.post("/engine/resume/").status_code == 302
    assert maintenance.current() is None


def test_only_operators_see_the_page_and_only_some_move_the_switch(client: Client) -> None:
    client.force_login(UserFactory(role="sales_agent"))
    assert client.get("/engine/").status_code == 403
    client.force_login(UserFactory(role="order_manager"))
    assert "Pause the engine" not in client.get("/engine/").content.decode()
    assert client.post("/engine/pause/", {"reason": "Mine"}).status_code == 403


def test_a_turn_ends_after_its_time_and_wakes_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = make.flow("chain", {"key": "a"}, {"key": "b", "after": ["a"]})
    woken: list[str] = []
    monkeypatch.setattr(execution, "TURN", 0.0)
    monkeypatch.setattr(execution.release, "wake", lambda: woken.append("again"))
    assert execution.run_ready() == 1
    assert make.states(flow) == {"a": "completed", "b": "ready"}
    assert woken
