"""Receipt: callbacks signed, repeated, shuffled, early and late."""

import itertools
import json
import time
from typing import Any

import pytest
from django.test import Client

from fulfillment import adapters, execution, receipt, trouble
from fulfillment.adapters import Answer
from fulfillment.adapters.provisioning.fake import Fake as Provisioning
from fulfillment.models import Callback, Flow, Task
from kernel.models import OutboxEvent
from tests.factories import fulfillment as make

pytestmark = pytest.mark.django_db
API: dict[str, Any] = {
    "kind": "api_call",
    "adapter": "provisioning",
    "operation": "port.create",
    "outputs": ["pe_port"],
}


def accepted() -> Flow:
    flow = make.flow("port", {"key": "create", **API}, {"key": "test", "after": ["create"]})
    with adapters.replaced(Provisioning(script=[Answer("accepted", status=202)])):
        execution.run_ready()
    assert make.states(flow)["create"] == "in_progress"
    return flow


def message(flow: Flow, status: str = "completed", event: str = "e1", **more: Any) -> dict[str, Any]:
    task = make.task(flow, "create")
    outputs = {"outputs": {"pe_port": "xe-0"}} if status == "completed" else {}
    return {"event_id": event, "task": task.number, "key": task.idempotency_key, "status": status, **outputs, **more}


def post(payload: Any, *, system: str = "provisioning", stamp: int | None = None, signature: str = "") -> Any:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    sent = str(int(time.time()) if stamp is None else stamp)
    return Client().post(
        f"/callbacks/{system}/", body, content_type="application/json",
        headers={"X-Trunkline-Timestamp": sent, "X-Trunkline-Signature": signature or receipt.sign(sent, body)},
    )  # fmt: skip


def test_a_callback_completes_the_task_and_the_flow_goes_on() -> None:
    flow = accepted()
    answer = post(message(flow))
    assert (answer.status_code, answer.json()) == (200, {"effect": "completed"})
    execution.run_ready()
    assert set(make.states(flow).values()) == {"completed"}
    assert Flow.objects.get(pk=flow.pk).data["pe_port"] == "xe-0"


@pytest.mark.parametrize("stamp", [None, 1_000_000])
def test_a_bad_signature_or_an_old_message_is_401_and_moves_nothing(stamp: int | None) -> None:
    flow = accepted()
    answer = post(message(flow), stamp=stamp, signature="" if stamp else "sha256=00")
    assert answer.status_code == 401
    assert make.states(flow)["create"] == "in_progress"
    assert not Callback.objects.exists()


def test_what_cannot_be_read_is_400_and_what_is_unknown_404() -> None:
    assert post(b"no json").status_code == 400
    assert post([1]).status_code == 400
    assert post({"event_id": "e1", "task": "TSK0"}, system="payroll").status_code == 404
    assert post({"event_id": "e1", "task": "TSK9999999", "status": "completed"}).status_code == 404
    assert Callback.objects.get().task is None
    assert Client().get("/callbacks/provisioning/").status_code == 405


def test_three_times_the_same_has_one_effect() -> None:
    flow = accepted()
    effects = [post(message(flow)).json()["effect"] for _ in range(3)]
    assert effects == ["completed", "repeat", "repeat"]
    assert OutboxEvent.objects.filter(kind="fulfillment.TaskSuppliedValues").count() == 1


def test_a_finished_task_is_not_moved_by_another_message() -> None:
    flow = accepted()
    post(message(flow))
    late = post(message(flow, "failed", "e2", code="rejected", message="No"))
    assert (late.status_code, late.json()["effect"]) == (200, "none")
    assert make.states(flow)["create"] == "completed"


@pytest.mark.parametrize("order", list(itertools.permutations(["progress", "completed", "progress2"])))
def test_messages_in_any_order_end_the_same(order: tuple[str, ...]) -> None:
    flow = accepted()
    for name in order:
        post(message(flow, name.rstrip("2"), name))
    execution.run_ready()
    assert set(make.states(flow).values()) == {"completed"}


def test_a_failure_falls_out_with_the_systems_words() -> None:
    flow = accepted()
    body = {"code": "vlan_in_use", "message": "VLAN 7 is in use.", "field": "vlan", "first_free": 8}
    assert post(message(flow, "failed", **body)).json()["effect"] == "failed"
    fact = OutboxEvent.objects.get(kind="fulfillment.TaskFellOut").payload
    assert (fact["detail"], fact["suggestion"]) == ("VLAN 7 is in use.", {"vlan": 8})


def test_a_success_after_all_ends_the_fallout() -> None:
    flow = accepted()
    trouble.fall_out({make.task(flow, "create").pk: trouble.Trouble("external_timeout", "Silent")})
    assert post(message(flow)).json()["effect"] == "completed"
    assert OutboxEvent.objects.filter(kind="fulfillment.TaskRecovered").count() == 1


def test_a_callback_before_the_answer_is_written_counts_and_the_answer_then_moves_nothing() -> None:
    from fulfillment import calling

    flow = make.flow("port", {"key": "create", **API})
    claim = calling.take()[0]
    assert post(message(flow)).json()["effect"] == "completed"
    calling.settle([(claim, Answer("accepted", status=202))])
    task = make.task(flow, "create")
    assert (task.state, task.due_at) == ("completed", None)


def test_an_early_success_is_kept() -> None:
    flow = make.flow("wait", {"key": "create", "kind": "wait_event"}, started=False)
    assert post(message(flow)).json()["effect"] == "kept"
    execution.start(flow.root_type, flow.root_id)
    execution.run_ready()
    assert make.states(flow) == {"create": "completed"}


def test_the_key_of_other_work_moves_nothing() -> None:
    flow = accepted()
    assert post(message(flow, key="TSK0000001-do-1")).json()["effect"] == "none"
    assert Task.objects.get(flow=flow, key="create").state == "in_progress"
