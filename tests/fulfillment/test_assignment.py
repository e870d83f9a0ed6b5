"""Assignment: the best person is suggested, and free tasks are given where the team wants it."""

import html
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from fulfillment import assignment, taskwork, teamwork
from fulfillment.models import Task, TaskTeam
from kernel import choosing, home
from kernel.models import AuditEntry, Notification, User
from kernel.refusal import NotPermitted, Refusal
from tests.factories import fulfillment as make
from tests.factories.lists import ListDesk, Table
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
ITEM = {"team": "Field Service", "skill": "cpe"}


def worker(**values: Any) -> User:
    return UserFactory(role="order_fulfilment_agent", **{"teams": ["Field Service"], **values})


def auto(most_open: int | None = None) -> None:
    TaskTeam.objects.create(name="Field Service", auto_assign=True, most_open=most_open)


def owner(task: Task) -> User | None:
    return Task.objects.select_related("assignee").get(pk=task.pk).assignee


def test_the_best_is_in_the_team_has_the_skill_and_the_least_open_work() -> None:
    task = make.manual_task(**ITEM)
    busy, free = worker(skills=["cpe"]), worker(skills=["cpe"])
    unskilled, stranger = worker(), worker(teams=["Voice"], skills=["cpe"])
    taskwork.claim(make.manual_task(**ITEM).pk, busy)
    ranked = assignment.candidates(task)
    assert [one.person for one in ranked] == [free, busy, unskilled, stranger]
    assert [one.words for one in ranked] == [
        "knows cpe, nothing open", "knows cpe, 1 open", "does not know cpe, nothing open",
        "knows cpe, nothing open, another team",
    ]  # fmt: skip
    best = assignment.suggested(task)
    assert best
    assert best.person == free


def test_a_task_is_given_by_a_picker_that_says_who_suits(monkeypatch: pytest.MonkeyPatch) -> None:
    task, one = make.manual_task(**ITEM), worker(skills=["cpe"], first_name="Ada", last_name="Reed")
    manager = UserFactory(role="fulfilment_manager")
    client = Client()
    client.force_login(manager)
    page = client.get(task.get_absolute_url()).content.decode()
    assert f'<option value="{one.pk}">Ada Reed – knows cpe, nothing open</option>' in page
    monkeypatch.setattr(choosing, "SHORT", 2)
    for n in range(2):
        worker(last_name=f"No{n:02}")
    page = client.get(task.get_absolute_url()).content.decode()
    assert 'name="assignee_typed"' in page
    assert "No01" not in page
    url = html.unescape(re.findall(r'data-picker="([^"]+)"', page)[0])
    assert "knows cpe, nothing open" in client.get(f"{url}&q=reed").content.decode()
    move = reverse("fulfillment:task_move", args=[task.number, "assign"])
    assert client.post(move, {"assignee": "", "assignee_typed": "No0"}).status_code == 422
    assert client.post(move, {"assignee": UserFactory(role="sales_agent").pk}).status_code == 422  # does no such work
    assert client.post(move, {"assignee": "", "assignee_typed": "ada reed"}).status_code == 302
    assert owner(task) == one


def test_a_task_is_given_in_its_cell_of_the_list() -> None:
    open_one, done = make.manual_task(**ITEM), make.manual_task(**ITEM)
    one = worker(skills=["cpe"])
    taskwork.complete(done.pk, one, {}, [])
    manager = UserFactory(role="fulfilment_manager")
    table = Table(manager, "/tasks/?whose=people")
    assert f'data-cell="{open_one.pk}.assignee"' in table.page
    assert f'value="{one.pk}"' in table.open(open_one, "assignee").content.decode()
    assert table.save(open_one, "assignee", UserFactory(role="sales_agent").pk).status_code == 422
    assert table.save(done, "assignee", one.pk).status_code == 409
    assert table.save(open_one, "assignee", one.pk, edition=open_one.edition + 1).status_code == 409
    assert table.save(open_one, "assignee", one.pk).status_code == 200
    assert owner(open_one) == one
    assert one.notifications.get().text.startswith(f"{manager} gave you Work")
    assert table.open(open_one, "planned_end").status_code == 400  # dates want a reason, on the task's page
    assert not Table(one, "/tasks/?whose=people").cells


def test_nobody_is_suggested_without_the_skill() -> None:
    task = make.manual_task(**ITEM)
    worker()
    assert assignment.suggested(task) is None


