"""Consistency: what is wrong with a draft of a specification or an offering, each problem at its field."""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from catalog import mapping, rulebook, soundness, valuetypes
from catalog.models import BundleItem, Characteristic, DecompositionRule, Offering, Specification
from kernel import decisions
from kernel.models import DecisionTable

Problems = dict[str, list[str]]
Type = Characteristic.Type
KEY = re.compile(r"[a-z][a-z0-9_]*")
DEEPEST = 5
SERVICES = (Specification.Kind.CFS, Specification.Kind.RFS)


def of_characteristic(one: Characteristic, others: Iterable[Characteristic]) -> Problems:
    """What is wrong with one characteristic beside the others of its specification."""
    found: Problems = defaultdict(list)
    others = [other for other in others if other.pk != one.pk or other.pk is None]
    if not KEY.fullmatch(one.key):
        found["key"].append("Begin with a small letter; then small letters, digits and underscores.")
    if any(other.key == one.key for other in others):
        found["key"].append(f"There is a characteristic “{one.key}” already.")
    _of_type(one, found)
    names = {other.key for other in others}
    for name in ("shown_when", "required_when"):
        if text := _expression(getattr(one, name), names, one.key):
            found[name].append(text)
    if not found and (text := _ring([*others, one], one)):
        found["shown_when"].append(text)
    if not found and not valuetypes.is_empty(one.default):
        found["default"] += valuetypes.check(one, one.default)
    return {name: texts for name, texts in found.items() if texts}


def of_specification(specification: Specification, characteristics: Iterable[Characteristic]) -> Problems:
    """What is wrong with a version; problems of a characteristic stand at <key>.<field>."""
    found: Problems = defaultdict(list)
    _dates(specification, found)
    if specification.conditions and (text := _table(specification.conditions, {"characteristic", "effect"})):
        found["conditions"].append(text)
    rows = list(characteristics)
    for one in rows:
        for name, texts in of_characteristic(one, rows).items():
            found[f"{one.key}.{name}"] += texts
    return {name: texts for name, texts in found.items() if texts}


def of_rules(specification: Specification) -> Problems:
    """Rules in force that could not be followed if this version were the active one, by rule."""
    found: Problems = {}
    for rule in followers(specification):
        problems = soundness.problems(rule)
        if problems:
            found[f"rule {rule.key}"] = [text for texts in problems.values() for text in texts]
    return found


def followers(specification: Specification) -> list[DecompositionRule]:
    """Rules in force from or to this specification, as they would read with this version in its place; not stored."""
    found = []
    for rule in rulebook.newest():
        if specification.key not in (rule.source.key, rule.target.key):
            continue
        for side in ("source", "target"):
            if getattr(rule, side).key == specification.key:
                setattr(rule, side, specification)
        found.append(rule)
    return found


def of_offering(offering: Offering, items: Iterable[BundleItem] = ()) -> Problems:
    """What is wrong with a version; problems of a bundle's member stand at member:<key>."""
    found: Problems = defaultdict(list)
    _dates(offering, found)
    if offering.kind == Offering.Kind.PRODUCT and offering.specification_id is None:
        found["specification"].append("A product offering is of a product specification.")
    _sold(offering, found)
    if offering.eligibility and (text := _table(offering.eligibility, {"problem"})):
        found["eligibility"].append(text)
    rows = list(items)
    if offering.kind != Offering.Kind.BUNDLE and rows:
        found["kind"].append("Only a bundle has members; take them out first.")
    for item in rows:
        for text in of_item(offering, item):
            found[f"member:{item.member.key}"].append(text)
    return {name: texts for name, texts in found.items() if texts}


def of_item(bundle: Offering, item: BundleItem) -> list[str]:
    """What is wrong with one member of a bundle."""
    found = []
    if item.member.key == bundle.key or _contains(item.member, bundle.key):
        found.append(f"{item.member.name} contains this bundle; it would go in a circle.")
    if item.member.state == Offering.State.RETIRED:
        found.append(f"{item.member.name} is no longer sold.")
    if item.minimum > item.maximum:
        found.append("The least is more than the most.")
    elif item.default and not item.minimum <= item.default <= item.maximum:
        found.append(f"The usual number is not between {item.minimum} and {item.maximum}.")
    elif not item.group_id and item.default < item.minimum:
        found.append(f"It comes with at least {item.minimum}, so the usual number cannot be {item.default}.")
    return found + _presets(item)


