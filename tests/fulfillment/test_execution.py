"""Execution: release, the machine's own steps, calls, and what the facts say."""

from typing import Any

import pytest

from fulfillment import adapters, events, execution, recovery, taskwork
from fulfillment.adapters import Answer
from fulfillment.adapters.porting.fake import Fake as Porting
from fulfillment.adapters.provisioning.fake import Fake as Provisioning
from fulfillment.models import (
    Attempt,
    Callback,
    Flow,
    Kind,
    Project,
    ProjectTemplate,
    Task,
    WorkOrder,
)
from kernel.models import AuditEntry, OutboxEvent
from tests.factories import fulfillment as make
from tests.factories.crm import SiteFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
API: dict[str, Any] = {"kind": "api_call", "adapter": "provisioning", "operation": "port.create"}


def told(kind: str) -> list[dict[str, Any]]:
    return list(OutboxEvent.objects.filter(kind=f"fulfillment.{kind}").order_by("pk").values_list("payload", flat=True))


def make_due(flow: Flow) -> None:
    """Time passes for what waits to be retried or asked after."""
    Task.objects.filter(flow=flow, due_at__isnull=False).update(due_at="2020-01-01T00:00:00Z")


def test_automatic_steps_run_to_the_end_of_the_flow() -> None:
    flow = make.flow(
        "auto", {"key": "a"}, {"key": "b", "after": ["a"]}, {"key": "c", "after": ["a"]},
        {"key": "d", "kind": "milestone", "name": "All set", "after": ["b", "c"]},
    )  # fmt: skip
    assert make.states(flow) == {"a": "ready", "b": "planned", "c": "planned", "d": "planned"}
    assert execution.run_ready() == 4
    assert set(make.states(flow).values()) == {"completed"}
    flow = Flow.objects.get(pk=flow.pk)
    assert (flow.state, flow.ended_at is not None) == ("completed", True)
    assert [len(told("FlowStarted")), len(told("FlowCompleted"))] == [1, 1]
    assert told("StageReached")[0]["stage"] == "All set"
    trail = AuditEntry.objects.filter(subject_type="fulfillment.task", subject_id=make.task(flow, "d").pk)
    assert list(trail.order_by("pk").values_list("action", flat=True)) == ["release", "start", "complete"]


def test_starting_twice_changes_nothing_and_an_empty_flow_completes() -> None:
    flow = make.flow("maybe", {"key": "a", "condition": "false"})
    assert Flow.objects.get(pk=flow.pk).state == "completed"
    assert execution.start(flow.root_type, flow.root_id) == 0
    assert len(told("FlowCompleted")) == 1


def test_an_automatic_step_calculates_its_outputs() -> None:
    flow = make.flow(
        "calc", {"key": "a", "outputs": ["total = quantity * 2", "label = 'x' + string(total)"]}, data={"quantity": 4}
    )
    execution.run_ready()
    assert Flow.objects.get(pk=flow.pk).data == {"quantity": 4, "total": 8, "label": "x8"}
    assert told("TaskSuppliedValues")[0]["values"] == {"total": 8, "label": "x8"}


def test_a_broken_expression_falls_out_and_the_others_go_on() -> None:
    flow = make.flow("calc", {"key": "bad", "outputs": ["x = len(3)"]}, {"key": "good"})
    execution.run_ready()
    assert make.states(flow) == {"bad": "on_hold", "good": "completed"}
    assert told("TaskFellOut")[0]["kind"] == "data"


def test_a_start_to_start_dependency_is_met_when_the_other_starts() -> None:
    flow = make.flow("ss", {"key": "a", "kind": "manual"}, {"key": "b", "after": [{"item": "a", "kind": "SS"}]})
    ravi = UserFactory(role="order_fulfilment_agent")
    assert execution.run_ready() == 0
    taskwork.start(make.task(flow, "a").pk, ravi)
    execution.run_ready()
    assert make.states(flow) == {"a": "in_progress", "b": "completed"}


def test_a_timer_waits_for_its_time() -> None:
    flow = make.flow(
        "timer", {"key": "wait", "kind": "timer", "timer_seconds": 3600}, {"key": "then", "after": ["wait"]}
    )
    execution.run_ready()
    assert make.states(flow) == {"wait": "in_progress", "then": "planned"}
    make_due(flow)
    assert recovery.work_waits()
    execution.run_ready()
    assert set(make.states(flow).values()) == {"completed"}


