"""Plan migration: running flows move to another version of their plan."""

import threading
from typing import Any

import pytest
from django.db import connection, transaction

from fulfillment import execution, planfile, planmigration, planning, release
from fulfillment.models import Flow, PlanDefinition, Task, TaskDependency
from kernel import lifecycle
from kernel.models import AuditEntry, User
from kernel.refusal import Refusal
from tests.factories import fulfillment as make
from tests.factories.crm import SiteFactory
from tests.factories.people import UserFactory

OLD: list[dict[str, Any]] = [
    {"key": "design", "kind": "manual"},
    {"key": "ship", "kind": "manual", "after": ["design"]},
    {"key": "install", "kind": "manual", "after": ["ship"]},
]


@pytest.fixture
def admin(db: None) -> User:
    made: User = UserFactory(role="process_admin")
    return made


def version(*items: dict[str, Any], key: str = "router") -> PlanDefinition:
    make.plan(key, *items)
    found: PlanDefinition = PlanDefinition.objects.get(key=key, state="active")
    return found


def do(flow: Flow, key: str) -> None:
    with transaction.atomic():
        task = Task.objects.locked(make.task(flow, key).pk)
        if task.state == "ready":
            lifecycle.move(task, Task.start, by=None)
            release.begun([task.pk])
        task = Task.objects.locked(task.pk)
        lifecycle.move(task, Task.complete, by=None)
        release.closed([task.pk])


def begin(flow: Flow, key: str) -> None:
    with transaction.atomic():
        release.begun(lifecycle.move_many(Task.objects.filter(pk=make.task(flow, key).pk), Task.start, by=None))


def waits(flow: Flow) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    rows = TaskDependency.objects.filter(after__flow=flow, met_at__isnull=True)
    for after, before in rows.values_list("after__key", "before__key"):
        found.setdefault(after, set()).add(before)
    return found


def test_unstarted_steps_are_replaced_and_what_is_done_stays(admin: User) -> None:
    flow = make.flow("router", *OLD)
    do(flow, "design")
    new = version(
        {"key": "design", "kind": "manual"},
        {"key": "label", "kind": "manual", "days": 2, "after": ["design"]},
        {"key": "install", "kind": "manual", "name": "Install with care", "after": ["label"]},
    )
    change = planmigration.preview(new, [Flow.objects.get(pk=flow.pk)])[0]
    assert (change.done, change.stays, change.added, change.dropped) == (
        ["Design"],
        ["Ship", "Install"][1:],
        ["Label"],
        ["Ship"],
    )
    assert (change.relinked, change.why_not) == (["Install"], "")
    results = planmigration.migrate(definition_id=new.pk, flow_ids=[flow.pk], by=admin)
    assert [(r.moved, r.text) for r in results] == [(True, "1 step added, 1 step dropped.")]
    assert make.states(flow) == {"design": "completed", "ship": "discarded", "label": "ready", "install": "planned"}
    assert waits(flow) == {"install": {"label"}}
    task = make.task(flow, "install")
    assert (task.name, task.waits_for, task.item.definition_id) == ("Install with care", 1, new.pk)
    assert task.estimated_end is not None
    entry = AuditEntry.objects.filter(subject_type="fulfillment.flow", subject_id=flow.pk, action="migrated").get()
    assert entry.actor == admin
    assert entry.changes["version"] == [1, 2]
    do(flow, "label")
    do(flow, "install")
    assert Flow.objects.get(pk=flow.pk).state == "completed"


def test_a_step_that_has_begun_and_is_not_in_the_new_version_blocks(admin: User) -> None:
    flow = make.flow("router", *OLD)
    do(flow, "design")
    begin(flow, "ship")
    new = version({"key": "design", "kind": "manual"}, {"key": "install", "kind": "manual", "after": ["design"]})
    change = planmigration.preview(new, [Flow.objects.get(pk=flow.pk)])[0]
    assert change.why_not == "“Ship” has begun, and version 2 has no such step."
    results = planmigration.migrate(definition_id=new.pk, flow_ids=[flow.pk], by=admin)
    assert [(r.moved, r.text) for r in results] == [(False, change.why_not)]
    assert Flow.objects.get(pk=flow.pk).definition.version == 1


def test_a_step_that_should_have_come_before_one_that_has_begun_is_told(admin: User) -> None:
    flow = make.flow("router", *OLD)
    do(flow, "design")
    begin(flow, "ship")
    new = version(OLD[0], {"key": "pack", "kind": "manual", "after": ["design"]},
                  {**OLD[1], "after": ["pack"]}, OLD[2])  # fmt: skip
    change = planmigration.preview(new, [Flow.objects.get(pk=flow.pk)])[0]
    assert change.notes == ["“Pack” should have come before “Ship”, which has begun; it is done now."]
    planmigration.migrate(definition_id=new.pk, flow_ids=[flow.pk], by=admin)
    assert make.states(flow) == {
        "design": "completed", "ship": "in_progress", "install": "planned", "pack": "ready",
    }  # fmt: skip


def test_flows_that_wait_for_a_moved_flow_wait_for_its_new_end(admin: User) -> None:
    version(*OLD)
    make.plan("service", {"key": "live", "kind": "manual", "after": [{"specification": "router", "scope": "order"}]})
    site = SiteFactory()
    asked = [make.request(key, site, root=600) for key in ("router", "service")]
    flows = planning.plan(asked)
    execution.start("test.root", 600)
    router, service = (Flow.objects.get(pk=flows[request.owner_id]) for request in asked)
    assert waits(service) == {"live": {"install"}}
    new = version(*OLD, {"key": "test", "kind": "manual", "after": ["install"]})
    planmigration.migrate(definition_id=new.pk, flow_ids=[router.pk], by=admin)
    assert waits(service) == {"live": {"test"}}
    assert make.task(service, "live").waits_for == 1
    for key in ("design", "ship", "install", "test"):
        do(router, key)
    assert make.states(service) == {"live": "ready"}


def test_only_who_may_publish_moves_work(admin: User) -> None:
    flow = make.flow("router", *OLD)
    new = version(*OLD, {"key": "more", "kind": "manual"})
    agent = UserFactory(role="order_agent")
    with pytest.raises(Refusal, match="do not include the right"):
        planmigration.migrate(definition_id=new.pk, flow_ids=[flow.pk], by=agent)
    assert Flow.objects.get(pk=flow.pk).definition.version == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_step_completed_meanwhile_is_kept_and_its_successor_is_released() -> None:
    admin = UserFactory(role="process_admin")
    flow = make.flow("router", *OLD)
    begin(flow, "design")
    new = version(OLD[0], {"key": "pack", "kind": "manual", "after": ["design"]}, {**OLD[1], "after": ["pack"]}, OLD[2])
    results: list[planmigration.Result] = []

    def rival() -> None:
        try:
            results.extend(planmigration.migrate(definition_id=new.pk, flow_ids=[flow.pk], by=admin))
        finally:
            connection.close()

    with transaction.atomic():
        task = Task.objects.locked(make.task(flow, "design").pk)
        lifecycle.move(task, Task.complete, by=None)
        thread = threading.Thread(target=rival)
        thread.start()
        thread.join(0.4)
        assert thread.is_alive()  # it tries again and again, and holds nothing that we want
        release.closed([task.pk])
    thread.join()
    assert [result.moved for result in results] == [True]
    assert make.states(flow) == {"design": "completed", "pack": "ready", "ship": "ready", "install": "planned"}


def test_the_shape_of_a_file_survives_the_way_through_the_database(db: None) -> None:
    made = version(*OLD)
    entry = planfile.entry(made)
    assert planfile.normal(entry) == entry
