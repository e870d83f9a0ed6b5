"""Markup: values put into HTML as Django's `format_html` does, at a fraction of its cost where a page has hundreds."""

from html import escape
from typing import Any

from django.utils.safestring import SafeString


def put(pattern: str, *parts: Any) -> SafeString:
    """A pattern of ours with each part escaped, unless it is markup already."""
    return SafeString(pattern.format(*[safe(part) for part in parts]))


def safe(part: Any) -> str:
    """Markup as it is, anything else escaped."""
    if type(part) is SafeString:
        return part
    return part.__html__() if hasattr(part, "__html__") else escape(str(part))
