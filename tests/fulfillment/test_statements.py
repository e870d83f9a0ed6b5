"""Statements: how many the engine needs does not grow with the work, and what makes each of them cheap."""

from typing import Any

import pytest
from django.db import connection

from fulfillment import adapters, calling, execution, recovery
from fulfillment.adapters.inventory.fake import Fake as Inventory
from fulfillment.models import Flow, Ready, Task, TaskDependency
from kernel import lifecycle
from tests.factories import fulfillment as make

pytestmark = pytest.mark.django_db
API: dict[str, Any] = {"kind": "api_call", "adapter": "provisioning", "operation": "port.create"}


def test_completing_a_batch_takes_the_same_statements_for_one_and_for_many(django_assert_max_num_queries: Any) -> None:
    counts = []
    for size in (1, 30):
        items = [{"key": f"t{n}", "outputs": [f"v{n} = {n}"]} for n in range(size)]
        make.flow(f"size{size}", *items, {"key": "end", "kind": "manual", "after": [item["key"] for item in items]})
        with django_assert_max_num_queries(40) as seen:
            assert execution.run_local() == size
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_claiming_calls_takes_the_same_statements_for_one_and_for_many(django_assert_max_num_queries: Any) -> None:
    counts = []
    for size in (1, 15):
        make.flow(f"calls{size}", *[{"key": f"t{n}", **API, "adapter": "inventory"} for n in range(size)])
        with adapters.replaced(Inventory()), django_assert_max_num_queries(60) as seen:
            assert calling.run() == size
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_no_index_of_tasks_or_dependencies_names_what_a_move_changes() -> None:
    moving = {"state", "edition", "waits_for", "started_at", "ended_at", "met_at"}
    for model in (Task, Flow, TaskDependency):
        named = {name for index in model._meta.indexes for name in index.fields}
        named |= {str(name).lstrip("-") for index in model._meta.indexes for name, _ in conditions(index)}
        named |= {field.name for field in model._meta.fields if field.db_index or field.unique}
        assert not named & moving, f"{model.__name__}: each move would write every index"


def conditions(index: Any) -> list[tuple[str, Any]]:
    """The lookups of a partial index, flattened."""
    found, left = [], [index.condition] if index.condition else []
    while left:
        node = left.pop()
        for child in node.children:
            if isinstance(child, tuple):
                found.append((child[0].partition("__")[0], child[1]))
            else:
                left.append(child)
    return found


def test_the_queue_holds_what_machines_may_take_up_whoever_moves_it() -> None:
    flow = make.flow(
        "queue", {"key": "auto"}, {"key": "call", **API}, {"key": "hand", "kind": "manual"},
        {"key": "wait", "kind": "wait_event"}, {"key": "late", "after": ["hand"]},
    )  # fmt: skip
    queued = Ready.objects.filter(flow=flow).order_by("task__key")
    assert list(queued.values_list("task__key", "system")) == [("auto", ""), ("call", "provisioning"), ("wait", "")]
    Task.objects.filter(flow=flow).update(priority=90)
    assert set(queued.values_list("priority", flat=True)) == {90}
    lifecycle.move(Task.objects.locked(make.task(flow, "auto").pk), Task.skip, by=None, because="Not needed")
    assert not queued.filter(task__key="auto").exists()


def test_an_idle_engine_asks_one_question_a_sweep(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert recovery.sweep() == 0


def test_the_triggers_find_their_setting_without_an_error() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('pgtrigger.ignore')")
        assert cursor.fetchone() == ("{}",)
