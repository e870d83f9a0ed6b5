"""Pages of plans: drafted, changed, refused, tried, published and used for work that runs, in the browser's way."""

import html
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from catalog.models import Characteristic, Specification
from fulfillment.models import Flow, PlanDefinition
from tests.factories import fulfillment as make
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def as_(role: str) -> Client:
    client = Client()
    client.force_login(UserFactory(role=role))
    return client


def step(**values: Any) -> dict[str, Any]:
    """The fields of a manual step as its form sends them."""
    return {
        "kind": "manual", "name": "Label", "key": "label", "days": "1", "no_return": "none", "compensation": "redo",
        "sla_hours": "24", "before_0": "", "wait_0": "FS", "lag_0": "0", "scope_0": "line", "edition": "1",
    } | values  # fmt: skip


@pytest.fixture
def draft() -> PlanDefinition:
    make.plan("cpe", {"key": "a", "kind": "manual"}, {"key": "b", "kind": "manual", "after": ["a"]})
    assert as_("process_admin").post("/plans/cpe/v1/next/").status_code == 302
    found: PlanDefinition = PlanDefinition.objects.get(key="cpe", version=2)
    return found


def test_a_step_is_added_changed_and_taken_out(draft: PlanDefinition) -> None:
    client = as_("process_admin")
    assert "Add a step" in client.get("/plans/cpe/v2/").content.decode()
    assert client.get("/plans/cpe/v2/step/?kind=timer").content.decode().count('name="timer_seconds"') == 1
    assert client.post("/plans/cpe/v2/step/", step(before_0=":a")).status_code == 302
    assert list(draft.items.values_list("key", flat=True)) == ["a", "label", "b"]
    changed = step(key="sticker", name="Sticker", before_0=":a", edition="2")
    assert client.post("/plans/cpe/v2/step/label/", changed).status_code == 302
    assert client.post("/plans/cpe/v2/step/sticker/remove/").status_code == 302
    assert list(draft.items.values_list("key", flat=True)) == ["a", "b"]


def test_what_a_person_fills_in_is_edited_row_by_row(draft: PlanDefinition) -> None:
    client = as_("process_admin")
    asked = {
        "ask_key_0": "rack", "ask_label_0": "Rack", "ask_type_0": "choice", "ask_choices_0": "a1 = Rack A1\nA2",
        "ask_required_0": "on", "ask_pattern_0": "[0-9]+", "ask_key_1": "note", "ask_type_1": "text",
    }  # fmt: skip
    assert client.post("/plans/cpe/v2/step/", step(before_0=":a", **asked)).status_code == 302
    item = draft.items.get(key="label")
    assert item.form == [
        {"key": "rack", "label": "Rack", "type": "choice", "choices": [{"value": "a1", "label": "Rack A1"}, "A2"],
         "required": True},
        {"key": "note", "label": "Note", "type": "text"},
    ]  # fmt: skip
    page = client.get("/plans/cpe/v2/step/label/").content.decode()
    assert "a1 = Rack A1\nA2</textarea>" in page
    assert "ask_key_2" not in page
    kept = {"edition": "2", "ask_key_0": "rack", "ask_label_0": "Rack", "ask_type_0": "number", "ask_key_1": "",
            "ask_minimum_0": "1", "ask_step_0": "0.5", "ask_shown_when_0": "rack > 2", "ask_required_when_0": "x == 1",
            "ask_choices_0": "left from before"}  # fmt: skip
    assert client.post("/plans/cpe/v2/step/label/", step(**kept)).status_code == 302
    assert draft.items.get(key="label").form == [
        {"key": "rack", "label": "Rack", "type": "number", "minimum": 1, "step": 0.5, "shown_when": "rack > 2",
         "required_when": "x == 1"}
    ]  # fmt: skip
    assert "ask_key_0" not in client.get("/plans/cpe/v2/step/?kind=timer").content.decode()


