"""Drafting: a version of a specification or an offering is copied, changed and thrown away while it is in design."""

from typing import Any, TypeVar

from django.db import models, transaction
from django.db.models import Max

from catalog import consistency
from catalog.models import (
    BundleGroup,
    BundleItem,
    Characteristic,
    Offering,
    PriceEntry,
    Specification,
)
from kernel import audit, editing
from kernel.models import User
from kernel.refusal import Conflict, Refusal

V = TypeVar("V", Specification, Offering)
OPEN = ("design", "testing")
SPECIFICATION = ("name", "description", "conditions", "valid_from", "valid_until", "note")
OFFERING = (
    "name", "short_name", "description", "icon", "kind", "category", "specification", "sellable", "needs_site",
    "needs_feasibility", "eligibility", "position", "valid_from", "valid_until", "note",
)  # fmt: skip


class Inconsistent(Refusal):
    """The draft cannot be kept like this; every problem stands at its field."""


class Fixed(Conflict):
    """Only a version in design can be changed; what is sold or tried stays as it is."""


@transaction.atomic
def begin(model: type[V], *, key: str, by: User, values: dict[str, Any]) -> V:
    """The first version of something new, in design.

    Raises:
        Inconsistent: with every problem at its field, also a key that is taken.
    """
    if not consistency.KEY.fullmatch(key):
        raise Inconsistent(problems={"key": ["Begin with a small letter; then small letters, digits and underscores."]})
    if model.objects.filter(key=key).exists():
        raise Inconsistent(problems={"key": [f"“{key}” is taken. Open it and make a new version instead."]})
    entitled = values.pop("entitled_to", None)
    row = model(key=key, **values)
    _require(_problems(row, []))
    row.save()
    if entitled is not None and isinstance(row, Offering):
        row.entitled_to.set(entitled)
    audit.record("drafted", row, by=by, changes={"version": [None, 1]})
    return row


@transaction.atomic
def next_version(model: type[V], pk: int, *, by: User | None) -> V:
    """A version in design that begins as a copy of this one, with its characteristics or members and its prices. An
    offering takes the version of its specification that is in use.

    The version that is open already (in design or testing) is given back instead of a second one.
    """
    former: V = model.objects.locked(pk)
    open_one: V | None = model.objects.filter(key=former.key, state__in=OPEN).order_by("-version").first()
    if open_one is not None:
        return open_one
    last = model.objects.filter(key=former.key).aggregate(last=Max("version"))["last"]
    names = ("kind", *SPECIFICATION) if model is Specification else OFFERING
    values = {name: getattr(former, name) for name in names} | {"note": "", "valid_from": None, "valid_until": None}
    row = model(key=former.key, version=last + 1, **values)
    if isinstance(row, Offering) and row.specification and row.specification.state == Specification.State.RETIRED:
        in_use = Specification.objects.filter(key=row.specification.key, state=Specification.State.ACTIVE)
        row.specification = in_use.first() or row.specification
    row.save()
    if isinstance(former, Specification):
        _copy(former.characteristics.all(), specification=row)
    else:
        _copy_offering(former, row)
    audit.record("drafted", row, by=by, changes={"version": [former.version, row.version]})
    return row


@transaction.atomic
def change(model: type[V], pk: int, *, edition: int, values: dict[str, Any], by: User) -> V:
    """Keep the fields of a version in design that was shown at `edition`.

    Raises:
        Fixed: it is not in design.
        Inconsistent: with every problem at its field.
        editing.Changed: somebody else saved it meanwhile.
    """
    row = in_design(model, pk)
    entitled = values.pop("entitled_to", None)
    for name, value in values.items():
        setattr(row, name, value)
    items: list[BundleItem] = list(row.items.select_related("member")) if isinstance(row, Offering) else []
    _require(_problems(row, items))
    if entitled is not None and isinstance(row, Offering):
        row.entitled_to.set(entitled)
    return editing.edit(model, pk, edition=edition, values=values, by=by)


@transaction.atomic
def discard(model: type[V], pk: int, *, by: User) -> None:
    """Throw a version in design away. Raises Fixed; Refusal where something refers to it already."""
    row = in_design(model, pk)
    audit.record("discarded", row, by=by)
    try:
        row.delete()
    except models.ProtectedError as error:
        used = ", ".join(sorted({str(one._meta.verbose_name) for one in error.protected_objects}))
        raise Refusal(f"{row.name} version {row.version} is used by {used}; it cannot be thrown away.") from error


@transaction.atomic
def keep_characteristic(pk: int, *, key: str, values: dict[str, Any], by: User) -> Characteristic:
    """Add a characteristic to a specification in design (`key` empty) or change the one of that key.

    Raises:
        Fixed: the specification is not in design.
        Inconsistent: with every problem at its field.
    """
    specification = in_design(Specification, pk)
    rows = list(specification.characteristics.all())
    row = next((one for one in rows if one.key == key), None) if key else None
    if key and row is None:
        raise Conflict(f"There is no characteristic “{key}” any more.")
    before = {name: getattr(row, name) for name in values} if row else {}
    if row is None:
        position = max((one.position for one in rows), default=-1) + 1
        row = Characteristic(specification=specification, position=position)
    for name, value in values.items():
        setattr(row, name, value)
    _require(consistency.of_characteristic(row, rows))
    row.save()
    changes = audit.difference(before, values) if before else {"characteristic": [None, row.name]}
    _touch(specification, by, f"characteristic {row.key}", changes)
    return row


