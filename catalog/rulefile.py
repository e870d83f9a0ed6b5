"""Rule files: how rules of decomposition stand in a catalogue file; what changes becomes a new version."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db.models import Max
from django.utils import timezone

from catalog import rulebook, rulemaking, soundness
from catalog.models import DecompositionRule, Specification
from catalog.publication import Change, ImportRefused, section
from kernel import audit
from kernel.models import User

NAMES = ("key", "version", "kind", "condition", "cardinality", "count_from", "merge", "mappings", "tests", "position")
FIELDS = frozenset(
    {field.name for field in DecompositionRule._meta.fields} - {"id", "state", "published_at", "retired_at", "edition"}
)


def load(item: dict[str, Any], by: User | None) -> Iterable[Change]:
    """One rule: as it stands, or its next version, in force from `starts_on` (the day of the import).

    Raises:
        Unsound: with every problem at its place.
        ImportRefused: a published version differs from the file's of the same number.
    """
    rule = _read(item)
    standing = DecompositionRule.objects.filter(key=rule.key, state=DecompositionRule.State.ACTIVE).order_by("-version")
    same = standing.filter(version=item["version"]).first() if item.get("version") else standing.first()
    name = f"{rule.key} {item.get('version', '')}".strip()
    differences = _differences(same, rule) if same else {}
    if same is not None and not differences:
        yield Change("rules", name, "same")
        return
    if item.get("version") and DecompositionRule.objects.filter(key=rule.key, version=item["version"]).exists():
        said = f"Version {item['version']} is published and stays as it is. Give the change the next version."
        raise ImportRefused(problems={"version": [said]})
    if found := soundness.problems(rule):
        raise rulemaking.Unsound(problems=found)
    last = DecompositionRule.objects.filter(key=rule.key).aggregate(last=Max("version"))["last"] or 0
    rule.version = item.get("version") or last + 1
    rule.save()
    rulemaking.bring_into_force(rule, by)
    if last:
        audit.record("imported", rule, by=by, changes=differences)
    yield Change("rules", f"{rule.key} {rule.version}", "changed" if last else "created", differences)


def finish(items: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Circles among all rules once the whole file is read; problems by place."""
    book = rulebook.newest()
    by_key = {rule.key: rule for rule in book}
    found: dict[str, list[str]] = {}
    for place, item in enumerate(items):
        rule = by_key.get(item.get("key") or f"{item.get('source')}-{item.get('target')}")
        for part, texts in (soundness.circles(book, rule) if rule else {}).items():
            found[f"rules[{place}] {rule.key if rule else ''} {part}"] = texts
    return found


def dump() -> list[dict[str, Any]]:
    """The rules in force between what is in use."""
    return [
        {"source": rule.source.key, "target": rule.target.key}
        | {name: getattr(rule, name) for name in NAMES if getattr(rule, name) not in ("", [], None)}
        | {"starts_on": rule.starts_on}
        for rule in sorted(rulebook.in_force(), key=lambda rule: (rule.source.key, rule.position, rule.pk))
        if rule.source.state == rule.target.state == Specification.State.ACTIVE
    ]


def _read(item: dict[str, Any]) -> DecompositionRule:
    values = {name: value for name, value in item.items() if name not in ("source", "target", "key", "version")}
    if unknown := sorted(set(values) - FIELDS):
        raise ImportRefused(problems={unknown[0]: ["A rule has no such field."]})
    values["mappings"] = [_mapping(entry) for entry in item.get("mappings", [])]
    starts_on = values.pop("starts_on", None) or timezone.localdate()
    return DecompositionRule(
        key=item.get("key") or f"{item.get('source')}-{item.get('target')}", source=_side(item, "source"),
        target=_side(item, "target"), starts_on=dt.date.fromisoformat(str(starts_on)), **values,
    )  # fmt: skip


def _side(item: dict[str, Any], side: str) -> Specification:
    row: Specification | None = Specification.objects.filter(key=item.get(side), state="active").first()
    if row is None:
        raise rulemaking.Unsound(problems={side: [f"There is no specification “{item.get(side, '')}”."]})
    return row


def _mapping(given: Any) -> Any:
    """A bare name means: the same value under the same name from the parent."""
    if isinstance(given, str):
        given = {"to": given}
    if not isinstance(given, dict) or "to" not in given:
        return given
    return {"how": "same", "from": given["to"], "where": "parent", **given}


def _differences(standing: DecompositionRule, rule: DecompositionRule) -> dict[str, list[Any]]:
    found = {}
    for name in rulemaking.COPIED:
        old, new = getattr(standing, name), getattr(rule, name)
        if old != new:
            found[name] = [str(old) if name in ("source", "target") else old, str(new) if name in ("source", "target")
                           else new]  # fmt: skip
    return found


section("rules", load, dump, 30, finish)
