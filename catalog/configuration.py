"""Configuration: characteristic values of a specification read from forms, filled with defaults, checked and shown."""

import datetime as dt
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from catalog.models import Characteristic, Specification
from kernel import decisions

Values = dict[str, Any]
Problems = dict[str, list[str]]

YES = frozenset({"true", "yes", "on", "1", "y"})
NO = frozenset({"false", "no", "off", "0", "n", ""})
FEW = 4  # choices shown side by side
LONGEST = 2000  # characters of a text


@dataclass(frozen=True)
class Field:
    """One characteristic as a form shows it. `widget` is pick, select, number, text, date or check."""

    key: str
    name: str
    widget: str
    value: Any
    choices: list[tuple[str, str, bool]]
    unit: str
    hint: str
    required: bool
    minimum: str
    maximum: str
    problems: list[str] = field(default_factory=list)


def defaults(specification: Specification) -> Values:
    """The values that a new line starts with."""
    values: Values = {}
    for characteristic in _asked(specification):
        if characteristic.default is not None and shown(characteristic, values):
            values[characteristic.key] = characteristic.default
    return values


def validate(
    specification: Specification,
    values: Values,
    *,
    complete: bool,
    sources: Iterable[str] = (Characteristic.Source.CUSTOMER,),
) -> Problems:
    """What is wrong, by characteristic; {} when nothing is.

    With `complete` a required characteristic of these sources without a value is a problem too. Characteristics that
    `shown_when` hides are not asked for. A value under an unknown key is a problem of that key.
    """
    problems: Problems = {}
    known = {c.key: c for c in specification.characteristics.all()}
    wanted = set(sources)
    for key in values.keys() - known.keys():
        problems[key] = ["There is no such characteristic."]
    for characteristic in known.values():
        if not shown(characteristic, values):
            continue
        value = values.get(characteristic.key)
        if is_empty(value):
            if complete and characteristic.required and characteristic.source in wanted:
                problems[characteristic.key] = [_missing(characteristic)]
        elif found := check(characteristic, value):
            problems[characteristic.key] = found
    return problems


def check(characteristic: Characteristic, value: Any) -> list[str]:
    """What is wrong with one value that is there."""
    return _CHECKS[characteristic.type](characteristic, value)


def clean(specification: Specification, raw: dict[str, str], kept: Values | None = None) -> tuple[Values, Problems]:
    """Values and problems from a form's strings.

    What cannot be read stays as typed, so that nothing is lost, and has its problem. `kept` holds the values until now:
    those that the form does not carry stay, those that the new values hide go.
    """
    values: Values = dict(kept or {})
    asked = list(_asked(specification))
    for characteristic in asked:
        if characteristic.key in raw:
            values[characteristic.key] = parse(characteristic, raw[characteristic.key])
    for characteristic in asked:
        hidden = not shown(characteristic, values)
        if hidden or is_empty(values.get(characteristic.key)):
            values.pop(characteristic.key, None)
        fresh = not hidden and characteristic.key not in values and characteristic.key not in raw
        if fresh and characteristic.default is not None:
            values[characteristic.key] = characteristic.default
    return values, validate(specification, values, complete=True)


def parse(characteristic: Characteristic, text: str) -> Any:
    """A form's string as a value of the type; as typed when it cannot be read."""
    text = str(text).replace("\x00", "").strip()[:LONGEST]
    if characteristic.type == Characteristic.Type.BOOLEAN:
        return True if text.lower() in YES else False if text.lower() in NO else text
    if characteristic.type == Characteristic.Type.NUMBER:
        return _number(text) if text else None
    if characteristic.type == Characteristic.Type.CHOICE:
        return next((v for v, _ in choices(characteristic) if text in (str(v), str(v).lower())), text)
    return text


def form_fields(specification: Specification, values: Values, problems: Problems | None = None) -> list[Field]:
    """The characteristics that the customer's choice leaves open to ask, in order."""
    problems = problems or {}
    return [_field(c, values.get(c.key), problems.get(c.key, [])) for c in _asked(specification) if shown(c, values)]


def choices(characteristic: Characteristic) -> list[tuple[Any, str]]:
    """Allowed values with their labels; a choice is written as a value or as {"value", "label"}."""
    return [
        (c["value"], str(c.get("label", c["value"]))) if isinstance(c, dict) else (c, str(c))
        for c in characteristic.choices
    ]