@transaction.atomic
def drop_characteristic(pk: int, *, key: str, by: User) -> None:
    """Take a characteristic out. Raises Fixed; Inconsistent when another one's expression reads it."""
    specification = in_design(Specification, pk)
    rows = list(specification.characteristics.all())
    left = [one for one in rows if one.key != key]
    for one in left:
        if any(consistency.of_characteristic(one, left).get(name) for name in ("shown_when", "required_when")):
            raise Inconsistent(f"{one.name} asks for it; change that one first.")
    specification.characteristics.filter(key=key).delete()
    _touch(specification, by, f"characteristic {key}", {"characteristic": [key, None]})


@transaction.atomic
def move_characteristic(pk: int, *, key: str, by: int, user: User) -> None:
    """Put a characteristic `by` places further down (up when negative). Raises Fixed."""
    specification = in_design(Specification, pk)
    rows = list(specification.characteristics.all())
    at = next((n for n, one in enumerate(rows) if one.key == key), None)
    if at is None:
        return
    rows.insert(max(0, min(len(rows) - 1, at + by)), rows.pop(at))
    for n, one in enumerate(rows):
        one.position = n
    Characteristic.objects.bulk_update(rows, ["position"])
    _touch(specification, user, "order of characteristics", {})


@transaction.atomic
def keep_item(pk: int, *, item_id: int | None, values: dict[str, Any], by: User) -> BundleItem:
    """Add a member to a bundle in design or change one. Raises Fixed; Inconsistent at its field or as a whole."""
    bundle = in_design(Offering, pk)
    row = bundle.items.filter(pk=item_id).first() if item_id else BundleItem(bundle=bundle)
    if row is None:
        raise Conflict("That member is not in the bundle any more.")
    for name, value in values.items():
        setattr(row, name, value)
    if bundle.items.filter(member__key=row.member.key).exclude(pk=row.pk).exists():
        raise Inconsistent(problems={"member": [f"{row.member.name} is in the bundle already."]})
    if found := consistency.of_item(bundle, row):
        raise Inconsistent(problems={"": found})
    row.save()
    _touch(bundle, by, f"member {row.member.key}", {"member": [None, row.member.name]} if not item_id else {})
    return row


@transaction.atomic
def drop_item(pk: int, *, item_id: int, by: User) -> None:
    """Take a member out of a bundle in design. Raises Fixed."""
    bundle = in_design(Offering, pk)
    for row in bundle.items.filter(pk=item_id).select_related("member"):
        row.delete()
        _touch(bundle, by, f"member {row.member.key}", {"member": [row.member.name, None]})


@transaction.atomic
def keep_group(pk: int, *, key: str, values: dict[str, Any], by: User) -> BundleGroup:
    """Add a choice to a bundle in design or change the one of that key. Raises Fixed, Inconsistent."""
    bundle = in_design(Offering, pk)
    if values["minimum"] > values["maximum"]:
        raise Inconsistent(problems={"maximum": ["The most is less than the least."]})
    row, made = BundleGroup.objects.update_or_create(bundle=bundle, key=key, defaults=values)
    _touch(bundle, by, f"choice {row.key}", {"choice": [None, row.name]} if made else {})
    return row


@transaction.atomic
def drop_group(pk: int, *, key: str, by: User) -> None:
    """Take a choice out of a bundle in design; its members stay, each by itself. Raises Fixed."""
    bundle = in_design(Offering, pk)
    bundle.items.filter(group__key=key).update(group=None)
    bundle.groups.filter(key=key).delete()
    _touch(bundle, by, f"choice {key}", {"choice": [key, None]})


def in_design(model: type[V], pk: int) -> V:
    """The version, locked. Raises Fixed when it is not in design."""
    row: V = model.objects.locked(pk)
    require_design(row)
    return row


def require_design(row: Specification | Offering) -> None:
    """Raise Fixed when a version is not in design."""
    if why := why_not(row):
        raise Fixed(why)


def why_not(row: Specification | Offering) -> str:
    """Why a version stays as it is, unless it is in design."""
    if row.state == "design":
        return ""
    word = row.get_state_display().lower()
    return (
        f"{row.name} version {row.version} is {word} and stays as it is. Make a new version, or take a version in "
        "testing back to design."
    )


def _problems(row: Specification | Offering, items: list[BundleItem]) -> consistency.Problems:
    if isinstance(row, Offering):
        return consistency.of_offering(row, items)
    return consistency.of_specification(row, row.characteristics.all() if row.pk else [])


def _require(found: consistency.Problems) -> None:
    if found:
        raise Inconsistent(problems=found)


def _copy(rows: models.QuerySet[Any], **changes: Any) -> list[Any]:
    """Copies of rows with some fields changed, in one statement."""
    made = list(rows)
    for row in made:
        row.pk = None
        row._state.adding = True
        for name, value in changes.items():
            setattr(row, name, value)
    return list(rows.model._default_manager.bulk_create(made))


def _copy_offering(former: Offering, row: Offering) -> None:
    groups = {group.key: group for group in _copy(former.groups.all(), bundle=row)}
    items = list(former.items.select_related("group"))
    into = [groups[item.group.key] if item.group else None for item in items]
    made = _copy(former.items.all(), bundle=row)
    keyed = {item.member_id: group for item, group in zip(items, into, strict=True)}
    for item in made:
        item.group = keyed[item.member_id]
    BundleItem.objects.bulk_update(made, ["group"])
    row.entitled_to.set(former.entitled_to.all())
    _copy(PriceEntry.objects.filter(offering=former), offering=row)
    for rule in former.adjustments.all():
        rule.offerings.add(row)


def _touch(row: Specification | Offering, by: User, what: str, changes: dict[str, list[Any]]) -> None:
    row.edition += 1
    row.save(update_fields=["edition", "updated_at"])
    audit.record(f"edited {what}", row, by=by, changes=changes)
