"""Planning: flows, tasks and what waits for what."""

from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext

from fulfillment import execution, planning
from fulfillment.models import Flow, Task, TaskDependency
from kernel.refusal import Refusal
from tests.factories import fulfillment as make
from tests.factories.crm import SiteFactory

pytestmark = pytest.mark.django_db


def plan_of(flow_id: int) -> str:
    return str(Flow.objects.get(pk=flow_id).definition.key)


def waits(flow: Flow | int) -> dict[str, set[tuple[str, str]]]:
    rows = TaskDependency.objects.filter(after__flow=flow).values_list("after__key", "before__key", "kind")
    found: dict[str, set[tuple[str, str]]] = {}
    for after, before, kind in rows:
        found.setdefault(after, set()).add((before, kind))
    return found


def counters(flow: Flow | int) -> dict[str, int]:
    return dict(Task.objects.filter(flow=flow).values_list("key", "waits_for"))


def test_a_flow_has_the_plans_tasks_and_their_dependencies() -> None:
    flow = make.flow(
        "cpe", {"key": "a"}, {"key": "b", "after": ["a"]},
        {"key": "c", "after": ["a", {"item": "b", "kind": "SS", "lag": 2}]},
        started=False,
    )  # fmt: skip
    assert waits(flow) == {"b": {("a", "FS")}, "c": {("a", "FS"), ("b", "SS")}}
    assert counters(flow) == {"a": 0, "b": 1, "c": 2}
    assert Task.objects.filter(flow=flow, number__startswith="TSK").count() == 3
    assert set(make.states(flow).values()) == {"planned"}


def test_planning_again_adds_nothing() -> None:
    make.plan("cpe", {"key": "a"}, {"key": "b", "after": ["a"]})
    asked = make.request("cpe", SiteFactory())
    first, second = planning.plan([asked]), planning.plan([asked])
    assert first == second
    assert (Flow.objects.count(), Task.objects.count(), TaskDependency.objects.count()) == (1, 2, 1)


def test_an_owner_without_a_plan_gets_no_flow() -> None:
    make.specification("nothing")
    asked = make.request("nothing", SiteFactory())
    assert planning.plan([asked]) == {}


def test_the_first_plan_whose_condition_holds_is_taken() -> None:
    make.specification("access")
    make.plan("far", {"key": "build"}, specification="access", condition="access == 'off_net'", position=1)
    make.plan("near", {"key": "patch"}, specification="access", position=2)
    site = SiteFactory()
    off, on = (make.request("access", site, data={"access": value}) for value in ("off_net", "on_net"))
    flows = planning.plan([off, on])
    assert (plan_of(flows[off.owner_id]), plan_of(flows[on.owner_id])) == ("far", "near")


def test_an_item_left_out_passes_on_what_it_waited_for() -> None:
    make.plan(
        "access", {"key": "survey"}, {"key": "build", "condition": "access == 'off_net'", "after": ["survey"]},
        {"key": "dig", "condition": "access == 'off_net'", "after": ["build"]}, {"key": "patch", "after": ["dig"]},
    )  # fmt: skip
    site = SiteFactory()
    near, far = (make.request("access", site, data={"access": value}) for value in ("on_net", "off_net"))
    flows = planning.plan([near, far])
    assert waits(flows[near.owner_id]) == {"patch": {("survey", "FS")}}
    assert waits(flows[far.owner_id]) == {
        "build": {("survey", "FS")}, "dig": {("build", "FS")}, "patch": {("dig", "FS")},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("inner", "outer", "joined"),
    [
        ("FS", "FS", "FS"),
        ("SS", "FS", "SS"),
        ("FF", "FS", "FS"),
        ("FS", "FF", "FF"),
        ("SS", "FF", "SF"),
        ("FS", "SS", "FS"),
    ],
)
def test_bridging_keeps_which_end_waits(inner: str, outer: str, joined: str) -> None:
    flow = make.flow(
        "three", {"key": "a"}, {"key": "b", "condition": "false", "after": [{"item": "a", "kind": inner}]},
        {"key": "c", "after": [{"item": "b", "kind": outer}]}, started=False,
    )  # fmt: skip
    assert waits(flow) == {"c": {("a", joined)}}


def two_plans(scope: str, item: str = "") -> None:
    make.plan(
        "line_access", {"key": "order"}, {"key": "accept", "after": ["order"]}, {"key": "file", "after": ["order"]}
    )
    make.plan(
        "router",
        {"key": "ship"},
        {"key": "install", "after": ["ship", {"specification": "line_access", "item": item, "scope": scope}]},
    )


def before_keys(flow: Flow | int, key: str) -> set[tuple[int, str]]:
    rows = TaskDependency.objects.filter(after__flow=flow, after__key=key).exclude(before__flow=flow)
    return set(rows.values_list("before__flow_id", "before__key"))


def test_across_flows_the_end_means_the_final_tasks_of_the_same_site() -> None:
    two_plans("site")
    here, there = SiteFactory(), SiteFactory()
    asked = [make.request(key, site, root=77) for site in (here, there) for key in ("router", "line_access")]
    flows = planning.plan(asked)
    router, access = flows[asked[0].owner_id], flows[asked[1].owner_id]
    assert before_keys(router, "install") == {(access, "accept"), (access, "file")}
    assert counters(router) == {"ship": 0, "install": 3}


def test_across_flows_a_named_item_by_line_and_by_order() -> None:
    two_plans("line", "order")
    site = SiteFactory()
    router = make.request("router", site, root=78, line_key="one")
    same = make.request("line_access", site, root=78, line_key="one")
    other = make.request("line_access", site, root=78, line_key="two")
    stranger = make.request("line_access", site, root=79, line_key="one")
    flows = planning.plan([router, same, other, stranger])
    assert before_keys(flows[router.owner_id], "install") == {(flows[same.owner_id], "order")}


def test_a_flow_planned_later_is_waited_for_and_one_done_already_is_not() -> None:
    two_plans("order")
    site = SiteFactory()
    router = make.request("router", site, root=80)
    first = planning.plan([router])[router.owner_id]
    assert counters(first)["install"] == 1
    access = make.request("line_access", site, root=80)
    planning.plan([access])
    assert counters(first)["install"] == 3
    execution.start("test.root", 80)
    execution.run_ready()
    late = make.request("router", SiteFactory(), root=80)
    flow = planning.plan([late])[late.owner_id]
    assert counters(flow)["install"] == 1
    assert TaskDependency.objects.filter(after__flow=flow, met_at__isnull=False).count() == 2


def test_a_broken_condition_plans_nothing() -> None:
    make.plan("odd", {"key": "a", "condition": "len(size) > 1"})
    with pytest.raises(Refusal, match="cannot be evaluated"):
        planning.plan([make.request("odd", SiteFactory(), data={"size": 3})])
    assert not Flow.objects.exists()


@pytest.mark.slow
def test_the_number_of_statements_does_not_grow_with_the_flows(django_assert_max_num_queries: Any) -> None:
    two_plans("site")
    sites = [SiteFactory() for _ in range(50)]
    small = [make.request(key, site, root=81) for site in sites[:2] for key in ("router", "line_access")]
    large = [make.request(key, site, root=82) for site in sites for key in ("router", "line_access")]
    with django_assert_max_num_queries(20) as few:
        planning.plan(small)
    with django_assert_max_num_queries(20) as many:
        planning.plan(large)
    assert isinstance(many, CaptureQueriesContext)
    assert len(many) == len(few)
    assert Task.objects.filter(flow__root_id=82).count() == 250
