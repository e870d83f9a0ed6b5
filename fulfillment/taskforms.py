"""Task forms: what a person fills in, from the step's form and the characteristics that it has to supply.

A question whose key is a characteristic is that characteristic, narrowed by what the step says of it; every question is
drawn, read and checked by the catalogue's own rules (`catalog.answering`).
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from catalog import answering, configuration, telling
from catalog.answering import Sheet
from catalog.models import Characteristic
from fulfillment.models import Kind, Task
from kernel import decisions, writing

Entry = dict[str, Any]
Type = Characteristic.Type
KEYS = frozenset({
    "key", "label", "type", "choices", "multiple", "required", "minimum", "maximum", "step", "pattern", "unit", "hint",
    "shown_when", "required_when", "refers_to",
})  # fmt: skip


def sheet(task: Task) -> Sheet:
    """The step's own form, then every output that it does not ask for, as the catalogue describes it."""
    return sheets([task])[task.pk]


def sheets(tasks: list[Task]) -> dict[int, Sheet]:
    """The forms of many tasks, with one query for what the catalogue says of their values."""
    known = telling.of(key for task in tasks for key in _keys(task))
    return {task.pk: _sheet(task, known.of(task.flow.specification_key)) for task in tasks}


def _sheet(task: Task, known: dict[str, Characteristic]) -> Sheet:
    tables = {one.specification.conditions for one in known.values()}
    return Sheet(_asked(task, known), task.flow.data, next(iter(tables), ""), task.flow.account_id)


def standing(task: Task) -> configuration.Values:
    """What is known already of what the task asks for."""
    return {**task.flow.data, **task.result}


def clean(task: Task, raw: Mapping[str, Any]) -> tuple[configuration.Values, configuration.Problems]:
    """Values as typed → values of their types, and problems by field; what cannot be read stays as it was typed."""
    return answering.read(sheet(task), raw)


def ill(entry: Entry) -> Iterator[tuple[str, str]]:
    """What is wrong with one question of a step: the part of it, and a sentence."""
    if not entry.get("key"):
        yield "key", "A question needs the key of its value."
        return
    if unknown := set(entry) - KEYS:
        yield "key", f"Unknown: {', '.join(sorted(unknown))}."
    if entry.get("type", Type.TEXT) not in Type.values:
        yield "type", f"“{entry['type']}” is no kind of answer; use one of {', '.join(Type.values)}."
    if entry.get("type") == Type.CHOICE and not entry.get("choices"):
        yield "choices", "Say what may be chosen."
    yield from _ill_range(entry)
    yield from _unreadable(entry)


def _ill_range(entry: Entry) -> Iterator[tuple[str, str]]:
    numbers = ("minimum", "maximum", "step")
    yield from ((name, "This is not a number.") for name in numbers if _odd(entry.get(name)))
    low, high, step = (_number(entry.get(name)) for name in numbers)
    if low is not None and high is not None and low > high:
        yield "maximum", f"From {low} to {high} there is no number."
    if step is not None and step <= 0:
        yield "step", "Steps are larger than 0."


def _unreadable(entry: Entry) -> Iterator[tuple[str, str]]:
    try:
        re.compile(str(entry.get("pattern") or ""))
    except re.error as error:
        yield "pattern", f"The pattern cannot be read: {error}."
    for name in ("shown_when", "required_when"):
        if wrong := decisions.mistake(str(entry.get(name) or "")):
            yield name, wrong


def _keys(task: Task) -> list[str]:
    return [str(entry["key"]) for entry in task.item.form] + [name.rstrip("?") for name in _outputs(task)]


def _outputs(task: Task) -> list[str]:
    by_person = task.kind in (Kind.MANUAL, Kind.FIELD_WORK, Kind.WAIT_EVENT)
    return [str(name) for name in task.item.outputs if "=" not in str(name)] if by_person else []


def _asked(task: Task, known: dict[str, Characteristic]) -> list[Characteristic]:
    found = [_declared(entry, known.get(str(entry["key"]))) for entry in task.item.form]
    asked = {one.key for one in found}
    wanted = [name for name in _outputs(task) if name.rstrip("?") not in asked]
    return found + [_of_output(name, known.get(name.rstrip("?"))) for name in wanted]


def _of_output(name: str, known: Characteristic | None) -> Characteristic:
    key = name.rstrip("?")
    entry = {"key": key, "label": known.name if known else key.replace("_", " ").capitalize()}
    return _declared(entry | {"required": not name.endswith("?")}, known)


def _declared(entry: Entry, known: Characteristic | None) -> Characteristic:
    """A question as a characteristic: what the catalogue allows, where the step allows more or says nothing."""
    own = known or Characteristic(key=entry["key"], type=str(entry.get("type") or Type.TEXT))
    choices = _choices(entry, own)
    narrowed = bool(choices) and own.type in (Type.TEXT, Type.CHOICE)
    return Characteristic(
        key=str(entry["key"]), name=str(entry.get("label") or own.name or entry["key"]),
        type=Type.CHOICE if narrowed else own.type, choices=choices,
        multiple=own.multiple if known else bool(entry.get("multiple")),
        refers_to=own.refers_to or str(entry.get("refers_to") or ""),
        unit=str(entry.get("unit") or own.unit), hint=str(entry.get("hint") or own.hint),
        minimum=_tighter(max, entry.get("minimum"), own.minimum),
        maximum=_tighter(min, entry.get("maximum"), own.maximum),
        step=own.step if own.step is not None else _number(entry.get("step")),
        pattern=str(entry.get("pattern") or own.pattern), required=bool(entry.get("required")),
        shown_when=str(entry.get("shown_when") or own.shown_when),
        required_when=str(entry.get("required_when") or own.required_when),
    )  # fmt: skip


def _choices(entry: Entry, own: Characteristic) -> list[dict[str, Any]]:
    """What may be chosen, with labels: what the step offers, as far as the catalogue allows it."""
    said = {str(one["value"]) if isinstance(one, dict) else str(one): one for one in entry.get("choices") or ()}
    allowed = configuration.choices(own)
    if allowed:
        kept = [(value, label) for value, label in allowed if not said or str(value) in said]
        return [{"value": value, "label": _words(label) if label == str(value) else label} for value, label in kept]
    return [
        {"value": value, "label": str(one.get("label", value)) if isinstance(one, dict) else _words(value)}
        for value, one in said.items()
    ]  # fmt: skip


def _words(value: str) -> str:
    return value.replace("_", " ").capitalize() if value.islower() else value


def _tighter(pick: Any, declared: Any, known: Decimal | None) -> Decimal | None:
    return pick((limit for limit in (_number(declared), known) if limit is not None), default=None)  # type: ignore[no-any-return]


def _odd(value: Any) -> bool:
    return value not in (None, "") and _number(value) is None


def _number(value: Any) -> Decimal | None:
    try:
        number = Decimal(writing.typed(str(value)))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < Decimal(10) ** 15 else None
