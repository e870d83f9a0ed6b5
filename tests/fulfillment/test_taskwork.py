"""Task work: people take, start, complete, pause, report and assign tasks."""

from typing import Any

import pytest

from catalog.models import Characteristic
from fulfillment import execution, taskwork
from fulfillment.models import Flow, Task
from kernel.lifecycle import IllegalMove
from kernel.models import AuditEntry, OutboxEvent, User
from kernel.refusal import Conflict, NotPermitted, Refusal
from tests.factories import fulfillment as make
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
FORM = [
    {"key": "tenant", "label": "Tenant", "type": "text", "required": True, "pattern": "[a-z-]+", "hint": "Lower case."},
    {"key": "mode", "label": "Mode", "type": "choice", "choices": ["strict", "open"]},
    {"key": "count", "label": "Count", "type": "number", "minimum": 1, "maximum": 8},
    {"key": "ready_on", "label": "Ready on", "type": "date"},
    {"key": "agreed", "label": "Agreed", "type": "boolean"},
]  # fmt: skip


def agent() -> User:
    return UserFactory(role="order_fulfilment_agent")


def fresh(task: Task) -> Task:
    return Task.objects.get(pk=task.pk)


def test_a_task_is_taken_once() -> None:
    task, first, second = make.manual_task(), agent(), agent()
    taskwork.claim(task.pk, first)
    taskwork.claim(task.pk, first)
    with pytest.raises(taskwork.Taken, match=str(first)):
        taskwork.claim(task.pk, second)
    with pytest.raises(taskwork.Taken):
        taskwork.complete(task.pk, second)
    assert fresh(task).assignee == first
    assert AuditEntry.objects.filter(subject_id=task.pk, action="assigned").count() == 1


def test_completing_keeps_the_values_and_goes_on() -> None:
    flow = make.flow("form", {"key": "work", "kind": "manual", "form": FORM}, {"key": "next", "after": ["work"]})
    task, ravi = make.task(flow, "work"), agent()
    typed = {"tenant": "meridor", "mode": "strict", "count": "1,5", "ready_on": "2026-12-01", "agreed": "yes"}
    taskwork.complete(task.pk, ravi, typed)
    execution.run_ready()
    values = {"tenant": "meridor", "mode": "strict", "count": 1.5, "ready_on": "2026-12-01", "agreed": True}
    assert (fresh(task).state, fresh(task).result, fresh(task).assignee) == ("completed", values, ravi)
    assert Flow.objects.get(pk=flow.pk).data == values
    assert set(make.states(flow).values()) == {"completed"}
    assert OutboxEvent.objects.get(kind="fulfillment.TaskSuppliedValues").payload["values"] == values


@pytest.mark.parametrize(
    ("key", "typed", "words"),
    [
        ("tenant", "", "Enter the tenant"), ("tenant", "No Capitals", "Lower case"), ("tenant", "x" * 600, "too long"),
        ("mode", "other", "Strict or Open"), ("count", "many", "not a number"), ("count", "0", "At least 1"),
        ("count", "9", "At most 8"), ("count", "NaN", "not a number"), ("ready_on", "1 Dec", "2026-12-18"),
        ("agreed", "perhaps", "yes or no"),
    ],
)  # fmt: skip
def test_wrong_values_are_refused_at_their_field(key: str, typed: str, words: str) -> None:
    task = make.manual_task(form=FORM)
    with pytest.raises(Refusal) as refusal:
        taskwork.complete(task.pk, agent(), {"tenant": "meridor", key: typed})
    assert list(refusal.value.problems) == [key]
    assert words in refusal.value.problems[key][0]
    assert fresh(task).state == "ready"


def test_outputs_without_a_form_are_asked_for_as_the_catalogue_describes_them() -> None:
    made = make.specification("by_hand")
    Characteristic.objects.create(specification=made, key="vlan", name="VLAN", type="number", minimum=2, maximum=4094)
    task = make.manual_task(outputs=["vlan", "note?"])
    with pytest.raises(Refusal) as refusal:
        taskwork.complete(task.pk, agent(), {"vlan": "5000"})
    assert refusal.value.problems == {"vlan": ["At most 4094."]}
    taskwork.complete(task.pk, agent(), {"vlan": "2200"})
    assert fresh(task).result == {"vlan": 2200}


def test_the_checklist_has_to_be_ticked_and_is_kept() -> None:
    task, ravi = make.manual_task(checklist=["Power", "Light"]), agent()
    taskwork.tick(task.pk, ravi, ["Power", "Nonsense"])
    assert fresh(task).ticked == ["Power"]
    with pytest.raises(Refusal, match="Not done yet: Light"):
        taskwork.complete(task.pk, ravi)
    taskwork.complete(task.pk, ravi, {}, ["Light"])
    assert fresh(task).ticked == ["Power", "Light"]


