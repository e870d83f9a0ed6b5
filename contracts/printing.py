"""Printing: PDF files from templates, with our own style and typeface and nothing fetched from elsewhere."""

import logging
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
SUBSETS = ("latin", "latin-ext", "greek", "cyrillic")

logging.getLogger("fontTools").setLevel(logging.ERROR)  # its every step is of no use to anybody


def pdf(template: str, context: dict[str, Any], *, title: str) -> bytes:
    """The template as PDF 1.7 bytes."""
    text = render_to_string(template, {**context, "title": title})
    fonts = FontConfiguration()
    style = [CSS(string=_faces() + STYLE.read_text(), font_config=fonts, url_fetcher=_OnlyOurs())]
    html = HTML(string=text, base_url=str(settings.BASE_DIR), url_fetcher=_OnlyOurs())
    found: bytes = html.write_pdf(stylesheets=style, font_config=fonts)
    return found


@lru_cache(maxsize=1)
def _faces() -> str:
    """One family per script, as the renderer takes the next family for a letter that one lacks."""
    rules = [
        f'@font-face {{ font-family: "Inter {subset}"; font-weight: 100 900; src: url("{file.as_uri()}"); }}'
        for subset in SUBSETS
        if (file := FONTS / f"inter-{subset}-wght-normal.woff2").exists()
    ]
    return "\n".join(rules)


class _OnlyOurs(URLFetcher):
    """Files of our own typeface; anything else is refused, whatever a template or a customer's text names."""

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
        """Read one font file. Raises ValueError for any other address."""
        parts = urlparse(url)
        path = Path(unquote(parts.path)).resolve()
        if parts.scheme != "file" or not path.is_relative_to(FONTS.resolve()):
            raise ValueError(f"not printed: {url}")
        return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": "font/woff2"})
