"""Press: sets HTML as PDF by WeasyPrint, without Django, so that a long document is set by small processes of its own.

As a process it reads one line of JSON for the style, then one for each part, and answers each part with its pages.
"""

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

SUBSETS = ("latin", "latin-ext")  # other scripts are set in the system's typeface

os.environ.setdefault(
    "SOURCE_DATE_EPOCH", "1767225600"
)  # the date inside a font; the present one would change each file
logging.getLogger("fontTools").setLevel(logging.ERROR)  # its every step is of no use to anybody


class Press:
    """A style and its typeface, unpacked once: that takes longer than a page does."""

    def __init__(self, style: str, fonts: Path) -> None:
        self.fetcher = OnlyOurs(fonts)
        self.fonts = FontConfiguration()
        self.style = CSS(string=_faces(fonts) + style, font_config=self.fonts, url_fetcher=self.fetcher)

    def pdf(self, text: str) -> tuple[bytes, int]:
        """One document as PDF 1.7, and how many pages it has."""
        html = HTML(string=text, base_url="file:///", url_fetcher=self.fetcher)
        document = html.render(stylesheets=[self.style], font_config=self.fonts)
        found: bytes = document.write_pdf()
        return found, len(document.pages)


class OnlyOurs(URLFetcher):  # type: ignore[misc]
    """Our own typeface and pictures inside the text; all else is refused, whatever a template or a customer names."""

    def __init__(self, fonts: Path) -> None:
        super().__init__()
        self.folder = fonts.resolve()

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
        """Read one file. Raises ValueError for any other address."""
        parts = urlparse(url)
        if parts.scheme == "data" and url.startswith(("data:image/png;base64,", "data:image/jpeg;base64,")):
            return super().fetch(url, headers)
        path = Path(unquote(parts.path)).resolve()
        if parts.scheme != "file" or not path.is_relative_to(self.folder):
            raise ValueError(f"not printed: {url[:200]}")
        return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": "font/woff2"})


def _faces(fonts: Path) -> str:
    """One family per script, as the renderer takes the next family for a letter that one lacks."""
    rules = [
        f'@font-face {{ font-family: "Inter {subset}"; src: url("{file.as_uri()}"); }}'
        for subset in SUBSETS
        if (file := fonts / f"inter-{subset}-wght-normal.woff2").exists()
    ]
    return "\n".join(rules)


def main() -> None:
    """Set parts until the sender closes its end."""
    order = json.loads(sys.stdin.readline())
    press = Press(order["style"], Path(order["fonts"]))
    for line in sys.stdin:
        part = json.loads(line)
        content, pages = press.pdf(Path(part["html"]).read_text())
        Path(part["pdf"]).write_bytes(content)
        sys.stdout.write(json.dumps({"pages": pages}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
