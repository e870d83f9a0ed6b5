"""Characteristics: the values of an installed thing, in the catalogue's order, names and units."""

from dataclasses import dataclass
from typing import Any

from catalog import configuration


@dataclass(frozen=True)
class Told:
    """One value as people read it."""

    name: str
    value: str
    key: str


def told(record: Any, *, customer: bool = False) -> list[Told]:
    """Values that are there; with `customer` only those that the customer chose."""
    known = list(record.specification.characteristics.all())
    if customer:
        known = [one for one in known if one.source == "customer"]
    values = dict(record.characteristics)
    found = [
        Told(one.name, configuration.told(one, values.pop(one.key)), one.key)
        for one in known
        if not configuration.is_empty(values.get(one.key))
    ]
    if customer:
        return found
    known_keys = {one.key for one in known}
    rest = {key: value for key, value in values.items() if key not in known_keys and not configuration.is_empty(value)}
    return found + [Told(_title(key), _plain(value), key) for key, value in sorted(rest.items())]


def _title(key: str) -> str:
    words = key.replace("_", " ")
    return words[:1].upper() + words[1:]


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
