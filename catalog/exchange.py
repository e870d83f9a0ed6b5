"""Exchange: how specifications, offerings, prices and decision tables stand in a catalogue file."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from catalog import launching
from catalog.models import (
    BundleItem,
    Category,
    Characteristic,
    Dependency,
    Offering,
    PriceAdjustment,
    PriceEntry,
    PriceList,
    Specification,
)
from catalog.publication import Change, put, section
from kernel import decisions
from kernel.models import BusinessCalendar, DecisionTable, Holiday, User

CHARACTERISTIC_FIELDS = (
    "name", "type", "source", "choices", "unit", "minimum", "maximum", "pattern", "required", "default",
    "shown_when", "significant", "hint", "position",
)  # fmt: skip


def specification(key: str) -> Specification:
    """The active specification of that key. Raises KeyError naming it."""
    row: Specification | None = Specification.objects.filter(key=key, state="active").first()
    if row is None:
        raise KeyError(f"specification “{key}”")
    return row


def offering(key: str) -> Offering:
    """The active offering of that key. Raises KeyError naming it."""
    row: Offering | None = Offering.objects.filter(key=key, state="active").first()
    if row is None:
        raise KeyError(f"offering “{key}”")
    return row


def load_calendar(item: dict[str, Any], by: User | None) -> Iterable[Change]:
    holidays = item.pop("holidays", {})
    row, change = put("calendars", BusinessCalendar, {"name": item.pop("name")}, item)
    yield change
    for day, name in holidays.items():
        put("calendars", Holiday, {"calendar": row, "day": dt.date.fromisoformat(str(day))}, {"name": name})


def load_table(item: dict[str, Any], by: User | None) -> Iterable[Change]:
    item = dict(item)
    lookup = {"key": item.pop("key"), "version": item.pop("version", 1)}
    for side in ("inputs", "outputs"):
        item[side] = [{"name": c} if isinstance(c, str) else c for c in item[side]]
    names = {c["name"] for c in item["inputs"] + item["outputs"]}
    for row in item["rows"]:
        if unknown := set(row) - names - {"_id", "_note", "_priority"}:
            raise KeyError(f"column {sorted(unknown)[0]}")
    DecisionTable.objects.filter(key=lookup["key"], state="active").exclude(version=lookup["version"]).update(
        state="retired"
    )
    yield put("decision_tables", DecisionTable, lookup, item)[1]


def load_specification(item: dict[str, Any], by: User | None) -> Iterable[Change]:
    item = dict(item)
    characteristics = item.pop("characteristics", [])
    lookup = {"key": item.pop("key"), "version": item.pop("version", 1)}
    row, change = put("specifications", Specification, lookup, item)
    yield change
    for position, given in enumerate(characteristics):
        values = {"name": given["key"].replace("_", " ").capitalize(), "position": position} | given
        for bound in ("minimum", "maximum"):
            if values.get(bound) is not None:
                values[bound] = Decimal(str(values[bound]))
        if values.get("shown_when"):
            decisions.check(values["shown_when"])
        yield put("characteristics", Characteristic, {"specification": row, "key": values.pop("key")}, values)[1]
    launching.bring_into_force(row, by)


def load_dependency(item: dict[str, Any], by: User | None) -> Iterable[Change]:
    source, targets = specification(item["source"]), [specification(key) for key in item["targets"]]
    row, made = Dependency.objects.get_or_create(source=source, kind=item["kind"], scope=item.get("scope", "site"))
    row.targets.set(targets)
    yield Change("dependencies", f"{source.key} {row.kind}", "created" if made else "same")


def load_category(item: dict[str, Any], by: User | None) -> Iterable[Change]:
    item = dict(item)
    if parent := item.pop("parent", None):
        item["parent"] = Category.objects.get(key=parent)
    yield put("categories", Category, {"key": item.pop("key")}, item)[1]


def load_offering(item: dict[str, Any], by: User | None) -> Iterable[Change]:
    item = dict(item)
    members, entitled = item.pop("items", []), item.pop("entitled_to", [])
    item["category"] = Category.objects.get(key=item["category"])
    if item.get("specification"):
        item["specification"] = specification(item["specification"])
    lookup = {"key": item.pop("key"), "version": item.pop("version", 1)}
    row, change = put("offerings", Offering, lookup, item)
    yield change
    launching.bring_into_force(row, by)
    row.entitled_to.set([offering(key) for key in entitled])
    for member in members:
        values = {name: member[name] for name in ("minimum", "maximum", "default") if name in member}
        yield put("bundle_items", BundleItem, {"bundle": row, "member": offering(member["offering"])}, values)[1]


def load_price_list(item: dict[str, Any], by: User | None) -> Iterable[Change]:
    item = dict(item)
    entries, adjustments = item.pop("entries", []), item.pop("adjustments", [])
    row, change = put("price_lists", PriceList, {"key": item.pop("key")}, item)
    yield change
    for entry in entries:
        yield from _price(row, dict(entry))
    for position, entry in enumerate(adjustments):
        yield _adjustment(row, position, dict(entry))


def _price(price_list: PriceList, entry: dict[str, Any]) -> Iterable[Change]:
    """`amounts` maps a characteristic's values to amounts: {characteristic: bandwidth, 100M: 450, …}."""
    table = entry.pop("amounts", None)
    lines = (
        [({table["characteristic"]: value}, amount) for value, amount in table.items() if value != "characteristic"]
        if table
        else [(entry.pop("when", {}), entry.pop("amount"))]
    )
    sold = offering(entry.pop("offering"))
    for when, amount in lines:
        lookup = {
            "price_list": price_list, "offering": sold, "charge": entry["charge"], "label": entry.get("label", "Price"),
            "when": when, "is_cost": entry.get("is_cost", False),
        }  # fmt: skip
        values = {"amount": Decimal(str(amount)), "per": entry.get("per", "")}
        yield put("prices", PriceEntry, lookup, values)[1]


