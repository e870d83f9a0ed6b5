"""Borrowed: texts that the packages of the administration show and have no words for in one of our languages."""

import gettext
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import django
import unfold
from babel.messages.extract import extract
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.utils import translation

from kernel import naming

PARTS = ("admin", "registration", "unfold")  # of the theme's templates
PYTHON = ("admin.py", "forms.py", "widgets.py", "mixins/base_model_admin.py")
TAG = re.compile(r"""\{%\s*trans(?:late)?\s+(?:"([^"]+)"|'([^']+)')""")
WORDS = {"_": None, "gettext": None, "gettext_lazy": None}


@cache
def worded(domain: str = "django") -> frozenset[str]:
    """The texts for which packages bring words, in each of our languages."""
    folders = [Path(str(django.__file__)).parent / "conf" / "locale"]
    folders += [path for app in apps.get_app_configs() if (path := Path(app.path) / "locale").is_dir()]
    found: list[set[str]] = []
    for language, _ in settings.LANGUAGES:
        if not language.startswith("en"):
            locale = translation.to_locale(language)
            paths = [path for one in folders if (path := one / locale / "LC_MESSAGES" / f"{domain}.mo").exists()]
            found.append({text for path in paths for text in _texts(path)})
    return frozenset(set.intersection(*found)) if found else frozenset()


def _texts(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        catalogue = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    yield from (key for key, words in catalogue.items() if isinstance(key, str) and words)


def theme() -> Iterator[tuple[str, str]]:
    """(file, text) of what the administration's theme shows, where nobody has words for it."""
    root = Path(str(unfold.__file__)).parent
    for path in (path for part in PARTS for path in sorted((root / "templates" / part).rglob("*.html"))):
        texts = (next(filter(None, found.groups())) for found in TAG.finditer(path.read_text()))
        yield from ((f"unfold/{path.name}", text) for text in texts if text not in worded())
    for name in PYTHON:
        with (root / name).open("rb") as file:
            texts = (str(text) for _, text, _, _ in extract("python", file, WORDS))
            yield from ((f"unfold/{name}", text) for text in texts if text not in worded())


def scripts() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """(file, text) of what the administration's scripts show, where nobody has words for it."""
    folder = Path(str(admin.__file__)).parent / "static" / "admin" / "js"
    for path in sorted(folder.glob("*.js")):
        with path.open("rb") as file:
            texts = (text for _, text, _, _ in extract("javascript", file, {"gettext": None}) if text)
            yield from ((f"admin/{path.name}", text) for text in texts if text not in worded("djangojs"))


def names() -> Iterator[tuple[str, str]]:
    """(whose, name) of what the administration calls models, fields and its own parts, as far as nobody has words."""
    for text, whose in naming.every().items():
        if not worded().intersection({text, text[:1].upper() + text[1:]}):
            yield whose, text
