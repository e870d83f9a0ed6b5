"""Writing: how days, numbers and money look in the reader's language, in one place.

Code and templates name a form of a day by the letters of Django, as a British reader expects them (`j M Y`); each other
language puts its own order and points in its place.
"""

import datetime as dt
import re
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.utils import formats, translation

NBSP = "\u00a0"
LONGEST = 18  # digits of a key
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
DAY = re.compile(rf"(\d{{1,2}}) ({'|'.join(f'{month}|{month[:3]}' for month in MONTHS)})(?: (\d{{4}}))?")
AMOUNT = re.compile(r"[−-]?\d+\.\d{1,4}|[−-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
TYPED = re.compile(r"[−-]?(\d{1,3}(\.\d{3})+|\d+),\d+|[−-]?\d{1,3}(\.\d{3}){2,}")
GERMAN = (
    (re.compile(r"\bj M Y"), "d.m.Y"), (re.compile(r"\bj M\b"), "d.m."), (re.compile(r"\bj F"), "j. F"),
    (re.compile(r"\b([lD]) (?=[jd])"), r"\1, "),
)  # fmt: skip


def german() -> bool:
    """Whether the present reader reads German."""
    return (translation.get_language() or "").startswith("de")


@lru_cache(maxsize=256)
def form(wanted: str, language: str | None) -> str:
    """A form of a day as a language orders it."""
    if language and language.startswith("de"):
        for there, here in GERMAN:
            wanted = there.sub(here, wanted)
    return wanted


def day(value: Any, wanted: str = "j F Y") -> str:
    """A day or a moment in a form, in the present language."""
    return str(formats.date_format(value, form(wanted, translation.get_language())))


def kept(value: Any, wanted: str = "j F Y") -> str:
    """A day or a moment in a sentence that is stored: in English, whoever is reading while it is made."""
    with translation.override(None):
        return str(formats.date_format(value, wanted))


def number(value: Any, digits: int | None = None) -> str:
    """A number with the grouping of the present language."""
    return str(formats.number_format(value, decimal_pos=digits, use_l10n=True, force_grouping=True))


def value(text: str) -> str:
    """A value in a sentence, made in English: a number or a day is written as the present language writes it."""
    if AMOUNT.fullmatch(text):
        digits = len(text.partition(".")[2])
        return number(Decimal(text.replace(",", "").replace("−", "-")), digits).replace("-", "−")
    if found := DAY.fullmatch(text):
        return _day(found)
    return text


def _day(found: re.Match[str]) -> str:
    months = [month[:3] for month in MONTHS]
    year = int(found[3] or 2000)
    try:
        meant = dt.date(year, months.index(found[2][:3]) + 1, int(found[1]))
    except ValueError:
        return found[0]
    name = "j F" if len(found[2]) > 3 or found[2] == "May" else "j M"
    return day(meant, f"{name} Y" if found[3] else name)


def country(code: str) -> str:
    """What a country is called in the present language; empty where code knows it already, in English."""
    return _countries("de").get(code, "") if german() else ""


@lru_cache(maxsize=4)
def _countries(language: str) -> dict[str, str]:
    from babel import Locale  # slow to import, and seldom needed

    return dict(Locale.parse(language).territories)


def whole(text: str) -> int:
    """A whole number as addresses and forms carry it, such as a key or an edition; 0 for whatever is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST else 0


def typed(text: str) -> str:
    """A number as a person types it, as machines read it: 12,5 and 1.234,50 in German. Anything else as it is.

    A single point stays the decimal point in every language, for that is how fields show what is stored.
    """
    bare = "".join(text.split())
    if german() and TYPED.fullmatch(bare):
        return bare.replace(".", "").replace(",", ".").replace("−", "-")
    return text
