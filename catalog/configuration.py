"""Configuration: characteristic values of a specification read from forms, filled with defaults, checked and shown.

Which characteristics are asked for follows their expressions (`shown_when`, `required_when`) and, where the
specification names one, a decision table over all values; every door uses these functions, so that all of them agree.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog import references, valuetypes
from catalog.models import Characteristic, Specification
from catalog.valuetypes import NO, YES, check, choices, is_empty, parse, plain_value, told, within
from kernel import decisions
from kernel.money import plain
from kernel.saying import said as spoken

__all__ = [
    "NO", "YES", "Effects", "Field", "Problems", "Values", "check", "checked", "choices", "clean", "defaults", "drawn",
    "effects_of", "form_fields", "is_empty", "missing", "needed", "parse", "plain", "plain_value", "posted",
    "shown", "told", "validate", "visible", "within",
]  # fmt: skip

Values = dict[str, Any]
Problems = dict[str, list[str]]
FEW = 4  # choices shown side by side
EFFECTS = frozenset({"hide", "show", "require", "refuse"})


@dataclass(frozen=True)
class Field:
    """One characteristic as a form shows it. `widget` is pick, many, select, number, text, date or check."""

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
    step: str = ""

    @property
    def guide(self) -> str:
        """The hint and the range, as far as no problem says the same."""
        ended = f"{self.hint}." if self.hint and self.hint[-1] not in ".!?" else self.hint
        return " ".join(part for part in (ended, self.span) if part and self.hint not in self.problems)

    @property
    def span(self) -> str:
        """The range and the step in words."""
        unit = f" {self.unit}" if self.unit else ""
        low, high = self.minimum, self.maximum
        said = f"{low} to {high}{unit}" if low and high else f"At least {low}{unit}" if low else ""
        said = said or (f"At most {high}{unit}" if high else "")
        steps = f"in steps of {self.step}{unit}" if self.step else ""
        whole = ", ".join(part for part in (said, steps) if part)
        return f"{spoken(f'{whole[:1].upper()}{whole[1:]}')}." if whole else ""


@dataclass(frozen=True)
class Effects:
    """What a specification's decision table says of some values: characteristics by effect."""

    hidden: frozenset[str] = frozenset()
    showing: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    refused: Mapping[str, list[str]] = field(default_factory=dict)


def defaults(specification: Specification) -> Values:
    """The values that a new line starts with."""
    values: Values = {}
    asked = list(_asked(specification))
    effects = effects_of(specification.conditions, {c.key: c.default for c in asked if c.default is not None})
    for characteristic in asked:
        if characteristic.default is not None and visible(characteristic, values, effects):
            values[characteristic.key] = characteristic.default
    return values


def validate(
    specification: Specification,
    values: Values,
    *,
    complete: bool,
    sources: Iterable[str] = (Characteristic.Source.CUSTOMER,),
    account_id: int | None = None,
) -> Problems:
    """What is wrong, by characteristic; {} when nothing is.

    With `complete` a required characteristic of these sources without a value is a problem too. Characteristics that
    are hidden are not asked for. A value under an unknown key is a problem of that key. With `account_id` references
    are looked up among that customer's records.
    """
    problems: Problems = {}
    known = {c.key: c for c in specification.characteristics.all()}
    effects, wanted = effects_of(specification.conditions, values), set(sources)
    for key in values.keys() - known.keys():
        problems[key] = ["There is no such characteristic."]
    for characteristic in known.values():
        if not visible(characteristic, values, effects):
            continue
        value = values.get(characteristic.key)
        if is_empty(value):
            if complete and characteristic.source in wanted and needed(characteristic, values, effects):
                problems[characteristic.key] = [missing(characteristic)]
        elif found := checked(characteristic, value, effects, account_id):
            problems[characteristic.key] = found
    if whole := effects.refused.get(""):
        problems.setdefault("", []).extend(whole)
    return problems


def clean(
    specification: Specification, raw: Mapping[str, Any], kept: Values | None = None, *, account_id: int | None = None
) -> tuple[Values, Problems]:
    """Values and problems from a form's strings (of a multiple choice: its strings, see `posted`).

    What cannot be read stays as typed, so that nothing is lost, and has its problem. `kept` holds the values until now:
    those that the form does not carry stay, those that the new values hide go.
    """
    values: Values = dict(kept or {})
    asked = list(_asked(specification))
    for characteristic in asked:
        if characteristic.key in raw:
            values[characteristic.key] = parse(characteristic, raw[characteristic.key])
    effects = effects_of(specification.conditions, values)
    for characteristic in asked:
        hidden = not visible(characteristic, values, effects)
        if hidden or is_empty(values.get(characteristic.key)):
            values.pop(characteristic.key, None)
        fresh = not hidden and characteristic.key not in values and characteristic.key not in raw
        if fresh and characteristic.default is not None:
            values[characteristic.key] = characteristic.default
    return values, validate(specification, values, complete=True, account_id=account_id)


