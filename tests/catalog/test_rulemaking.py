"""Rulemaking: versions are drafted, tried, published from a day on and retired; a published one never changes."""

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from catalog import rulebook, rulemaking, trial
from catalog.models import DecompositionRule
from kernel.editing import Changed
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted
from tests.factories.orders import stock
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def catalogue() -> None:
    stock()


@pytest.fixture
def nils() -> User:
    user: User = UserFactory(role="process_admin")
    return user


def standing(key: str) -> DecompositionRule:
    found: DecompositionRule = DecompositionRule.objects.select_related("source", "target").get(key=key)
    return found


def drafted(by: User, **values: Any) -> DecompositionRule:
    """The next version of the rule that makes a BGP session, changed."""
    made = rulemaking.next_version(pk=standing("t-access-t-bgp").pk, by=by)
    return rulemaking.change(pk=made.pk, edition=made.edition, values=values, by=by) if values else made


def fresh(rule: DecompositionRule) -> DecompositionRule:
    found: DecompositionRule = DecompositionRule.objects.select_related("source", "target").get(pk=rule.pk)
    return found


def in_force(key: str = "t-access-t-bgp", at: dt.datetime | None = None) -> int:
    return next(rule.version for rule in rulebook.in_force(at) if rule.key == key)


def test_a_new_version_is_a_copy_that_nobody_follows(nils: User) -> None:
    draft = drafted(nils)
    assert (draft.version, draft.state, draft.condition) == (2, "draft", "routing == 'BGP'")
    assert in_force() == 1
    assert rulemaking.next_version(pk=standing_version(1).pk, by=nils).pk == draft.pk  # one draft, not two


def standing_version(version: int) -> DecompositionRule:
    found: DecompositionRule = DecompositionRule.objects.get(key="t-access-t-bgp", version=version)
    return found


def test_publishing_today_takes_the_place_of_the_version_before(nils: User) -> None:
    before = timezone.now()
    draft = drafted(nils, condition="routing == 'BGP' and speed > 500")
    rulemaking.publish(pk=draft.pk, starts_on=timezone.localdate(), by=nils)
    assert (fresh(draft).state, standing_version(1).state) == ("active", "retired")
    assert (in_force(), in_force(at=before)) == (2, 1)


def test_publishing_for_a_later_day_leaves_the_version_before_until_then(nils: User) -> None:
    draft = drafted(nils, condition="")
    day = timezone.localdate() + dt.timedelta(days=3)
    rulemaking.publish(pk=draft.pk, starts_on=day, by=nils)
    assert in_force() == 1
    assert in_force(at=timezone.now() + dt.timedelta(days=4)) == 2


@pytest.mark.parametrize("days", [None, -1])
def test_publishing_needs_a_day_that_is_not_over(nils: User, days: int | None) -> None:
    draft = drafted(nils)
    day = None if days is None else timezone.localdate() + dt.timedelta(days=days)
    with pytest.raises(rulemaking.Unsound) as refusal:
        rulemaking.publish(pk=draft.pk, starts_on=day, by=nils)
    assert list(refusal.value.problems) == ["starts_on"]
    assert fresh(draft).state == "draft"


def test_a_test_row_that_no_longer_comes_out_stops_publishing(nils: User) -> None:
    draft = drafted(nils)
    rulemaking.keep_test(pk=draft.pk, name="With BGP", values={"routing": "BGP", "vlan": 7}, by=nils)
    draft = fresh(draft)
    assert draft.tests == [
        {"name": "With BGP", "values": {"routing": "BGP", "vlan": 7}, "holds": True, "count": 1,
         "gives": {"peer": "peer-7"}},
    ]  # fmt: skip
    assert trial.check(draft, draft.tests[0]).passed
    draft = rulemaking.change(pk=draft.pk, edition=draft.edition, values={"condition": "routing == 'OSPF'"}, by=nils)
    with pytest.raises(rulemaking.Unsound, match="Test “With BGP” does not come out any more"):
        rulemaking.publish(pk=draft.pk, starts_on=timezone.localdate(), by=nils)
    rulemaking.drop_test(pk=draft.pk, name="With BGP", by=nils)
    rulemaking.publish(pk=draft.pk, starts_on=timezone.localdate(), by=nils)
    assert in_force() == 2


def test_a_published_version_stays_as_it_is(nils: User) -> None:
    rule = standing("t-access-t-bgp")
    with pytest.raises(rulemaking.NotADraft):
        rulemaking.change(pk=rule.pk, edition=rule.edition, values={"condition": ""}, by=nils)
    with pytest.raises(rulemaking.NotADraft):
        rulemaking.discard(pk=rule.pk, by=nils)
    with pytest.raises(Conflict):
        rulemaking.publish(pk=rule.pk, starts_on=timezone.localdate(), by=nils)


def test_an_unsound_change_is_refused_and_stores_nothing(nils: User) -> None:
    draft = drafted(nils)
    with pytest.raises(rulemaking.Unsound) as refusal:
        rulemaking.change(pk=draft.pk, edition=draft.edition, values={"condition": "colour == 'red'"}, by=nils)
    assert list(refusal.value.problems) == ["condition"]
    assert fresh(draft).condition == "routing == 'BGP'"


def test_a_second_editor_is_told(nils: User) -> None:
    draft = drafted(nils)
    rulemaking.change(pk=draft.pk, edition=draft.edition, values={"note": "First"}, by=nils)
    with pytest.raises(Changed) as refusal:
        rulemaking.change(pk=draft.pk, edition=draft.edition, values={"note": "Second"}, by=nils)
    assert [(one.stored, one.typed) for one in refusal.value.differences] == [("First", "Second")]


def test_retiring_takes_a_rule_out_of_force(nils: User) -> None:
    rule = standing("t-access-t-bgp")
    before = timezone.now()
    rulemaking.retire(pk=rule.pk, reason="No longer offered", by=nils)
    assert "t-access-t-bgp" not in {one.key for one in rulebook.in_force()}
    assert in_force(at=before) == 1  # for orders of that time
    with pytest.raises(Conflict):
        rulemaking.retire(pk=rule.pk, reason="Again", by=nils)


def test_who_may_not_publish() -> None:
    agent = UserFactory(role="order_manager")
    draft = rulemaking.next_version(pk=standing("t-access-t-bgp").pk, by=UserFactory(role="process_admin"))
    with pytest.raises(NotPermitted):
        rulemaking.publish(pk=draft.pk, starts_on=timezone.localdate(), by=agent)


def test_the_database_keeps_one_draft_of_a_rule(nils: User) -> None:
    draft = drafted(nils)
    draft.pk, draft.version = None, 3
    with pytest.raises(IntegrityError), transaction.atomic():
        draft.save(force_insert=True)


def test_a_trial_says_what_is_missing_and_what_comes_out() -> None:
    rule = standing("t-access-t-fibre")
    assert trial.inputs(rule) == ["access_pairs", "speed"]
    assert trial.run(rule, {"speed": 100}).lacking == ["access_pairs"]
    made = trial.run(rule, {"speed": 100, "access_pairs": 2})
    assert (made.holds, made.count, made.gives) == (True, 2, {"speed_class": "low"})
    assert [(one.to, one.how, one.seen, one.value) for one in made.traced] == [
        ("speed_class", "table", {"speed": 100}, "low")
    ]
    assert "whole number" in trial.run(rule, {"speed": 100, "access_pairs": 1.5}).problem
    port = standing("t-fibre-t-port")
    assert trial.run(port, {"t-access.speed": 500, "circuit": "C1"}).gives == {"mbps": 500, "circuit": "C1"}
