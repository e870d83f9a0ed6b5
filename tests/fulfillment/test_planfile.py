"""Plan files: taken whole or not at all, versioned, written back the same."""

from typing import Any

import pytest

from fulfillment import planfile
from fulfillment.models import PlanDefinition
from tests.factories import fulfillment as make

pytestmark = pytest.mark.django_db


def entry(**values: Any) -> dict[str, Any]:
    items = [
        {"key": "a", "name": "First", "kind": "manual", "days": 2, "team": "Design", "outputs": ["x"]},
        {
            "key": "b",
            "name": "Then",
            "kind": "automatic",
            "after": ["a", {"specification": "cpe", "item": "z", "scope": "line", "lag": 1}],
        },
    ]
    return {"key": "cpe_add", "name": "Add", "specification": "cpe", "action": "add", "items": items} | values


def test_a_plan_is_created_then_unchanged_then_the_next_version() -> None:
    make.specification("cpe")
    assert planfile.load([entry()]) == {"cpe_add": "created"}
    assert planfile.load([entry()]) == {"cpe_add": "unchanged"}
    assert planfile.load([entry(condition="size == 'L'")]) == {"cpe_add": "changed"}
    states = PlanDefinition.objects.order_by("version").values_list("version", "state")
    assert list(states) == [(1, "retired"), (2, "active")]


def test_what_is_written_is_taken_back_as_the_same() -> None:
    make.specification("cpe")
    planfile.load([entry()])
    written = planfile.dump()
    assert written[0]["items"][1]["after"][1]["specification"] == "cpe"
    assert planfile.load(written) == {"cpe_add": "unchanged"}


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        ({"specification": "nowhere"}, "", "no specification"),
        ({"action": "paint"}, "", "no action"),
        ({"condition": "size =="}, "", "not a valid expression"),
        ({"colour": 1}, "", "Unknown keys: colour"),
        ({"items": []}, "", "at least one item"),
        ({"items": [{"key": "a", "kind": "dance"}]}, "/a", "no kind"),
        ({"items": [{"key": "a", "kind": "api_call"}]}, "/a", "adapter and an operation"),
        ({"items": [{"key": "a", "kind": "project"}]}, "/a", "needs a template"),
        ({"items": [{"key": "a", "days": "soon"}]}, "/a", "Days are a number"),
        ({"items": [{"key": "a", "after": ["ghost"]}]}, "/a", "“ghost”"),
        ({"items": [{"key": "a"}, {"key": "a"}]}, "/a", "used twice"),
        ({"items": [{"key": "a", "after": [{"item": "a", "kind": "XX"}]}]}, "/a", "no kind of dependency"),
        ({"items": [{"key": "a", "after": ["b"]}, {"key": "b", "after": ["a"]}]}, "/a", "circle: a → b → a"),
    ],
)
def test_mistakes_are_named_at_their_place_and_nothing_is_stored(
    change: dict[str, Any], place: str, words: str
) -> None:
    make.specification("cpe")
    with pytest.raises(planfile.BadPlan) as refusal:
        planfile.load([entry(**change)])
    assert any(words in text for text in refusal.value.problems[f"cpe_add{place}"])
    assert not PlanDefinition.objects.exists()


def test_project_templates_are_checked_too() -> None:
    whole = {"key": "build", "name": "Build", "phases": [{"name": "Dig", "tasks": [{"name": "Dig", "days": 3}]}]}
    assert planfile.load_templates([whole]) == {"build": "created"}
    assert planfile.load_templates(planfile.dump_templates()) == {"build": "unchanged"}
    with pytest.raises(planfile.BadPlan):
        planfile.load_templates([{"key": "empty", "name": "Empty", "phases": []}])