def test_a_call_brings_values_into_the_flow() -> None:
    flow = make.flow(
        "port", {"key": "create", **API, "inputs": ["vlan", "note?"], "outputs": ["pe_port"]}, data={"vlan": 2200}
    )
    fake = Provisioning()
    with adapters.replaced(fake):
        execution.run_ready()
    task = make.task(flow, "create")
    assert (task.state, task.attempts, task.lease_until) == ("completed", 1, None)
    assert Flow.objects.get(pk=flow.pk).state == "completed"
    assert fake.calls[0].inputs == {"vlan": 2200}
    assert fake.calls[0].key == task.idempotency_key
    assert fake.calls[0].context["site"]["code"].startswith("RTM")
    attempt = Attempt.objects.get(task=task)
    assert (attempt.number, attempt.outcome, attempt.status) == (1, "done", 200)


def test_a_value_that_only_a_neighbour_flow_has_is_found() -> None:
    site = SiteFactory()
    make.flow("access", {"key": "a", "kind": "manual"}, site=site, root=61, data={"circuit_id": "CIR-1"})
    flow = make.flow("port", {"key": "create", **API, "inputs": ["circuit_id"]}, site=site, root=61, line_key="other")
    fake = Provisioning()
    with adapters.replaced(fake):
        execution.run_ready()
    assert make.states(flow) == {"create": "completed"}
    assert fake.calls[0].inputs == {"circuit_id": "CIR-1"}


def test_a_missing_input_falls_out_without_a_call() -> None:
    flow = make.flow("port", {"key": "create", **API, "inputs": ["vlan"]})
    fake = Provisioning()
    with adapters.replaced(fake):
        execution.run_ready()
    assert fake.calls == []
    task = make.task(flow, "create")
    assert (task.state, task.in_fallout) == ("on_hold", True)
    assert told("TaskFellOut")[0] | {"task_id": 0} == {
        "task_id": 0, "kind": "data", "cause": "Value missing: vlan",
        "detail": "The step needs vlan, and nothing supplied it.", "suggestion": {},
    }  # fmt: skip


def test_transient_failures_are_retried_and_then_fall_out() -> None:
    flow = make.flow("port", {"key": "create", **API, "max_attempts": 2})
    silent = Answer("retry", kind="external_timeout", cause="The provisioning system cannot be reached")
    fake = Provisioning(script=[silent, silent])
    with adapters.replaced(fake):
        execution.run_ready()
        task = make.task(flow, "create")
        assert (task.state, task.problem) == ("failed", "The provisioning system cannot be reached")
        assert task.due_at is not None
        assert recovery.sweep() == 0
        make_due(flow)
        assert recovery.sweep() == 1
        execution.run_ready()
    task = make.task(flow, "create")
    assert (task.state, task.attempts) == ("on_hold", 2)
    fact = told("TaskFellOut")[0]
    assert fact["kind"] == "external_timeout"
    assert "tried 2 times" in fact["detail"]
    assert list(Attempt.objects.filter(task=task).values_list("number", "outcome")) == [(1, "retry"), (2, "retry")]


def test_a_system_known_to_be_down_costs_no_attempt() -> None:
    flow = make.flow("port", {"key": "create", **API, "max_attempts": 1})
    fake = Provisioning(script=[Answer("postponed", cause="The provisioning system does not answer at present")])
    with adapters.replaced(fake):
        execution.run_ready()
        assert (make.task(flow, "create").state, make.task(flow, "create").attempts) == ("failed", 0)
        make_due(flow)
        recovery.sweep()
        execution.run_ready()
    assert make.states(flow) == {"create": "completed"}


def test_a_lost_answer_is_asked_after_and_nothing_happens_twice() -> None:
    flow = make.flow("port", {"key": "create", **API, "outputs": ["pe_port"]})
    fake = Provisioning(lose_answers=1)
    with adapters.replaced(fake):
        execution.run_ready()
        assert make.states(flow) == {"create": "failed"}
        make_due(flow)
        recovery.sweep()
        execution.run_ready()
    assert make.states(flow) == {"create": "completed"}
    assert list(fake.effects.values()) == [1]
    assert len(fake.calls) == 1


