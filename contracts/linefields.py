"""Fields of a line: what may stand in them beside its answers, and where two editors differ."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from contracts import bundlelines
from contracts.models import Quote, QuoteLine


def problems(quote: Quote, fields: Mapping[str, Any]) -> dict[str, list[str]]:
    """What is wrong with the term and the requested date of a line, at each field."""
    found = {}
    term, day = fields.get("term_months"), fields.get("requested_on")
    if term is not None and not 1 <= term <= quote.term_months:
        found["term_months"] = [
            f"A line runs for 1 to {quote.term_months} months. For longer, give the quote the longer term."
        ]
    if day is not None and day < timezone.localdate():
        found["requested_on"] = ["This day is over; choose a later one."]
    return found


def fixed_differently(line: QuoteLine, values: dict[str, Any]) -> dict[str, list[str]]:
    """Values that the line's bundle sets, and that are to be others."""
    fixed = bundlelines.fixed(line)
    return {name: ["The bundle sets this; it cannot be changed here."]
            for name, value in fixed.items() if values.get(name) != value}  # fmt: skip


def _word(value: Any) -> str:
    return "nothing" if value in (None, "", []) else str(value)


def said(line: QuoteLine, fields: Mapping[str, Any]) -> dict[str, str]:
    """What the line says in these fields, as text."""
    return {name: str(getattr(line, name) or "") for name in fields}


def differences(line: QuoteLine, typed: dict[str, Any]) -> dict[str, list[str]]:
    """What the other editor's line says where it differs from what is typed here."""
    beside = {name: getattr(line, name) for name in ("quantity", *bundlelines.OF_WHOLE) if name in typed}
    stored = {**line.characteristics, **beside}
    differ = [key for key in {*stored, *typed} if stored.get(key) != typed.get(key)]
    told = {
        key: [f"It says {_word(stored.get(key))} now, and {_word(typed.get(key))} here."] for key in sorted(differ)
    }  # fmt: skip
    return told or {"": ["Somebody else changed this line meanwhile."]}
