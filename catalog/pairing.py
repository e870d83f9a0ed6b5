"""Pairing: what products require of each other or exclude is kept, changed and taken away; nonsense is refused."""

from collections.abc import Sequence

from django.db import transaction

from catalog.models import Dependency, Specification
from kernel import audit
from kernel.models import User
from kernel.refusal import Refusal

Kind, Scope = Dependency.Kind, Dependency.Scope


@transaction.atomic
def keep(
    *, pk: int | None, source: Specification, kind: str, scope: str, targets: Sequence[Specification], by: User
) -> Dependency:
    """Keep a rule, a new one for None. It counts at once, for whatever is ordered or closed from now on.

    Raises:
        Refusal: it says nothing, names itself, is there already, or contradicts another; at its field.
    """
    rows = Dependency.objects.select_related("source").prefetch_related("targets")
    record = rows.select_for_update(of=("self",)).get(pk=pk) if pk else Dependency()
    before = {"rule": words(record)} if pk else {}
    if problems := wrong(pk=pk, source=source, kind=kind, scope=scope, targets=targets):
        raise Refusal(problems=problems)
    record.source, record.kind, record.scope = source, kind, scope
    record.save()
    record.targets.set(targets)
    told = {"rule": words(Dependency.objects.get(pk=record.pk))}
    changes = audit.difference(before, told) if pk else {"rule": [None, told["rule"]]}
    audit.record("changed" if pk else "created", record, by=by, changes=changes)
    return record


@transaction.atomic
def remove(*, pk: int, by: User) -> None:
    """Take a rule away; what it kept waiting goes on when it is looked at next."""
    record = Dependency.objects.select_for_update(of=("self",)).get(pk=pk)
    audit.record("removed", record, by=by, changes={"rule": [words(record), None]})
    record.delete()


def wrong(
    *, pk: int | None, source: Specification, kind: str, scope: str, targets: Sequence[Specification]
) -> dict[str, list[str]]:
    """What keeps a rule from being kept, at its field; empty when nothing does."""
    if not targets:
        return {"targets": ["Choose at least one product."]}
    keys = {target.key for target in targets}
    if source.key in keys:
        return {"targets": [f"{source.name} cannot {'need' if kind == Kind.REQUIRES else 'exclude'} itself."]}
    found: list[str] = []
    for other in Dependency.objects.exclude(pk=pk or 0).select_related("source").prefetch_related("targets"):
        theirs = {target.key for target in other.targets.all()}
        found += _against(source.key, kind, scope, keys, other, theirs)
    return {"targets": found} if found else {}


def _against(source: str, kind: str, scope: str, keys: set[str], other: Dependency, theirs: set[str]) -> list[str]:
    """Why two rules cannot stand beside each other."""
    if other.source.key == source and (other.kind, other.scope, theirs) == (kind, scope, keys):
        return ["This rule is there already."]
    if other.kind == kind:
        return []
    same = other.source.key == source
    needed, shut = (keys, theirs) if kind == Kind.REQUIRES else (theirs, keys)
    if same and needed <= shut:
        return [f"It contradicts “{words(other)}”"]
    back = theirs == {source} and other.source.key in keys
    if not same and back:
        return [f"It contradicts “{words(other)}”"]
    return []


def words(record: Dependency) -> str:
    """A rule as a sentence."""
    names = sorted(target.name for target in record.targets.all()) if record.pk else []
    joint = " or " if record.kind == Kind.REQUIRES else " and "
    said = names[0] if len(names) == 1 else f"{', '.join(names[:-1])}{joint}{names[-1]}" if names else "nothing"
    where = "at the same site" if record.scope == Scope.SITE else "at the same customer"
    verb = "needs" if record.kind == Kind.REQUIRES else "cannot be together with"
    return f"{record.source.name} {verb} {said} {where}."


__all__ = ["keep", "remove", "words", "wrong"]