def _adjustment(price_list: PriceList, position: int, entry: dict[str, Any]) -> Change:
    sold = [offering(key) for key in entry.pop("offerings", [])]
    if entry.get("condition"):
        decisions.check(entry["condition"])
    entry["value"] = str(entry.get("value", ""))
    values = {"price_list": price_list, "position": position} | entry
    row, change = put("adjustments", PriceAdjustment, {"key": values.pop("key")}, values)
    row.offerings.set(sold)
    return change


def _fields(row: Any, *names: str) -> dict[str, Any]:
    """The named values of a row that are not empty, as plain YAML values."""
    found = {}
    for name in names:
        value = getattr(row, name)
        if value not in (None, "", [], {}):
            found[name] = float(value) if isinstance(value, Decimal) else value
    return found


def dump_specifications() -> list[dict[str, Any]]:
    rows = Specification.objects.filter(state="active").prefetch_related("characteristics")
    return [
        _fields(row, "key", "version", "kind", "name", "description")
        | {"characteristics": [{"key": c.key} | _fields(c, *CHARACTERISTIC_FIELDS) for c in row.characteristics.all()]}
        for row in rows
    ]


def dump_dependencies() -> list[dict[str, Any]]:
    rows = Dependency.objects.select_related("source").prefetch_related("targets")
    return [
        {"source": row.source.key, "kind": row.kind, "scope": row.scope, "targets": [t.key for t in row.targets.all()]}
        for row in rows
    ]


def dump_offerings() -> list[dict[str, Any]]:
    names = ("key", "version", "name", "kind", "short_name", "icon", "description", "sellable", "needs_site",
             "needs_feasibility", "position")  # fmt: skip
    rows = Offering.objects.filter(state="active").select_related("category", "specification")
    found = []
    for row in rows.prefetch_related("entitled_to", "items__member").order_by("-kind", "position"):
        entry = _fields(row, *names) | {"category": row.category.key}
        if row.specification:
            entry["specification"] = row.specification.key
        entry["entitled_to"] = [other.key for other in row.entitled_to.all()]
        entry["items"] = [
            {"offering": i.member.key} | _fields(i, "minimum", "maximum", "default") for i in row.items.all()
        ]
        found.append(entry)
    return sorted(found, key=lambda entry: ("entitlement", "product", "bundle").index(entry["kind"]))


def dump_price_lists() -> list[dict[str, Any]]:
    found = []
    for row in PriceList.objects.prefetch_related("entries__offering", "adjustments__offerings"):
        entry = _fields(row, "key", "name", "currency", "segment", "valid_from", "valid_until")
        entry["entries"] = [
            {"offering": e.offering.key}
            | _fields(e, "charge", "label", "when", "per", "is_cost")
            | {"amount": float(e.amount)}
            for e in row.entries.all()
        ]
        names = ("key", "label", "charge", "step", "condition", "how", "value", "explanation", "active")
        entry["adjustments"] = [
            _fields(a, *names) | {"offerings": [o.key for o in a.offerings.all()]} for a in row.adjustments.all()
        ]
        found.append(entry)
    return found


def dump_tables() -> list[dict[str, Any]]:
    names = ("key", "version", "title", "purpose", "hit", "inputs", "outputs", "rows", "tests")
    return [_fields(row, *names) for row in DecisionTable.objects.in_force()]


def dump_calendars() -> list[dict[str, Any]]:
    return [
        _fields(row, "name", "country", "weekdays", "time_zone", "is_default")
        | {"holidays": {day.day.isoformat(): day.name for day in row.holidays.all()}}
        for row in BusinessCalendar.objects.prefetch_related("holidays")
    ]


def dump_categories() -> list[dict[str, Any]]:
    return [
        _fields(row, "key", "name", "position") | ({"parent": row.parent.key} if row.parent else {})
        for row in Category.objects.select_related("parent")
    ]


section("calendars", load_calendar, dump_calendars, 5)
section("decision_tables", load_table, dump_tables, 8)
section("specifications", load_specification, dump_specifications, 10)
section("dependencies", load_dependency, dump_dependencies, 20)
section("categories", load_category, dump_categories, 40)
section("offerings", load_offering, dump_offerings, 50)
section("price_lists", load_price_list, dump_price_lists, 60)
