"""Capacity and outage: no more runs at once than there is room for, and a system that is down is left alone."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from fulfillment import calling, capacity, outage, taskwork
from fulfillment.adapters import Answer
from fulfillment.adapters.provisioning.fake import Fake as Provisioning
from fulfillment.models import Breaker, Capacity, Task
from kernel.models import AuditEntry
from tests.factories import fulfillment as make
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
API: dict[str, Any] = {"kind": "api_call", "adapter": "provisioning", "operation": "port.create", "max_attempts": 9}
SILENT = Answer("unknown", kind="external_timeout", cause="The provisioning system did not answer in time")


def limit(kind: str, name: str, most: int) -> None:
    Capacity.objects.create(kind=kind, name=name, most=most)


def test_no_more_calls_are_open_than_the_system_has_capacity_for_and_priority_goes_first() -> None:
    limit("system", "provisioning", 2)
    other = {"key": "other", **API, "adapter": "inventory"}
    flow = make.flow("many", *[{"key": f"t{n}", **API} for n in range(5)], other)
    Task.objects.filter(flow=flow, key="t4").update(priority=95)
    claims = calling.take()
    keys = set(Task.objects.filter(pk__in=[claim.task_id for claim in claims]).values_list("key", flat=True))
    assert keys == {"t4", "t0", "other"}
    assert [claim.call.system for claim in calling.take()] == []
    waiting = make.task(flow, "t1")
    assert capacity.why_waiting(waiting) == "Waits for capacity of provisioning (2 of 2)."
    fake = Provisioning()
    calling.settle([(claim, fake.do(claim.call)) for claim in claims if claim.call.system == "provisioning"])
    assert len(calling.take()) == 2


def test_a_call_that_waits_for_its_callback_counts_as_open() -> None:
    limit("system", "provisioning", 1)
    make.flow("slow", {"key": "a", **API}, {"key": "b", **API})
    claim = calling.take()[0]
    calling.settle([(claim, Answer("accepted", status=202))])
    assert capacity.uses("system")["provisioning"].open == 1
    assert calling.take() == []


def test_a_team_starts_no_more_tasks_than_it_may_have_in_progress() -> None:
    limit("team", "Field Benelux", 1)
    first, second = (make.flow(f"visit{n}", {"key": "work", "kind": "manual", "team": "Field Benelux"}) for n in (1, 2))
    ravi = UserFactory(role="order_fulfilment_agent")
    taskwork.start(make.task(first, "work").pk, ravi)
    with pytest.raises(capacity.Full, match="1 of 1"):
        taskwork.start(make.task(second, "work").pk, ravi)
    taskwork.complete(make.task(first, "work").pk, ravi)
    taskwork.start(make.task(second, "work").pk, ravi)


def fail(system: str, times: int) -> None:
    outage.note((system, SILENT) for _ in range(times))


def test_a_system_that_fails_in_a_row_is_left_alone_by_every_worker_until_one_try_works() -> None:
    other = {"key": "other", **API, "adapter": "inventory"}
    flow = make.flow("down", *[{"key": f"t{n}", **API} for n in range(3)], other)
    fail("provisioning", outage.BREAK_AFTER)
    assert [claim.call.system for claim in calling.take()] == ["inventory"]
    assert "does not answer" in capacity.why_waiting(make.task(flow, "t1"))
    Breaker.objects.update(open_until=timezone.now() - dt.timedelta(seconds=1))
    probe = calling.take()
    assert len(probe) == 1
    assert calling.take() == []  # one try finds out
    calling.settle([(probe[0], Provisioning().do(probe[0].call))])
    assert not Breaker.objects.exclude(failures=0).exists()
    assert len(calling.take()) == 2


def test_a_try_that_fails_lengthens_the_pause_and_a_working_call_ends_the_row() -> None:
    fail("provisioning", 4)
    assert Breaker.objects.get().open_until is None
    outage.note([("provisioning", Answer("rejected", status=422))])
    assert Breaker.objects.get().failures == 0
    fail("provisioning", 5)
    short = Breaker.objects.get().open_until
    fail("provisioning", 10)
    later = Breaker.objects.get()
    assert short is not None
    assert later.open_until is not None
    assert later.open_until - short > dt.timedelta(seconds=10)
    assert later.cause == SILENT.cause


def test_a_process_admin_has_a_system_called_again_at_once(client: Client) -> None:
    flow = make.flow("down", *[{"key": f"t{n}", **API} for n in range(2)])
    again, engine = reverse("fulfillment:call_again", args=["provisioning"]), reverse("fulfillment:engine")
    client.force_login(UserFactory(role="process_admin"))
    assert client.post(again).status_code == 409, "it answers"
    fail("provisioning", outage.BREAK_AFTER)
    assert calling.take() == []
    shown = client.get(engine).content.decode()
    assert "Left alone" in shown
    assert "Call again now" in shown
    assert client.post(again).status_code == 302
    assert len(calling.take()) == 2
    assert "Left alone" not in client.get(engine).content.decode()
    client.force_login(UserFactory(role="fulfilment_manager"))
    assert "Call again now" not in client.get(engine).content.decode()
    assert client.post(again).status_code == 403
    assert make.states(flow) == {"t0": "in_progress", "t1": "in_progress"}


def test_a_process_admin_limits_a_system_and_a_team_and_lifts_it_again(client: Client) -> None:
    make.flow("some", {"key": "dig", "kind": "manual", "team": "Diggers"})
    client.force_login(UserFactory(role="process_admin"))
    new, engine = reverse("fulfillment:capacity_new"), reverse("fulfillment:engine")
    offered = client.get(new).content.decode()
    assert 'value="system:porting"' in offered
    assert 'value="team:Diggers"' in offered
    for wrong in ({"what": "team:Nobody", "most": 2}, {"what": "team:Diggers", "most": 0}, {"most": "two"}):
        assert client.post(new, wrong).status_code == 422
    assert not Capacity.objects.exists()
    assert client.post(new, {"what": "team:Diggers", "most": 2}).status_code == 302
    assert client.post(new, {"what": "team:Diggers", "most": 3}).status_code == 302, "the same limit, changed"
    row = Capacity.objects.get()
    assert (row.kind, row.name, row.most) == ("team", "Diggers", 3)
    assert "0 of 3" in " ".join(client.get(engine).content.decode().split())
    one = reverse("fulfillment:capacity", args=[row.pk])
    assert 'value="3"' in client.get(one).content.decode()
    client.post(one, {"most": 5})
    assert Capacity.objects.get().most == 5
    client.post(one, {"remove": "1"})
    assert not Capacity.objects.exists()
    assert client.get(one).status_code == 404
    told = (
        AuditEntry.objects.filter(subject_type="fulfillment.capacity").order_by("pk").values_list("action", flat=True)
    )
    assert list(told) == ["limited", "limited", "limited", "limit taken away"]
    client.force_login(UserFactory(role="fulfilment_manager"))
    assert client.get(new).status_code == 403
    assert new not in client.get(engine).content.decode(), "who may not limit is not offered it"
