"""Value types: one characteristic value read from text, checked and said, by the type of its characteristic."""

import datetime as dt
import re
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from catalog.models import Characteristic
from kernel import writing
from kernel.money import plain

Type = Characteristic.Type
YES = frozenset({"true", "yes", "on", "1", "y"})
NO = frozenset({"false", "no", "off", "0", "n", ""})
LONGEST = 2000  # characters of a text
MOST_CHOSEN = 200  # values of a multiple choice
_REFERENCE = re.compile(r"[\w][\w .:/-]{0,119}")


def choices(characteristic: Characteristic) -> list[tuple[Any, str]]:
    """Allowed values with their labels; a choice is written as a value or as {"value", "label"}."""
    return [
        (c["value"], str(c.get("label", c["value"]))) if isinstance(c, dict) else (c, str(c))
        for c in characteristic.choices
    ]


def parse(characteristic: Characteristic, given: Any) -> Any:
    """A form's string, or the strings of a multiple choice, as a value of the type; as typed if it cannot be read."""
    if characteristic.multiple and characteristic.type == Type.CHOICE:
        return _parse_many(characteristic, given)
    text = (str(given[-1]) if isinstance(given, list | tuple) and given else str(given)).replace("\x00", "")
    text = text.strip()[:LONGEST]
    if characteristic.type == Type.BOOLEAN:
        return True if text.lower() in YES else False if text.lower() in NO else text
    if characteristic.type == Type.NUMBER:
        return _number(text) if text else None
    if characteristic.type == Type.CHOICE:
        return _choice(characteristic, text)
    return text


def check(characteristic: Characteristic, value: Any) -> list[str]:
    """What is wrong with one value that is there."""
    return _CHECKS[characteristic.type](characteristic, value)


def told(characteristic: Characteristic, value: Any) -> str:
    """A value as people read it."""
    if characteristic.type == Type.BOOLEAN:
        return "Yes" if value is True else "No" if value is False else str(value)
    if characteristic.type == Type.CHOICE:
        labels = choices(characteristic)
        many = value if isinstance(value, list) else [value]
        value = ", ".join(str(next((label for v, label in labels if v == one or str(v) == one), one)) for one in many)
    return f"{value} {characteristic.unit}".strip()


def is_empty(value: Any) -> bool:
    """Whether nothing was said; No and 0 are answers."""
    return value is None or value == "" or value == []


def within(name: str) -> str:
    """A name as it stands within a sentence: AS number stays, Bandwidth becomes bandwidth."""
    return name if name[:2].isupper() else name[:1].lower() + name[1:]


def plain_value(value: Any) -> str:
    """Any value as people read it when its characteristic is not at hand."""
    if isinstance(value, bool) or value is None:
        return "nothing" if value is None else "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(plain_value(one) for one in value)
    return plain(value) if isinstance(value, Decimal) else str(value)


def _parse_many(characteristic: Characteristic, given: Any) -> list[Any]:
    """Values from a form's list, or from one string with commas, semicolons or bars between them."""
    whole = given if isinstance(given, list | tuple) else [given]
    labels = {name for value, label in choices(characteristic) for name in (str(value), label)}
    texts = [
        part.strip()[:LONGEST]
        for one in whole
        for part in ([str(one)] if str(one) in labels else re.split(r"[,;|\n]", str(one).replace("\x00", "")))
    ]
    found = [_choice(characteristic, text) for text in texts if text]
    return list(dict.fromkeys(found))[:MOST_CHOSEN]


def _choice(characteristic: Characteristic, text: str) -> Any:
    """The allowed value that is meant by itself or by its label, whatever the case of its letters; else as typed."""
    offered, wanted = choices(characteristic), text.lower()
    exact = next((v for v, _ in offered if text in (str(v), str(v).lower())), None)
    if exact is not None:
        return exact
    return next((v for v, label in offered if wanted in (str(v).lower(), label.lower())), text)


