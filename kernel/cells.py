"""Cells: what a person types into a decision table, read into what the engine evaluates, and shown again.

A column of numbers takes 5, > 15, 10..20 or a list; one of words takes them bare, as in Rotterdam, Utrecht or as in
not Rotterdam; yes or no is said so. Empty, any or – matches everything. What begins with = is an expression. A column
of the type any holds expressions only.
"""

import re
from typing import Any

from kernel import decisions
from kernel.models.decisions import DecisionTable
from kernel.refusal import Refusal

Column = dict[str, Any]
TYPES = {"number": "Number", "text": "Words", "boolean": "Yes or no", "any": "Expression"}
ANYTHING = frozenset({"", "-", "–", "any"})
YES, NO = frozenset({"yes", "true"}), frozenset({"no", "false"})
LONGEST = 500  # characters of a cell

_N = r"-?\d+(?:\.\d+)?"
_NUMBER = re.compile(_N)
_COMPARISON = rf"(?:<=|>=|<|>|==|!=)\s*{_N}"
_RANGE = rf"[\[(]\s*{_N}\s*\.\.\s*{_N}\s*[\])]"
_PIECE = rf"(?:{_N}|{_COMPARISON}|{_RANGE})"
_NUMBERS = re.compile(rf"(?:not in \[\s*{_N}(?:\s*,\s*{_N})*\s*\]|{_PIECE}(?:\s*(?:,|\band\b|\bor\b)\s*{_PIECE})*)")
_OPEN_RANGE = re.compile(rf"({_N})\s*(?:\.\.|–|to)\s*({_N})")
_BOUNDS = re.compile(rf"[\[(]\s*({_N})\s*\.\.\s*({_N})\s*[\])]")
_PLAIN_RANGE = re.compile(rf"\[({_N})\.\.({_N})\]")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_LIST = re.compile(r"\s*(?:'[^']*'|\"[^\"]*\")(?:\s*,\s*(?:'[^']*'|\"[^\"]*\"))*\s*")
_PART = re.compile(r"\s*(?:'[^']*'|\"[^\"]*\")\s*(?=,|$)|[^,]+")
_NOT_IN = re.compile(r"not in \[(.*)\]")


class CellRefused(Refusal):
    """A cell cannot be read; the message says what fits there."""


def read(column: Column, typed: str, *, output: bool) -> str:
    """What is stored for what was typed. Raises CellRefused."""
    typed = typed.replace("\x00", "").strip()
    if len(typed) > LONGEST:
        raise CellRefused(f"A cell has at most {LONGEST} characters.")
    if typed.lower() in ANYTHING:
        return ""
    kind = column.get("type") or "any"
    if typed.startswith("=") and kind != "any":
        stored = typed[1:].strip()
        if kind == "text" and (listed := words(stored)) is not None:  # plain words after all
            stored = ", ".join(_quoted(column, f'"{one}"' if "'" in one else f"'{one}'") for one in listed)
    else:
        reading = _OUTPUTS if output else _INPUTS
        stored = reading[kind](column, typed)
    if wrong := decisions.check_cell(stored, output=output):
        raise CellRefused(f"“{typed}” cannot be read: {wrong}")
    return stored


def show(column: Column, stored: Any, *, output: bool) -> str:
    """What a person reads and could type again for a stored cell."""
    text = decisions.text_of(stored).strip()
    kind = column.get("type") or "any"
    if not text or kind == "any":
        return text
    shown = _SHOWN[kind](text, output)
    return f"={text}" if shown is None else shown


def typed(table: DecisionTable) -> tuple[list[Column], list[Column]]:
    """Inputs and outputs with label and type; a column that says no type gets the one that all its cells have."""
    found = []
    for columns, output in ((table.inputs, False), (table.outputs, True)):
        found.append([
            {"values": [], **column, "label": column.get("label") or said(column["name"]),
             "type": column.get("type") or _type(column["name"], table.rows, output)}
            for column in columns
        ])  # fmt: skip
    return found[0], found[1]


def said(name: str) -> str:
    """A column's name in words."""
    return name.replace("_", " ").replace(".", " ").capitalize()


def value(column: Column, typed: str) -> Any:
    """A plain value typed for a fact: 5, Rotterdam, yes; None when nothing was. Raises CellRefused."""
    text = typed.replace("\x00", "").strip()[:LONGEST]
    kind = column.get("type") or "any"
    if text == "":
        return None
    if kind in ("number", "any") and _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    if kind in ("boolean", "any") and text.lower() in YES | NO:
        return text.lower() in YES
    if kind in ("number", "boolean"):
        raise CellRefused(f"“{text}” is not {'a number' if kind == 'number' else 'yes or no'}.")
    if kind == "text" and column.get("values") and text not in column["values"]:
        raise CellRefused(f"“{text}” is none of the allowed values: {', '.join(column['values'])}.")
    return text


