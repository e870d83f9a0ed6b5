"""Framing: parts of the frame that stay alike from page to page, drawn once and kept."""

from functools import lru_cache
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from kernel import frame, reading

register = template.Library()


@register.simple_tag(takes_context=True)
def main_navigation(context: dict[str, Any]) -> SafeString:
    """The left navigation as this person has it here."""
    groups = frame.navigation(context["request"])
    told = tuple((name, tuple(tuple(entry.items()) for entry in entries)) for name, entries in groups)
    return _navigation(told, reading.language())


@lru_cache(maxsize=256)
def _navigation(told: tuple[Any, ...], language: str | None) -> SafeString:
    groups = [(name, [dict(entry) for entry in entries]) for name, entries in told]
    return render_to_string("components/nav.html", {"navigation": groups})


@register.simple_tag
def alike(name: str) -> SafeString:
    """`{% alike "components/keys.html" %}`: a part that is the same for everybody who reads the same language."""
    return _alike(name, reading.language())


@lru_cache(maxsize=64)
def _alike(name: str, language: str | None) -> SafeString:
    return render_to_string(name)
