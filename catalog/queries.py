"""Questions to the catalogue: an offering with everything that its page tells."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from django.db.models import Exists, OuterRef, Q, prefetch_related_objects

from catalog import configuration, rulebook, wording
from catalog.models import (
    Characteristic,
    Charge,
    DecompositionRule,
    Dependency,
    Offering,
    PriceAdjustment,
    PriceEntry,
    PriceList,
    PriceMatrix,
    Specification,
)
from kernel.models import User
from kernel.money import plain

V = TypeVar("V", Specification, Offering)
CHARGES = {Charge.RECURRING: "per month", Charge.ONE_TIME: "once", Charge.USAGE: "by use"}


def sold(offerings: Iterable[Offering]) -> dict[str, Offering]:
    """By key the version that is active, whichever version is given; the given one where none is."""
    given = {offering.key: offering for offering in offerings}
    rows = Offering.objects.filter(key__in=given, state="active").select_related("specification")
    return given | {row.key: row for row in rows.prefetch_related("specification__characteristics")}


def chosen(versions: list[V], wanted: str) -> V | None:
    """The version asked for, else the active one, else the newest."""
    asked = next((one for one in versions if str(one.version) == wanted), None)
    return asked or next((one for one in versions if one.state == "active"), None) or next(iter(versions), None)


def bundles_of(offering: Offering) -> list[Offering]:
    """Bundles that have the offering as a member, whichever version; retired ones left out."""
    rows = Offering.objects.filter(items__member__key=offering.key).exclude(state="retired")
    return list(rows.distinct().order_by("name", "version"))


def sold_as(specification: Specification, user: User) -> list[Offering]:
    """Offerings of the specification, whichever version, that this person may see; retired ones left out."""
    rows = Offering.objects.visible_to(user).filter(specification__key=specification.key).exclude(state="retired")
    return list(rows.select_related("specification").order_by("name", "version"))


def behind(row: Specification | Offering) -> list[Offering]:
    """Active offerings that sell an earlier version of a specification, and have no next version of their own yet."""
    if isinstance(row, Offering):
        return []
    opened = Offering.objects.filter(key=OuterRef("key"), state__in=("design", "testing"), specification=row)
    rows = Offering.objects.filter(specification__key=row.key, specification__version__lt=row.version, state="active")
    return list(rows.filter(~Exists(opened)).order_by("name"))


@dataclass(frozen=True)
class PriceRow:
    """One price in words; `cost` is None where there is none."""

    label: str
    when: str
    amount: Decimal
    per: str
    charge: str
    currency: str
    price_list: PriceList
    is_cost: bool


@dataclass(frozen=True)
class CharacteristicRow:
    """One characteristic in words."""

    row: Characteristic
    values: str
    default: str
    rule: str = ""
    raw: str = ""


@dataclass(frozen=True)
class Part:
    """One line of what a specification is made of: how deep, by which rule, when and how many in words."""

    depth: int
    rule: DecompositionRule
    condition: str
    number: str


def characteristics(specification: Specification | None) -> list[CharacteristicRow]:
    """What can be chosen, in order."""
    if specification is None:
        return []
    rows = list(specification.characteristics.all())
    known = {row.key: row for row in rows}
    found = []
    for row in rows:
        default = "" if row.default is None else configuration.told(row, row.default)
        raw = ", ".join(f"{value}" for value, label in configuration.choices(row) if str(value) != label)
        found.append(CharacteristicRow(row, _values(row), default, _asked_when(row, known), raw))
    return found


def prices(offering: Offering, *, with_costs: bool) -> list[PriceRow]:
    """The entries of all price lists, monthly ones first."""
    rows = (
        PriceEntry.objects.filter(offering=offering)
        .select_related("price_list")
        .order_by("price_list", "-charge", "id")
    )
    if not with_costs:
        rows = rows.filter(is_cost=False)
    known = {c.key: c for c in offering.specification.characteristics.all()} if offering.specification else {}
    names = {key: one.name for key, one in known.items()}
    return [
        PriceRow(
            row.label, _when(row.when, known), row.amount, configuration.within(names.get(row.per, row.per)),
            CHARGES[Charge(row.charge)], row.price_list.currency, row.price_list, row.is_cost,
        )
        for row in rows
    ]  # fmt: skip


def unpriced(offering: Offering) -> bool:
    """Whether it is sold by itself and no list and no matrix says for how much, so that nobody can quote it."""
    if not offering.sellable or offering.kind == Offering.Kind.BUNDLE:
        return False
    listed = PriceEntry.objects.filter(offering__key=offering.key, is_cost=False).exists()
    return not listed and not PriceMatrix.objects.filter(offering__key=offering.key).exists()


def adjustments(offering: Offering) -> list[PriceAdjustment]:
    """Rules that change its prices, in the order in which they are applied."""
    order = {"attribute": 0, "matrix": 1, "volume": 2}
    rows = PriceAdjustment.objects.filter(Q(offerings=offering) | Q(offerings=None), active=True).distinct()
    return sorted(rows, key=lambda rule: (order[rule.step], rule.position, rule.pk))


def dependencies(specification: Specification | None) -> list[Dependency]:
    """What it needs or excludes beside it."""
    if specification is None:
        return []
    return list(Dependency.objects.filter(source__key=specification.key).prefetch_related("targets"))


def realisation(specification: Specification | None) -> list[Part]:
    """What it decomposes into, in the order of the tree; each rule once."""
    if specification is None:
        return []
    by_source: dict[str, list[DecompositionRule]] = {}
    rules = rulebook.in_force()
    prefetch_related_objects(rules, "source__characteristics")  # what conditions speak of
    for rule in rules:
        by_source.setdefault(rule.source.key, []).append(rule)
    found: list[Part] = []
    seen: set[int] = set()

    def walk(source: str, depth: int) -> None:
        for rule in by_source.get(source, ()):
            if rule.pk not in seen:
                seen.add(rule.pk)
                found.append(Part(depth, rule, wording.condition(rule), wording.number(rule)))
                walk(rule.target.key, depth + 1)

    walk(specification.key, 0)
    return found


def _values(row: Characteristic) -> str:
    if row.type == Characteristic.Type.CHOICE:
        listed = ", ".join(label for _, label in configuration.choices(row))
        return f"any of {listed}" if row.multiple else listed
    if row.type == Characteristic.Type.BOOLEAN:
        return "yes or no"
    bounds = [plain(bound) for bound in (row.minimum, row.maximum) if bound is not None]
    steps = f", in steps of {plain(row.step)}" if row.step else ""
    if len(bounds) == 2:
        return f"{bounds[0]} to {bounds[1]} {row.unit}".strip() + steps
    if row.type == Characteristic.Type.REFERENCE:
        return row.get_refers_to_display().lower()
    return row.get_type_display().lower()


def _asked_when(row: Characteristic, known: dict[str, Characteristic]) -> str:
    """When it is asked for and required, in words."""
    said = []
    if row.shown_when:
        said.append(f"asked for {wording.said(row.shown_when, known) or f'when {row.shown_when}'}")
    if row.required:
        said.append("required")
    elif row.required_when:
        said.append(f"required {wording.said(row.required_when, known) or f'when {row.required_when}'}")
    return ", ".join(said)


def _when(when: dict[str, Any], known: dict[str, Characteristic]) -> str:
    """The values that a price is for, by names and labels."""
    said = []
    for key, value in when.items():
        one = known.get(key)
        many = value if isinstance(value, list) else [value]
        told = " or ".join(configuration.told(one, each) if one else configuration.plain_value(each) for each in many)
        said.append(f"{one.name if one else key.replace('_', ' ')} {told}")
    return ", ".join(said)
