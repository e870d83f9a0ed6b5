"""Launching: a version goes from design through testing to active, and the one before it retires."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from catalog import consistency, rulemaking, testbench
from catalog.drafting import Inconsistent
from catalog.models import DecompositionRule, Offering, Specification
from kernel import audit, lifecycle, moving
from kernel.models import User
from kernel.refusal import Conflict, Refusal

V = TypeVar("V", Specification, Offering)


class SamplesRed(Refusal):
    """Sample orders break under the version; it goes live only with a reason that is kept."""


@transaction.atomic
def to_testing(model: type[V], pk: int, *, by: User, reason: str = "") -> V:
    """Freeze a draft for trial.

    Raises:
        Inconsistent: with everything that is wrong or lacking, each at its place.
        IllegalMove, NotPermitted: as the lifecycle says.
    """
    row: V = model.objects.locked(pk)
    _require(row)
    return cast(V, lifecycle.move(row, model.to_testing, by=by, reason=reason))


@transaction.atomic
def activate(model: type[V], pk: int, *, by: User, reason: str = "") -> V:
    """Sell and fulfil by this version from now on; the one before retires, and what is sold by it keeps it.

    A specification in testing that only this offering waits for becomes active with it.

    Raises:
        Inconsistent: something is wrong with it, or rules in force could not be followed with it.
        SamplesRed: a sample order breaks under it and no reason was given.
        IllegalMove, NotPermitted: as the lifecycle says.
    """
    row: V = model.objects.locked(pk)
    lifecycle.require_source(row, model.activate)
    _require(row)
    red = [verdict.sample.name for verdict in testbench.judge_all(row) if verdict.red]
    if red and not reason.strip():
        said = f"{_listed(red)} cannot be sold or delivered with it. Mend it, or say why it goes live all the same."
        raise SamplesRed(problems={"reason": [said]})
    if isinstance(row, Offering):
        _with_specification(row, by)
    bring_into_force(row, by, reason=reason)
    return row


@transaction.atomic
def retire(model: type[V], pk: int, *, by: User, reason: str = "") -> V:
    """No longer for new sales. Raises Refusal where something active still needs it; IllegalMove, NotPermitted."""
    row: V = model.objects.locked(pk)
    if used := _users(row):
        raise Refusal(f"{row.name} cannot retire while it is used by {_listed(used)}.")
    return cast(V, lifecycle.move(row, model.retire, by=by, reason=reason))


def bring_into_force(row: Any, by: User | None, *, reason: str = "") -> None:
    """Walk a version to active, retire the one before it and let the rules in force follow it; unchecked."""
    model = type(row)
    if row.state == "active":
        return
    followed = consistency.followers(row) if isinstance(row, Specification) else []
    for older in model.objects.locked_all(
        model.objects.filter(key=row.key, state="active").exclude(pk=row.pk).values_list("pk", flat=True)
    ):
        lifecycle.move(older, model.retire, by=by, reason=f"Replaced by version {row.version}")
    if row.state == "design":
        lifecycle.move(row, model.to_testing, by=by)
    lifecycle.move(row, model.activate, by=by, reason=reason)
    for rule in followed:
        _follow(rule, row, by)


def _require(row: Specification | Offering) -> None:
    if isinstance(row, Offering):
        found = consistency.of_offering(row, row.items.select_related("member")) | consistency.completeness(row)
    else:
        found = consistency.of_specification(row, row.characteristics.all()) | consistency.of_rules(row)
    if found:
        raise Inconsistent(problems=found)


def _with_specification(offering: Offering, by: User) -> None:
    specification = offering.specification
    if specification is None or specification.state == Specification.State.ACTIVE:
        return
    if specification.state != Specification.State.TESTING:
        word = specification.get_state_display().lower()
        said = f"Version {specification.version} of {specification.name} is {word}. Bring it to testing first."
        raise Inconsistent(problems={"specification": [said]})
    activate(Specification, specification.pk, by=by, reason=f"With {offering.name} version {offering.version}")


def _follow(rule: DecompositionRule, specification: Specification, by: User | None) -> None:
    """Publish a rule's next version, which reads as before with the new version of the specification in its place."""
    if rule.source_id != specification.pk and rule.target_id != specification.pk:
        return
    stored = DecompositionRule.objects.filter(pk=rule.pk).values_list("source_id", "target_id").get()
    if stored == (rule.source_id, rule.target_id):
        return
    if DecompositionRule.objects.filter(key=rule.key, state=DecompositionRule.State.DRAFT).exists():
        raise Conflict(
            f"Rule {rule.key} has a draft. Publish it or throw it away first; it has to follow this version."
        )
    last = DecompositionRule.objects.filter(key=rule.key).aggregate(last=Max("version"))["last"]
    values = {name: getattr(rule, name) for name in rulemaking.COPIED}
    note = f"Follows {specification.name} version {specification.version}."[:200]
    made = DecompositionRule(
        key=rule.key, version=last + 1, starts_on=max(timezone.localdate(), rule.starts_on), note=note, **values
    )
    made.save()
    rulemaking.bring_into_force(made, by)
    audit.record("followed", made, by=by, changes={specification.key: [None, specification.version]})


def _users(row: Specification | Offering) -> list[str]:
    """What is active and needs this version."""
    if isinstance(row, Offering):
        rows = Offering.objects.filter(state="active", items__member__key=row.key)
        return sorted(set(rows.values_list("name", flat=True)))
    sold = list(Offering.objects.filter(state="active", specification=row).values_list("name", flat=True))
    made = [f"rule {rule.key}" for rule in consistency.followers(row) if rule.target_id == row.pk]
    return sorted(sold) + sorted(made)


def _listed(names: list[str]) -> str:
    few = names[:4]
    said = few[0] if len(few) == 1 else f"{', '.join(few[:-1])} and {few[-1]}"
    return f"{said} and {len(names) - 4} more" if len(names) > 4 else said


def _moved(act: Callable[..., Any], model: type[Any], pk: int, by: User, reason: str) -> Any:
    """An act as the move buttons call it."""
    return act(model, pk, by=by, reason=reason)


for _model in (Specification, Offering):
    _acts: dict[str, moving.Act] = {
        "to_testing": partial(_moved, to_testing, _model), "activate": partial(_moved, activate, _model),
        "retire": partial(_moved, retire, _model),
    }  # fmt: skip
    moving.register(_model, **_acts)
