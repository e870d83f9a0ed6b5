"""Payloads: a request or an answer as a reader sees it, secrets masked, the offending values marked."""

import json
import re
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

SECRET = re.compile(r"authori[sz]ation|secret|password|token|signature|api.?key", re.IGNORECASE)
MASK = "••••••"
FIRST = ("inputs", "code", "title", "detail")  # what a reader looks for stands on top
LONGEST = 6000  # characters of one payload


def body(payload: Any, hits: frozenset[str]) -> SafeString:
    """JSON with keys and strings in their colours; the value of a key in `hits` is marked."""
    if payload in (None, {}, ""):
        return mark_safe("")
    return _value(masked(payload), hits, 0, marked=False)


def masked(payload: Any) -> Any:
    """The payload without secrets."""
    if isinstance(payload, dict):
        return {key: MASK if SECRET.search(str(key)) else masked(value) for key, value in payload.items()}
    if isinstance(payload, list):
        return [masked(value) for value in payload]
    return payload


def parts(stored: Any) -> tuple[str, dict[str, Any], Any]:
    """The head line, the headers and the body of a stored request or answer, whatever of them it has."""
    if not isinstance(stored, dict):
        return "", {}, stored
    head = " ".join(str(stored[name]) for name in ("method", "path", "url") if stored.get(name))
    headers = stored.get("headers") if isinstance(stored.get("headers"), dict) else {}
    for name in ("body", "json", "payload"):
        if name in stored:
            return head, masked(headers or {}), stored[name]
    first = [key for key in FIRST if key in stored]
    rest = [key for key in stored if key not in ("method", "path", "url", "headers", *first)]
    return head, masked(headers or {}), {key: stored[key] for key in (*first, *rest)}


def _value(value: Any, hits: frozenset[str], depth: int, *, marked: bool) -> SafeString:
    if isinstance(value, dict) and value:
        rows = [
            format_html(
                '{}<span class="k">{}</span>: {}', "  " * (depth + 1), json.dumps(str(key), ensure_ascii=False),
                _value(one, hits, depth + 1, marked=str(key) in hits),
            )
            for key, one in value.items()
        ]  # fmt: skip
        return format_html("{{\n{}\n{}}}", _joined(rows), "  " * depth)
    if isinstance(value, list) and value:
        rows = [format_html("{}{}", "  " * (depth + 1), _value(one, hits, depth + 1, marked=False)) for one in value]
        return format_html("[\n{}\n{}]", _joined(rows), "  " * depth)
    text = json.dumps(value, ensure_ascii=False, default=str)[:LONGEST]
    if marked:
        return format_html('<mark class="hit">{}</mark>', text)
    return format_html('<span class="s">{}</span>', text) if isinstance(value, str) else format_html("{}", text)


def _joined(rows: list[SafeString]) -> SafeString:
    return mark_safe(",\n".join(rows))  # noqa: S308 – every row is escaped already
