"""Pages of the engine: who sees them, what they refuse, how many statements they take."""

from typing import Any

import pytest
from django.test import Client

from fulfillment import adapters, execution, planfile, taskwork
from fulfillment.adapters import Answer
from fulfillment.adapters.provisioning.fake import Fake as Provisioning
from fulfillment.models import Project, Task
from tests.factories import fulfillment as make
from tests.factories.lists import ListDesk
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def as_(role: str, **values: Any) -> Client:
    client = Client()
    client.force_login(UserFactory(role=role, **values))
    return client


def body(answer: Any) -> str:
    return str(answer.content.decode())


def project() -> Project:
    phases = [{"name": "Survey", "tasks": [{"name": "Walk the route", "days": 2}]}]
    planfile.load_templates([{"key": "build", "name": "Build access", "phases": phases}])
    flow = make.flow("far", {"key": "build", "kind": "project", "template": "build"})
    execution.run_ready()
    return Project.objects.get(task__flow=flow)


def test_every_page_is_there_for_its_readers_and_closed_to_others() -> None:
    task, made = make.manual_task(), project()
    urls = ["/tasks/", f"/tasks/{task.number}/", "/projects/", f"/projects/{made.number}/"]
    agent, stranger, customer = as_("order_fulfilment_agent"), as_("finance"), as_("customer")
    for url in [*urls, "/plans/", "/plans/by_hand/v1/"]:
        assert agent.get(url).status_code == 200, url
        assert stranger.get(url).status_code == 403, url
        assert customer.get(url).status_code == 403, url
        assert Client().get(url).status_code == 302, url
    assert agent.get("/tasks/TSK9999999/").status_code == 404


def test_the_queue_shows_mine_and_my_teams_first() -> None:
    make.manual_task(team="Design", name="Design the site")
    make.manual_task(team="Voice", name="Set up the trunk")
    client = as_("order_fulfilment_agent", teams=["Design"])
    assert "Design the site" in body(client.get("/tasks/"))
    assert "Set up the trunk" not in body(client.get("/tasks/"))
    assert "Set up the trunk" in body(client.get("/tasks/?whose=people"))
    assert "Set up the trunk" not in body(client.get("/tasks/?whose=free"))


@pytest.mark.slow
def test_the_queue_takes_the_same_statements_for_few_and_many(django_assert_max_num_queries: Any) -> None:
    client, counts = as_("order_fulfilment_agent", teams=["Design"]), []
    for size in (2, 20):
        make.flow(f"size{size}", *[{"key": f"t{n}", "kind": "manual", "team": "Design"} for n in range(size)])
        client.get("/tasks/")
        with django_assert_max_num_queries(40) as seen:
            client.get("/tasks/")
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_several_are_taken_and_paused_at_once_with_an_answer_for_each() -> None:
    flow = make.flow("many", *[{"key": f"t{n}", "kind": "manual", "team": "Design"} for n in range(4)])
    tasks = list(Task.objects.filter(flow=flow).order_by("pk"))
    other, ravi = (
        UserFactory(role="order_fulfilment_agent"),
        UserFactory(role="order_fulfilment_agent", teams=["Design"]),
    )
    taskwork.claim(tasks[0].pk, other)
    desk = ListDesk(ravi, "/tasks/")
    preview = desk.preview("take", *tasks)
    assert "3 records are changed" in preview
    assert f"{other} has them" in preview
    assert "3 done" in desk.start("take", *tasks)
    assert Task.objects.filter(assignee=ravi).count() == 3
    taskwork.start(tasks[1].pk, ravi)
    assert "Say why; every record keeps it." in desk.start("hold", *tasks)
    held = desk.start("hold", *tasks, reason="The plan is checked first")
    assert "1 done" in held
    assert tasks[1].get_absolute_url() in held
    assert Task.objects.get(pk=tasks[1].pk).reason == "The plan is checked first"
    assert 'value="assign"' not in desk.page
    assert 'name="pick"' not in ListDesk(UserFactory(role="service_agent"), "/tasks/?whose=people").page


def test_a_wrong_value_comes_back_at_its_field_with_what_was_typed() -> None:
    form = [{"key": "count", "label": "Count", "type": "number", "maximum": 8, "required": True}]
    task = make.manual_task(form=form, checklist=["Power"])
    client = as_("order_fulfilment_agent")
    answer = client.post(f"/tasks/{task.number}/complete/", {"value-count": "nine"})
    assert answer.status_code == 422
    assert 'value="nine"' in body(answer)
    assert "“nine” is not a number." in body(answer)
    assert "Not done yet: Power." in body(answer)
    done = client.post(f"/tasks/{task.number}/complete/", {"value-count": "3", "point": ["Power"], "queue": "1"})
    assert (done.status_code, done["Location"]) == (302, "/tasks/")
    assert Task.objects.get(pk=task.pk).result == {"count": 3}


