"""Telling: names and values of characteristics as people read them, looked up once for everything on a page."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from catalog import configuration, rulebook
from catalog.models import Characteristic

Known = dict[str, dict[str, Characteristic]]


@dataclass(frozen=True)
class Glossary:
    """Characteristics by key and then by specification; one in force counts before a retired or a drafted one."""

    known: Known = field(default_factory=dict)

    def characteristic(self, key: str, specification: str = "") -> Characteristic | None:
        """That of the specification; another's of the same key where the specification has none."""
        found = self.known.get(key, {})
        return found.get(specification) or next(iter(found.values()), None)

    def of(self, specification: str) -> dict[str, Characteristic]:
        """Those of one specification, by key."""
        return {key: found[specification] for key, found in self.known.items() if specification in found}

    def name(self, key: str, specification: str = "") -> str:
        """What the value is called."""
        found = self.characteristic(key, specification)
        words = key.replace("_", " ")
        return found.name if found else rulebook.ASKABLE.get(key, words[:1].upper() + words[1:])

    def said(self, key: str, value: Any, specification: str = "") -> str:
        """A value with the label of its choice and its unit, "" when there is none."""
        if configuration.is_empty(value):
            return ""
        found = self.characteristic(key, specification)
        return configuration.told(found, value) if found else configuration.plain_value(value)

    def told(self, values: dict[str, Any], specification: str = "") -> list[tuple[str, str]]:
        """Names and values, in the order given."""
        return [(self.name(key, specification), self.said(key, value, specification)) for key, value in values.items()]


def of(keys: Iterable[str]) -> Glossary:
    """What these keys mean, by one query; none without keys."""
    wanted = set(keys)
    if not wanted:
        return Glossary()
    rows = Characteristic.objects.filter(key__in=wanted).select_related("specification")
    latest = {(row.key, row.specification.key): row for row in sorted(rows, key=standing)}
    known: Known = {}
    for (key, specification), row in sorted(latest.items(), key=lambda pair: standing(pair[1]), reverse=True):
        known.setdefault(key, {})[specification] = row
    return Glossary(known)


def standing(row: Characteristic) -> tuple[int, int]:
    """How much a version of a characteristic counts: more once in force, then the later version."""
    state = row.specification.state
    return {"active": 2, "retired": 1}.get(state, 0), row.specification.version
