"""List fields: the fields of a list's records as one person may change them, told as text and read back from it."""

import copy
import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from kernel import writing
from kernel.audit import difference
from kernel.models.people import User
from kernel.picking import RecordField
from kernel.refusal import Refusal
from kernel.saying import said

YES, NO = ("yes", "true", "1", "ja", "x"), ("no", "false", "0", "nein", "")
GROUPED = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?")
CLOSED = (forms.ChoiceField, forms.TypedChoiceField)
NUMBERS = (forms.IntegerField, forms.DecimalField, forms.FloatField)
MOST = 5_000  # records that a cell of a file may name
SHOWN = 8  # choices named in a refusal


class Fields:
    """The fields that a list's `edits` (`kernel.amending`) let one person change.

    What records may be named is looked up once, however many cells name one.
    """

    def __init__(self, edits: Any, by: User) -> None:
        self.edits = edits
        base = edits.form
        self.each: dict[str, forms.Field] = {
            name: copy.deepcopy(base.base_fields[name]) for name in edits.names(by) if name in base.base_fields
        }
        for one in self.each.values():
            if isinstance(one, RecordField):
                one.offer(by)
        self._offered: dict[str, dict[str, Any]] = {}
        self._words = {name: _words(one) for name, one in self.each.items() if type(one) in CLOSED}

    def label(self, name: str) -> str:
        """What the field is called."""
        return str(self.each[name].label or name.replace("_", " ").capitalize())

    def told(self, name: str, value: Any) -> str:
        """A stored value as a person reads and could type it."""
        one = self.each[name]
        if value is None or value == "":
            return ""
        if isinstance(one, RecordField):
            return one.label_from_instance(value)
        if name in self._words:
            return self._words[name].get(str(value), str(value))
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, Decimal):
            return f"{value:f}"
        if isinstance(value, dt.date):
            return value.isoformat()
        return "\n".join(str(value).splitlines()).strip()

    def raw(self, name: str, value: Any) -> str:
        """A stored value as its field takes it."""
        if isinstance(self.each[name], RecordField) or name in self._words:
            return "" if value is None else str(getattr(value, "pk", value))
        return self.told(name, value)

    def read(self, name: str, text: str) -> str:
        """What the field takes for what somebody wrote. Raises ValidationError."""
        one, text = self.each[name], text.strip()
        if isinstance(one, RecordField):
            return str(self._named(name, text).pk) if text else ""
        if name in self._words and text:
            return _choice(self._words[name], text)
        if isinstance(one, forms.BooleanField):
            if text.lower() not in (*YES, *NO):
                raise ValidationError("Write yes or no.")
            return "yes" if text.lower() in YES else "no"
        if isinstance(one, NUMBERS):
            return text.replace(",", "") if GROUPED.fullmatch(text) and not writing.german() else writing.typed(text)
        return text

    def value(self, name: str, raw: str) -> Any:
        """The value to store. Raises ValidationError."""
        one = self.each[name]
        if isinstance(one, RecordField) and raw:
            found = self._records(name, one).get(raw)
            if found is None:
                raise ValidationError(one.error_messages["invalid_choice"])
            return found
        return one.clean(raw == "yes" if isinstance(one, forms.BooleanField) else raw)

    def values(self, record: Any, raws: Mapping[str, str]) -> dict[str, Any]:
        """The values of several fields that differ from what is stored. Raises Refusal with problems by field."""
        found: dict[str, Any] = {}
        problems: dict[str, list[str]] = {}
        for name, raw in raws.items():
            if name not in self.each:
                problems[name] = ["Your roles do not include the right to change this."]
                continue
            try:
                found[name] = self.value(name, raw)
            except ValidationError as error:
                problems[name] = [str(text) for text in error.messages]
        problems = problems or self.edits.check(record, found)
        if problems:
            raise Refusal(problems=problems)
        return {name: found[name] for name in difference({name: getattr(record, name) for name in found}, found)}

    def _records(self, name: str, one: RecordField) -> dict[str, Any]:
        if name not in self._offered:
            self._offered[name] = {str(record.pk): record for record in one.rows[:MOST]}
        return self._offered[name]

    def _named(self, name: str, text: str) -> Any:
        one = self.each[name]
        assert isinstance(one, RecordField)  # noqa: S101 – asked for such fields only
        rows, wanted = self._records(name, one).values(), text.lower()
        found = [row for row in rows if one.label_from_instance(row).lower() == wanted]
        found = found or [row for row in rows if str(row).lower() == wanted]
        if len(found) != 1:
            if found:
                raise ValidationError(f"Several are called “{text[:60]}”.")
            raise ValidationError(f"Nothing here is called “{text[:60]}”.")
        return found[0]


def _words(one: Any) -> dict[str, str]:
    """Key → word of a field with choices."""
    flat: dict[str, str] = {}
    for key, word in one.choices:
        if isinstance(word, list | tuple):
            flat.update({str(inner): str(label) for inner, label in word})
        elif str(key):
            flat[str(key)] = str(word)
    return flat


def _choice(words: dict[str, str], text: str) -> str:
    wanted = text.lower()
    for key, word in words.items():
        if wanted in (key.lower(), word.lower(), str(said(word)).lower()):
            return key
    told = ", ".join(list(words.values())[:SHOWN]) + (" …" if len(words) > SHOWN else "")
    raise ValidationError(f"“{text[:40]}” is none of these: {told}")
