"""Template filters of the reader's language: sentences, words, days, small letters, numbers for machines."""

from decimal import Decimal
from typing import Any

from django import template
from django.template import defaultfilters
from django.utils.translation import get_language

from kernel import writing
from kernel.saying import said

register = template.Library()


@register.filter(name="said")
def said_filter(text: Any) -> Any:
    """`{{ row.problem|said }}`: a sentence of the code in the reader's language; see kernel.saying."""
    return said(text)


@register.filter
def lowered(text: Any) -> str:
    """Small letters inside a sentence; German keeps the capitals of its nouns."""
    return str(text) if writing.german() else str(text).lower()


@register.filter
def plain(value: Any) -> Any:
    """A number as machines read it, for attributes; anything else as it is."""
    return str(value) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else value


@register.filter(name="date", expects_localtime=True, is_safe=False)
def date_filter(value: Any, wanted: str = "j M Y") -> str:
    """Django's `date`, the form ordered as the reader's language orders it."""
    return str(defaultfilters.date(value, writing.form(wanted, get_language())))


@register.filter
def humanise(name: Any) -> str:
    """order_manager → Order manager; what is written in words already keeps its capitals."""
    words = str(name or "").replace("_", " ")
    return str(said(words[:1].upper() + words[1:]))


@register.filter
def split_words(text: str) -> list[str]:
    """The words of a text, for short lists in a template."""
    return text.split()
