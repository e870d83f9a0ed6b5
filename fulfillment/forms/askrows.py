"""Ask rows: what a step asks of a person, as questions with fields in the plan editor, nothing typed as a structure."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms

from catalog import configuration
from catalog.models import Characteristic
from fulfillment import taskforms
from kernel.money import plain

Known = Mapping[str, Characteristic]
Entry = dict[str, Any]
Type = Characteristic.Type

AS_KNOWN = ""  # the kind of answer is what the catalogue says of the value; text for a value that it does not know
TYPES = (
    (AS_KNOWN, "As the catalogue says"), ("text", "Text"), ("number", "Number"), ("choice", "Choice"),
    ("boolean", "Yes or no"), ("date", "Date"), ("reference", "Something of the customer's"),
)  # fmt: skip
REFERENCES = (("", "–"), ("location", "Location"), ("product", "Installed product"), ("offering", "Offering"))
FIRST = ("key", "label", "type", "choices", "refers_to", "hint", "required")
NARROWING = ("unit", "minimum", "maximum", "step", "pattern", "multiple", "shown_when", "required_when")
PARTS = (*FIRST, *NARROWING)
ONLY_OF = {
    "choices": "choice", "multiple": "choice", "unit": "number", "minimum": "number", "maximum": "number",
    "step": "number", "pattern": "text", "refers_to": "reference",
}  # fmt: skip
KEY = re.compile(r"[a-z][a-z0-9_]{0,59}")
MOST = 60  # questions of one step


def add(form: forms.Form, entries: list[Entry], known: Known) -> list[tuple[str, ...]]:
    """Add the fields of each question that the step has, or that were sent; their names, a row each."""
    rows = []
    posted = [
        int(name[8:]) for name in form.data if name.startswith("ask_key_") and name[8:].isdecimal() and len(name) < 12
    ]
    count = max((n + 1 for n in posted if n < MOST), default=0) if form.is_bound else len(entries)
    for n in range(count):
        entry = entries[n] if n < len(entries) and not form.is_bound else {}
        names = tuple(f"ask_{part}_{n}" for part in PARTS)
        form.fields |= dict(zip(names, _fields(), strict=True))
        shown = entry | {"choices": lines(entry.get("choices") or ())}
        form.initial = dict(form.initial) | {f"ask_{part}_{n}": shown.get(part, "") for part in PARTS}
        value = form.data.get(names[0]) if form.is_bound else entry.get("key")
        form.fields[names[0]].help_text = told(known.get(str(value or "")))
        rows.append(names)
    return rows


def _fields() -> tuple[forms.Field, ...]:
    return (
        forms.CharField(label="Value", max_length=60, required=False, widget=forms.TextInput(
            attrs={"list": "ask-names", "autocomplete": "off", "spellcheck": "false"})),
        forms.CharField(label="Asked as", max_length=80, required=False),
        forms.ChoiceField(label="Kind of answer", choices=TYPES, required=False),
        forms.CharField(label="Choices", max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3}),
                        help_text="One a line; value = what people read."),
        forms.ChoiceField(label="Which", choices=REFERENCES, required=False),
        forms.CharField(label="Hint", max_length=160, required=False),
        forms.BooleanField(label="Needed to complete", required=False),
        forms.CharField(label="Unit", max_length=20, required=False),
        forms.DecimalField(label="From", required=False), forms.DecimalField(label="To", required=False),
        forms.DecimalField(label="In steps of", required=False),
        forms.CharField(label="Pattern", max_length=200, required=False, help_text="What a text has to look like."),
        forms.BooleanField(label="Several choices", required=False),
        forms.CharField(label="Asked only if", max_length=300, required=False),
        forms.CharField(label="Needed only if", max_length=300, required=False),
    )  # fmt: skip


def lines(choices: Any) -> str:
    """Choices as they are typed: one a line, with what people read where that is something else."""
    said = []
    for one in choices:
        value, label = (one.get("value"), one.get("label")) if isinstance(one, dict) else (one, None)
        said.append(f"{value} = {label}" if label and str(label) != str(value) else str(value))
    return "\n".join(said)


def told(known: Characteristic | None) -> str:
    """What the catalogue says of a value, in words."""
    if known is None:
        return ""
    allowed = ", ".join(str(label) for _, label in configuration.choices(known)[:6])
    low, high = known.minimum, known.maximum
    bounds = f"{plain(low)} to {plain(high)}" if low is not None and high is not None else ""
    what = " – ".join(filter(None, [str(Type(known.type).label).lower(), allowed or bounds]))
    return f"{known.name}: {what}."


def read(
    form: forms.Form, rows: list[tuple[str, ...]], before: list[Entry], known: Known
) -> list[Entry]:  # fmt: skip
    """The questions as a plan keeps them; what is wrong is noted at its field."""
    had = {entry["key"]: entry for entry in before}
    found: list[Entry] = []
    for names in rows:
        typed = {part: form.cleaned_data.get(name) for part, name in zip(PARTS, names, strict=True)}
        fields = dict(zip(PARTS, names, strict=True))
        if not typed["key"]:
            if any(typed[part] for part in PARTS if part != "type"):
                form.add_error(fields["key"], "Name the value that the answer is kept as.")
            continue
        _check(form, fields, typed, {entry["key"] for entry in found})
        entry = _entry(had.get(typed["key"], {}), typed, known.get(typed["key"]))
        for part, text in [*taskforms.ill(entry), *_against(entry, known.get(typed["key"]))]:
            if not form.has_error(fields.get(part, fields["key"])):
                form.add_error(fields.get(part, fields["key"]), text)
        found.append(entry)
    return found


def _check(form: forms.Form, fields: dict[str, str], typed: Entry, taken: set[str]) -> None:
    if not KEY.fullmatch(typed["key"]):
        form.add_error(fields["key"], "Small letters, digits and _, a letter first.")
    elif typed["key"] in taken:
        form.add_error(fields["key"], "This value is asked for already.")
    if typed["type"] == Type.REFERENCE and not typed["refers_to"]:
        form.add_error(fields["refers_to"], "Say which of the customer's things may be chosen.")


def _against(entry: Entry, known: Characteristic | None) -> list[tuple[str, str]]:
    """What the question asks for that the catalogue does not allow for this value: part and sentence."""
    if known is None:
        return []
    if entry.get("type") and entry["type"] != known.type and {entry["type"], known.type} != {"text", "choice"}:
        return [("type", f"{known.name} is a {Type(known.type).label.lower()} in the catalogue.")]
    allowed = {str(value) for value, _ in configuration.choices(known)}
    named = [str(one["value"]) if isinstance(one, dict) else str(one) for one in entry.get("choices") or ()]
    found = [("choices", f"“{one}” is none of {', '.join(sorted(allowed))}.") for one in named if one not in allowed]
    ends = ((part, entry.get(part)) for part in ("minimum", "maximum"))
    outside = [part for part, end in ends if end is not None and not _within(Decimal(str(end)), known)]
    return (found if allowed else []) + [(part, f"Outside the range of {told(known)}") for part in outside]


def _within(value: Decimal, known: Characteristic) -> bool:
    low, high = known.minimum, known.maximum
    return (low is None or value >= low) and (high is None or value <= high)


def _choices(typed: str) -> list[Any]:
    """Choices as a plan keeps them; in a single line commas part them too."""
    parts = typed.split("\n") if "\n" in typed.strip() or "=" in typed else typed.split(",")
    pairs = [part.partition("=") for part in parts if part.strip()]
    return [
        {"value": value.strip(), "label": label.strip()} if label.strip() else value.strip()
        for value, _, label in pairs
    ]


def _entry(before: Entry, typed: Entry, known: Characteristic | None) -> Entry:
    """A question as a plan keeps it, without what its kind has no use for."""
    kept = {name: value for name, value in before.items() if name not in PARTS}
    name = known.name if known else typed["key"].replace("_", " ").capitalize()
    kind = typed["type"] or (AS_KNOWN if known else Type.TEXT.value)
    entry = {"key": typed["key"], "label": typed["label"] or name} | ({"type": kind} if kind else {}) | kept
    kind = kind or str(known.type if known else Type.TEXT)
    for part in PARTS[3:]:
        value = _choices(typed[part]) if part == "choices" else typed[part]
        if value not in (None, "", False, []) and ONLY_OF.get(part, kind) == kind:
            entry[part] = _number(value) if isinstance(value, Decimal) else value
    return entry


def _number(value: Decimal) -> int | float:
    """As a file of plans has it."""
    return int(value) if value == value.to_integral_value() else float(value)


__all__ = ["add", "read"]
