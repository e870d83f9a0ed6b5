"""Printing: PDF files from templates, with our own style and typeface and nothing fetched from elsewhere."""

import logging
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from django.conf import settings
from django.template.loader import render_to_string
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

STYLE = Path(settings.BASE_DIR) / "static/css/pdf.css"
FONTS = Path(settings.BASE_DIR) / "node_modules/@fontsource-variable/inter/files"
SUBSETS = ("latin", "latin-ext")  # other scripts are set in the system's typeface

logging.getLogger("fontTools").setLevel(logging.ERROR)  # its every step is of no use to anybody


def pdf(template: str, context: dict[str, Any], *, title: str) -> bytes:
    """The template as PDF 1.7 bytes."""
    text = render_to_string(template, {**context, "title": title})
    ready = _ready()
    html = HTML(string=text, base_url=str(settings.BASE_DIR), url_fetcher=_OnlyOurs())
    found: bytes = html.write_pdf(stylesheets=[ready.style], font_config=ready.fonts)
    return found


class _Ready(threading.local):
    """Typeface and style, unpacked once per thread: that takes longer than a page does."""

    fonts: FontConfiguration
    style: CSS
    read: str = ""


_kept = _Ready()


def _ready() -> _Ready:
    text = _faces() + STYLE.read_text()
    if _kept.read != text:
        _kept.fonts = FontConfiguration()
        _kept.style = CSS(string=text, font_config=_kept.fonts, url_fetcher=_OnlyOurs())
        _kept.read = text
    return _kept


@lru_cache(maxsize=1)
def _faces() -> str:
    """One family per script, as the renderer takes the next family for a letter that one lacks."""
    rules = [
        f'@font-face {{ font-family: "Inter {subset}"; src: url("{file.as_uri()}"); }}'
        for subset in SUBSETS
        if (file := FONTS / f"inter-{subset}-wght-normal.woff2").exists()
    ]
    return "\n".join(rules)


class _OnlyOurs(URLFetcher):  # type: ignore[misc]
    """Files of our own typeface; anything else is refused, whatever a template or a customer's text names."""

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
        """Read one font file. Raises ValueError for any other address."""
        parts = urlparse(url)
        path = Path(unquote(parts.path)).resolve()
        if parts.scheme != "file" or not path.is_relative_to(FONTS.resolve()):
            raise ValueError(f"not printed: {url}")
        return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": "font/woff2"})
