"""Rulemaking: a version of a rule is drafted, tried, published from a day on and retired; published, it stays."""

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.text import slugify

from catalog import rulebook, soundness, trial
from catalog.models import DecompositionRule, Specification
from kernel import audit, editing, lifecycle
from kernel.models import User
from kernel.refusal import Conflict, Refusal

State = DecompositionRule.State
CONTENT = (
    "source", "target", "kind", "condition", "cardinality", "count_from", "merge", "mappings", "position",
)  # fmt: skip
COPIED = (*CONTENT, "tests")


class Unsound(Refusal):
    """The rule cannot be kept like this; every problem stands at its place."""


class NotADraft(Conflict):
    """Only a draft can be changed; a published version stays as the orders that it made know it."""


@transaction.atomic
def draft(*, by: User, values: dict[str, Any], key: str = "") -> DecompositionRule:
    """A new rule, or with `key` the next version of one.

    Raises:
        Unsound: with every problem at its place; nothing is stored.
        Conflict: that rule has a draft already.
    """
    source, target = values.get("source"), values.get("target")
    key = key or _free_key(source, target)
    if DecompositionRule.objects.filter(key=key, state=State.DRAFT).exists():
        raise Conflict(f"There is a draft of {key} already. Change that one, or discard it.")
    last = DecompositionRule.objects.filter(key=key).aggregate(last=Max("version"))["last"] or 0
    rule = DecompositionRule(key=key, version=last + 1, **values)
    require_sound(rule)
    rule.save()
    audit.record("drafted", rule, by=by, changes={"version": [last or None, rule.version]})
    return rule


@transaction.atomic
def next_version(*, pk: int, by: User) -> DecompositionRule:
    """A draft that begins as a copy of this version; the draft that there is already, if so."""
    rule: DecompositionRule = DecompositionRule.objects.select_related("source", "target").get(pk=pk)
    open_one = DecompositionRule.objects.filter(key=rule.key, state=State.DRAFT).first()
    if open_one is not None:
        return open_one
    values = {name: getattr(rule, name) for name in COPIED} | {"starts_on": timezone.localdate()}
    return draft(by=by, values=values, key=rule.key)


@transaction.atomic
def change(*, pk: int, edition: int, values: dict[str, Any], by: User) -> DecompositionRule:
    """Keep the fields of a draft that was shown at `edition`.

    Raises:
        NotADraft: it is published or retired.
        Unsound: with every problem at its place; nothing is stored.
        editing.Changed: somebody else saved it meanwhile.
    """
    rule = _draft(pk)
    for name, value in values.items():
        setattr(rule, name, value)
    require_sound(rule)
    return editing.edit(DecompositionRule, pk, edition=edition, values=values, by=by)


@transaction.atomic
def keep_test(*, pk: int, name: str, values: dict[str, Any], by: User) -> DecompositionRule:
    """Keep what the draft says today for these values as a test row that publishing asks for."""
    rule = _draft(pk)
    if not name.strip():
        raise Refusal(problems={"name": ["Say what this test shows."]})
    made = trial.run(rule, values)
    row = {"name": name.strip()[:80], "values": values, "holds": made.holds, "count": made.count, "gives": made.gives}
    tests = [*(test for test in rule.tests if test["name"] != row["name"]), row]
    return editing.edit(DecompositionRule, pk, edition=rule.edition, values={"tests": tests}, by=by)


@transaction.atomic
def drop_test(*, pk: int, name: str, by: User) -> DecompositionRule:
    """Take a test row out of a draft."""
    rule = _draft(pk)
    tests = [test for test in rule.tests if test["name"] != name]
    return editing.edit(DecompositionRule, pk, edition=rule.edition, values={"tests": tests}, by=by)


@transaction.atomic
def discard(*, pk: int, by: User) -> None:
    """Delete a draft that nobody wants. Raises NotADraft."""
    rule = _draft(pk)
    audit.record("discarded", rule, by=by)
    rule.delete()


@transaction.atomic
def publish(*, pk: int, starts_on: dt.date | None, by: User | None) -> DecompositionRule:
    """Bring a draft into force from a day on; the version before it ends when that day is today.

    Raises:
        Unsound: a day that is over, a problem of the rule, or a test row that no longer comes out.
        IllegalMove, NotPermitted: as the lifecycle says.
    """
    rule: DecompositionRule = DecompositionRule.objects.locked(pk)
    today = timezone.localdate()
    if rule.state == State.DRAFT:
        if starts_on is None or starts_on < today:
            said = "That day is over. Choose today or later." if starts_on else "Say from which day it is in force."
            raise Unsound(problems={"starts_on": [said]})
        rule.starts_on = starts_on
        require_sound(rule)
        if failed := [test["name"] for test in rule.tests if not trial.check(rule, test).passed]:
            raise Unsound(problems={"tests": [f"Test “{name}” does not come out any more." for name in failed]})
    bring_into_force(rule, by)
    return rule


def bring_into_force(rule: DecompositionRule, by: User | None) -> None:
    """Publish a draft that was checked, and end the versions whose place it takes."""
    rule.published_at = timezone.now()
    lifecycle.move(rule, DecompositionRule.publish, by=by)
    begun = DecompositionRule.objects.filter(
        key=rule.key, state=State.ACTIVE, starts_on__lte=timezone.localdate()
    ).order_by("-starts_on", "-version")
    for older in DecompositionRule.objects.locked_all([row.pk for row in begun[1:]]):
        older.retired_at = rule.published_at
        lifecycle.move(older, DecompositionRule.retire, by=by, reason=f"Replaced by version {rule.version}")


@transaction.atomic
def retire(*, pk: int, reason: str, by: User) -> DecompositionRule:
    """Take a version out of force at once; orders that it made keep it. Raises IllegalMove, NotPermitted."""
    rule: DecompositionRule = DecompositionRule.objects.locked(pk)
    rule.retired_at = timezone.now()
    lifecycle.move(rule, DecompositionRule.retire, by=by, reason=reason)
    return rule


def require_sound(rule: DecompositionRule) -> None:
    """Raise Unsound with every problem of a rule, by itself and among the others."""
    found = soundness.of(rule, rulebook.newest())
    if found:
        raise Unsound(problems=found)


def _draft(pk: int) -> DecompositionRule:
    rows = DecompositionRule.objects.select_related("source", "target").select_for_update(of=("self",))
    rule: DecompositionRule = rows.get(pk=pk)
    if rule.state != State.DRAFT:
        raise NotADraft(f"{rule} is {rule.get_state_display().lower()} and stays as it is. Make a new version.")
    return rule


def _free_key(source: Specification | None, target: Specification | None) -> str:
    """A key such as sdwan_site-edge_cpe, numbered when there is one already."""
    stem = slugify(f"{source.key if source else 'rule'}-{target.key if target else ''}".strip("-"))[:74]
    taken = set(DecompositionRule.objects.filter(key__startswith=stem).values_list("key", flat=True))
    return next(key for key in (stem, *(f"{stem}-{n}" for n in range(2, 10_000))) if key not in taken)
