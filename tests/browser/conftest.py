"""The stage of the browser journey: a running product, Chromium, people at their screens, a place for pictures."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from config.stack import ALL, ROOT, Stack, scratch
from tests.browser.office import Office

PATIENCE = 30_000  # milliseconds that a screen has to answer on a busy machine
QUIET = (
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
)  # fmt: skip
SHOOTING = os.environ.get("SCREENSHOTS") == "1"
PICTURES = ROOT / "docs" / "screenshots"
COLOURS = 256  # of a picture in the documentation: a third of the bytes, and nobody sees it
BIG = os.environ.get("FAULTS") == "full" or "SITES" in os.environ  # it takes minutes: `make faults`, or SITES=7
collect_ignore = [
    *([] if BIG else ["test_big_order.py"]),
    *([] if SHOOTING else ["test_pictures.py"]),
]  # fmt: skip


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The whole product on a new database with the provider's catalogue and people, and no customer yet."""
    with scratch(only=ALL, stocked=True) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium, without a head."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    assert path, f"none of {', '.join(names)} is installed; `make test` says how to get one"
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture
def office(stack: Stack, browser: Browser) -> Iterator[Office]:
    """Everybody's pages. Whatever a browser complained about on the way fails the test at its end."""
    with Office(browser, stack, PATIENCE) as people:
        yield people
    assert people.troubles == []


@pytest.fixture
def shoot() -> Callable[..., None]:
    """Take a picture of a page for the documentation when SCREENSHOTS=1, else none: pictures cost seconds each."""

    def take(page: Page, name: str, *, whole: bool = False) -> None:
        if not SHOOTING:
            return
        PICTURES.mkdir(parents=True, exist_ok=True)
        for note in page.locator("[data-toast-close]").all():
            note.click()
        path = PICTURES / f"{name}.png"
        page.screenshot(path=path, full_page=whole, animations="disabled", caret="initial")
        with Image.open(path) as taken:
            small = taken.convert("RGB").quantize(
                COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE
            )
        small.save(path, optimize=True)

    return take
