"""Changing: which values of a failed task a person may correct, read from a form and checked as the catalogue asks."""

from dataclasses import dataclass
from typing import Any

from catalog import answering, configuration, telling
from catalog.models import Characteristic
from fallout import skipping
from fallout.models import Fallout
from fulfillment.models import Task
from kernel.refusal import Refusal

Type = Characteristic.Type


@dataclass(frozen=True)
class Value:
    """One value that can be corrected: what it is now, what is suggested, how a form asks for it."""

    characteristic: Characteristic
    now: Any
    suggested: Any
    account_id: int | None = None

    @property
    def key(self) -> str:
        """The name that it is kept under."""
        return self.characteristic.key

    @property
    def name(self) -> str:
        """What people call it."""
        return self.characteristic.name

    @property
    def now_said(self) -> str:
        """What it is now, as people read it."""
        return "" if configuration.is_empty(self.now) else configuration.told(self.characteristic, self.now)

    @property
    def suggested_said(self) -> str:
        """What is suggested, as people read it."""
        return "" if self.suggested is None else configuration.told(self.characteristic, self.suggested)

    @property
    def offered(self) -> Any:
        """What the form starts with."""
        return self.suggested if self.suggested is not None else self.now

    def field(self, typed: Any, problems: list[str], *, required: bool = True) -> configuration.Field:
        """The value as a form asks for it, with what was typed kept."""
        value, _ = answering.one(self.characteristic, typed, self.account_id)
        return answering.drawn(self.characteristic, value, problems, self.account_id, required=required)


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


def changes(fallout: Fallout, raw: dict[str, Any]) -> dict[str, Any]:
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


def check(fallout: Fallout, raw: dict[str, Any]) -> None:
    """Read the values that were typed, whether or not they differ. Raises Refusal with the problems at their fields."""
    _read(editable(fallout), {key: given for key, given in raw.items() if str(given).strip()}, required=frozenset())


def outputs(fallout: Fallout, raw: dict[str, Any]) -> dict[str, Any]:
    """The values a task was to put out, complete and checked. Raises Refusal with the problems at their fields."""
    asked = asked_by_hand(fallout)
    required = frozenset(value.key for value in asked) - (skipping.optional(fallout.task) if fallout.task else set())
    return _read(asked, raw, required=required)


def told(fallout: Fallout, changed: dict[str, Any]) -> dict[str, list[Any]]:
    """Changes as the audit trail keeps them: name → [old, new]."""
    now = fallout.task.flow.data if fallout.task else {}
    return {key: [now.get(key), value] for key, value in changed.items()}


def _values(task: Task, keys: list[str], suggestion: dict[str, Any]) -> list[Value]:
    known, own = telling.of(keys), task.flow.specification_key
    now = _sent(task) | task.flow.data
    return [
        Value(_of(known, own, key, now.get(key, suggestion.get(key))), now.get(key), suggestion.get(key),
              task.flow.account_id)
        for key in keys
    ]  # fmt: skip


def _of(known: telling.Glossary, own: str, key: str, like: Any) -> Characteristic:
    """What a value is held to: its characteristic, one of the same key that it fits, or the type of what is there."""
    found = known.known.get(key, {}).get(own)
    if found is None and like is not None:
        found = known.characteristic(key)
        found = None if found is None or configuration.check(found, like) else found
    return found or _stand_in(key, like)


def _stand_in(key: str, like: Any) -> Characteristic:
    kind = Type.BOOLEAN if isinstance(like, bool) else Type.NUMBER if isinstance(like, int | float) else Type.TEXT
    words = key.replace("_", " ")
    return Characteristic(key=key, name=words[:1].upper() + words[1:], type=kind)


def _sent(task: Task) -> dict[str, Any]:
    """What the last try sent: some inputs come from a neighbouring flow."""
    last = task.tries.order_by("-number").values_list("request", flat=True).first()
    inputs = last.get("inputs") if isinstance(last, dict) else None
    return inputs if isinstance(inputs, dict) else {}


def _read(values: list[Value], raw: dict[str, Any], *, required: frozenset[str]) -> dict[str, Any]:
    known = {value.key: value for value in values}
    problems: dict[str, list[str]] = {key: ["This task has no such value."] for key in raw.keys() - known.keys()}
    read: dict[str, Any] = {}
    for key, value in known.items():
        answer, found = answering.one(value.characteristic, raw.get(key, ""), value.account_id)
        if found:
            problems[key] = found
        elif answer is not None:
            read[key] = answer
        elif key in required or (key in raw and value.now is not None):
            problems[key] = [configuration.missing(value.characteristic)]
    if problems:
        raise Refusal(problems=problems)
    return read
