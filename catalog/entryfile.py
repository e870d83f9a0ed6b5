"""Entry files: specifications, offerings, relations and samples in a catalogue file; what changes becomes a version."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from catalog import consistency, drafting, launching, valuetypes
from catalog.models import (
    BundleGroup,
    BundleItem,
    Category,
    Characteristic,
    Dependency,
    Offering,
    PriceList,
    SampleOrder,
    Specification,
)
from catalog.publication import Change, ImportRefused, put, section
from kernel import audit
from kernel.models import User

Fields = dict[str, list[Any]]
SPECIFICATION = ("kind", "name", "description", "conditions", "valid_from", "valid_until", "note")
CHARACTERISTIC = (
    "name", "type", "source", "choices", "multiple", "refers_to", "unit", "minimum", "maximum", "step", "pattern",
    "required", "required_when", "default", "shown_when", "significant", "hint", "position",
)  # fmt: skip
OFFERING = (
    "name", "kind", "short_name", "icon", "description", "sellable", "needs_site", "needs_feasibility", "eligibility",
    "position", "valid_from", "valid_until", "note",
)  # fmt: skip
ITEM = ("minimum", "maximum", "default", "presets", "position")
GROUP = ("name", "minimum", "maximum", "position")
# What may change without a new version: it says the same in other words, or says until when.
WORDS = frozenset(
    {"name", "description", "short_name", "icon", "position", "note", "hint", "labels", "valid_from", "valid_until"}
)


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


def load_specification(item: dict[str, Any], by: User | None) -> Iterable[Change]:
    """One specification: as it stands, brought up to date in words, or as its next version, active at once."""
    _known(item, {"key", "version", "characteristics", *SPECIFICATION}, "A specification")
    given = [_characteristic(place, one) for place, one in enumerate(item.get("characteristics", []))]
    values = _values(Specification, SPECIFICATION, item)
    row = _standing(Specification, item)
    differences = _differing(row, values) | _rows_differing(row, given) if row else {}
    if row and not differences:
        yield Change("specifications", str(item["key"]), "same")
        return
    target = _target(Specification, row, item, differences, by)
    _write(target, values)
    for one in given:
        Characteristic.objects.update_or_create(specification=target, key=one["key"], defaults=one)
    target.characteristics.exclude(key__in=[one["key"] for one in given]).delete()
    _require(consistency.of_specification(target, target.characteristics.all()))
    yield _done("specifications", target, row, differences, by)


def load_offering(item: dict[str, Any], by: User | None) -> Iterable[Change]:
    """One offering with its members and choices: as it stands, in words, or as its next version, active at once."""
    more = {"key", "version", "category", "specification", "specification_version", "items", "groups", "entitled_to"}
    _known(item, {*more, *OFFERING}, "An offering")
    row = _standing(Offering, item)
    values = _values(Offering, OFFERING, item) | {
        "category": _category(item["category"]), "specification": _specified(item, row),
    }  # fmt: skip
    groups = {one["key"]: _values(BundleGroup, GROUP, one) for one in item.get("groups", [])}
    items = {one["offering"]: (_values(BundleItem, ITEM, one), one.get("group")) for one in item.get("items", [])}
    entitled = sorted(item.get("entitled_to", []))
    differences = _differing(row, values) | _parts_differing(row, groups, items, entitled) if row else {}
    follows = set(differences) == {"specification"} and _same_thing(row, values)
    if row and (not differences or (follows and row.state != "active")):
        yield Change("offerings", str(item["key"]), "same")
        return
    if follows:
        item = {name: value for name, value in item.items() if name != "version"}
    target = _target(Offering, row, item, differences, by)
    _write(target, values)
    target.entitled_to.set([offering(key) for key in entitled])
    _put_members(target, groups, items)
    _require(consistency.of_offering(target, target.items.select_related("member")) | consistency.completeness(target))
    yield _done("offerings", target, row, differences, by)


def load_dependency(item: dict[str, Any], by: User | None) -> Iterable[Change]:
    """What a product needs or excludes; the same relation twice is one."""
    source, targets = specification(item["source"]), [specification(key) for key in item["targets"]]
    scope, kind = item.get("scope", "site"), item["kind"]
    if kind not in Dependency.Kind.values or scope not in Dependency.Scope.values:
        raise ValueError(f"“{kind}” at “{scope}” is no relation; it is requires or excludes, at site or account.")
    rows = Dependency.objects.filter(source__key=source.key, kind=kind, scope=scope).prefetch_related("targets")
    wanted, name = sorted(item["targets"]), f"{source.key} {kind} {', '.join(sorted(item['targets']))}"
    if any(sorted({t.key for t in row.targets.all()}) == wanted for row in rows):
        yield Change("dependencies", name, "same")
        return
    row = Dependency.objects.create(source=source, kind=kind, scope=scope)
    row.targets.set(targets)
    yield Change("dependencies", name, "created")


def load_sample(item: dict[str, Any], by: User | None) -> Iterable[Change]:
    """One sample order of the test bench."""
    item = dict(item)
    _known(item, {"key", "name", "description", "price_list", "term", "sites", "lines"}, "A sample")
    found = PriceList.objects.filter(key=item["price_list"]).first()
    if found is None:
        raise KeyError(f"price list “{item['price_list']}”")
    codes = {str(site.get("code")) for site in item.get("sites", [])}
    for line in item["lines"]:
        offering(line["offering"])
        line.setdefault("sites", "all")
        line.setdefault("quantity", 1)
        if line["sites"] != "all" and (lost := [code for code in line["sites"] if code not in codes]):
            raise KeyError(f"site “{lost[0]}”")
    yield put("samples", SampleOrder, {"key": item.pop("key")}, item | {"price_list": found})[1]


def dump_specifications() -> list[dict[str, Any]]:
    rows = Specification.objects.filter(state="active").prefetch_related("characteristics")
    return [
        {"key": row.key, "version": row.version} | _said(row, SPECIFICATION) | {
            "characteristics": [
                {"key": c.key} | _said(c, [name for name in CHARACTERISTIC if name != "position"])
                for c in row.characteristics.all()
            ]
        }
        for row in rows.order_by("kind", "key")
    ]  # fmt: skip


def dump_offerings() -> list[dict[str, Any]]:
    rows = Offering.objects.filter(state="active").select_related("category", "specification")
    rows = rows.prefetch_related("entitled_to", "items__member", "items__group", "groups")
    order = ("entitlement", "product", "service", "bundle")
    return [_offering(row) for row in sorted(rows, key=lambda row: (order.index(row.kind), row.position, row.key))]


def dump_dependencies() -> list[dict[str, Any]]:
    rows = Dependency.objects.select_related("source").prefetch_related("targets").order_by("source__key", "pk")
    used, found = _active(Specification), []
    for row in rows:
        targets = {target.key for target in row.targets.all()}
        if {row.source.key, *targets} <= used:
            found.append({"source": row.source.key, "kind": row.kind, "scope": row.scope, "targets": sorted(targets)})
    return found


def dump_samples() -> list[dict[str, Any]]:
    sold = _active(Offering)
    return [
        {"key": row.key} | _said(row, ("name", "description", "term"))
        | {"price_list": row.price_list.key, "sites": row.sites, "lines": row.lines}
        for row in SampleOrder.objects.select_related("price_list").order_by("key")
        if {line["offering"] for line in row.lines} <= sold
    ]  # fmt: skip


def _active(model: type[Specification] | type[Offering]) -> set[str]:
    """Keys in use; what names another one cannot be read in again."""
    return set(model._default_manager.filter(state="active").values_list("key", flat=True))


def _offering(row: Offering) -> dict[str, Any]:
    entry: dict[str, Any] = {"key": row.key, "version": row.version} | _said(row, OFFERING)
    entry["category"] = row.category.key
    if row.specification:
        entry["specification"] = row.specification.key
        if row.specification.state != Specification.State.ACTIVE:
            entry["specification_version"] = row.specification.version
    if entitled := sorted({other.key for other in row.entitled_to.all()}):
        entry["entitled_to"] = entitled
    if groups := [{"key": group.key} | _said(group, GROUP) for group in row.groups.all()]:
        entry["groups"] = groups
    if items := [
        {"offering": one.member.key} | ({"group": one.group.key} if one.group else {}) | _said(one, ITEM)
        for one in sorted(row.items.all(), key=lambda one: (one.position, one.pk))
    ]:
        entry["items"] = items
    return entry


def _said(row: Any, names: Iterable[str]) -> dict[str, Any]:
    """The named values that are not the usual ones, as plain YAML values."""
    found = {}
    for name in names:
        value = getattr(row, name)
        if value != row._meta.get_field(name).get_default() and value not in (None, "", [], {}):
            found[name] = _plain(value)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Specification):
        return f"{value.key} version {value.version}"
    if isinstance(value, Category):
        return value.key
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _values(model: Any, names: Iterable[str], item: dict[str, Any]) -> dict[str, Any]:
    """The named fields of an entry, those that are left out at their usual value."""
    found = {}
    for name in names:
        field = model._meta.get_field(name)
        value = item.get(name, field.get_default())
        if name in ("minimum", "maximum", "step") and value is not None and field.get_internal_type() == "DecimalField":
            value = Decimal(str(value))
        if name in ("valid_from", "valid_until") and isinstance(value, str):
            value = dt.date.fromisoformat(value)
        found[name] = value
    return found


def _characteristic(place: int, given: Any) -> dict[str, Any]:
    if not isinstance(given, dict) or not given.get("key"):
        raise KeyError(f"key of characteristic {place + 1}")
    _known(given, {"key", *CHARACTERISTIC}, f"Characteristic {given['key']}")
    usual = {"name": str(given["key"]).replace("_", " ").capitalize(), "position": place}
    return {"key": given["key"]} | _values(Characteristic, CHARACTERISTIC, usual | given)


def _known(item: dict[str, Any], names: set[str], what: str) -> None:
    if unknown := sorted(set(item) - names):
        raise ImportRefused(problems={unknown[0]: [f"{what} has no such field."]})


def _specified(item: dict[str, Any], row: Offering | None) -> Specification | None:
    """What the entry says it is made of: the active version, or for an offering that stands here the numbered one."""
    key, version = item.get("specification"), item.get("specification_version")
    if not key:
        return None
    if not version or row is None:
        return specification(key)
    found: Specification | None = Specification.objects.filter(key=key, version=version).first()
    if found is None:
        raise KeyError(f"specification “{key}” version {version}")
    return found


def _category(key: str) -> Category:
    row = Category.objects.filter(key=key).first()
    if row is None:
        raise KeyError(f"category “{key}”")
    return row


def _standing(model: Any, item: dict[str, Any]) -> Any:
    """The stored version that the entry is about: the numbered one, else the active one, else the newest."""
    rows = model.objects.filter(key=item["key"]).order_by("-version")
    if item.get("version"):
        return rows.filter(version=item["version"]).first()
    return rows.filter(state="active").first() or rows.first()


def _differing(row: Any, values: dict[str, Any]) -> Fields:
    found: Fields = {}
    for name, value in values.items():
        pair = [_plain(getattr(row, name)), _plain(value)]
        if pair[0] != pair[1]:
            found[name] = pair
    return found


def _rows_differing(row: Specification, given: list[dict[str, Any]]) -> Fields:
    stored = {one.key: one for one in row.characteristics.all()}
    found: Fields = {f"{key} removed": ["there", "gone"] for key in stored if key not in {one["key"] for one in given}}
    for one in given:
        known = stored.get(one["key"])
        if known is None:
            found[f"{one['key']} added"] = ["not there", "new"]
            continue
        for name, pair in _differing(known, {n: v for n, v in one.items() if n != "key"}).items():
            same = name == "choices" and [v for v, _ in valuetypes.choices(known)] == _values_of(one["choices"])
            found[f"{one['key']} {'labels' if same else name}"] = pair
    return found


def _values_of(choices: list[Any]) -> list[Any]:
    return [one["value"] if isinstance(one, dict) else one for one in choices]


def _same_thing(row: Offering, values: dict[str, Any]) -> bool:
    """Whether only the version of the specification is another: the offering then follows it by itself."""
    given = values["specification"]
    return row.specification is not None and given is not None and row.specification.key == given.key


def _parts_differing(row: Offering, groups: dict[str, Any], items: dict[str, Any], entitled: list[str]) -> Fields:
    found: Fields = {}
    own = sorted({other.key for other in row.entitled_to.all()})
    if own != entitled:
        found["entitled_to"] = [own, entitled]
    stored = {group.key: {name: getattr(group, name) for name in GROUP} for group in row.groups.all()}
    if stored != groups:
        found["groups"] = [sorted(stored), sorted(groups)]
    members = {
        one.member.key: ({name: getattr(one, name) for name in ITEM}, one.group.key if one.group else None)
        for one in row.items.select_related("member", "group")
    }
    for key in dict.fromkeys([*members, *items]):
        if members.get(key) != items.get(key):
            found[f"member {key}"] = [members.get(key, ("not there",))[0], items.get(key, ("gone",))[0]]
    return found


def _target(model: Any, row: Any, item: dict[str, Any], differences: Fields, by: User | None) -> Any:
    """The version to write to: a new one, the one in design, the standing one for words alone, or its next.

    Raises:
        ImportRefused: the file changes what a version that is out of design says, under the same number.
    """
    if row is None:
        return model(key=item["key"], version=item.get("version") or 1)
    words = all(name in WORDS or name.rpartition(" ")[2] in WORDS for name in differences)
    if row.state == "design" or words:
        return row
    if item.get("version"):
        said = (f"Version {row.version} is {row.get_state_display().lower()} and stays as it is. Give the change "
                f"version {row.version + 1}, or leave the version out.")  # fmt: skip
        raise ImportRefused(problems={"version": [said, *(_told(*pair) for pair in differences.items())]})
    made = drafting.next_version(model, row.pk, by=by)
    if made.version <= row.version or made.state != "design":
        raise ImportRefused(problems={"version": [f"Version {made.version} is {made.state} already; finish it first."]})
    return made


def _told(name: str, pair: list[Any]) -> str:
    return f"It would change {name}: {pair[0]} → {pair[1]}."


def _write(row: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.full_clean(exclude=["state"])
    row.save()


def _put_members(bundle: Offering, groups: dict[str, Any], items: dict[str, Any]) -> None:
    bundle.items.all().delete()
    bundle.groups.exclude(key__in=groups).delete()
    made = {
        key: BundleGroup.objects.update_or_create(bundle=bundle, key=key, defaults=values)[0]
        for key, values in groups.items()
    }
    for key, (values, group) in items.items():
        if group is not None and group not in made:
            raise KeyError(f"group “{group}” of member {key}")
        into = made[group] if group else None
        BundleItem.objects.create(bundle=bundle, member=offering(key), group=into, **values)


def _require(found: consistency.Problems) -> None:
    if found:
        raise ImportRefused(problems=found)


def _done(name: str, target: Any, row: Any, differences: Fields, by: User | None) -> Change:
    if row is not None:
        audit.record("imported", target, by=by, changes=differences)
    launching.bring_into_force(target, by)
    kind = "created" if row is None else "changed"
    version = f" version {target.version}" if row is None or row.pk != target.pk else ""
    return Change(name, f"{target.key}{version}", kind, differences)


section("specifications", load_specification, dump_specifications, 10)
section("dependencies", load_dependency, dump_dependencies, 20)
section("offerings", load_offering, dump_offerings, 50)
section("samples", load_sample, dump_samples, 200)
