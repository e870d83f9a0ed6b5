"""Ask rows: what a step asks of a person, as rows of fields in the plan editor instead of a structure typed by hand."""

import re
from decimal import Decimal
from typing import Any

from django import forms

from fulfillment import taskforms

TYPES = (("text", "Text"), ("number", "Number"), ("choice", "Choice"), ("boolean", "Yes or no"), ("date", "Date"))
FIRST = ("key", "label", "type", "choices", "hint", "required")
NARROWING = ("unit", "minimum", "maximum", "step", "pattern", "shown_when", "multiple")  # folded away in the editor
PARTS = (*FIRST, *NARROWING)
KEY = re.compile(r"[a-z][a-z0-9_]{0,59}")
SPARE = 2  # empty rows for further questions


def add(form: forms.Form, entries: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Add the fields of each question that the step has, and of some spare; their names, a row each."""
    rows = []
    posted = [int(name[8:]) for name in form.data if name.startswith("ask_key_") and name[8:].isdecimal()]
    for n in range(max(len(entries) + SPARE, *(number + 1 for number in posted if number < 60), 0)):
        entry = entries[n] if n < len(entries) else {}
        names = tuple(f"ask_{part}_{n}" for part in PARTS)
        form.fields |= dict(zip(names, _fields(), strict=True))
        form.initial = dict(form.initial) | {
            f"ask_key_{n}": entry.get("key", ""), f"ask_label_{n}": entry.get("label", ""),
            f"ask_type_{n}": entry.get("type", "text"), f"ask_hint_{n}": entry.get("hint", ""),
            f"ask_choices_{n}": ", ".join(map(str, entry.get("choices") or ())),
            f"ask_required_{n}": bool(entry.get("required")), f"ask_multiple_{n}": bool(entry.get("multiple")),
        } | {f"ask_{part}_{n}": entry.get(part, "") for part in NARROWING[:-1]}  # fmt: skip
        rows.append(names)
    return rows


def _fields() -> tuple[forms.Field, ...]:
    return (
        forms.CharField(label="Value", max_length=60, required=False, widget=forms.TextInput(
            attrs={"list": "ask-names", "autocomplete": "off", "spellcheck": "false"})),
        forms.CharField(label="Asked as", max_length=80, required=False),
        forms.ChoiceField(label="Kind of answer", choices=TYPES, required=False),
        forms.CharField(label="Choices", max_length=400, required=False, help_text="With commas between."),
        forms.CharField(label="Hint", max_length=160, required=False),
        forms.BooleanField(label="Needed to complete", required=False),
        forms.CharField(label="Unit", max_length=20, required=False),
        forms.DecimalField(label="From", required=False), forms.DecimalField(label="To", required=False),
        forms.DecimalField(label="In steps of", required=False),
        forms.CharField(label="Pattern", max_length=200, required=False, help_text="What a text has to look like."),
        forms.CharField(label="Asked only if", max_length=300, required=False),
        forms.BooleanField(label="Several choices", required=False),
    )  # fmt: skip


def read(form: forms.Form, rows: list[tuple[str, ...]], before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The questions as a plan keeps them; what is wrong is noted at its field.

    What the rows do not show of a question, such as what it refers to, is kept under the same key.
    """
    known = {entry["key"]: entry for entry in before}
    found: list[dict[str, Any]] = []
    for names in rows:
        typed = {part: form.cleaned_data.get(name) for part, name in zip(PARTS, names, strict=True)}
        fields = dict(zip(PARTS, names, strict=True))
        if not typed["key"]:
            if typed["label"] or typed["choices"] or typed["hint"]:
                form.add_error(fields["key"], "Name the value that the answer is kept as.")
            continue
        _check(form, fields, typed, {entry["key"] for entry in found})
        entry = _entry(known.get(typed["key"], {}), typed)
        for part, text in taskforms.ill(entry):
            if not form.has_error(fields.get(part, fields["key"])):
                form.add_error(fields.get(part, fields["key"]), text)
        found.append(entry)
    return found


def _check(form: forms.Form, fields: dict[str, str], typed: dict[str, Any], taken: set[str]) -> None:
    if not KEY.fullmatch(typed["key"]):
        form.add_error(fields["key"], "Small letters, digits and _, a letter first.")
    elif typed["key"] in taken:
        form.add_error(fields["key"], "This value is asked for already.")


def _choices(typed: dict[str, Any]) -> list[str]:
    return [part.strip() for part in str(typed["choices"] or "").split(",") if part.strip()]


def _entry(before: dict[str, Any], typed: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in before.items() if name not in PARTS}
    entry = {"key": typed["key"], "label": typed["label"] or typed["key"].replace("_", " ").capitalize(),
             "type": typed["type"] or "text"} | kept  # fmt: skip
    if typed["type"] == "choice":
        entry["choices"] = _choices(typed)
    if typed["hint"]:
        entry["hint"] = typed["hint"]
    if typed["required"]:
        entry["required"] = True
    for part in NARROWING:
        if typed[part] not in (None, "", False):
            entry[part] = _number(typed[part]) if isinstance(typed[part], Decimal) else typed[part]
    return entry


def _number(value: Decimal) -> int | float:
    """As a file of plans has it."""
    return int(value) if value == value.to_integral_value() else float(value)


__all__ = ["add", "read"]
