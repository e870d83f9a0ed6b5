"""Shapes: a body checked against a published definition, every problem with its JSON path.

The definitions use objects, arrays, plain types and references only. They are compiled once into functions: checking an
order of ten lines takes a fraction of a millisecond, where a general validator takes several.
"""

import datetime as dt
import functools
import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kernel.rest.errors import Problem

FOLDER = Path(__file__).with_name("definitions")
UNFIT = re.compile("[\x00\ud800-\udfff]")  # what PostgreSQL or UTF-8 cannot hold
LARGEST = 2**53
DEEPEST = 30
MOST = 50  # problems told at once

Check = Callable[[Any, str, list[Problem]], None]


@functools.cache
def definition(file: str) -> dict[str, Any]:
    """A published definition by the start of its file name, such as TMF622."""
    (path,) = FOLDER.glob(f"{file}-*.swagger.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def attributes(file: str, name: str) -> frozenset[str]:
    """First-level attributes of a named type."""
    return frozenset(definition(file)["definitions"][name].get("properties", {}))


def problems(file: str, name: str, value: Any) -> list[Problem]:
    """What is wrong with a body of that type; [] when nothing is."""
    found: list[Problem] = []
    _named(file, name)(value, "$", found)
    return found[:MOST]


@functools.cache
def _named(file: str, name: str) -> Check:
    schema = definition(file)["definitions"][name]
    made: list[Check] = []

    def check(value: Any, path: str, found: list[Problem]) -> None:
        if not made:
            made.append(_compile(file, schema))
        if path.count(".") > DEEPEST:
            found.append((path, "This is nested too deeply."))
            return
        made[0](value, path, found)

    return check


def _compile(file: str, schema: dict[str, Any]) -> Check:
    if "$ref" in schema:
        return _named(file, schema["$ref"].rsplit("/", 1)[-1])
    kind = schema.get("type")
    if kind == "object" and not schema.get("properties"):
        return _anything
    if kind == "object" or "properties" in schema:
        return _object(file, schema)
    if kind == "array":
        return _array(file, schema)
    if kind == "string":
        return _text(schema)
    return {"number": _number, "integer": _integer, "boolean": _boolean}.get(str(kind), _anything)


def _object(file: str, schema: dict[str, Any]) -> Check:
    parts = {name: _compile(file, part) for name, part in schema["properties"].items()}
    required = tuple(schema.get("required", ()))

    def check(value: Any, path: str, found: list[Problem]) -> None:
        if not isinstance(value, dict):
            found.append((path, "This has to be an object."))
            return
        lacking = [name for name in required if value.get(name) is None]
        found.extend((f"{path}.{name}", f"“{name}” is required.") for name in lacking)
        for name, inner in value.items():
            part = parts.get(name)
            if part is None:
                if not name.startswith("@"):
                    found.append((f"{path}.{name[:80]}", f"There is no attribute “{name[:80]}” here."))
            elif inner is not None:
                part(inner, f"{path}.{name}", found)

    return check


def _array(file: str, schema: dict[str, Any]) -> Check:
    item = _compile(file, schema.get("items", {}))
    least = int(schema.get("minItems", 0))

    def check(value: Any, path: str, found: list[Problem]) -> None:
        if not isinstance(value, list):
            found.append((path, "This has to be a list."))
            return
        if len(value) < least:
            found.append((path, f"At least {least} is required."))
        for at, inner in enumerate(value):
            item(inner, f"{path}[{at}]", found)
            if len(found) > MOST:
                return

    return check


def _text(schema: dict[str, Any]) -> Check:
    allowed = frozenset(word.strip() for word in schema.get("enum", ()))
    is_moment = schema.get("format") == "date-time"

    def check(value: Any, path: str, found: list[Problem]) -> None:
        if not isinstance(value, str):
            found.append((path, "This has to be a text."))
        elif UNFIT.search(value):
            found.append((path, "This text holds a character that cannot be stored."))
        elif allowed and value.strip() not in allowed:
            found.append((path, f"This is one of {', '.join(sorted(allowed))}."))
        elif is_moment and moment(value) is None:
            found.append((path, "This is a moment such as 2027-03-31T12:00:00Z."))

    return check


def moment(text: str) -> dt.datetime | None:
    """The moment that a text says, in UTC where it names no zone; None when it says none."""
    try:
        found = dt.datetime.fromisoformat(text.strip().replace(" ", "+", 1) if "T" in text else text)
        found = found if found.tzinfo else found.replace(tzinfo=dt.UTC)
        return found.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def key(text: str) -> uuid.UUID:
    """A key that is a UUID. Raises ValueError."""
    return uuid.UUID(text)


def _number(value: Any, path: str, found: list[Problem]) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        found.append((path, "This has to be a number."))
    elif not -LARGEST <= value <= LARGEST:
        found.append((path, "This number is too large."))


def _integer(value: Any, path: str, found: list[Problem]) -> None:
    if isinstance(value, bool) or not (isinstance(value, int) or (isinstance(value, float) and value.is_integer())):
        found.append((path, "This has to be a whole number."))
    elif not -LARGEST <= value <= LARGEST:
        found.append((path, "This number is too large."))


def _boolean(value: Any, path: str, found: list[Problem]) -> None:
    if not isinstance(value, bool):
        found.append((path, "This has to be true or false."))


def _anything(value: Any, path: str, found: list[Problem], depth: int = 0) -> None:
    if depth > DEEPEST:
        found.append((path, "This is nested too deeply."))
    elif isinstance(value, str) and UNFIT.search(value):
        found.append((path, "This text holds a character that cannot be stored."))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        _number(value, path, found)
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            _anything(inner, f"{path}[{at}]", found, depth + 1)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if UNFIT.search(name):
                found.append((path, "A name holds a character that cannot be stored."))
            _anything(inner, f"{path}.{name[:80]}", found, depth + 1)
