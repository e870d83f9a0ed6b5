"""Saying: a sentence that code made, in the language of whoever reads it.

Sentences are made, stored and answered to machines in English: a reason in the audit trail has one wording, whoever was
there. Where one is shown, `said` looks it up among the translated sentences (locale/<language>/LC_MESSAGES/
sentences.po), by its wording or, with values in it, by its pattern. What nobody translated stays as it is, and so does
what people typed. docs/translating.md has the whole way.
"""

import gettext
import itertools
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise
from django.utils.safestring import SafeString

from kernel import reading, writing

DEEPEST = 2  # sentences inside sentences
FEWEST = 2  # letters of its own that a pattern needs
SURE = 6  # letters; with fewer, its places hold numbers only
LONG = 20  # letters; with fewer, its places hold no whole sentences
LONGEST = 48  # signs in such a place
SHORT = re.compile(r"[\w.,:/%−+-]*\d[\w.,:/%−+-]*(\s?[€$£%])?|[€$£]\s?[\d.,]+")
CUT = re.compile(r"\b(a|an|and|are|at|by|for|in|is|next|of|on|or|the|to|was|with)$")  # a value never ends like that
PLACE = re.compile(r"%\((\w+)\)s")
PARTS = re.compile(r"( · |; |(?<=\d): |\n+)")
ENDS = re.compile(r"((?<=[.?!…])\s+(?=[A-Z“]))")
LISTED = re.compile(r"(, | and )")
NUMBERED = re.compile(r"[A-Z]{3}\d+( v\d+)?")


def said(text: Any) -> Any:
    """The text in the present language; what is no text of ours (a number, a record, finished HTML) as it is."""
    if isinstance(text, Promise):
        text = str(text)
    if not isinstance(text, str) or isinstance(text, SafeString):
        return text
    language = reading.language() or "en"
    return text if language.startswith("en") else _said(text, language)


@lru_cache(maxsize=8192)
def _said(text: str, language: str) -> str:
    with translation.override(language):
        return _book(language).say(text)


def place_names() -> Callable[[str], str]:
    """A namer of the places of one sentence: each name once, with a number when it comes again."""
    seen: dict[str, int] = {}

    def name(wanted: str) -> str:
        wanted = re.sub(r"\W", "", wanted).lower() or "value"
        seen[wanted] = seen.get(wanted, 0) + 1
        return wanted if seen[wanted] == 1 else f"{wanted}_{seen[wanted]}"

    return name


class Pattern:
    """A sentence with places, and how it is said elsewhere."""

    def __init__(self, sentence: str, translated: str) -> None:
        self.translated = translated
        pieces = PLACE.split(sentence)
        literal = [piece.replace("%%", "%") for piece in pieces[::2]]
        self.names = pieces[1::2]
        places = ["(.+?)"] * (len(literal) - 2) + ["(.+)"]
        for at in range(1, len(places)):
            if not literal[at]:  # straight after another place: a part that may be left out
                places[at] = places[at].replace("+", "*")
        joined = "".join(re.escape(word) + place for word, place in zip(literal, [*places, ""], strict=True))
        self.fits = re.compile(joined, re.DOTALL)
        self.weight = sum(letter.isalpha() for word in literal for letter in word)
        self.first = literal[0].split(" ")[0] if " " in literal[0] else ""
        self.last = literal[-1].split(" ")[-1] if " " in literal[-1] else ""

    def sure(self, found: re.Match[str]) -> bool:
        """Whether it is this sentence, and not another text with the same few words in it."""
        if self.weight < SURE:
            return all(SHORT.fullmatch(part) for part in found.groups())
        if self.weight >= LONG:
            return True
        return not any(len(part) > LONGEST or ". " in part or CUT.search(part) for part in found.groups())

    def say(self, found: re.Match[str], value: Callable[[str], str]) -> str:
        """The translation with the values that the sentence had."""
        return self.translated % {name: value(part) for name, part in zip(self.names, found.groups(), strict=True)}