def test_points_are_kept_as_they_are_ticked_and_nothing_typed_is_lost() -> None:
    form = [{"key": "count", "label": "Count", "type": "number", "required": True}]
    task = make.manual_task(form=form, checklist=["Power", "Earth"])
    client, sent = as_("order_fulfilment_agent"), {"point": ["Power"], "value-count": "5"}
    told = client.post(f"/tasks/{task.number}/tick/", sent, headers={"HX-Request": "true"})
    assert body(told).startswith("<span")
    assert "1 of 2 done" in body(told)
    assert Task.objects.get(pk=task.pk).ticked == ["Power"]
    whole = client.post(f"/tasks/{task.number}/tick/", sent | {"point": ["Power", "Earth"]})
    assert whole.status_code == 200
    assert "2 of 2 done" in body(whole)
    assert 'value="5"' in body(whole)
    browser = client.get(f"/tasks/{task.number}/tick/", headers={"Accept": "text/html"})
    assert (browser.status_code, browser["Location"]) == (302, f"/tasks/{task.number}/")  # not an empty 405
    assert client.get(f"/tasks/{task.number}/tick/").status_code == 405


def test_crafted_moves_are_refused() -> None:
    task = make.manual_task()
    client = as_("order_fulfilment_agent")
    assert client.post(f"/tasks/{task.number}/resume/").status_code == 409
    assert client.post(f"/tasks/{task.number}/explode/").status_code == 400
    assert client.post(f"/move/fulfillment.task/{task.pk}/", {"move": "release"}).status_code == 409
    assert as_("service_agent").post(f"/tasks/{task.number}/start/").status_code == 403
    assert as_("fulfilment_manager").post(f"/tasks/{task.number}/assign/", {"assignee": "x"}).status_code == 422
    assert Task.objects.get(pk=task.pk).state == "ready"


def test_every_act_of_the_page_works() -> None:
    task, lena = make.manual_task(), UserFactory(role="fulfilment_manager")
    client = Client()
    client.force_login(lena)
    acts: list[tuple[str, dict[str, Any], str]] = [
        ("claim", {}, "ready"), ("give_back", {}, "ready"), ("assign", {"assignee": lena.pk}, "ready"),
        ("start", {}, "in_progress"), ("hold", {"reason": "Locked"}, "on_hold"), ("resume", {}, "in_progress"),
        ("await", {"reason": "Julia"}, "awaiting_information"), ("informed", {}, "in_progress"),
        ("report", {"reason": "No power", "kind": "site_access"}, "on_hold"),
    ]  # fmt: skip
    for name, data, state in acts:
        assert client.post(f"/tasks/{task.number}/{name}/", data).status_code == 302, name
        assert Task.objects.get(pk=task.pk).state == state, name
        assert client.get(f"/tasks/{task.number}/").status_code == 200, name
    skipped = make.manual_task()
    assert client.post(f"/tasks/{skipped.number}/skip/", {"reason": ""}).status_code == 422
    assert client.post(f"/tasks/{skipped.number}/skip/", {"reason": "Not needed"}).status_code == 302


def test_completing_by_the_state_bars_door_goes_through_the_same_act() -> None:
    flow = make.flow("two", {"key": "a", "kind": "manual"}, {"key": "b", "kind": "manual", "after": ["a"]})
    client = as_("order_fulfilment_agent")
    url = f"/move/fulfillment.task/{make.task(flow, 'a').pk}/"
    assert client.post(url, {"move": "complete"}).status_code == 409
    for move in ("start", "complete"):
        assert client.post(url, {"move": move}).status_code == 302
    assert make.states(flow) == {"a": "completed", "b": "ready"}


def test_the_attempts_show_what_was_sent_and_came_back_without_secrets() -> None:
    step = {
        "key": "a",
        "kind": "api_call",
        "adapter": "provisioning",
        "operation": "port.create",
        "inputs": ["admin_password"],
    }
    flow = make.flow("port", step, data={"admin_password": "hunter2"})
    rejected = Answer(
        "rejected",
        status=409,
        response={"code": "in_use", "token": "abc123"},
        kind="data",
        cause="In use",
        detail="In use.",
    )
    with adapters.replaced(Provisioning(script=[rejected])):
        execution.run_ready()
    page = body(as_("order_fulfilment_agent").get(f"/tasks/{make.task(flow, 'a').number}/"))
    assert "in_use" in page
    assert "hunter2" not in page
    assert "abc123" not in page


def test_a_project_is_finished_step_by_step() -> None:
    made = project()
    step = made.tasks.get()
    url = f"/projects/{made.number}/done/{step.pk}/"
    assert as_("service_agent").post(url).status_code == 403
    manager = as_("fulfilment_manager")
    assert manager.post(url).status_code == 302
    assert manager.post(url).status_code == 409
    assert Project.objects.get(pk=made.pk).state == "completed"
    assert Task.objects.get(pk=made.task_id).state == "completed"  # type: ignore[attr-defined]


def test_other_pages_load_the_tasks_of_a_root() -> None:
    task = make.manual_task(name="Agree the rules")
    flow = task.flow
    url = f"/tasks/of/{flow.root_type}/{flow.root_id}/"
    assert "Agree the rules" in body(as_("order_manager").get(url))
    assert as_("finance").get(url).status_code == 403
    assert "No work is planned yet" in body(as_("order_manager").get("/tasks/of/test.root/1/"))


def test_the_technician_sees_the_visit() -> None:
    flow = make.flow(
        "visit", {"key": "install", "kind": "field_work", "name": "Install the router", "checklist": ["Power"]}
    )
    bram = as_("technician")
    page = body(bram.get(f"/tasks/{make.task(flow, 'install').number}/"))
    assert "No appointment yet" in page
    assert flow.site.street in page
    taskwork.complete(make.task(flow, "install").pk, UserFactory(role="technician"), {}, ["Power"])
    assert "This task is closed." in body(bram.get(f"/tasks/{make.task(flow, 'install').number}/"))
