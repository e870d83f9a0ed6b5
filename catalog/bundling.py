"""Bundling: what a bundle comes to for a choice of its members, by cardinality, option groups and presets."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog import configuration
from catalog.models import BundleGroup, BundleItem, Offering
from catalog.queries import sold
from kernel.refusal import Refusal

MOST = 500  # of one member
DEEPEST = 5


class BadBundle(Refusal):
    """The choice does not fit the bundle; each problem stands at the key of its member or, as group:<key>, group."""


@dataclass(frozen=True)
class Member:
    """One member of an expanded bundle: how many for each bundle, with which values it starts, and its own members.

    `fixed` names the values that the bundle sets and nobody changes.
    """

    offering: Offering
    quantity: int
    values: dict[str, Any]
    fixed: frozenset[str] = frozenset()
    group: str = ""
    members: list["Member"] = field(default_factory=list)


def standard(bundle: Offering) -> dict[str, int]:
    """The choice that a bundle starts with: member key → quantity; members with 0 are options."""
    chosen = {item.member.key: item.default for item in _items(bundle)}
    for group in bundle.groups.all():
        items = [item for item in _items(bundle) if item.group_id == group.pk]
        missing = group.minimum - sum(1 for item in items if chosen[item.member.key])
        for item in items:
            if missing > 0 and not chosen[item.member.key]:
                chosen[item.member.key] = max(item.minimum, 1)
                missing -= 1
    return chosen


def problems(bundle: Offering, chosen: Mapping[str, int]) -> dict[str, list[str]]:
    """Why a choice (member key → quantity) does not fit, by member or group:<key>; {} when it does."""
    found: dict[str, list[str]] = defaultdict(list)
    items = {item.member.key: item for item in _items(bundle)}
    for key in chosen.keys() - items.keys():
        found[key].append(f"{bundle.name} has no member “{key[:60]}”.")
    for key, item in items.items():
        if text := _count_problem(item, chosen.get(key, 0)):
            found[key].append(text)
    for group in bundle.groups.all():
        taken = [i.member.name for k, i in items.items() if i.group_id == group.pk and chosen.get(k, 0)]
        if text := _group_problem(group, taken):
            found[f"group:{group.key}"].append(text)
    return dict(found)


def expand(bundle: Offering, chosen: Mapping[str, int] | None = None, *, depth: int = 0) -> list[Member]:
    """The members of a bundle for a choice (its standard one without), bundles within it expanded in turn.

    A member that has a newer active version is sold as that one.

    Raises:
        BadBundle: with everything that does not fit, at its member or group; also a bundle that contains itself.
    """
    if depth > DEEPEST:
        raise BadBundle(f"{bundle.name} contains itself.")
    chosen = standard(bundle) if chosen is None else chosen
    if found := problems(bundle, chosen):
        raise BadBundle(problems=found)
    items = [item for item in _items(bundle) if chosen.get(item.member.key, 0)]
    current = sold(item.member for item in items)
    made = []
    for item in items:
        offering = current[item.member.key]
        below = expand(offering, depth=depth + 1) if offering.kind == Offering.Kind.BUNDLE else []
        made.append(
            Member(
                offering, chosen[item.member.key], _values(offering, item), frozenset(item.presets),
                item.group.key if item.group else "", below,
            )
        )  # fmt: skip
    return made


def _items(bundle: Offering) -> list[BundleItem]:
    """Members in order; the caller may have prefetched items__member and items__group."""
    return sorted(bundle.items.all(), key=lambda item: (item.position, item.pk or 0))


def _values(offering: Offering, item: BundleItem) -> dict[str, Any]:
    start = configuration.defaults(offering.specification) if offering.specification else {}
    return {**start, **item.presets}


def _count_problem(item: BundleItem, count: int) -> str:
    name, low, high = item.member.name, item.minimum, min(item.maximum, MOST)
    if count < 0:
        return f"{name} cannot be fewer than none."
    if item.group_id and not count:
        return ""
    if count < low:
        return f"{name} belongs to it; take at least {low}." if not count else f"At least {low} of {name}."
    return f"At most {high} of {name}." if count > high else ""


def _group_problem(group: BundleGroup, taken: list[str]) -> str:
    if len(taken) < group.minimum:
        few = "Choose one" if group.minimum == 1 else f"Choose at least {group.minimum}"
        return f"{few} of {configuration.within(group.name)}."
    if len(taken) > group.maximum:
        many = "Only one" if group.maximum == 1 else f"At most {group.maximum}"
        return f"{many} of {configuration.within(group.name)} goes in; {', '.join(taken)} are chosen."
    return ""