def _sold(offering: Offering, found: Problems) -> None:
    """An offering sells a product; a service on its own is a service, and not for sale."""
    name, kind = str(offering.specification or ""), offering.specification.kind if offering.specification else ""
    if offering.kind == Offering.Kind.SERVICE:
        if kind not in SERVICES:
            found["specification"].append("Choose the service that other order systems may order.")
        if offering.sellable:
            found["sellable"].append("A service on its own is ordered by other order systems, not sold.")
    elif offering.specification is not None and kind != Specification.Kind.PRODUCT:
        found["specification"].append(f"{offering.specification.name or name} is no product; an offering sells one.")


def completeness(offering: Offering) -> Problems:
    """What a version still lacks before it is tried."""
    found: Problems = defaultdict(list)
    items = list(offering.items.all())
    if offering.kind == Offering.Kind.BUNDLE:
        if not items:
            found["kind"].append("A bundle without members sells nothing. Add one.")
        for group in offering.groups.all():
            count = sum(item.group_id == group.pk for item in items)
            if count < max(group.minimum, 1):
                found[f"group:{group.key}"].append(f"{group.name} offers {count} of the {group.minimum} to be chosen.")
    return dict(found)


def _of_type(one: Characteristic, found: Problems) -> None:
    if one.type == Type.CHOICE:
        _of_choice(one, found)
    elif one.multiple:
        found["multiple"].append("Only of a choice several values can be taken.")
    if one.type == Type.NUMBER:
        if one.minimum is not None and one.maximum is not None and one.minimum > one.maximum:
            found["maximum"].append("The most is less than the least.")
        if one.step is not None and one.step <= 0:
            found["step"].append("A step is more than nothing.")
    if one.type == Type.REFERENCE and not one.refers_to:
        found["refers_to"].append("Say what it points at.")
    if one.pattern:
        try:
            valuetypes.compiled(one.pattern)
        except re.error as error:
            found["pattern"].append(f"This pattern cannot be read: {error}.")


def _of_choice(one: Characteristic, found: Problems) -> None:
    values = [str(value) for value, _ in valuetypes.choices(one)]
    if not values:
        found["choices"].append("List the values that may be chosen, one a line.")
    if twice := next((value for value in values if values.count(value) > 1), ""):
        found["choices"].append(f"“{twice}” is listed twice.")


def _expression(text: str, names: set[str], own: str) -> str:
    if wrong := decisions.mistake(text):
        return wrong
    read = mapping.names(text)
    if own in read:
        return "It cannot depend on its own value."
    unknown = next((name for name in read if name not in names), "")
    return f"There is no characteristic “{unknown}” here." if unknown else ""


def _ring(rows: list[Characteristic], one: Characteristic) -> str:
    """Whether showing a characteristic depends on itself by way of others."""
    reads = {row.key: mapping.names(row.shown_when) if row.shown_when else () for row in rows}
    ways: list[list[str]] = [[name] for name in reads[one.key]]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        if way[-1] == one.key:
            return f"It would go in a circle: {' → '.join([one.key, *way])}."
        if way[-1] not in seen:
            seen.add(way[-1])
            ways += [[*way, name] for name in reads.get(way[-1], ())]
    return ""


def _dates(record: Any, found: Problems) -> None:
    if record.valid_from and record.valid_until and record.valid_from > record.valid_until:
        found["valid_until"].append("The last day is before the first.")


def _table(key: str, wanted: set[str]) -> str:
    table = DecisionTable.objects.in_force().filter(key=key).first()
    if table is None:
        return f"There is no decision table “{key}” in force."
    missing = wanted - {column["name"] for column in table.outputs}
    return f"Decision table “{key}” has no column “{sorted(missing)[0]}”." if missing else ""


def _contains(offering: Offering, key: str, depth: int = 0) -> bool:
    if offering.kind != Offering.Kind.BUNDLE or depth > DEEPEST:
        return False
    members = [item.member for item in offering.items.select_related("member")]
    return any(member.key == key or _contains(member, key, depth + 1) for member in members)


def _presets(item: BundleItem) -> list[str]:
    if not item.presets:
        return []
    specification = item.member.specification
    known = soundness.characteristics(specification) if specification else {}
    found = [f"{item.member.name} has no characteristic “{key}”." for key in item.presets if key not in known]
    for key, value in item.presets.items():
        if key in known:
            found += [f"{known[key].name}: {text}" for text in valuetypes.check(known[key], value)]
    return found
