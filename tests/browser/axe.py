"""Accessibility of pages: axe in light and dark, on a desk and on a phone; and the way to one page of every kind."""

from collections.abc import Iterator
from functools import cache
from urllib.parse import urlsplit

from django.urls import Resolver404, resolve
from playwright.sync_api import Page, ViewportSize

from config.stack import ROOT

SIZES: tuple[ViewportSize, ...] = ({"width": 1440, "height": 1000}, {"width": 390, "height": 844})
SCHEMES = ("light", "dark")
FILES = (".csv", ".pdf", ".xlsx", ".json", ".yaml", ".svg", ".ics")
LEFT_OUT = ("admin", "static", "logout", "oauth", "healthz", "tmf-api")  # others' pages, and no pages
RUN = """() => axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa",
    "wcag22aa", "best-practice"]}).then((found) => found.violations.flatMap((wrong) => wrong.nodes.map((node) =>
    `${wrong.id}: ${node.target.join(" ")} ${node.html.slice(0, 160)} (${(node.any[0] || node.all[0] || node.none[0] || {}).message || ""})`)))"""  # noqa: E501
HREFS = """() => [...document.querySelectorAll('main a[href], .portal a[href], nav a[href]')]
    .map((a) => new URL(a.getAttribute('href'), document.baseURI).href)"""  # those of drawings are no texts


@cache
def _script() -> str:
    return (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()


def wrong(page: Page) -> list[str]:
    """What axe finds on the page that is open, in both schemes and sizes; empty when nothing is wrong."""
    page.evaluate(_script())  # not as a script of the page, whose policy forbids it
    found: dict[str, str] = {}
    for size in SIZES:
        page.set_viewport_size(size)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            for text in page.evaluate(RUN):
                found.setdefault(text, f"{size['width']} {scheme}")
    page.set_viewport_size(SIZES[0])
    return [f"{where} {text}" for text, where in found.items()]


def kind(url: str) -> str:
    """The name of a page's address, empty for what is no page of ours."""
    path = urlsplit(url).path
    if path.endswith(FILES) or path.strip("/").split("/")[0] in LEFT_OUT:
        return ""
    try:
        return resolve(path).view_name or ""
    except Resolver404:
        return ""


def ways(page: Page, seen: set[str], query: str = "export=") -> Iterator[str]:
    """Addresses on the open page of kinds that nobody has seen yet, each kind once."""
    base = urlsplit(page.url)
    for href in page.evaluate(HREFS):
        url = urlsplit(href)
        if url.netloc != base.netloc or query in url.query:
            continue
        if (name := kind(href)) and name not in seen:
            seen.add(name)
            yield f"{url.path}?{url.query}" if url.query else url.path