def posted(specification: Specification, post: Any, prefix: str = "") -> dict[str, Any]:
    """What a browser's form says of the characteristics, ready for `clean`: strings, lists for multiple choices."""
    found: dict[str, Any] = {}
    for characteristic in _asked(specification):
        name = f"{prefix}{characteristic.key}"
        if name in post:
            many = characteristic.multiple and characteristic.type == Characteristic.Type.CHOICE
            found[characteristic.key] = [one for one in post.getlist(name) if one] if many else post[name]
    return found


def form_fields(
    specification: Specification, values: Values, problems: Problems | None = None, *, account_id: int | None = None
) -> list[Field]:
    """The characteristics that the customer's choice leaves open to ask, in order."""
    problems, effects = problems or {}, effects_of(specification.conditions, values)
    return [
        drawn(c, values, problems.get(c.key, []), required=needed(c, values, effects), account_id=account_id)
        for c in _asked(specification)
        if visible(c, values, effects)
    ]


def shown(characteristic: Characteristic, values: Values) -> bool:
    """Whether the other values call for this characteristic; a condition over missing values does not hold."""
    return not characteristic.shown_when or decisions.holds_by_now(characteristic.shown_when, values)


def _asked(specification: Specification) -> Iterable[Characteristic]:
    return (c for c in specification.characteristics.all() if c.source == Characteristic.Source.CUSTOMER)


def visible(characteristic: Characteristic, values: Values, effects: Effects) -> bool:
    """Whether a characteristic is asked for with these values."""
    if characteristic.key in effects.hidden:
        return False
    return characteristic.key in effects.showing or shown(characteristic, values)


def needed(characteristic: Characteristic, values: Values, effects: Effects) -> bool:
    """Whether a characteristic has to have a value with these values."""
    if characteristic.required or characteristic.key in effects.required:
        return True
    return bool(characteristic.required_when) and decisions.holds_by_now(characteristic.required_when, values)


def checked(characteristic: Characteristic, value: Any, effects: Effects, account_id: int | None) -> list[str]:
    """What is wrong with one value that is there, by its type, what it points at, and the decision table."""
    if found := check(characteristic, value):
        return found
    if characteristic.type == Characteristic.Type.REFERENCE and account_id is not None:
        text = references.problem(characteristic.refers_to, account_id, value)
        found = [text] if text else []
    return [*found, *effects.refused.get(characteristic.key, ())]


def effects_of(conditions: str, values: Values) -> Effects:
    """What a specification's own decision table, by its key, says of values; nothing without one."""
    ask = decisions.reader(conditions) if conditions else None
    if ask is None:
        return Effects()
    said: dict[str, set[str]] = {effect: set() for effect in EFFECTS}
    refused: dict[str, list[str]] = {}
    for row in ask(values):
        effect, key = str(row.get("effect") or ""), str(row.get("characteristic") or "")
        if effect == "refuse":
            refused.setdefault(key, []).append(str(row.get("says") or "These values do not go together."))
        elif effect in EFFECTS:
            said[effect].add(key)
    return Effects(frozenset(said["hide"]), frozenset(said["show"]), frozenset(said["require"]), refused)


def missing(characteristic: Characteristic) -> str:
    """What is said where a needed value is not there."""
    if characteristic.type == Characteristic.Type.BOOLEAN:
        return f"Answer yes or no: {characteristic.name}."
    typed = (Characteristic.Type.NUMBER, Characteristic.Type.TEXT, Characteristic.Type.DATE)
    verb = "Enter" if characteristic.type in typed else "Choose"
    return f"{verb} the {within(characteristic.name)}."


def drawn(
    characteristic: Characteristic, values: Values, problems: list[str], *, required: bool, account_id: int | None
) -> Field:
    """One characteristic as a form shows it."""
    value = values.get(characteristic.key)
    chosen = {str(one) for one in value} if isinstance(value, list) else {str(value)}
    low, high, step = characteristic.minimum, characteristic.maximum, characteristic.step
    offered = [(str(v), label, str(v) in chosen) for v, label in _offered(characteristic, account_id)]
    return Field(
        key=characteristic.key, name=characteristic.name, widget=_widget(characteristic, offered),
        value="" if value is None else value, choices=offered, unit=characteristic.unit, hint=characteristic.hint,
        required=required, minimum="" if low is None else plain(low), maximum="" if high is None else plain(high),
        problems=problems, step="" if step is None else plain(step),
    )  # fmt: skip


def _offered(characteristic: Characteristic, account_id: int | None) -> list[tuple[Any, str]]:
    if characteristic.type == Characteristic.Type.REFERENCE:
        return [*references.offered(characteristic.refers_to, account_id)]
    return valuetypes.choices(characteristic)


def _widget(characteristic: Characteristic, offered: list[tuple[str, str, bool]]) -> str:
    kind = Characteristic.Type(characteristic.type)
    if kind == Characteristic.Type.CHOICE:
        if characteristic.multiple:
            return "many"
        narrow = len(offered) <= FEW and sum(len(label) for _, label, _ in offered) <= 28
        return "pick" if narrow and offered else "select"
    if kind == Characteristic.Type.REFERENCE:
        return "select" if offered else "text"
    return {
        Characteristic.Type.BOOLEAN: "check", Characteristic.Type.NUMBER: "number", Characteristic.Type.DATE: "date",
        Characteristic.Type.TEXT: "text",
    }[kind]  # fmt: skip