def test_a_question_that_cannot_be_asked_is_refused_at_its_field(draft: PlanDefinition) -> None:
    client = as_("process_admin")
    of = {"specification": draft.specification}
    Characteristic.objects.create(key="vlan", name="Vlan", type="number", minimum=2, maximum=4094, **of)
    Characteristic.objects.create(key="handover", name="Handover", type="choice", choices=["LC", "SC"], **of)
    number = {"ask_key_0": "rack", "ask_type_0": "number"}
    for wrong, said in (
        ({"ask_key_0": "", "ask_label_0": "Rack"}, "Name the value"), ({"ask_key_0": "Rack 1"}, "Small letters"),
        ({"ask_key_0": "rack", "ask_type_0": "choice"}, "Say what may be chosen"),
        ({"ask_key_0": "rack", "ask_type_0": "reference"}, "Say which of the customer"),
        ({"ask_key_0": "rack", "ask_key_1": "rack"}, "asked for already"),
        (number | {"ask_minimum_0": "5", "ask_maximum_0": "1"}, "From 5 to 1 there is no number."),
        (number | {"ask_step_0": "-1"}, "Steps are larger than 0."),
        ({"ask_key_0": "rack", "ask_pattern_0": "("}, "The pattern cannot be read"),
        ({"ask_key_0": "rack", "ask_shown_when_0": "rack >"}, "is not a valid expression"),
        ({"ask_key_0": "vlan", "ask_maximum_0": "5000"}, "Outside the range of Vlan: number – 2 to 4094."),
        ({"ask_key_0": "vlan", "ask_type_0": "boolean"}, "Vlan is a number in the catalogue."),
        ({"ask_key_0": "handover", "ask_choices_0": "LC, E2000"}, "“E2000” is none of LC, SC."),
    ):  # fmt: skip
        refused = client.post("/plans/cpe/v2/step/", step(**wrong))
        assert (refused.status_code, said in html.unescape(refused.content.decode())) == (422, True), said
        assert 'value="Label"' in refused.content.decode()
    known = {"ask_key_0": "handover", "ask_type_0": "", "ask_required_0": "on"}
    assert client.post("/plans/cpe/v2/step/", step(**known)).status_code == 302
    assert draft.items.get(key="label").form == [{"key": "handover", "label": "Handover", "required": True}]


def test_questions_are_added_moved_and_taken_out_and_nothing_typed_is_lost(draft: PlanDefinition) -> None:
    client = as_("process_admin")
    sent = step(ask_key_0="rack", ask_type_0="text", ask_required_0="on", ask_key_1="note", name="Half typed", key="")

    def done(act: str, **more: str) -> dict[str, str]:
        page = client.post("/plans/cpe/v2/step/", sent | more | {"rows": act})
        assert page.status_code == 200
        form = page.context["form"]
        assert form["name"].value() == "Half typed"
        shown = {name: str(form[name].value() or "") for name in form.fields}
        return {name: value for name, value in shown.items() if name.startswith(("ask_key", "ask_required", "before"))}

    assert done("ask-add")["ask_key_2"] == ""
    moved = done("ask-down-0")
    assert [moved[name] for name in ("ask_key_0", "ask_key_1", "ask_required_0", "ask_required_1")] == [
        "note", "rack", "", "True"]  # fmt: skip
    assert done("ask-remove-0")["ask_key_0"] == "note"
    assert "before_1" in done("wait-add", before_0=":a")
    away = client.post("/plans/cpe/v2/step/", sent | {"rows": "kind", "kind": "timer"}).content.decode()
    assert '<input type="hidden" name="ask_key_0" value="rack">' in away
    assert done("ask-sideways-9") == done("nonsense")
    assert draft.items.count() == 2


def test_what_is_wrong_stands_at_its_field_and_nothing_is_stored(draft: PlanDefinition) -> None:
    client = as_("process_admin")
    circle = client.post("/plans/cpe/v2/step/a/", step(key="a", name="A", before_0=":b"))
    assert circle.status_code == 422
    assert "circle: a → b → a" in circle.content.decode()
    unknown = client.post("/plans/cpe/v2/step/", step(inputs="colour"))
    assert unknown.status_code == 422
    assert "no characteristic “colour”" in unknown.content.decode()
    assert draft.items.count() == 2