def refused() -> Answer:
    body = {"code": "vlan_in_use", "message": "VLAN 2114 is in use.", "field": "vlan", "first_free": 2131}
    return Answer(
        "rejected",
        status=409,
        response=body,
        kind="data",
        cause="VLAN in use",
        detail=body["message"],
        suggestion={"vlan": 2131},
    )  # type: ignore[arg-type]


def fallen(**item: Any) -> tuple[Flow, Provisioning]:
    flow = make.flow(
        "port", {"key": "create", **API, "inputs": ["vlan"], "outputs": ["pe_port"], **item},
        {"key": "test", "after": ["create"]}, data={"vlan": 2114},
    )  # fmt: skip
    fake = Provisioning(script=[refused()])
    with adapters.replaced(fake):
        execution.run_ready()
    return flow, fake


def test_a_rejection_falls_out_at_once_with_a_suggestion() -> None:
    flow, _ = fallen()
    task = make.task(flow, "create")
    assert (task.state, task.problem) == ("on_hold", "VLAN 2114 is in use.")
    assert told("TaskFellOut")[0]["suggestion"] == {"vlan": 2131}
    assert make.states(flow)["test"] == "planned"


def test_edit_and_retry_goes_on_with_the_new_value() -> None:
    flow, fake = fallen()
    agent = UserFactory(role="fallout_agent")
    with adapters.replaced(fake):
        execution.retry(make.task(flow, "create").pk, by=agent, changes={"vlan": 2131})
        execution.run_ready()
    assert set(make.states(flow).values()) == {"completed"}
    assert Flow.objects.get(pk=flow.pk).data["vlan"] == 2131
    assert fake.calls[-1].inputs == {"vlan": 2131}
    assert len(told("TaskRecovered")) == 1
    assert told("TaskSuppliedValues")[0]["values"] == {"vlan": 2131}


def test_completing_by_hand_needs_the_outputs_and_a_reason() -> None:
    flow, _ = fallen()
    agent = UserFactory(role="fallout_agent")
    task = make.task(flow, "create")
    with pytest.raises(recovery.Refusal) as refusal:
        execution.complete_by_hand(task.pk, by=agent, values={}, reason="")
    assert set(refusal.value.problems) == {"pe_port", "reason"}
    execution.complete_by_hand(task.pk, by=agent, values={"pe_port": "pe1 xe-0/0/7"}, reason="Made on the console")
    execution.run_ready()
    assert set(make.states(flow).values()) == {"completed"}
    assert Flow.objects.get(pk=flow.pk).data["pe_port"] == "pe1 xe-0/0/7"
    assert len(told("TaskRecovered")) == 1


def test_skipping_needs_a_reason_and_goes_on() -> None:
    flow, _ = fallen()
    agent = UserFactory(role="fallout_agent")
    task = make.task(flow, "create")
    with pytest.raises(recovery.ReasonMissing):
        execution.skip(task.pk, by=agent, reason=" ")
    execution.skip(task.pk, by=agent, reason="The port is there already")
    execution.run_ready()
    assert make.states(flow) == {"create": "skipped", "test": "completed"}
    assert Flow.objects.get(pk=flow.pk).state == "completed"
    with pytest.raises(recovery.NotInFallout):
        execution.retry(task.pk, by=agent)


def test_whoever_lacks_the_right_mends_nothing() -> None:
    flow, _ = fallen()
    with pytest.raises(Exception, match="right"):
        execution.retry(make.task(flow, "create").pk, by=UserFactory(role="finance"))
    assert make.task(flow, "create").state == "on_hold"


def test_a_held_root_starts_nothing_new_until_it_is_resumed() -> None:
    flow = make.flow("auto", {"key": "a"}, {"key": "b", "after": ["a"]})
    lead = UserFactory(role="fulfilment_manager")
    assert execution.hold_root(flow.root_type, flow.root_id, by=lead, reason="The customer asked") == 1
    assert execution.run_ready() == 0
    assert Flow.objects.get(pk=flow.pk).state == "on_hold"
    assert execution.resume_root(flow.root_type, flow.root_id, by=lead, reason="") == 1
    assert Flow.objects.get(pk=flow.pk).state == "planned"
    execution.run_ready()
    assert Flow.objects.get(pk=flow.pk).state == "completed"


