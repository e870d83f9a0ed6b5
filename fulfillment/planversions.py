"""Plan versions: a plan is drafted, checked, published from a day on, and retired; published, it stays as it is."""

import datetime as dt
from collections import defaultdict
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from catalog.models import Specification
from fulfillment import plancheck, plancompare, planfile
from fulfillment.models import PlanDefinition
from fulfillment.plancheck import Problem
from kernel import audit, lifecycle
from kernel.editing import Changed
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal

State = PlanDefinition.State


class Unsound(Refusal):
    """The plan cannot be kept like this; every problem stands at its item and field."""

    def __init__(self, found: list[Problem]) -> None:
        self.found = found
        problems: dict[str, list[str]] = defaultdict(list)
        for problem in found:
            problems[problem.item or problem.field].append(problem.text)
        super().__init__(problems=dict(problems))


class NotADraft(Conflict):
    """Only a draft can be changed; a published version stays as the flows that follow it know it."""


@transaction.atomic
def begin(
    *, key: str, name: str, specification: Specification, action: str, condition: str, by: User, position: int = 0
) -> PlanDefinition:
    """A new plan with one item, as a draft.

    Raises:
        Unsound: the key is taken, or the condition names what there is not.
    """
    _require(by, "add_plandefinition")
    if PlanDefinition.objects.filter(key=key).exists():
        raise Unsound([Problem("", "key", "There is a plan with this key already.")])
    first = {"key": "done", "name": "Done", "kind": "milestone"}
    wanted = planfile.normal(
        {"key": key, "name": name, "specification": specification.key, "action": action, "condition": condition,
         "position": position, "items": [first]}
    )  # fmt: skip
    require_sound(wanted)
    definition = PlanDefinition(key=key, version=1)
    planfile.store(definition, wanted)
    audit.record("drafted", definition, by=by)
    return definition


@transaction.atomic
def next_version(*, pk: int, by: User) -> PlanDefinition:
    """A draft that begins as a copy of this version; the draft that there is already, if so."""
    _require(by, "add_plandefinition")
    former = PlanDefinition.objects.select_related("specification").get(pk=pk)
    list(PlanDefinition.objects.filter(key=former.key).order_by("pk").select_for_update())
    draft = PlanDefinition.objects.filter(key=former.key, state=State.DRAFT).first()
    if draft is not None:
        return draft
    last = PlanDefinition.objects.filter(key=former.key).aggregate(last=Max("version"))["last"]
    made = PlanDefinition(key=former.key, version=last + 1)
    planfile.store(made, {**planfile.entry(former), "starts_on": None})
    audit.record("drafted", made, by=by, changes={"version": [former.version, made.version]})
    return made


@transaction.atomic
def save(*, pk: int, edition: int, wanted: dict[str, Any], by: User) -> PlanDefinition:
    """Keep a draft as it was shown at `edition` with these contents, a plan in the shape of a file.

    Raises:
        NotADraft: it is published or retired.
        Changed: somebody else saved it meanwhile.
        Unsound: with every problem; nothing is stored.
    """
    _require(by, "change_plandefinition")
    draft = _draft(pk)
    wanted = planfile.normal(wanted)
    before = planfile.entry(draft)
    if before == wanted:
        return draft
    if draft.edition != edition:
        raise Changed(draft, [])
    require_sound(wanted)
    draft.edition += 1
    planfile.store(draft, wanted)
    audit.record("edited", draft, by=by, changes=_changes(before, wanted))
    return draft


def _changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, list[Any]]:
    """What to keep in the trail, in words: the plan itself, and steps by name."""
    return {
        one.name or "plan": [None, "; ".join(one.says) if one.kind == "changed" else one.kind]
        for one in plancompare.compare(before, after)
    }


@transaction.atomic
def discard(*, pk: int, by: User) -> None:
    """Delete a draft that nobody wants. Raises NotADraft."""
    _require(by, "change_plandefinition")
    draft = _draft(pk)
    audit.record("discarded", draft, by=by)
    draft.delete()


@transaction.atomic
def publish(*, pk: int, starts_on: dt.date | None, by: User) -> PlanDefinition:
    """Bring a draft into force from a day on; the version before it ends then, at once when that day is today.

    Raises:
        Unsound: no start date or one that is over, or a problem of the plan.
        IllegalMove, NotPermitted: as the lifecycle says.
    """
    definition: PlanDefinition = PlanDefinition.objects.locked(pk)
    today = timezone.localdate()
    if definition.state == State.DRAFT:
        if starts_on is None:
            raise Unsound([Problem("", "starts_on", "Say from which day new flows follow this version.")])
        if starts_on < today:
            raise Unsound([Problem("", "starts_on", "That day is over. Choose today or later.")])
        require_sound(planfile.entry(definition))
        definition.starts_on = starts_on
    lifecycle.move(definition, PlanDefinition.publish, by=by)
    for former in _active(definition.key).exclude(pk=pk):
        former.ends_on = min(filter(None, (former.ends_on, definition.starts_on)))
        later = former.starts_on is not None and former.starts_on >= former.ends_on
        if later or former.ends_on <= today:
            lifecycle.move(former, PlanDefinition.retire, by=by, reason=f"Replaced by version {definition.version}")
        else:
            former.save(update_fields=["ends_on", "updated_at"])
            audit.record("ends", former, by=by, changes={"ends_on": [None, former.ends_on]})
    return definition


@transaction.atomic
def retire(*, pk: int, reason: str, by: User) -> PlanDefinition:
    """Take a version out of force at once; flows that follow it go on. Raises IllegalMove, NotPermitted."""
    definition: PlanDefinition = PlanDefinition.objects.locked(pk)
    definition.ends_on = timezone.localdate()
    lifecycle.move(definition, PlanDefinition.retire, by=by, reason=reason)
    return definition


@transaction.atomic
def retire_outlived() -> int:
    """Versions whose last day is over are retired; new flows have not followed them since. Returns how many."""
    over = PlanDefinition.objects.filter(state=State.ACTIVE, ends_on__lte=timezone.localdate())
    return len(lifecycle.move_many(over, PlanDefinition.retire, by=None))


def require_sound(wanted: dict[str, Any]) -> None:
    """Raise Unsound with every problem of a plan, by itself and among the plans in force."""
    if found := plancheck.soundness(wanted, planfile.dump()):
        raise Unsound(found)


def _active(key: str) -> Any:
    return PlanDefinition.objects.filter(key=key, state=State.ACTIVE).order_by("pk").select_for_update()


def _draft(pk: int) -> PlanDefinition:
    rows = PlanDefinition.objects.select_related("specification").select_for_update(of=("self",))
    definition: PlanDefinition = rows.get(pk=pk)
    if definition.state != State.DRAFT:
        raise NotADraft(f"Version {definition.version} is {definition.state} and stays as it is. Make a new version.")
    return definition


def _require(by: User, permission: str) -> None:
    if not by.has_perm(f"fulfillment.{permission}"):
        raise NotPermitted("Your roles do not include the right to change plans.")