def plain(value: Any) -> str:
    """A value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def words(text: str) -> list[str] | None:
    """The words of a list of quoted ones; None when the text is something else."""
    if not _LIST.fullmatch(text):
        return None
    return [one or other for one, other in _QUOTED.findall(text)]


def constant(cell: Any) -> Any:
    """The value of a cell that calculates nothing; None for one that does, or is empty."""
    text = decisions.text_of(cell).strip()
    if found := _QUOTED.fullmatch(text):
        return found.group(1) or found.group(2) or ""
    if _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return {"true": True, "false": False}.get(text)


def _type(name: str, rows: list[dict[str, Any]], output: bool) -> str:
    cells = [text for row in rows if (text := decisions.text_of(row.get(name)).strip())]
    if not cells:
        return "any"
    for kind in ("number", "boolean", "text"):
        shown = [_SHOWN[kind](cell, output) for cell in cells]
        if all(shown) or (output and any(shown)):
            return kind
    return "any"


def _numbers(column: Column, typed: str) -> str:
    text = _OPEN_RANGE.sub(r"[\1..\2]", typed) if _OPEN_RANGE.fullmatch(typed) else typed
    if text.lower().startswith("not ") and not text.lower().startswith("not in"):
        text = f"not in [{text[4:].strip()}]"
    if not _NUMBERS.fullmatch(text):
        raise CellRefused(f"“{typed}” is not a number, a comparison such as > 15, a range such as 10..20, or a list.")
    if any(float(low) > float(high) for low, high in _BOUNDS.findall(text)):
        raise CellRefused(f"The range “{typed}” has no number in it: its end is below its start.")
    return text


def _yes_or_no(column: Column, typed: str) -> str:
    if typed.lower() not in YES | NO:
        raise CellRefused(f"“{typed}” is not yes or no.")
    return "true" if typed.lower() in YES else "false"


def _words(column: Column, typed: str) -> str:
    text, negated = typed, typed.lower().startswith("not ")
    if negated:
        text = typed[4:].strip()
    parts = [part.strip() for part in _PART.findall(text) if part.strip()]
    listed = [_quoted(column, part) for part in parts]
    if not listed:
        raise CellRefused(f"“{typed}” names nothing.")
    return f"not in [{', '.join(listed)}]" if negated else ", ".join(listed)


def _quoted(column: Column, typed: str) -> str:
    found = _QUOTED.fullmatch(typed)
    text = (found.group(1) or found.group(2) or "") if found else typed
    allowed = [str(one) for one in column.get("values") or []]
    if allowed and text not in allowed:
        raise CellRefused(f"“{text}” is none of the allowed values: {', '.join(allowed)}.")
    if "'" in text and '"' in text:
        raise CellRefused("Words may hold one kind of quotation mark, not both.")
    return f'"{text}"' if "'" in text else f"'{text}'"


def _expression(column: Column, typed: str) -> str:
    return typed


def _one_number(column: Column, typed: str) -> str:
    if not _NUMBER.fullmatch(typed):
        raise CellRefused(f"“{typed}” is not a number. Begin with = to calculate, as in =2000 + position.")
    return typed


def _show_number(text: str, output: bool) -> str | None:
    if output:
        return text if _NUMBER.fullmatch(text) else None
    if found := _PLAIN_RANGE.fullmatch(text):
        return f"{found.group(1)}..{found.group(2)}"
    return text if _NUMBERS.fullmatch(text) else None


def _show_boolean(text: str, output: bool) -> str | None:
    return {"true": "yes", "false": "no"}.get(text)


def _show_words(text: str, output: bool) -> str | None:
    found = _NOT_IN.fullmatch(text)
    listed = words(found.group(1) if found and not output else text)
    if listed is None or (output and len(listed) != 1):
        return None
    shown = ", ".join(_bare(one, output) for one in listed)
    return f"not {shown}" if found and not output else shown


def _bare(word: str, output: bool) -> str:
    """A word without quotation marks, unless it would be read as something else."""
    odd = word.lower() in ANYTHING or word.startswith("=") or word.lower().startswith("not ") or word != word.strip()
    if odd or "'" in word or '"' in word or ("," in word and not output):
        return f'"{word}"' if "'" in word else f"'{word}'"
    return word


_INPUTS = {"number": _numbers, "boolean": _yes_or_no, "text": _words, "any": _expression}
_OUTPUTS = {"number": _one_number, "boolean": _yes_or_no, "text": _quoted, "any": _expression}
_SHOWN = {"number": _show_number, "boolean": _show_boolean, "text": _show_words}