def test_work_that_runs_while_held_may_finish_and_the_flow_completes_on_resume() -> None:
    flow = make.flow("people", {"key": "a", "kind": "manual"})
    ravi = UserFactory(role="order_fulfilment_agent")
    taskwork.start(make.task(flow, "a").pk, ravi)
    execution.hold_root(flow.root_type, flow.root_id, by=None, reason="Wait")
    taskwork.complete(make.task(flow, "a").pk, ravi)
    assert Flow.objects.get(pk=flow.pk).state == "on_hold"
    execution.resume_root(flow.root_type, flow.root_id, by=None, reason="Go")
    assert Flow.objects.get(pk=flow.pk).state == "completed"


def test_an_event_is_waited_for_with_and_without_a_system() -> None:
    waiting = {
        "key": "foc",
        "kind": "wait_event",
        "adapter": "porting",
        "operation": "foc.await",
        "outputs": ["foc_date"],
    }
    flow = make.flow("port_in", waiting, {"key": "signal", "kind": "wait_event"})
    fake = Porting()
    with adapters.replaced(fake):
        execution.run_ready()
    assert make.states(flow) == {"foc": "in_progress", "signal": "in_progress"}
    foc = make.task(flow, "foc")
    assert (foc.lease_until, foc.due_at is not None) == (None, True)
    assert fake.calls[0].kind == "wait_event"


def test_an_event_that_came_early_ends_the_wait_at_once() -> None:
    flow = make.flow(
        "early",
        {"key": "first", "kind": "manual"},
        {"key": "signal", "kind": "wait_event", "outputs": ["x?"], "after": ["first"]},
    )
    signal = make.task(flow, "signal")
    Callback.objects.create(system="porting", event_id="e1", task=signal, effect="kept", payload={"outputs": {"x": 5}})
    taskwork.complete(make.task(flow, "first").pk, UserFactory(role="order_fulfilment_agent"))
    execution.run_ready()
    assert make.states(flow)["signal"] == "completed"
    assert Flow.objects.get(pk=flow.pk).data["x"] == 5


def test_field_work_gets_a_visit_when_it_becomes_ready() -> None:
    flow = make.flow("visit", {"key": "a"}, {"key": "install", "kind": "field_work", "after": ["a"]})
    assert not WorkOrder.objects.exists()
    execution.run_ready()
    visit = WorkOrder.objects.get(task__flow=flow)
    assert (visit.site_id, visit.number[:2]) == (flow.site_id, "WO")


def test_a_project_is_made_from_its_template_and_finishing_it_finishes_the_task() -> None:
    from fulfillment import planfile, projects

    phases = [
        {"name": "Survey", "tasks": [{"name": "Walk the route", "days": 2}]},
        {"name": "Build", "tasks": [{"name": "Dig", "days": 10}]},
    ]
    planfile.load_templates([{"key": "build", "name": "Build access", "budget_share": 50, "phases": phases}])
    flow = make.flow(
        "far",
        {"key": "build", "kind": Kind.PROJECT, "template": "build"},
        {"key": "patch", "after": ["build"]},
        data={"build_cost": 18000},
    )
    execution.run_ready()
    project = Project.objects.get(task__flow=flow)
    assert (project.state, project.budget, project.tasks.count()) == ("in_progress", 9000, 2)
    assert project.baseline_end == project.tasks.last().planned_end
    manager = UserFactory(role="fulfilment_manager")
    for step in project.tasks.all():
        projects.finish_task(step.pk, by=manager)
    execution.run_ready()
    assert Project.objects.get(pk=project.pk).state == "completed"
    assert set(make.states(flow).values()) == {"completed"}


def test_a_project_without_its_template_falls_out() -> None:
    flow = make.flow("far", {"key": "build", "kind": "project", "template": "nowhere"})
    execution.run_ready()
    assert make.states(flow) == {"build": "on_hold"}
    assert not ProjectTemplate.objects.exists()


def test_the_facts_are_frozen_and_known() -> None:
    assert events.TaskRecovered(task_id=1) == events.TaskRecovered(task_id=1)
