"""Catalogues: the translated texts as translators keep them, brought to what the code says, and judged."""

from collections.abc import Iterable
from pathlib import Path

from babel.messages import pofile
from babel.messages.catalog import Catalog

from config.words import collecting
from config.words.compiling import files
from kernel.saying import PLACE

HEAD = """# {language}: texts of Trunkline ({domain})
#
# docs/translating.md says how they are used, and has the words of the trade."""


def read(path: Path) -> Catalog:
    """A catalogue as translators keep it."""
    with path.open("rb") as file:
        return pofile.read_po(file, locale=path.parent.parent.name)


def write(path: Path, found: Iterable[tuple[str, str | tuple[str, ...]]]) -> int:
    """Bring a catalogue to what the code has now: new texts empty, gone ones dropped. Returns how many lack words."""
    old = read(path) if path.exists() else Catalog(locale=path.parent.parent.name)
    new = Catalog(  # its first date stays, or any two branches with a new text would meet there
        locale=path.parent.parent.name, project="Trunkline", version="1", creation_date=old.creation_date, fuzzy=False,
        charset="utf-8",
    )  # fmt: skip
    new.header_comment = HEAD.format(language=path.parent.parent.name, domain=path.stem)
    places: dict[str | tuple[str, ...], list[str]] = {}
    for place, message in found:
        places.setdefault(message, []).append(place)
    for message, where in sorted(places.items(), key=lambda item: (item[1][0], str(item[0]))):
        known = old.get(message if isinstance(message, str) else message[0])
        words = known.string if known and isinstance(known.id, str) == isinstance(message, str) else ""
        new.add(message, words, [(where[0], 1)])
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        pofile.write_po(file, new, width=118, ignore_obsolete=True, include_lineno=False)
    return sum(1 for one in new if one.id and not _full(one.string))


def problems() -> list[str]:
    """What is wrong: a text without words, or words whose places differ from the text's."""
    found = []
    for path in files():
        catalogue = read(path)
        here = f"{path.parent.parent.name}/{path.stem}"
        wanted = {message: place for place, message in collecting.of(path.stem)}
        for message, place in wanted.items():
            known = catalogue.get(message if isinstance(message, str) else message[0])
            if known is None or not _full(known.string):
                found.append(f"{here}: no words for {message!r} of {place}")
            elif wrong := _places(message, known.string):
                found.append(f"{here}: {wrong} in {message!r} of {place}")
    return found


def _places(message: str | tuple[str, ...], words: object) -> str:
    """Which place a translation has too much or, for one without a plural, too little."""
    given = set(PLACE.findall(message if isinstance(message, str) else " ".join(message)))
    said = set(PLACE.findall(" ".join(words) if isinstance(words, tuple | list) else str(words)))
    return ", ".join(sorted(given ^ said))


def _full(words: object) -> bool:
    return all(words) if isinstance(words, tuple | list) else bool(words)