def test_holding_awaiting_and_resuming_need_their_reasons() -> None:
    task, ravi = make.manual_task(), agent()
    taskwork.start(task.pk, ravi)
    with pytest.raises(Refusal, match="Say why"):
        taskwork.hold(task.pk, ravi, " ")
    taskwork.hold(task.pk, ravi, "The rack is locked")
    assert (fresh(task).state, fresh(task).reason) == ("on_hold", "The rack is locked")
    with pytest.raises(IllegalMove):
        taskwork.complete(task.pk, ravi)
    taskwork.resume(task.pk, ravi)
    taskwork.await_information(task.pk, ravi, "Julia Brandt: which rack?")
    taskwork.informed(task.pk, ravi)
    assert (fresh(task).state, fresh(task).reason) == ("in_progress", "")


def test_a_reported_problem_is_a_fallout_and_retry_gives_the_task_back() -> None:
    flow = make.flow("visit", {"key": "install", "kind": "field_work"})
    task, bram = make.task(flow, "install"), UserFactory(role="technician")
    taskwork.report(task.pk, bram, "Nobody opens the door")
    assert fresh(task).in_fallout
    fact = OutboxEvent.objects.get(kind="fulfillment.TaskFellOut").payload
    assert (fact["kind"], fact["detail"]) == ("site_access", "Nobody opens the door")
    with pytest.raises(Conflict, match="fallout"):
        taskwork.resume(task.pk, bram)
    execution.retry(task.pk, by=UserFactory(role="fallout_agent"))
    assert (fresh(task).state, fresh(task).problem, fresh(task).lease_until) == ("in_progress", "", None)
    taskwork.complete(task.pk, bram)
    assert OutboxEvent.objects.filter(kind="fulfillment.TaskRecovered").count() == 1


def test_assigning_needs_its_right_and_somebody_who_works_on_tasks() -> None:
    task, ravi, lena = make.manual_task(), agent(), UserFactory(role="fulfilment_manager")
    with pytest.raises(NotPermitted):
        taskwork.assign(task.pk, lena, ravi)
    with pytest.raises(Refusal, match="does not work on tasks"):
        taskwork.assign(task.pk, UserFactory(role="finance"), lena)
    taskwork.assign(task.pk, ravi, lena)
    assert ravi.notifications.get().text.startswith(str(lena))
    taskwork.assign(task.pk, None, ravi)
    assert fresh(task).assignee is None


def test_a_task_that_has_to_finish_after_another_waits_for_it() -> None:
    flow = make.flow(
        "finish", {"key": "a", "kind": "manual"},
        {"key": "b", "kind": "manual", "name": "Hand over", "after": [{"item": "a", "kind": "FF"}]},
    )  # fmt: skip
    ravi = agent()
    assert make.states(flow) == {"a": "ready", "b": "ready"}
    with pytest.raises(Conflict, match="only after: A"):
        taskwork.complete(make.task(flow, "b").pk, ravi)
    taskwork.complete(make.task(flow, "a").pk, ravi)
    taskwork.complete(make.task(flow, "b").pk, ravi)
    assert Flow.objects.get(pk=flow.pk).state == "completed"


def test_skipping_goes_on_with_a_reason() -> None:
    task, ravi = make.manual_task(), agent()
    taskwork.skip(task.pk, ravi, "Done last year")
    assert (fresh(task).state, fresh(task).reason) == ("skipped", "Done last year")
    assert Flow.objects.get(pk=task.flow_id).state == "completed"


@pytest.mark.parametrize("act", ["claim", "start", "complete"])
def test_whoever_lacks_the_right_does_nothing(act: str) -> None:
    task = make.manual_task()
    with pytest.raises(NotPermitted):
        getattr(taskwork, act)(task.pk, UserFactory(role="finance"))
    assert (fresh(task).state, fresh(task).assignee) == ("ready", None)


def test_nothing_starts_while_the_flow_is_held_and_machines_steps_are_not_for_people() -> None:
    task, ravi = make.manual_task(), agent()
    flow: Any = task.flow
    execution.hold_root(flow.root_type, flow.root_id, by=None, reason="Wait")
    with pytest.raises(taskwork.Paused):
        taskwork.start(task.pk, ravi)
    machine = make.task(make.flow("auto", {"key": "a"}), "a")
    with pytest.raises(IllegalMove, match="by the system"):
        taskwork.complete(machine.pk, ravi)
