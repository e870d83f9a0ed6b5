"""Completing many: the same step at once, each row with its own values, each with its own answer."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from catalog import answering
from catalog.models import Characteristic
from fulfillment import completing, execution, planning, taskforms, taskwork
from fulfillment.models import Flow, Task
from kernel.refusal import Refusal
from tests.factories import fulfillment as make
from tests.factories.crm import SiteFactory
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
FORM = [{"key": "port", "label": "Port", "type": "number", "required": True, "minimum": 1, "maximum": 48}]


def tasks(count: int, **item: Any) -> list[Task]:
    """Ready tasks of one step, each in a flow of its own."""
    make.plan("many", {"key": "work", "kind": "manual", **item})
    site = SiteFactory()
    found = []
    for _ in range(count):
        asked = make.request("many", site)
        flow = Flow.objects.get(pk=planning.plan([asked])[asked.owner_id])
        execution.start(asked.root_type, asked.root_id)
        found.append(make.task(flow, "work"))
    return found


def read(rows: list[Task]) -> list[Task]:
    return list(
        Task.objects.filter(pk__in=[one.pk for one in rows]).select_related("flow__site", "item").order_by("pk")
    )


def states(rows: list[Task]) -> list[str]:
    return list(Task.objects.filter(pk__in=[one.pk for one in rows]).order_by("pk").values_list("state", flat=True))


def test_each_row_is_completed_with_its_own_values_and_wrong_ones_stay_at_their_field() -> None:
    ravi, made = UserFactory(role="order_fulfilment_agent"), tasks(3, form=FORM)
    typed = {made[0].pk: {"port": "7"}, made[1].pk: {"port": "99"}, made[2].pk: {"port": "8"}}
    shown = completing.run(read(made), ravi, typed, ticked=())
    assert states(made) == ["completed", "ready", "completed"]
    assert [row.done for row in shown.steps[0].rows] == [True, False, True]
    wrong = shown.steps[0].rows[1].fields[0]
    assert (wrong.problems, wrong.value) == (["At most 48."], "99")
    assert Task.objects.get(pk=made[2].pk).result == {"port": 8}


def test_what_cannot_be_completed_is_left_out_with_the_reason() -> None:
    ravi, other = UserFactory(role="order_fulfilment_agent"), UserFactory(role="order_fulfilment_agent")
    made, stranger = tasks(3), make.manual_task()
    taskwork.claim(made[0].pk, other)
    taskwork.complete(made[1].pk, ravi)
    shown = completing.preview(read([*made, stranger]), ravi)
    left = {why: [one.pk for one in rows] for why, rows in shown.left_out.items()}
    assert left["somebody else has them"] == [made[0].pk]
    assert left["closed already"] == [made[1].pk]
    assert sorted(row.task.pk for row in shown.open) == sorted([made[2].pk, stranger.pk])
    with pytest.raises(Refusal):
        completing.preview([], ravi)


def test_a_checklist_is_confirmed_for_all() -> None:
    ravi, made = UserFactory(role="order_fulfilment_agent"), tasks(2, checklist=["Photo taken"])
    shown = completing.run(read(made), ravi, {}, ticked=())
    assert "Confirm" in shown.steps[0].problem
    assert states(made) == ["ready", "ready"]
    completing.run(read(made), ravi, {}, ticked=[shown.steps[0].item])
    assert states(made) == ["completed", "completed"]


def test_tasks_of_several_steps_each_have_their_own_form_and_checklist(client: Client) -> None:
    ravi, ports = UserFactory(role="order_fulfilment_agent"), tasks(2, form=FORM)
    other = make.manual_task(checklist=["Photo taken"], name="Take a photo")
    client.force_login(ravi)
    sent = {"pick": [one.pk for one in [*ports, other]], f"value-{ports[0].pk}-port": "7"}
    page = client.post(reverse("fulfillment:task_many"), sent).content.decode()
    assert "3 tasks can be completed" in page
    assert "of 2 steps" in page
    again = client.post(reverse("fulfillment:task_many_complete"), sent)
    assert again.status_code == 422
    assert states([ports[0], ports[1], other]) == ["completed", "ready", "ready"]
    assert "1 task is completed" in again.content.decode()
    assert "2 are not yet" in again.content.decode()
    left = sent | {"pick": [ports[1].pk, other.pk], f"value-{ports[1].pk}-port": "8", "ticked": [str(other.item_id)]}
    assert client.post(reverse("fulfillment:task_many_complete"), left).status_code == 302
    assert states([ports[1], other]) == ["completed", "completed"]


def test_a_question_is_held_to_its_characteristic_at_its_field() -> None:
    task = asking_for_all()
    wrong = {
        "vlan": "5000", "mode": "wild", "speed": "150", "packs": ["sport", "opera"], "at": "LOC-NOWHERE", "on": "soon",
    }  # fmt: skip
    values, problems = taskforms.clean(task, wrong)
    assert problems == {
        "vlan": ["At most 4094."],
        "mode": ["“wild” is not offered. Choose Strict."],
        "speed": ["In steps of 100 Mbit/s; the nearest are 100 and 200."],
        "packs": ["“opera” is not offered. Choose Sport or Films."],
        "at": ["This customer has no location “LOC-NOWHERE”."],
        "on": ["“soon” is not a date. Write it as 2026-12-18."],
    }
    assert values["vlan"] == 5000, "what was typed is kept"
    fields = {one.key: one for one in answering.fields(taskforms.sheet(task), values, problems)}
    assert fields["packs"].choices == [("sport", "Sport", True), ("films", "Films", False)]
    assert fields["at"].problems
    right = {"vlan": "7", "mode": "Strict", "speed": "200", "packs": ["sport", "films"], "on": "2026-12-18"}
    right["at"] = task.flow.site.code
    values, problems = taskforms.clean(task, right)
    assert problems == {}
    assert values == right | {"vlan": 7, "mode": "strict", "speed": 200}


def test_what_is_asked_follows_the_other_answers(client: Client) -> None:
    own = {"specification": make.specification("by_hand")}
    Characteristic.objects.create(**own, key="access", name="Access", type="choice", choices=["fibre", "copper"])
    Characteristic.objects.create(**own, key="splice", name="Splice", shown_when="access == 'fibre'", pattern="S[0-9]")
    Characteristic.objects.create(**own, key="pair", name="Pair", required_when="access == 'copper'")
    task = make.manual_task(outputs=["access", "splice", "pair?"])
    assert taskforms.clean(task, {"access": "copper", "splice": "S1"})[1] == {"pair": ["Enter the pair."]}
    assert taskforms.clean(task, {"access": "fibre"})[1] == {"splice": ["Enter the splice."]}
    assert taskforms.clean(task, {"access": "copper", "splice": "x", "pair": "4"}) == (
        {"access": "copper", "pair": "4"}, {},
    )  # fmt: skip

    client.force_login(UserFactory(role="order_fulfilment_agent"))
    page = client.get(reverse("fulfillment:task", args=[task.number])).content.decode()
    assert 'name="value-splice"' not in page
    asked = reverse("fulfillment:task_fields", args=[task.number])
    typed = {"value-access": "fibre", "shown": ["access", "pair"]}
    more = client.post(asked, typed, headers={"HX-Request": "true"})
    assert 'name="value-splice"' in more.content.decode()
    assert client.post(asked, typed | {"shown": ["access", "splice", "pair"]}).status_code == 204
    refused = client.post(
        reverse("fulfillment:task_move", args=[task.number, "complete"]),
        {"value-access": "fibre", "value-splice": "ninth"},
    )
    assert refused.status_code == 422
    assert 'value="ninth"' in refused.content.decode()
    assert "This is not in the form that is needed." in refused.content.decode()


def test_in_a_grid_an_answer_that_is_not_called_for_is_refused() -> None:
    ravi, made = UserFactory(role="order_fulfilment_agent"), tasks(1, form=[
        {"key": "cage", "type": "boolean", "required": True},
        {"key": "number", "label": "Cage number", "type": "number", "required": True, "shown_when": "cage == true"},
    ])  # fmt: skip
    shown = completing.run(read(made), ravi, {made[0].pk: {"cage": "no", "number": "4"}}, ticked=False)
    row = shown.steps[0].rows[0]
    assert row.problems == {"number": ["Not asked with these values. Leave it empty."]}
    assert [only for _, only in shown.steps[0].heads] == ["", "when cage is yes"]
    completing.run(read(made), ravi, {made[0].pk: {"cage": "no", "number": ""}}, ticked=False)
    assert Task.objects.get(pk=made[0].pk).result == {"cage": False}


def asking_for_all() -> Task:
    """A task that asks a question of each kind that the catalogue knows."""
    own = {"specification": make.specification("by_hand")}
    add = Characteristic.objects.create
    add(**own, key="vlan", name="VLAN", type="number", minimum=2, maximum=4094)
    add(**own, key="mode", name="Mode", type="choice", choices=["strict", "open"])
    add(**own, key="speed", name="Speed", type="number", minimum=100, step=100, unit="Mbit/s")
    add(**own, key="packs", name="Packs", type="choice", multiple=True, choices=[
        {"value": "sport", "label": "Sport"}, {"value": "films", "label": "Films"}])  # fmt: skip
    add(**own, key="at", name="Where", type="reference", refers_to="location")
    add(**own, key="on", name="On", type="date")
    mode = {"key": "mode", "label": "Mode", "type": "choice", "choices": ["strict", "wild"], "required": True}
    form = [{"key": "vlan", "label": "VLAN"}, mode]
    return make.manual_task(form=form, outputs=["speed", "packs", "at?", "on?"])


def test_a_preview_asks_the_same_number_of_questions(django_assert_num_queries: Any) -> None:
    ravi, few, many = UserFactory(role="order_fulfilment_agent"), read(tasks(2, form=FORM)), read(tasks(9, form=FORM))
    assert ravi.has_perm("fulfillment.work_task")
    for rows in (few, many):
        with django_assert_num_queries(1):
            completing.preview(rows, ravi)


def test_many_are_completed_from_the_queue(client: Client) -> None:
    ravi, made = UserFactory(role="order_fulfilment_agent", teams=["Desk"]), tasks(2, form=FORM, team="Desk")
    client.force_login(ravi)
    page = client.get(reverse("fulfillment:task_list"))
    assert page.content.decode().count('name="pick"') == 2
    picked = {"pick": [one.pk for one in made]}
    shown = client.post(reverse("fulfillment:task_many"), picked)
    assert "2 tasks can be completed" in shown.content.decode()
    values = {f"value-{made[0].pk}-port": "5", f"value-{made[1].pk}-port": "500"}
    again = client.post(reverse("fulfillment:task_many_complete"), picked | values)
    assert again.status_code == 422
    assert "At most 48." in again.content.decode()
    assert 'value="500"' in again.content.decode()
    rest = {"pick": [made[1].pk], f"value-{made[1].pk}-port": "6"}
    assert client.post(reverse("fulfillment:task_many_complete"), rest).status_code == 302
    assert states(made) == ["completed", "completed"]
    assert client.post(reverse("fulfillment:task_many"), {"pick": ["x"]}).status_code == 400


def test_the_teams_page_is_a_managers(client: Client) -> None:
    UserFactory(role="order_fulfilment_agent", teams=["Desk"])
    tasks(1, team="Desk")
    client.force_login(UserFactory(role="order_fulfilment_agent"))
    assert client.get(reverse("fulfillment:task_teams")).status_code == 403
    client.force_login(UserFactory(role="fulfilment_manager"))
    assert "Desk" in client.get(reverse("fulfillment:task_teams")).content.decode()
    sent = {"team": "Desk", "auto_assign": "1", "most_open": "3"}
    assert client.post(reverse("fulfillment:task_teams"), sent).status_code == 302
    wrong = client.post(reverse("fulfillment:task_teams"), sent | {"most_open": "x"})
    assert wrong.status_code == 422
    assert "Enter a number" in wrong.content.decode()


@pytest.mark.parametrize("count", [2, 12])
def test_the_queue_asks_the_same_number_of_questions(
    client: Client, count: int, django_assert_max_num_queries: Any
) -> None:
    client.force_login(UserFactory(role="fulfilment_manager", teams=["Desk"]))
    tasks(count, team="Desk")
    client.get(reverse("fulfillment:task_list"))
    with django_assert_max_num_queries(22):
        client.get(reverse("fulfillment:task_list"))