def test_a_second_editor_gets_a_conflict(draft: PlanDefinition) -> None:
    client = as_("process_admin")
    assert client.post("/plans/cpe/v2/step/", step()).status_code == 302
    late = client.post("/plans/cpe/v2/step/", step(key="other"))
    assert late.status_code == 409
    assert "changed this meanwhile" in late.content.decode()


def test_a_version_without_a_start_date_is_not_published(draft: PlanDefinition) -> None:
    client = as_("process_admin")
    answer = client.post("/plans/cpe/v2/publish/", {"starts_on": ""})
    assert answer.status_code == 422
    assert "Say from which day" in answer.content.decode()
    assert client.post("/plans/cpe/v2/publish/", {"starts_on": timezone.localdate().isoformat()}).status_code == 302
    assert PlanDefinition.objects.get(pk=draft.pk).state == "active"
    published = client.post("/plans/cpe/v2/step/", step())
    assert published.status_code == 409


def test_versions_are_compared_in_words_and_tried(draft: PlanDefinition) -> None:
    client = as_("process_admin")
    client.post("/plans/cpe/v2/step/", step(before_0=":a"))
    compared = client.get("/plans/cpe/v2/compare/").content.decode()
    assert "Waits for “A”" in compared
    flow = make.Flow.objects.first()
    assert flow is None
    assert "Label" in client.get("/plans/cpe/v2/try/").content.decode()


def test_running_work_is_previewed_and_moved(draft: PlanDefinition) -> None:
    flow = Flow.objects.get(
        pk=make.flow("cpe", {"key": "a", "kind": "manual"}, {"key": "b", "kind": "manual", "after": ["a"]}).pk
    )
    client = as_("process_admin")
    client.post("/plans/cpe/v2/step/", step(before_0=":b"))
    assert "This is a preview" in client.get("/plans/cpe/v2/running/").content.decode()
    client.post("/plans/cpe/v2/publish/", {"starts_on": timezone.localdate().isoformat()})
    moved = client.post("/plans/cpe/v2/running/", {"flow": [str(flow.pk)]}).content.decode()
    assert "1 of 1 moved" in moved
    assert make.states(flow) == {"a": "ready", "b": "planned", "label": "planned"}


def test_readers_see_plans_and_change_nothing(draft: PlanDefinition) -> None:
    client = as_("order_manager")
    assert "Add a step" not in client.get("/plans/cpe/v2/").content.decode()
    for url in ("step/", "publish/", "next/", "discard/", "retire/", "step/a/remove/"):
        assert client.post(f"/plans/cpe/v2/{url}", step()).status_code == 403
    assert client.post("/plans/cpe/v2/running/", {"flow": ["1"]}).status_code == 403
    assert as_("process_admin").post("/plans/cpe/v2/step/ghost/remove/").status_code == 404
    assert draft.items.count() == 2


def test_a_new_plan_begins_as_a_draft_with_one_step() -> None:
    cpe = make.specification("cpe")
    others = [Specification(key=f"like_{n}", name=f"Like {n}", kind="rfs", state="active") for n in range(50)]
    Specification.objects.bulk_create(others)
    client = as_("process_admin")
    page = client.get("/plans/new/").content.decode()
    assert 'name="specification_typed"' in page  # fifty-one are searched, not listed
    assert "Like 7" not in page
    values = {"key": "cpe_move", "name": "Move a router", "specification": cpe.pk, "action": "move", "position": "3"}
    unclear = client.post("/plans/new/", values | {"specification": "", "specification_typed": "like 4"})
    assert "Several fit: Like 4 (" in unclear.content.decode()
    assert client.post("/plans/new/", values).status_code == 302
    made = PlanDefinition.objects.get(key="cpe_move")
    assert (made.state, made.position, list(made.items.values_list("key", flat=True))) == ("draft", 3, ["done"])
    again = client.post("/plans/new/", values)
    assert again.status_code == 422
    assert "There is a plan with this key already" in again.content.decode()
