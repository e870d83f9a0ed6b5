"""Differences: what one version of a specification or an offering says otherwise than another, in words."""

from dataclasses import dataclass
from typing import Any

from catalog import configuration
from catalog.models import BundleItem, Characteristic, Offering, PriceEntry, Specification
from kernel.money import plain

ENTRY = {
    "name": "Name", "description": "Description", "conditions": "Decision table", "short_name": "Short name",
    "kind": "Kind", "category": "Shelf", "specification": "Specification", "sellable": "Sold by itself",
    "needs_site": "Needs a site", "needs_feasibility": "Needs a feasibility check", "eligibility": "Eligibility table",
    "valid_from": "From", "valid_until": "Until",
}  # fmt: skip
CHARACTERISTIC = {
    "name": "name", "type": "type", "source": "filled", "unit": "unit", "minimum": "at least", "maximum": "at most",
    "step": "in steps of", "pattern": "pattern", "multiple": "several", "refers_to": "points at",
    "required": "required", "required_when": "required when", "shown_when": "asked for when", "hint": "hint",
    "significant": "touches fulfilment",
}  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """One place that differs; `before` empty means it is new, `after` empty that it is gone."""

    place: str
    before: str
    after: str


def between(old: Specification | Offering | None, new: Specification | Offering) -> list[Difference]:
    """Everything that differs, in the order of the page; [] when there is nothing to compare with."""
    if old is None or old.pk == new.pk:
        return []
    found = [
        Difference(label, *said)
        for name, label in ENTRY.items()
        if hasattr(new, name) and (said := (_said(getattr(old, name)), _said(getattr(new, name))))[0] != said[1]
    ]
    if isinstance(old, Specification) and isinstance(new, Specification):
        return found + _characteristics(old, new)
    assert isinstance(old, Offering) and isinstance(new, Offering)  # noqa: S101, PT018 – for the type checker
    return found + _apart(_members(old), _members(new)) + _apart(_prices(old), _prices(new))


def _characteristics(old: Specification, new: Specification) -> list[Difference]:
    before, after = ({c.key: c for c in one.characteristics.all()} for one in (old, new))
    found = []
    for key in dict.fromkeys([*before, *after]):
        one, other = before.get(key), after.get(key)
        if one is None and other is not None:
            found.append(Difference(other.name, "", _summary(other)))
        elif other is None and one is not None:
            found.append(Difference(one.name, _summary(one), ""))
        elif one is not None and other is not None:
            found += _fields(one, other)
    return found


def _fields(one: Characteristic, other: Characteristic) -> list[Difference]:
    pairs = [(label, _said(getattr(one, name)), _said(getattr(other, name))) for name, label in CHARACTERISTIC.items()]
    pairs.append(("allowed values", _allowed(one), _allowed(other)))
    pairs.append(("default", _default(one), _default(other)))
    return [
        Difference(f"{other.name}, {label}", old or "none", new or "none") for label, old, new in pairs if old != new
    ]


def _summary(one: Characteristic) -> str:
    return f"{one.get_type_display().lower()}{f': {said}' if (said := _allowed(one)) else ''}"


def _allowed(one: Characteristic) -> str:
    return ", ".join(label for _, label in configuration.choices(one))


def _default(one: Characteristic) -> str:
    return "" if one.default is None else configuration.told(one, one.default)


def _members(offering: Offering) -> dict[str, str]:
    rows = BundleItem.objects.filter(bundle=offering).select_related("member", "group")
    return {
        f"Member {row.member.name}": f"{row.minimum} to {row.maximum}, usually {row.default}"
        + (f", one of {row.group.name}" if row.group else "")
        + (f", with {', '.join(f'{k} {v}' for k, v in row.presets.items())}" if row.presets else "")
        for row in rows
    }


def _prices(offering: Offering) -> dict[str, str]:
    rows = PriceEntry.objects.filter(offering=offering, is_cost=False).select_related("price_list").order_by("pk")
    return {
        f"{row.price_list.name}, {row.label}"
        + (f", {', '.join(str(value) for value in row.when.values())}" if row.when else ""): (
            f"{plain(row.amount)} {row.price_list.currency} {row.get_charge_display().lower()}"
        )
        for row in rows
    }


def _apart(before: dict[str, str], after: dict[str, str]) -> list[Difference]:
    return [
        Difference(place, before.get(place, ""), after.get(place, ""))
        for place in dict.fromkeys([*before, *after])
        if before.get(place) != after.get(place)
    ]


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Specification):
        return f"{value.name}, version {value.version}"
    return "" if value is None else configuration.plain_value(value)
