"""Answering: characteristics that a person is asked for after the sale – by a task, a rule that waits, a correction.

They are drawn, read and checked exactly as in the sale (`configuration`): types, ranges and steps, choices, references,
and which of them are asked for at all with the values that are known.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from catalog import configuration
from catalog.configuration import Field, Problems, Values
from catalog.models import Characteristic

Type = Characteristic.Type
LONGEST = 500  # characters of one answer
YES_NO = (("yes", "Yes", True), ("no", "No", False))


@dataclass(frozen=True)
class Sheet:
    """Characteristics asked together: `facts` are the values known beside the answers, `conditions` a decision table.

    References are looked up among the records of `account_id`.
    """

    asked: list[Characteristic]
    facts: Values = field(default_factory=dict)
    conditions: str = ""
    account_id: int | None = None


def one(asked: Characteristic, given: Any, account_id: int | None = None) -> tuple[Any, list[str]]:
    """One answer as a value of its type, with what is wrong with it; an empty answer is (None, [])."""
    if text := _unfit(given):
        return given, [text]
    if _is_empty(given):
        return None, []
    value = configuration.parse(asked, given)
    if configuration.is_empty(value):
        return None, []
    return value, configuration.checked(asked, value, configuration.Effects(), account_id)


def read(sheet: Sheet, raw: Mapping[str, Any]) -> tuple[Values, Problems]:
    """Answers as typed → values of their types and problems by key; what is not asked for is left out.

    What cannot be read stays as it was typed, beside its problem.
    """
    values: Values = {}
    problems: Problems = {}
    for asked in sheet.asked:
        value, found = one(asked, raw.get(asked.key, ""), sheet.account_id)
        if found:
            problems[asked.key] = found
        if value is not None:
            values[asked.key] = value
    facts = _facts(sheet, values)
    effects = configuration.effects_of(sheet.conditions, facts)
    for asked in sheet.asked:
        if not configuration.visible(asked, facts, effects):
            values.pop(asked.key, None)
            problems.pop(asked.key, None)
        elif asked.key in values:
            refused = effects.refused.get(asked.key, [])
            if refused:
                problems.setdefault(asked.key, []).extend(refused)
        elif configuration.needed(asked, facts, effects):
            problems.setdefault(asked.key, [configuration.missing(asked)])
    return values, problems


def fields(sheet: Sheet, values: Values, problems: Problems | None = None) -> list[Field]:
    """What is asked for with these values, in order, ready to draw; a yes or no is chosen, never taken for granted."""
    facts = _facts(sheet, values)
    effects = configuration.effects_of(sheet.conditions, facts)
    return [
        drawn(asked, values.get(asked.key), (problems or {}).get(asked.key, []), sheet.account_id,
              required=configuration.needed(asked, facts, effects))
        for asked in sheet.asked
        if configuration.visible(asked, facts, effects)
    ]  # fmt: skip


def drawn(
    asked: Characteristic, value: Any, problems: Iterable[str] = (), account_id: int | None = None, *,
    required: bool = False, key: str = "",
) -> Field:  # fmt: skip
    """One characteristic as a form asks for it, under its own key or another."""
    found = configuration.drawn(
        asked, {asked.key: value}, list(problems), required=required, account_id=account_id
    )  # fmt: skip
    found = replace(found, key=key or asked.key, widget="select" if found.widget == "pick" else found.widget)
    if asked.type == Type.BOOLEAN:
        yes = value if isinstance(value, bool) else str(value).lower() in configuration.YES if value else None
        return replace(found, widget="select", choices=[(text, label, yes is is_yes) for text, label, is_yes in YES_NO])
    return found


def listed(post: Any, prefix: str) -> dict[str, Any]:
    """Answers from a browser's form by their key after the prefix: a string each, a list where several were ticked."""
    found: dict[str, Any] = {}
    for name in post:
        if name.startswith(prefix):
            given = [one for one in post.getlist(name) if one]
            found[name[len(prefix) :]] = given if len(given) > 1 else given[0] if given else ""
    return found


def _facts(sheet: Sheet, values: Values) -> Values:
    """All that conditions may look at; an answer that is empty counts as not known, whatever was known before."""
    asked = {one.key for one in sheet.asked}
    return {key: value for key, value in sheet.facts.items() if key not in asked} | values


def _is_empty(given: Any) -> bool:
    texts = given if isinstance(given, list | tuple) else [given]
    return not any(str(text).strip() for text in texts if text is not None)


def _unfit(given: Any) -> str:
    texts = given if isinstance(given, list | tuple) else [given]
    if any("\x00" in str(text) or len(str(text)) > LONGEST for text in texts):
        return f"This is too long or holds characters that cannot be stored; {LONGEST} characters at most."
    return ""
