"""Changing: which values of a failed task a person may correct, read from a form and checked as the catalogue asks."""

from dataclasses import dataclass
from typing import Any

from catalog import configuration
from catalog.models import Characteristic
from fallout import skipping
from fallout.models import Fallout
from fulfillment.models import Task
from kernel.refusal import Refusal

LONGEST = 2000


@dataclass(frozen=True)
class Value:
    """One value that can be corrected: what it is now, what is suggested, how a form asks for it."""

    key: str
    name: str
    now: Any
    suggested: Any
    characteristic: Characteristic | None

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Allowed values of a choice as strings with labels."""
        if self.characteristic is None or self.characteristic.type != Characteristic.Type.CHOICE:
            return []
        return [(str(value), label) for value, label in configuration.choices(self.characteristic)]

    @property
    def unit(self) -> str:
        """The unit, if it has one."""
        return self.characteristic.unit if self.characteristic else ""

    @property
    def offered(self) -> Any:
        """What the form starts with."""
        return self.suggested if self.suggested is not None else self.now


def editable(fallout: Fallout) -> list[Value]:
    """The inputs of the task, suggested ones first."""
    task = fallout.task
    if task is None:
        return []
    keys = list(dict.fromkeys([*fallout.suggestion, *(str(name).rstrip("?") for name in task.item.inputs)]))
    return _values(task, keys, fallout.suggestion)


def asked_by_hand(fallout: Fallout) -> list[Value]:
    """What the task would have put out, to be supplied by whoever did it by hand."""
    return _values(fallout.task, skipping.outputs(fallout.task), {}) if fallout.task else []


def changes(fallout: Fallout, raw: dict[str, str]) -> dict[str, Any]:
    """The values that differ from the present ones.

    Raises:
        Refusal: with the problems at their fields, or when nothing differs.
    """
    offered = editable(fallout)
    read = _read(offered, raw, required=frozenset())
    now = {value.key: value.now for value in offered}
    found = {key: value for key, value in read.items() if now.get(key) != value}
    if not found:
        raise Refusal("No value was changed. Change one, or retry as it is.")
    return found


def check(fallout: Fallout, raw: dict[str, str]) -> None:
    """Read the values that were typed, whether or not they differ. Raises Refusal with the problems at their fields."""
    _read(editable(fallout), {key: text for key, text in raw.items() if text.strip()}, required=frozenset())


def outputs(fallout: Fallout, raw: dict[str, Any]) -> dict[str, Any]:
    """The values a task was to put out, complete and checked. Raises Refusal with the problems at their fields."""
    asked = asked_by_hand(fallout)
    required = frozenset(value.key for value in asked) - (skipping.optional(fallout.task) if fallout.task else set())
    return _read(asked, {key: str(value) for key, value in raw.items()}, required=required)


def told(fallout: Fallout, changed: dict[str, Any]) -> dict[str, list[Any]]:
    """Changes as the audit trail keeps them: name → [old, new]."""
    now = fallout.task.flow.data if fallout.task else {}
    return {key: [now.get(key), value] for key, value in changed.items()}


def _values(task: Task, keys: list[str], suggestion: dict[str, Any]) -> list[Value]:
    own = task.flow.definition.specification_id
    known = {c.key: c for c in Characteristic.objects.filter(key__in=keys, specification=own)}
    now = _sent(task) | task.flow.data
    return [
        Value(key, known[key].name if key in known else _title(key), now.get(key), suggestion.get(key), known.get(key))
        for key in keys
    ]


def _sent(task: Task) -> dict[str, Any]:
    """What the last try sent: some inputs come from a neighbouring flow."""
    last = task.tries.order_by("-number").values_list("request", flat=True).first()
    inputs = last.get("inputs") if isinstance(last, dict) else None
    return inputs if isinstance(inputs, dict) else {}


def _read(values: list[Value], raw: dict[str, str], *, required: frozenset[str]) -> dict[str, Any]:
    known = {value.key: value for value in values}
    problems: dict[str, list[str]] = {key: ["This task has no such value."] for key in raw.keys() - known.keys()}
    read: dict[str, Any] = {}
    for key, value in known.items():
        text = str(raw.get(key, "")).replace("\x00", "").strip()[:LONGEST]
        if not text and key not in required and (key not in raw or value.now is None):
            continue
        if not text:
            problems[key] = [f"Enter the {value.name[:1].lower() + value.name[1:]}."]
            continue
        read[key] = _parse(value, text)
        if value.characteristic and (found := configuration.check(value.characteristic, read[key])):
            problems[key] = found
    if problems:
        raise Refusal(problems=problems)
    return read


def _parse(value: Value, text: str) -> Any:
    if value.characteristic:
        return configuration.parse(value.characteristic, text)
    like = value.now if value.now is not None else value.suggested
    if isinstance(like, bool):
        return text.lower() in configuration.YES
    if isinstance(like, int | float) and text.lstrip("-").isdigit():
        return int(text)
    return text


def _title(key: str) -> str:
    words = key.replace("_", " ")
    return words[:1].upper() + words[1:]
