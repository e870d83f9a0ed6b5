"""Exchange: how specifications, offerings, prices and decision tables stand in a catalogue file."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from catalog.entryfile import offering
from catalog.models import (
    Category,
    Offering,
    PriceAdjustment,
    PriceEntry,
    PriceList,
)
from catalog.publication import Change, put, renew, section
from kernel import decisions
from kernel.models import BusinessCalendar, DecisionTable, DocumentType, Holiday, User

COUNTED = ("period", "unit", "allowance", "tiering", "tiers")  # how a price counts

USUAL = {name: getattr(PriceEntry(), name) for name in COUNTED}


def load_calendar(item: dict[str, Any], by: User | None) -> Iterable[Change]:
    holidays = item.pop("holidays", {})
    row, change = put("calendars", BusinessCalendar, {"name": item.pop("name")}, item)
    yield change
    for day, name in holidays.items():
        put("calendars", Holiday, {"calendar": row, "day": dt.date.fromisoformat(str(day))}, {"name": name})


def load_table(item: dict[str, Any], by: User | None) -> Iterable[Change]:
    """One table; where the version in force says something else, the next one comes into force today."""
    item = dict(item)
    key, asked = item.pop("key"), item.pop("version", 0)
    for side in ("inputs", "outputs"):
        item[side] = [{"name": c} if isinstance(c, str) else c for c in item[side]]
    names = {c["name"] for c in item["inputs"] + item["outputs"]}
    for row in item["rows"]:
        if unknown := set(row) - names - {"_id", "_note", "_priority"}:
            raise KeyError(f"column {sorted(unknown)[0]}")
    yield renew("decision_tables", DecisionTable, key, item, asked)[1]


def load_category(item: dict[str, Any], by: User | None) -> Iterable[Change]:
    item = dict(item)
    if parent := item.pop("parent", None):
        item["parent"] = Category.objects.get(key=parent)
    yield put("categories", Category, {"key": item.pop("key")}, item)[1]


def load_document_type(item: dict[str, Any], by: User | None) -> Iterable[Change]:
    item = dict(item)
    lookup = {"subject_type": item.pop("subject_type"), "key": item.pop("key")}
    yield put("document_types", DocumentType, lookup, item)[1]


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
        values |= {name: entry[name] for name in COUNTED if name in entry}
        if "allowance" in values:
            values["allowance"] = Decimal(str(values["allowance"]))
        yield put("prices", PriceEntry, lookup, values)[1]


def _adjustment(price_list: PriceList, position: int, entry: dict[str, Any]) -> Change:
    sold = [offering(key) for key in entry.pop("offerings", [])]
    if entry.get("condition"):
        decisions.check(entry["condition"])
    entry["value"] = str(entry.get("value", ""))
    values = {"price_list": price_list, "position": position} | entry
    row, change = put("adjustments", PriceAdjustment, {"key": values.pop("key")}, values)
    taken_off = row.offerings.filter(state="active").exclude(pk__in=[one.pk for one in sold])
    row.offerings.remove(*taken_off.exclude(key__in=[one.key for one in sold]))
    row.offerings.add(*sold)  # what is sold by an older version, or no longer sold, keeps the rule
    return change


def _fields(row: Any, *names: str) -> dict[str, Any]:
    """The named values of a row that are not empty, as plain YAML values."""
    found = {}
    for name in names:
        value = getattr(row, name)
        if value not in (None, "", [], {}):
            found[name] = float(value) if isinstance(value, Decimal) else value
    return found


def dump_price_lists() -> list[dict[str, Any]]:
    found, sold = [], set(Offering.objects.filter(state="active").values_list("key", flat=True))
    for row in PriceList.objects.prefetch_related("entries__offering", "adjustments__offerings"):
        entry = _fields(row, "key", "name", "currency", "segment", "valid_from", "valid_until")
        entry["entries"] = [
            {"offering": e.offering.key}
            | _fields(e, "charge", "label", "when", "per", "is_cost")
            | _fields(e, *(name for name in COUNTED if getattr(e, name) != USUAL[name]))
            | {"amount": float(e.amount)}
            for e in row.entries.all()
            if e.offering.state == "active"
        ]
        names = ("key", "label", "charge", "step", "condition", "how", "value", "explanation", "active")
        entry["adjustments"] = [
            _fields(a, *names, *(["position"] if a.position != place else [])) | {"offerings": sorted(keys & sold)}
            for place, (a, keys) in enumerate(_still_for(row.adjustments.all(), sold))
        ]
        found.append(entry)
    return found


def _still_for(rows: Iterable[PriceAdjustment], sold: set[str]) -> list[tuple[PriceAdjustment, set[str]]]:
    """Rules with the keys of what they are for, without those for nothing that is still sold."""
    pairs = [(row, {one.key for one in row.offerings.all()}) for row in rows]
    return [(row, keys) for row, keys in pairs if not keys or keys & sold]


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


def dump_document_types() -> list[dict[str, Any]]:
    names = ("subject_type", "key", "label", "needed_for", "position")
    return [_fields(row, *names) for row in DocumentType.objects.all()]


section("calendars", load_calendar, dump_calendars, 5)
section("decision_tables", load_table, dump_tables, 8)
section("document_types", load_document_type, dump_document_types, 9)
section("categories", load_category, dump_categories, 40)
section("price_lists", load_price_list, dump_price_lists, 60)