def _number(text: str) -> Any:
    try:
        number = Decimal(writing.typed(text).replace(" ", "").replace("\u00a0", "").replace(",", "."))
    except InvalidOperation:
        return text
    if not number.is_finite() or abs(number.adjusted()) > 12:
        return text
    return int(number) if number == number.to_integral_value() else float(number)


def _check_choice(characteristic: Characteristic, value: Any) -> list[str]:
    if characteristic.multiple:
        if not isinstance(value, list):
            value = [value]
        return [text for one in value for text in _check_one(characteristic, one)][:3]
    return _check_one(characteristic, value)


def _check_one(characteristic: Characteristic, value: Any) -> list[str]:
    allowed = choices(characteristic)
    if any(value == v and type(value) is type(v) for v, _ in allowed) or any(value == str(v) for v, _ in allowed):
        return []
    return [f"“{str(value)[:60]}” is not offered. Choose {_either(label for _, label in allowed)}."]


def _check_number(characteristic: Characteristic, value: Any) -> list[str]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return [f"“{str(value)[:60]}” is not a number."]
    number, unit = Decimal(str(value)), f" {characteristic.unit}" if characteristic.unit else ""
    if characteristic.minimum is not None and number < characteristic.minimum:
        return [f"At least {plain(characteristic.minimum)}{unit}."]
    if characteristic.maximum is not None and number > characteristic.maximum:
        return [f"At most {plain(characteristic.maximum)}{unit}."]
    start = characteristic.minimum or Decimal(0)
    if characteristic.step and (number - start) % characteristic.step:
        below = number - (number - start) % characteristic.step
        near = [n for n in (below, below + characteristic.step) if _fits(characteristic, n)]
        said = _either((plain(n) for n in near), "and")
        return [f"In steps of {plain(characteristic.step)}{unit}; the nearest are {said}."]
    return []


def _fits(characteristic: Characteristic, number: Decimal) -> bool:
    low, high = characteristic.minimum, characteristic.maximum
    return (low is None or number >= low) and (high is None or number <= high)


def _check_text(characteristic: Characteristic, value: Any) -> list[str]:
    if not isinstance(value, str):
        return ["This should be text."]
    if characteristic.pattern and not compiled(characteristic.pattern).fullmatch(value):
        return [characteristic.hint or "This is not in the form that is needed."]
    return []


def _check_boolean(characteristic: Characteristic, value: Any) -> list[str]:
    return [] if isinstance(value, bool) else ["Answer yes or no."]


def _check_date(characteristic: Characteristic, value: Any) -> list[str]:
    try:
        dt.date.fromisoformat(str(value))
    except ValueError:
        return [f"“{str(value)[:60]}” is not a date. Write it as 2026-12-18."]
    return []


def _check_reference(characteristic: Characteristic, value: Any) -> list[str]:
    if isinstance(value, str) and _REFERENCE.fullmatch(value):
        return []
    return [f"“{str(value)[:60]}” names nothing. {_WANTED.get(characteristic.refers_to, 'Choose one.')}"]


_WANTED = {
    "location": "Give the code of a location.", "product": "Give the number of an installed product.",
    "offering": "Give the key of an offering.",
}  # fmt: skip
_CHECKS: dict[str, Callable[[Characteristic, Any], list[str]]] = {
    Type.CHOICE: _check_choice, Type.NUMBER: _check_number, Type.TEXT: _check_text, Type.BOOLEAN: _check_boolean,
    Type.DATE: _check_date, Type.REFERENCE: _check_reference,
}  # fmt: skip


@lru_cache(maxsize=512)
def compiled(pattern: str) -> re.Pattern[str]:
    """A text pattern, compiled once."""
    return re.compile(pattern)


def _either(words: Iterable[str], joint: str = "or") -> str:
    said = list(words)
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} {joint} {said[-1]}" if said else "another value"
