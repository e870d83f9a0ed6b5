"""Plan versions: drafted, checked, published from a day on, retired."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from catalog.models import Characteristic
from fulfillment import plancheck, planfile, planning, planversions
from fulfillment.models import Flow, PlanDefinition
from kernel.editing import Changed
from kernel.models import User
from kernel.refusal import NotPermitted, Refusal
from tests.factories import fulfillment as make
from tests.factories.crm import SiteFactory
from tests.factories.people import UserFactory

TODAY = timezone.localdate


@pytest.fixture
def admin(db: None) -> User:
    made: User = UserFactory(role="process_admin")
    return made


def plan(*items: dict[str, Any], key: str = "cpe") -> PlanDefinition:
    make.plan(key, *items)
    found: PlanDefinition = PlanDefinition.objects.get(key=key, state="active")
    return found


def entry(**values: Any) -> dict[str, Any]:
    make.specification("cpe")
    items = values.pop("items", [{"key": "a", "kind": "automatic"}])
    return planfile.normal({"key": "cpe", "specification": "cpe", "items": items, **values})


def test_a_new_version_is_a_copy_and_there_is_one_draft(admin: User) -> None:
    first = plan({"key": "a"}, {"key": "b", "after": ["a"]})
    draft = planversions.next_version(pk=first.pk, by=admin)
    assert (draft.version, draft.state, draft.starts_on) == (2, "draft", None)
    copy = planfile.entry(draft) | {"version": 1, "starts_on": first.starts_on}
    assert copy == planfile.entry(first)
    assert planversions.next_version(pk=first.pk, by=admin).pk == draft.pk


def test_publishing_needs_a_day_that_is_not_over(admin: User) -> None:
    draft = planversions.next_version(pk=plan({"key": "a"}).pk, by=admin)
    with pytest.raises(planversions.Unsound, match="from which day"):
        planversions.publish(pk=draft.pk, starts_on=None, by=admin)
    with pytest.raises(planversions.Unsound, match="day is over"):
        planversions.publish(pk=draft.pk, starts_on=TODAY() - dt.timedelta(days=1), by=admin)
    assert PlanDefinition.objects.get(pk=draft.pk).state == "draft"


def test_new_flows_take_the_version_valid_that_day(admin: User) -> None:
    first = plan({"key": "a"})
    draft = planversions.next_version(pk=first.pk, by=admin)
    then = TODAY() + dt.timedelta(days=10)
    planversions.publish(pk=draft.pk, starts_on=then, by=admin)
    first = PlanDefinition.objects.get(pk=first.pk)
    assert (first.state, first.ends_on) == ("active", then)
    now, later = (make.request("cpe", SiteFactory()) for _ in range(2))
    flows = planning.plan([now]) | planning.plan([later], today=then)
    versions = {pk: Flow.objects.get(pk=flow).definition.version for pk, flow in flows.items()}
    assert versions == {now.owner_id: 1, later.owner_id: 2}


def test_publishing_from_today_retires_the_version_before(admin: User) -> None:
    first = plan({"key": "a"})
    draft = planversions.next_version(pk=first.pk, by=admin)
    planversions.publish(pk=draft.pk, starts_on=TODAY(), by=admin)
    states = dict(PlanDefinition.objects.filter(key="cpe").values_list("version", "state"))
    assert states == {1: "retired", 2: "active"}


def test_a_version_that_has_outlived_itself_is_retired(admin: User) -> None:
    first = plan({"key": "a"})
    PlanDefinition.objects.filter(pk=first.pk).update(ends_on=TODAY())
    assert planversions.retire_outlived() == 1
    assert PlanDefinition.objects.get(pk=first.pk).state == "retired"


def test_a_published_version_does_not_change(admin: User) -> None:
    first = plan({"key": "a"})
    with pytest.raises(planversions.NotADraft, match="stays as it is"):
        planversions.save(pk=first.pk, edition=first.edition, wanted=entry(name="Other"), by=admin)


def test_a_second_editor_is_told(admin: User) -> None:
    draft = planversions.next_version(pk=plan({"key": "a"}).pk, by=admin)
    wanted = planfile.entry(draft)
    planversions.save(pk=draft.pk, edition=draft.edition, wanted={**wanted, "name": "One"}, by=admin)
    with pytest.raises(Changed):
        planversions.save(pk=draft.pk, edition=draft.edition, wanted={**wanted, "name": "Two"}, by=admin)


def test_only_process_admins_draft(admin: User) -> None:
    first = plan({"key": "a"})
    with pytest.raises(NotPermitted):
        planversions.next_version(pk=first.pk, by=UserFactory(role="order_agent"))


@pytest.mark.parametrize(
    ("values", "item", "field", "words"),
    [
        ({"items": [{"key": "a", "inputs": ["colour"]}]}, "a", "inputs", "no characteristic “colour”"),
        ({"items": [{"key": "a", "condition": "colour == 1"}, {"key": "b"}]}, "a", "condition", "“colour”"),
        ({"condition": "colour == 1"}, "", "condition", "no characteristic “colour”"),
        ({"items": [{"key": "a", "kind": "api_call", "adapter": "moon", "operation": "x"}]}, "a", "adapter", "“moon”"),
        (
            {"items": [{"key": "a", "kind": "api_call", "adapter": "porting", "operation": "fly"}]},
            "a", "operation", "no operation “fly”",
        ),
        ({"items": [{"key": "a", "calendar": "Mars"}]}, "a", "calendar", "no calendar “Mars”"),
        ({"items": [{"key": "a", "team": "Ghosts"}]}, "a", "team", "team “Ghosts”"),
        ({"items": [{"key": "a", "kind": "project", "template": "x"}]}, "a", "template", "template “x”"),
        ({"items": [{"key": "a", "condition": "size == 1"}]}, "", "items", "no sure end"),
        ({"items": [{"key": "a", "after": [{"specification": "mars"}]}]}, "a", "after", "no specification “mars”"),
        ({"items": [{"key": "a", "after": ["b"]}, {"key": "b", "after": ["a"]}]}, "a", "after", "circle"),
        ({"items": [{"key": "a"}, {"key": "a"}]}, "a", "key", "used twice"),
        ({"items": []}, "", "items", "at least one item"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_at_its_place(
    values: dict[str, Any], item: str, field: str, words: str, admin: User
) -> None:
    own = make.specification("cpe")
    Characteristic.objects.create(specification=own, key="size", name="Size", type="number")
    found = plancheck.soundness(entry(**values), [])
    assert [(p.item, p.field) for p in found] == [(item, field)]
    assert words in found[0].text


def test_a_circle_through_another_plan_is_refused(admin: User) -> None:
    make.specification("ping")
    plan({"key": "b", "after": [{"specification": "ping", "scope": "line"}]}, key="pong")
    draft = planversions.begin(
        key="ping", name="Ping", specification=make.specification("ping"), action="add", condition="", by=admin
    )
    wanted = planfile.entry(draft)
    wanted["items"][0]["after"] = [{"specification": "pong", "scope": "line"}]
    with pytest.raises(Refusal, match="circle through other plans: ping: done → pong: b → ping: done"):
        planversions.save(pk=draft.pk, edition=draft.edition, wanted=wanted, by=admin)


def test_a_file_does_not_run_over_a_draft(admin: User) -> None:
    first = plan({"key": "a"})
    planversions.next_version(pk=first.pk, by=admin)
    same = {"key": "cpe", "specification": "cpe", "items": [{"key": "a", "kind": "automatic", "name": "A"}]}
    assert planfile.load([same]) == {"cpe": "unchanged"}
    with pytest.raises(planfile.BadPlan, match="There is a draft of this plan"):
        planfile.load([same | {"name": "Other"}])


def test_a_file_may_say_from_which_day_a_plan_holds(admin: User) -> None:
    make.specification("cpe")
    then = TODAY() + dt.timedelta(days=5)
    items = [{"key": "a", "kind": "automatic"}]
    planfile.load([{"key": "cpe", "specification": "cpe", "starts_on": then.isoformat(), "items": items}])
    assert [(row["key"], row["starts_on"]) for row in planfile.dump()] == [("cpe", then)]
    asked = make.request("cpe", SiteFactory())
    assert planning.plan([asked]) == {}
    assert set(planning.plan([asked], today=then)) == {asked.owner_id}