def test_free_tasks_are_spread_over_those_who_can_do_them() -> None:
    auto()
    first, second, unskilled = worker(skills=["cpe"]), worker(skills=["cpe"]), worker()
    tasks = [make.manual_task(**ITEM) for _ in range(4)]
    assert assignment.assign_free() == 4
    owners = [owner(task) for task in tasks]
    assert owners.count(first) == owners.count(second) == 2
    assert unskilled not in owners
    assert Notification.objects.get(user=first).text == "2 tasks are yours"
    assert AuditEntry.objects.filter(action="assigned", subject_type="fulfillment.task").count() == 4
    assert assignment.assign_free() == 0


def test_nothing_is_given_where_the_team_does_not_want_it() -> None:
    worker(skills=["cpe"])
    task = make.manual_task(**ITEM)
    assert assignment.assign_free() == 0
    assert owner(task) is None


def test_who_is_full_gets_no_more() -> None:
    auto(most_open=1)
    worker(skills=["cpe"])
    for _ in range(3):
        make.manual_task(**ITEM)
    assert assignment.assign_free() == 1
    assert Task.objects.filter(assignee=None).count() == 2


def test_giving_asks_the_same_number_of_questions(django_assert_max_num_queries: Any) -> None:
    auto()
    worker(skills=["cpe"])
    make.manual_task(**ITEM)
    with django_assert_max_num_queries(20) as few:
        assignment.assign_free()
    for _ in range(6):
        make.manual_task(**ITEM)
    with django_assert_max_num_queries(len(few)):
        assert assignment.assign_free() == 6


def test_a_manager_agrees_how_a_team_works() -> None:
    manager = UserFactory(role="fulfilment_manager")
    teamwork.agree(name="Voice", auto_assign=True, most_open="12", by=manager)
    team = TaskTeam.objects.get()
    assert (team.auto_assign, team.most_open) == (True, 12)
    for wrong in ("0", "many", "9999"):
        with pytest.raises(Refusal) as refused:
            teamwork.agree(name="Voice", auto_assign=True, most_open=wrong, by=manager)
        assert "most_open" in refused.value.problems
    with pytest.raises(NotPermitted):
        teamwork.agree(name="Voice", auto_assign=False, most_open="", by=worker())


def test_ticked_tasks_are_given_to_a_person_or_shared_by_skill_and_load_and_told_once() -> None:
    one, two = worker(skills=["cpe"]), worker(skills=["cpe"])
    manager = UserFactory(role="fulfilment_manager")
    taken = make.manual_task(**ITEM)
    taskwork.claim(taken.pk, one)
    tasks = [taken, *(make.manual_task(**ITEM) for _ in range(3)), make.manual_task(team="Nobody’s")]
    desk = ListDesk(manager, "/tasks/?whose=people")
    answers = desk.start("assign", *tasks, to="")
    assert "3 done, 2 not" in answers
    assert "has the skill and room" in answers
    assert f"{one} has {taken.number} already." in answers
    assert owner(taken) == one
    assert sorted(str(owner(task)) for task in tasks[1:4]) == sorted([str(one), str(two), str(two)])
    assert owner(tasks[4]) is None
    assert two.notifications.get().text == f"{manager} gave you 2 tasks"
    assert "5 done" in desk.start("assign", *tasks, to=two.pk)
    assert {owner(task) for task in tasks} == {two}
    assert "0 done, 5 not" in desk.start("assign", *tasks)  # nobody named: by skill and load, and all are taken
    with pytest.raises(NotPermitted):
        assignment.give_best(tasks[4].pk, one)


def test_a_manager_is_told_at_home_what_in_each_team_nobody_has() -> None:
    tasks = [make.manual_task(**ITEM), make.manual_task(**ITEM)]
    manager = UserFactory(role="fulfilment_manager")
    (told,) = home.actions_for(manager)
    assert (told.text, told.detail, told.word) == ("2 tasks are without anybody", "Field Service", "Assign")
    taskwork.claim(tasks[0].pk, worker())
    assert [action.text for action in home.actions_for(manager)] == ["1 task is without anybody"]
    browser = Client()
    browser.force_login(manager)
    page = browser.get(told.url).content.decode()
    assert tasks[1].number in page
    assert tasks[0].number not in page
