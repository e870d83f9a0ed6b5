"""The rule book: which version of every rule of decomposition is in force at a moment, and what rules may ask."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone

from catalog import mapping
from catalog.mapping import Known, Tables
from catalog.models import Characteristic, DecompositionRule, Specification
from kernel import decisions

# What a rule may ask beside the characteristics of its source; filled by orders for each line and instance.
ASKABLE: dict[str, str] = {
    "action": "what happens to the product: add, modify, move, …",
    "quantity": "the line's quantity",
    "position": "the line's position in the order",
    "offering": "key of the offering",
    "monthly": "the line's monthly price",
    "country": "the site's country",
    "region": "the site's region",
    "city": "the site's city",
    "site_code": "the site's code",
    "site_name": "the site's name",
    "tier": "the customer's tier",
    "segment": "the customer's segment",
    "channel": "where the order came from",
    "term": "months of the contract",
    "currency": "the order's currency",
    "sites": "number of sites in the order",
    "feasibility": "answer of the site check",
    "on_net": "the site check says on-net",
    "off_net": "the site check says off-net",
    "technology": "access technology of the site check",
    "pop": "point of presence of the site check",
    "distance_m": "metres to the point of presence",
    "lead_days": "days that access takes",
    "build_cost": "cost of building access",
    "index": "number of this instance, from 1",
    "item": "this instance's entry, when a list is counted",
}


@dataclass
class Catalogue:
    """Rules in force by source specification, characteristics by specification, and the tables that mappings ask."""

    rules: dict[int, list[DecompositionRule]]
    characteristics: dict[int, Known]
    tables: Tables


def in_force(at: dt.datetime | None = None) -> list[DecompositionRule]:
    """One version of each rule: the latest to have begun at that moment (now), in order of evaluation."""
    at = at or timezone.now()
    rows = DecompositionRule.objects.filter(published_at__lte=at, starts_on__lte=timezone.localdate(at))
    rows = rows.filter(Q(retired_at=None) | Q(retired_at__gt=at)).select_related("source", "target")
    newest = {rule.key: rule for rule in rows.order_by("starts_on", "version")}
    return sorted(newest.values(), key=lambda rule: (rule.position, rule.pk))


def newest() -> list[DecompositionRule]:
    """The latest published version of each rule that is not retired, also one whose day is still to come."""
    rows = DecompositionRule.objects.filter(state=DecompositionRule.State.ACTIVE).select_related("source", "target")
    return list({rule.key: rule for rule in rows.order_by("version")}.values())


def leading_to(names: Iterable[str]) -> set[str] | None:
    """Names of all values that could come to be values of these names, themselves among them; None for any name.

    Goes by every version of every rule and by what shows a characteristic, whatever node they belong to.
    """
    reads: dict[str, set[str]] = defaultdict(set)
    anything: set[str] = set()
    for entries in DecompositionRule.objects.values_list("mappings", flat=True):
        for entry in entries:
            reads[entry["to"]].update(mapping.reads(entry))
            if entry.get("how") == "table" and isinstance(entry.get("value"), str):
                anything.add(entry["to"])
    for key, condition in Characteristic.objects.exclude(shown_when="").values_list("key", "shown_when"):
        reads[key].update(mapping.names(condition))
    found, more = set[str](), set(names)
    while more:
        found |= more
        more = set().union(*(reads.get(name, ()) for name in more)) - found
    return None if found & anything else found


def read(specifications: Iterable[int], rules: Iterable[DecompositionRule]) -> Catalogue:
    """Everything that decomposition of these specifications by these rules may need, whatever their number.

    A rule serves every version of its source, so that what is sold or installed in an older version is still made.
    """
    by_key: dict[str, list[DecompositionRule]] = defaultdict(list)
    for rule in rules:
        if rule.kind != DecompositionRule.Kind.COMPOSED_OF:
            by_key[rule.source.key].append(rule)
    keys = dict(Specification.objects.filter(pk__in=set(specifications)).values_list("pk", "key"))
    open_ones = list(keys)
    while open_ones:
        for rule in by_key.get(keys[open_ones.pop()], ()):
            if rule.target_id not in keys:
                keys[rule.target_id] = rule.target.key
                open_ones.append(rule.target_id)
    known: dict[int, Known] = defaultdict(dict)
    for characteristic in Characteristic.objects.filter(specification__in=keys):
        known[characteristic.specification_id][characteristic.key] = characteristic
    by_source = {pk: by_key[key] for pk, key in keys.items() if key in by_key}
    used = {rule.pk: rule for found in by_source.values() for rule in found}
    return Catalogue(by_source, known, tables(used.values()))


def tables(rules: Iterable[DecompositionRule]) -> Tables:
    """The active decision tables that mappings of these rules name; one that is missing is left out."""
    wanted = {
        entry["value"]
        for rule in rules
        for entry in rule.mappings
        if entry.get("how") == "table" and isinstance(entry.get("value"), str)
    }
    return {key: ask for key in sorted(wanted) if (ask := decisions.reader(key))}
