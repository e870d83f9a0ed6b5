"""Task forms: the fields that a person fills, from the step's form and the characteristics that it has to supply."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from catalog import configuration
from catalog.models import Characteristic
from fulfillment.models import Kind, Task

YES = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}
LONGEST = 500


@dataclass
class Field:
    """One field as a screen draws it."""

    key: str
    label: str
    type: str = "text"
    required: bool = False
    choices: list[str] = field(default_factory=list)
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    pattern: str = ""
    unit: str = ""
    hint: str = ""
    value: Any = ""
    errors: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def options(self) -> list[tuple[str, str]]:
        """The choices with what people read."""
        said = {value: label for value, label in self.labels.items() if label != value}
        return [(one, said.get(one, one.replace("_", " ").capitalize())) for one in self.choices]


def fields(task: Task) -> list[Field]:
    """The step's own form, then every output that it does not ask for, as the catalogue describes it.

    A field of the form whose key is a characteristic is held to that characteristic's choices and range as well.
    """
    return fields_of([task])[task.pk]


def fields_of(tasks: list[Task]) -> dict[int, list[Field]]:
    """The fields of many tasks, with one query for what the catalogue says of their values."""
    known: dict[str, dict[str, Characteristic]] = {}
    keys = {key for task in tasks for key in _keys(task)}
    if keys:
        wanted = {task.flow.specification_key for task in tasks}
        rows = Characteristic.objects.filter(key__in=keys, specification__key__in=wanted)
        for row in rows.select_related("specification").order_by("specification__version"):
            known.setdefault(row.specification.key, {})[row.key] = row
    return {task.pk: _of_task(task, known.get(task.flow.specification_key, {})) for task in tasks}


def _keys(task: Task) -> list[str]:
    return [str(entry["key"]) for entry in task.item.form] + [name.rstrip("?") for name in _outputs(task)]


def _outputs(task: Task) -> list[str]:
    by_person = task.kind in (Kind.MANUAL, Kind.FIELD_WORK, Kind.WAIT_EVENT)
    return [str(name) for name in task.item.outputs if "=" not in str(name)] if by_person else []


def _of_task(task: Task, known: dict[str, Characteristic]) -> list[Field]:
    found = [_narrowed(_declared(entry), entry, known.get(str(entry["key"]))) for entry in task.item.form]
    asked = {entry.key for entry in found}
    wanted = [name for name in _outputs(task) if name.rstrip("?") not in asked]
    found += [_of_output(name, known.get(name.rstrip("?"))) for name in wanted]
    for entry in found:
        entry.value = task.result.get(entry.key, task.flow.data.get(entry.key, ""))
    return found


def _narrowed(entry: Field, declared: dict[str, Any], known: Characteristic | None) -> Field:
    """What the catalogue allows, where the form allows more or says nothing."""
    if known is None:
        return entry
    entry.type = entry.type if declared.get("type") else known.type
    entry.unit, entry.hint = entry.unit or known.unit, entry.hint or known.hint
    entry.pattern = entry.pattern or known.pattern
    allowed = [str(value) for value, _ in configuration.choices(known)]
    entry.labels = {str(value): label for value, label in configuration.choices(known)}
    entry.choices = [choice for choice in entry.choices or allowed if not allowed or choice in allowed]
    limits = [limit for limit in (entry.minimum, known.minimum) if limit is not None]
    entry.minimum = max(limits, default=None)
    limits = [limit for limit in (entry.maximum, known.maximum) if limit is not None]
    entry.maximum = min(limits, default=None)
    return entry


def _declared(entry: dict[str, Any]) -> Field:
    return Field(
        key=str(entry["key"]), label=str(entry.get("label") or entry["key"]), type=str(entry.get("type") or "text"),
        required=bool(entry.get("required")), choices=[str(c) for c in entry.get("choices") or ()],
        minimum=_number(entry.get("minimum")), maximum=_number(entry.get("maximum")),
        pattern=str(entry.get("pattern") or ""), unit=str(entry.get("unit") or ""), hint=str(entry.get("hint") or ""),
    )  # fmt: skip


def _of_output(name: str, known: Characteristic | None) -> Field:
    key, required = name.rstrip("?"), not name.endswith("?")
    if known is None:
        return Field(key, key.replace("_", " ").capitalize(), required=required)
    offered = {str(value): label for value, label in configuration.choices(known)}
    return Field(
        key, known.name, known.type, required, list(offered), known.minimum, known.maximum, known.pattern, known.unit,
        known.hint, labels=offered,
    )  # fmt: skip


def clean(task: Task, raw: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]], list[Field]]:
    """Values as typed → values of their types, problems by field, and the fields with what was typed kept."""
    values: dict[str, Any] = {}
    problems: dict[str, list[str]] = {}
    shown = fields(task)
    for entry in shown:
        typed = raw.get(entry.key, "")
        entry.value = typed
        value, problem = _read(entry, typed)
        if problem:
            problems[entry.key] = entry.errors = [problem]
        elif value is not None:
            values[entry.key] = value
    return values, problems, shown


def _read(entry: Field, typed: Any) -> tuple[Any, str]:
    text = str(typed).strip() if typed is not None else ""
    if not text:
        return None, "This is needed to complete the task." if entry.required else ""
    if "\x00" in text or len(text) > LONGEST:
        return None, f"This is too long or holds characters that cannot be stored; {LONGEST} characters at most."
    reader = {"number": _as_number, "boolean": _as_yes, "date": _as_date, "choice": _as_choice}.get(
        entry.type, _as_text
    )
    return reader(entry, text)


def _as_number(entry: Field, text: str) -> tuple[Any, str]:
    number = _number(text.replace(" ", "").replace(",", "."))
    if number is None:
        return None, "Enter a number."
    if entry.minimum is not None and number < entry.minimum:
        return None, f"Not less than {entry.minimum.normalize():f}."
    if entry.maximum is not None and number > entry.maximum:
        return None, f"Not more than {entry.maximum.normalize():f}."
    return (int(number) if number == number.to_integral_value() else float(number)), ""


def _as_yes(entry: Field, text: str) -> tuple[Any, str]:
    return (YES[text.lower()], "") if text.lower() in YES else (None, "Choose yes or no.")


def _as_date(entry: Field, text: str) -> tuple[Any, str]:
    try:
        return dt.date.fromisoformat(text).isoformat(), ""
    except ValueError:
        return None, "Enter a date as 2026-03-31."


def _as_choice(entry: Field, text: str) -> tuple[Any, str]:
    said = ", ".join(entry.labels.get(one, one) for one in entry.choices)
    return (text, "") if text in entry.choices else (None, f"Choose one of: {said}.")


def _as_text(entry: Field, text: str) -> tuple[Any, str]:
    if entry.pattern and not re.fullmatch(entry.pattern, text):
        return None, entry.hint or "This is not written as expected."
    return text, ""


def _number(value: Any) -> Decimal | None:
    if value in (None, ""):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < Decimal(10) ** 15 else None