def shown(characteristic: Characteristic, values: Values) -> bool:
    """Whether the other values call for this characteristic; a condition over missing values does not hold."""
    return not characteristic.shown_when or _holds(characteristic.shown_when, values)


def told(characteristic: Characteristic, value: Any) -> str:
    """A value as people read it."""
    if characteristic.type == Characteristic.Type.BOOLEAN:
        return "Yes" if value is True else "No" if value is False else str(value)
    if characteristic.type == Characteristic.Type.CHOICE:
        value = next((label for v, label in choices(characteristic) if v == value), value)
    return f"{value} {characteristic.unit}".strip()


def is_empty(value: Any) -> bool:
    """Whether nothing was said; No and 0 are answers."""
    return value is None or value == ""


def _asked(specification: Specification) -> Iterable[Characteristic]:
    return (c for c in specification.characteristics.all() if c.source == Characteristic.Source.CUSTOMER)


def _holds(condition: str, values: Values) -> bool:
    try:
        return decisions.holds(condition, values)
    except decisions.BrokenRule:
        decisions.check(condition)  # a mistake in the rule is said; a value that is not there yet is none
        return False


def _missing(characteristic: Characteristic) -> str:
    verb = "Choose" if characteristic.type in (Characteristic.Type.CHOICE, Characteristic.Type.BOOLEAN) else "Enter"
    return f"{verb} the {within(characteristic.name)}."


def within(name: str) -> str:
    """A name as it stands within a sentence: AS number stays, Bandwidth becomes bandwidth."""
    return name if name[:2].isupper() else name[:1].lower() + name[1:]


def _number(text: str) -> Any:
    try:
        number = Decimal(text.replace(" ", "").replace("\u00a0", "").replace(",", "."))
    except InvalidOperation:
        return text
    if not number.is_finite() or abs(number.adjusted()) > 12:
        return text
    return int(number) if number == number.to_integral_value() else float(number)


def _check_choice(characteristic: Characteristic, value: Any) -> list[str]:
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
    return []


def _check_text(characteristic: Characteristic, value: Any) -> list[str]:
    if not isinstance(value, str):
        return ["This should be text."]
    if characteristic.pattern and not _compiled(characteristic.pattern).fullmatch(value):
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


_CHECKS: dict[str, Callable[[Characteristic, Any], list[str]]] = {
    Characteristic.Type.CHOICE: _check_choice,
    Characteristic.Type.NUMBER: _check_number,
    Characteristic.Type.TEXT: _check_text,
    Characteristic.Type.BOOLEAN: _check_boolean,
    Characteristic.Type.DATE: _check_date,
}


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def plain(number: Decimal) -> str:
    """A number without trailing zeros."""
    return f"{number:f}".rstrip("0").rstrip(".") if "." in f"{number:f}" else f"{number:f}"


def plain_value(value: Any) -> str:
    """Any value as people read it when its characteristic is not at hand."""
    if isinstance(value, bool) or value is None:
        return "nothing" if value is None else "yes" if value else "no"
    return plain(value) if isinstance(value, Decimal) else str(value)


def _either(words: Iterable[str]) -> str:
    said = list(words)
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} or {said[-1]}" if said else "another value"


def _field(characteristic: Characteristic, value: Any, problems: list[str]) -> Field:
    offered = [(str(v), label, str(v) == str(value)) for v, label in choices(characteristic)]
    narrow = len(offered) <= FEW and sum(len(label) for _, label, _ in offered) <= 28
    widgets = {
        Characteristic.Type.CHOICE: "pick" if narrow and offered else "select",
        Characteristic.Type.BOOLEAN: "check",
        Characteristic.Type.NUMBER: "number",
        Characteristic.Type.DATE: "date",
        Characteristic.Type.TEXT: "text",
    }
    low, high = characteristic.minimum, characteristic.maximum
    return Field(
        key=characteristic.key, name=characteristic.name, widget=widgets[Characteristic.Type(characteristic.type)],
        value="" if value is None else value, choices=offered, unit=characteristic.unit, hint=characteristic.hint,
        required=characteristic.required, minimum="" if low is None else plain(low),
        maximum="" if high is None else plain(high), problems=problems,
    )  # fmt: skip