class Book:
    """The sentences of one language."""

    def __init__(self, messages: dict[str, str]) -> None:
        self.exact = {key: text for key, text in messages.items() if not PLACE.search(key)}
        self.by_first: dict[str, list[Pattern]] = {}
        self.by_last: dict[str, list[Pattern]] = {}
        patterns = [Pattern(key, text) for key, text in messages.items() if PLACE.search(key)]
        for pattern in sorted(patterns, key=lambda one: -one.weight):
            if pattern.weight >= FEWEST:
                shelf, word = (self.by_first, pattern.first) if pattern.first else (self.by_last, pattern.last)
                shelf.setdefault(word, []).append(pattern)

    def say(self, text: str, depth: int = 0) -> str:
        """The text as this language has it: as a whole, else sentence by sentence."""
        bare = text.strip()
        if not bare or not any(letter.isalpha() for letter in bare):
            return text
        if (whole := self._whole(bare, depth)) is not None:
            return text.replace(bare, whole)
        listed = self.value(bare, DEEPEST)
        if listed != bare:
            return text.replace(bare, listed)
        parts = PARTS.split(text)
        if len(parts) > 1:
            return "".join(part if at % 2 else self.say(part, depth) for at, part in enumerate(parts))
        parts = ENDS.split(text)
        told = [part if at % 2 else self._whole(part.strip(), depth) for at, part in enumerate(parts)]
        return text if None in told else "".join(map(str, told))  # half of a text is nobody's language

    def _whole(self, text: str, depth: int) -> str | None:
        """The text as one sentence; code also begins one with a capital, and ends it with a full stop."""
        if (found := self._sentence(text, depth)) is not None:
            return found
        if text.endswith(".") and (found := self._sentence(text[:-1], depth)) is not None:
            return f"{found}."
        small = text[:1].lower() + text[1:].removesuffix(".")
        if small[:1] != text[:1] and (found := self._sentence(small, depth)) is not None:
            return found[:1].upper() + found[1:] + ("." if text.endswith(".") else "")
        return None

    def _sentence(self, text: str, depth: int) -> str | None:
        if (found := self.word(text)) is not None:
            return found
        first, last = text.split(" ", 1)[0], text.rsplit(" ", 1)[-1]
        shelves = (self.by_first.get(first, ()), self.by_last.get(last, ()), self.by_last.get("", ()))
        for pattern in sorted((one for shelf in shelves for one in shelf), key=lambda one: -one.weight):
            if (match := pattern.fits.fullmatch(text)) and pattern.sure(match):
                return pattern.say(match, lambda part: self.value(part, depth + 1))
        return None

    def word(self, text: str) -> str | None:
        """An exact sentence or a message of the templates; a word in small letters is found by its capital."""
        for way in dict.fromkeys((text, text[:1].upper() + text[1:], text.capitalize())):
            if way in self.exact:
                return self.exact[way]
            if way and (told := translation.gettext(way)) != way:
                return told
        return None

    def value(self, text: str, depth: int) -> str:
        """A value inside a sentence: a word, a list of words, a number, a day, or a sentence again."""
        if (bare := text.strip()) != text:
            return text.replace(bare, self.value(bare, depth)) if bare else text
        if (found := self.word(text)) is not None:
            return found
        if (written := writing.value(text)) != text:
            return written
        if " " in text and depth < DEEPEST and (whole := self._whole(text, depth)) is not None:
            return whole
        parts = LISTED.split(text)
        told = list(itertools.takewhile(lambda one: one is not None, map(self._listed, parts[::2])))
        if len(parts) > 1 and len(told) == len(parts[::2]):
            joints = [self.word(part.strip()) or part.strip() for part in parts[1::2]]
            joints = [", " if joint == "," else f" {joint} " for joint in joints]
            return "".join(f"{word}{joint}" for word, joint in zip(told, [*joints, ""], strict=True))
        return text

    def _listed(self, text: str) -> str | None:
        """One of several parts with commas between them: a word, a short sentence, or a number of ours."""
        if (found := self.word(text)) is not None:
            return found
        return text if NUMBERED.fullmatch(text) else self._sentence(text, DEEPEST)


@lru_cache(maxsize=16)
def _book(language: str) -> Book:
    messages: dict[str, str] = {}
    for folder in settings.LOCALE_PATHS:
        path = Path(folder) / translation.to_locale(language) / "LC_MESSAGES" / "sentences.mo"
        if path.exists():
            with path.open("rb") as file:
                catalogue: dict[Any, str] = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
            messages.update({key: text for key, text in catalogue.items() if isinstance(key, str) and key and text})
    return Book(messages)
