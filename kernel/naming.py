"""Naming: what the administration calls models, their fields and its own parts, said in the reader's language.

Django makes these names from the code and has them in more places: heads of exported files, forms of the workspace, the
audit trail. There they stay as the code has them; only a page of the administration, which draws nothing else, says
them. `name_all` is called once, when everything is loaded. Migrations see no difference, for they compare in English.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import Field, Model
from django.utils import translation
from django.utils.functional import lazy
from django.utils.text import capfirst

from kernel.saying import said

CHOSEN = 30  # options; more are a list of zones or the like, which nobody translates
MEANT = {  # names of one word that means something else in the product's sentences
    "account": "customer", "agent": "browser in use", "at": "point in time", "changes": "what was changed",
    "delivery": "notification sent", "from": "holds from", "number": "record number", "pause": "pause of the engine",
    "request": "what was asked",
}  # fmt: skip
_spoken: ContextVar[bool] = ContextVar("spoken", default=False)
_given: dict[str, str] = {}  # every name → whose it is


@contextmanager
def spoken(wanted: bool) -> Iterator[None]:
    """While this lasts, names are said in the reader's language, if wanted."""
    token = _spoken.set(wanted)
    try:
        yield
    finally:
        _spoken.reset(token)


def every() -> dict[str, str]:
    """Every name as the code has it, and whose it is."""
    return dict(_given)


def name_all() -> None:
    """Let every name of what the administration shows be said when it is read."""
    pages: list[tuple[type[Model], Any]] = [(model, type(page)) for model, page in admin.site._registry.items()]
    pages += [(part.model, part) for _, page in pages for part in page.inlines]
    for model in dict.fromkeys(model for model, _ in pages):
        _model(model)
    for config in {apps.get_app_config(model._meta.app_label) for model, _ in pages}:
        config.verbose_name = _name(config.verbose_name, config.name)
    for model, page in pages:
        _page(model, page)
    for model in apps.get_models():  # rights are listed by what they are to
        _given.setdefault(str(model._meta.verbose_name_plural), model._meta.label)


def _model(model: type[Model]) -> None:
    options, label = model._meta, model._meta.label
    options.verbose_name = _name(options.verbose_name, label)
    options.verbose_name_plural = _name(options.verbose_name_plural, label)
    for field in (*options.concrete_fields, *options.many_to_many):
        _field(field, f"{label}.{field.name}")


def _field(field: Any, whose: str) -> None:
    field.verbose_name = _name(field.verbose_name, whose)
    field.help_text = _name(field.help_text, whose)
    options = field.choices if isinstance(field, Field) and isinstance(field.choices, list) else []
    if 0 < len(options) <= CHOSEN and not any(isinstance(label, list | tuple) for _, label in options):
        field.choices = [(key, _name(label, "")) for key, label in options]


def _page(model: type[Model], page: Any) -> None:
    for label, field in getattr(page.form, "declared_fields", {}).items():
        field.label = _name(field.label or label.replace("_", " ").capitalize(), page.__name__)
        field.help_text = _name(field.help_text, page.__name__)
    _titles(page, "fieldsets")
    _titles(page, "add_fieldsets")
    shown: Iterable[Any] = (*page.list_display, *(page.actions or ())) if hasattr(page, "actions") else ()
    for one in (*shown, *page.readonly_fields, *(page.fields or ())):
        if one == "__str__":
            continue
        made = getattr(page, one, None) or getattr(model, one, None) if isinstance(one, str) else one
        if isinstance(made, property):
            made = made.fget
        if callable(made) and not isinstance(made, type):
            known = getattr(made, "short_description", None) or str(one).replace("_", " ")
            vars(made)["short_description"] = _name(known, page.__name__)


def _titles(page: Any, part: str) -> None:
    sets = getattr(page, part, None) or ()
    if sets:
        setattr(page, part, tuple((title and _name(title, page.__name__), options) for title, options in sets))


def _name(text: Any, whose: str) -> Any:
    """The name, said when it is read; whose it is, is kept for the catalogue."""
    if not text:
        return text
    if whose:
        _given.setdefault(str(text), whose)
    return _named(text)


def _read(text: Any) -> str:
    name = str(text)
    if not _spoken.get() or (translation.get_language() or "en").startswith("en"):
        return name
    return capfirst(str(said(MEANT.get(name.lower(), name))))


_named = lazy(_read, str)
