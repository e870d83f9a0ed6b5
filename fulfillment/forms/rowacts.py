"""Row acts: rows of a form are added, moved and taken out on the server; everything else that was typed stays."""

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict

from fulfillment.forms import askrows

Row = dict[str, list[str]]
SETS = {"ask": tuple(f"ask_{part}" for part in askrows.PARTS), "wait": ("before", "wait", "lag", "scope")}
MOST = askrows.MOST


def arranged(data: QueryDict, act: str) -> QueryDict:
    """What was sent, with one act done: ask-add, ask-up-2, ask-down-0, ask-remove-1, or the same of wait."""
    name, _, rest = act.partition("-")
    what, _, place = rest.partition("-")
    made = data.copy()
    parts = SETS.get(name)
    if parts is None:
        return made
    rows = _taken(made, parts)
    at = int(place) if place.isdecimal() and len(place) < 4 else -1
    if what == "add" and len(rows) < MOST:
        rows.append({})
    elif what == "remove" and 0 <= at < len(rows):
        rows.pop(at)
    elif what in ("up", "down") and 0 <= at < len(rows):
        to = min(max(0, at + (-1 if what == "up" else 1)), len(rows) - 1)
        rows.insert(to, rows.pop(at))
    for n, row in enumerate(rows):
        made[f"{parts[0]}_{n}"] = ""
        for part, values in row.items():
            made.setlist(f"{part}_{n}", values)
    return made


def focus(data: QueryDict, act: str) -> str:
    """The field to go on with after an act: that of the row which came or moved, or the kind."""
    name, _, rest = act.partition("-")
    what, _, place = rest.partition("-")
    parts = SETS.get(name)
    if parts is None:
        return "kind"
    last = count(data, parts[0]) - 1
    at = int(place) if place.isdecimal() and len(place) < 4 else last
    at += {"up": -1, "down": 1}.get(what, 0)
    return f"{parts[0]}_{min(max(0, at), last)}" if last >= 0 else "kind"


def count(data: Mapping[str, Any], first: str) -> int:
    """How many rows were sent, by the name of their first field."""
    sent = [name.removeprefix(f"{first}_") for name in data if name.startswith(f"{first}_")]
    return max((int(n) + 1 for n in sent if n.isdecimal() and len(n) < 3 and int(n) < MOST), default=0)


def _taken(data: QueryDict, parts: tuple[str, ...]) -> list[Row]:
    """The rows that were sent, taken out of the data."""
    rows: list[Row] = []
    for n in range(count(data, parts[0])):
        names = {part: f"{part}_{n}" for part in parts}
        rows.append({part: data.pop(name) for part, name in names.items() if name in data})
    return rows
