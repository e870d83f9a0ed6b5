"""Cell texts: a product's configuration as people type it into one cell of a sheet, such as “1G · BGP · /28”."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from catalog import configuration, valuetypes
from catalog.models import Characteristic, Offering

SPLIT = re.compile(r"\s*[·;,\n]\s*")
NAMED = re.compile(r"([^:=]+)[:=]\s*(.*)")
TIMES = re.compile(r"(\d{1,5})\s*[×x*]\s+(.*)")
NUMBER = re.compile(r"[\d.]+")
GIVEN = frozenset({"x", "yes", "ja", "✓", "standard"})  # the product as it is configured at first
NOTHING = frozenset({"–", "-", "no", "none", "not ordered"})
Type = Characteristic.Type


@dataclass
class Reading:
    """What a cell says: values by characteristic, how many, and what cannot be taken."""

    values: dict[str, Any] = field(default_factory=dict)
    quantity: int | None = None
    problems: list[str] = field(default_factory=list)
    nothing: bool = False


def read(offering: Offering, text: str) -> Reading:
    """Read a cell; an empty one, or a dash, asks for nothing."""
    found = Reading()
    text = text.strip()
    if not text or text.lower() in NOTHING:
        found.nothing = True
        return found
    if times := TIMES.fullmatch(text):
        found.quantity, text = int(times[1]), times[2]
    if text.lower() in GIVEN:
        return found
    asked = asked_of(offering)
    if not asked:
        found.problems.append(f"{offering.name} has nothing to configure; write “x” to order it.")
        return found
    whole = not NAMED.fullmatch(text) and _take(asked, text, Reading())
    for word in [text] if whole else SPLIT.split(text):
        if word and not _take(asked, word, found) and not _take_apart(asked, word, found):
            found.problems.append(_unknown(asked, offering, word))
    return found


def written(offering: Offering, values: dict[str, Any], quantity: int = 1) -> str:
    """The configuration as `read` takes it again."""
    return told(asked_of(offering), values, quantity)


def told(characteristics: Iterable[Characteristic], values: dict[str, Any], quantity: int = 1) -> str:
    """The same where the characteristics are at hand."""
    words = []
    for characteristic in characteristics:
        if characteristic.source != Characteristic.Source.CUSTOMER:
            continue
        value = values.get(characteristic.key)
        if configuration.is_empty(value) or value is False:
            continue
        if value is True:
            words.append(characteristic.name)
        elif characteristic.type == Type.CHOICE and not characteristic.multiple:
            words.append(configuration.told(characteristic, value))
        else:
            words.append(f"{characteristic.name}: {configuration.told(characteristic, value)}")
    text = " · ".join(words) or "x"
    return f"{quantity} × {text}" if quantity > 1 else text


def asked_of(offering: Offering) -> list[Characteristic]:
    """The characteristics that a customer chooses, in order."""
    if offering.specification is None:
        return []
    rows = offering.specification.characteristics.all()
    return [row for row in rows if row.source == Characteristic.Source.CUSTOMER]


def _take(asked: list[Characteristic], word: str, into: Reading) -> bool:
    """Put one word at the characteristic that it fits."""
    if named := NAMED.fullmatch(word):
        wanted = named[1].strip().lower()
        for one in asked:
            if wanted in (one.key.lower(), one.name.lower()):
                into.values[one.key] = valuetypes.parse(one, named[2])
                return True
    free = [one for one in asked if one.key not in into.values]
    for one in free:
        if one.type == Type.CHOICE and (value := _choice(one, word)) is not None:
            into.values[one.key] = [value] if one.multiple else value
            return True
        if one.type == Type.BOOLEAN and word.lower() in (one.name.lower(), f"no {one.name.lower()}"):
            into.values[one.key] = not word.lower().startswith("no ")
            return True
    for one in free:
        if one.type == Type.NUMBER and NUMBER.fullmatch(_bare(one, word)):
            into.values[one.key] = valuetypes.parse(one, _bare(one, word))
            return True
    return False


def _take_apart(asked: list[Characteristic], text: str, into: Reading) -> bool:
    """Put words that only blanks part, as in 1G BGP /28, each where it fits: all of them, or none."""
    words, trial = text.split(), Reading(dict(into.values))
    place = 0
    while place < len(words):
        ends = range(len(words), place, -1)  # two words may be one value, such as Second path
        end = next((end for end in ends if _take(asked, " ".join(words[place:end]), trial)), 0)
        if not end:
            return False
        place = end
    into.values = trial.values
    return True


def _choice(one: Characteristic, word: str) -> Any:
    lowered = word.lower().replace(" ", "")
    for value, label in configuration.choices(one):
        if lowered in (str(value).lower().replace(" ", ""), label.lower().replace(" ", "")):
            return value
    return None


def _bare(one: Characteristic, word: str) -> str:
    """The number in “30 calls at once” or “10 %”."""
    for end in (one.name, one.unit):
        if end and word.lower().endswith(end.lower()):
            return word[: -len(end)].strip()
    return word.strip()


def _unknown(asked: list[Characteristic], offering: Offering, word: str) -> str:
    first = next((one for one in asked if one.type == Type.CHOICE), None)
    said = f"“{word[:40]}” fits nothing of {offering.name}."
    if first is None:
        return said
    return f"{said} {first.name} is {', '.join(label for _, label in configuration.choices(first)[:8])}."
