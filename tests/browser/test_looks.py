"""The key screens look as they did: small pictures of them are kept in `looks/` and compared.

A picture is the screen with each eight by eight pixels as one, and each digit as an 8. So edges of letters and numbers
that count up do not matter, while a panel at another place, of another size or colour does: one in two hundred of the
cells may differ visibly. Records, people and time are fixed, the typeface comes with the product: machines agree.
The test also breaks a screen on purpose in small ways and expects each to be noticed.

When a screen was meant to change: `LOOKS=write pytest tests/browser/test_looks.py`, look at the new pictures, commit
them. A failure leaves the picture, what was kept and where they differ side by side in the test's own folder.
"""

import datetime as dt
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.test import Client
from django.urls import reverse
from PIL import Image, ImageChops
from playwright.sync_api import Browser, Page, expect

from kernel.models import User
from tests.browser.glass import Glass
from tests.browser.office import DESK, PHONE
from tests.factories import catalog as shelves
from tests.factories import contracts_quotes as quotes
from tests.factories import crm, people, portal
from tests.factories import fallout as broken

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.django_db]

Compare = Callable[..., str]
KEPT = Path(__file__).parent / "looks"
WRITE = os.environ.get("LOOKS") == "write"
NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)  # a Monday
CELL = 8  # pixels of a screen, each way, that become one
TRIES = 10  # pictures of a screen until two are the same
VISIBLE = 24  # of 255 by which a cell has to differ in a colour
MOST = 0.005  # of all cells
COUNTED = (people.UserFactory, crm.AccountFactory, crm.ContactFactory, crm.SiteFactory, crm.OpportunityFactory)
STILL = """() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replace(/\\d/g, "8");
  document.activeElement.blur();
  scrollTo(0, 0);
}"""
STYLE = """(rules) => { const sheet = new CSSStyleSheet(); sheet.replaceSync(rules);
  document.adoptedStyleSheets = [sheet]; }"""
BROKEN = {
    "a typeface is missing": ":root { --font: monospace !important }",
    "a gutter is gone": ".page { padding: 0 !important }",
    "rows are taller": ".table td { height: 46px !important }",
    "another colour": ":root { --accent: #b3261e !important; --run: #b3261e !important; --ok: #b3261e !important }",
}
PRINTED = ("orders", "quote", "order")
PAPER = {"width": 1032, "height": 702}  # a sheet on its side, within its margins
HARMLESS = "body { text-rendering: geometricPrecision; letter-spacing: .004em; transform: translate(.3px, .3px) }"


@pytest.fixture(scope="module", autouse=True)
def _loop(browser: Browser) -> Iterator[None]:
    """The browser's driver runs a loop in this thread, where Django would not work without being told; the connection
    that it opens there is another one than the thread's, and ends before the loop does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield
        connections.close_all()


@pytest.fixture
def world() -> dict[str, Any]:
    """An order in delivery, one task of another that fell out, a quote, and who looks at them."""
    for factory in COUNTED:
        factory.reset_sequence(0, force=True)
    with time_machine.travel(NOW, tick=False):
        shop = portal.shop()
        shelves.publish()
        order = shop.running(sites=3)
        quote, _ = quotes.filled(sites=3)
        manager: User = people.UserFactory(role="order_manager", roles=["sales_manager", "fallout_manager"])
        return {
            "order": order, "quote": quote, "fallout": broken.fallout(), "manager": manager,
            "customer": portal.customer(shop.account),
        }  # fmt: skip


@pytest.fixture
def glass(browser: Browser, world: dict[str, Any]) -> Iterator[Glass]:
    """The manager's browser. What it complained about on the way fails the test at its end."""
    made = Glass(browser, now=NOW)
    _log_in(made.client, world["manager"])
    yield made
    assert made.troubles == []


def _log_in(client: Client, person: User) -> None:
    with time_machine.travel(NOW, tick=False):
        client.force_login(person)


def _small(page: Page, *, whole: bool = False) -> Image.Image:
    """The screen once nothing on it changes any more, panels that come later and news among it."""
    before = b""
    for _ in range(TRIES):
        page.evaluate(STILL)
        shot = page.screenshot(full_page=whole, animations="disabled")
        if shot == before:
            break
        before = shot
    with Image.open(io.BytesIO(before)) as taken:
        return taken.convert("RGB").reduce(CELL * 2 if whole else CELL)


def _apart(new: Image.Image, old: Image.Image) -> Image.Image:
    """White where two pictures differ visibly; what only one of them has differs."""
    size = (max(new.width, old.width), max(new.height, old.height))
    sheets = [Image.new("RGB", size, colour) for colour in ("#ff00ff", "#00ff00")]
    for sheet, picture in zip(sheets, (new, old), strict=True):
        sheet.paste(picture)
    bands = ImageChops.difference(*sheets).split()
    most = ImageChops.lighter(ImageChops.lighter(bands[0], bands[1]), bands[2])
    return most.point(lambda value: 255 if value > VISIBLE else 0)


def _share(apart: Image.Image) -> float:
    return apart.histogram()[255] / (apart.width * apart.height)


@pytest.fixture
def compare(tmp_path: Path) -> Compare:
    """Hold a screen against the picture that is kept of it; what to say when they differ, empty otherwise."""

    def hold(page: Page, name: str, *, whole: bool = False) -> str:
        new, path = _small(page, whole=whole), KEPT / f"{name}.png"
        if WRITE:
            path.parent.mkdir(exist_ok=True)
            new.save(path, optimize=True)
        if not path.exists():
            return f"{name}: no picture is kept of it"
        with Image.open(path) as kept:
            old = kept.convert("RGB")
        apart = _apart(new, old)
        if _share(apart) <= MOST:
            return ""
        told = Image.new("RGB", (sum(one.width for one in (new, old, apart)), apart.height))
        for at, one in ((0, new), (new.width, old), (new.width + old.width, apart.convert("RGB"))):
            told.paste(one, (at, 0))
        told.resize((told.width * 3, told.height * 3), Image.Resampling.NEAREST).save(tmp_path / f"{name}.png")
        return f"{name}: {_share(apart):.1%} differ, see {tmp_path / name}.png; `LOOKS=write` keeps it as it is now"

    return hold


def _open(page: Page, path: str) -> None:
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="light")
    page.goto(path, wait_until="networkidle")
    page.evaluate("document.fonts.ready")


def test_key_screens_look_as_they_did(glass: Glass, world: dict[str, Any], compare: Compare) -> None:
    with glass.page() as page:
        found = [*_workspace(page, world, compare), *_noticed(page), *_design(page, compare)]
        glass.client.logout()
        found += _portal(page, glass, world, compare)
    assert "\n".join(filter(None, found)) == ""


def _workspace(page: Page, world: dict[str, Any], compare: Compare) -> Iterator[str]:
    """Screens of those who work here; the order comes last and stays open."""
    quote, order = world["quote"], world["order"]
    screens = {
        "home": "/", "orders": "/orders/", "fallout": "/fallout/",
        "quote": reverse("contracts:quote", args=[quote.number, quote.version]),
        "order": reverse("orders:order", args=[order.number]),
    }  # fmt: skip
    for name, path in screens.items():
        _open(page, path)
        yield compare(page, name)
        if name in PRINTED:
            page.set_viewport_size(PAPER)
            page.emulate_media(color_scheme="dark", media="print")
            yield compare(page, f"{name}-printed", whole=True)
            page.emulate_media(media="screen")
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="dark")
    yield compare(page, "order-dark")


def _noticed(page: Page) -> Iterator[str]:
    """The screen that is open, broken in small ways: each is noticed, and another edge of letters is not."""
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="light")
    kept = _small(page)
    for why, rules in {"harmless": HARMLESS, **BROKEN}.items():
        page.evaluate(STYLE, rules)
        share = _share(_apart(_small(page), kept))
        if (share > MOST) != (why in BROKEN):
            yield f"{why}: {share:.1%} differ"


def test_a_list_keeps_focus_words_and_history(glass: Glass) -> None:
    with glass.page() as page:
        _open(page, "/orders/")
        head = page.get_by_role("link", name="Order", exact=True)
        head.focus()
        page.keyboard.press("Enter")
        expect(page.locator("th[aria-sort=ascending]")).to_have_text("Order")
        expect(head).to_be_focused()
        expect(page.locator("#told")).to_have_text("1 to 1 of 1, by order")
        search = page.get_by_role("searchbox", name="Search this list")
        search.fill("SD")
        page.evaluate("""document.addEventListener("htmx:beforeOnLoad", () => {
            const here = document.activeElement;
            here.value = "SD-W";
            here.dispatchEvent(new Event("input", {bubbles: true}));
        }, {once: true})""")  # typed while the answer to SD is on its way
        page.wait_for_url("**q=SD-W**")
        expect(search).to_have_value("SD-W")
        expect(search).to_be_focused()
        expect(page.locator("#told")).to_contain_text("Nothing matches")


def _design(page: Page, compare: Compare) -> Iterator[str]:
    """Every component in every state."""
    _open(page, "/design/")
    page.evaluate(STYLE, "#icons, #states { display: none }")  # they grow with what there is to show
    yield compare(page, "design", whole=True)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size(PHONE)
    yield compare(page, "design-dark-390", whole=True)


def _portal(page: Page, glass: Glass, world: dict[str, Any], compare: Compare) -> Iterator[str]:
    """The log-in, and what a customer sees of an order."""
    _open(page, "/login/")
    yield compare(page, "login")
    _log_in(glass.client, world["customer"])
    for name, path in (("portal", "/portal/"), ("portal-order", f"/portal/orders/{world['order'].number}/")):
        _open(page, path)
        yield compare(page, name)
        page.set_viewport_size(PHONE)
        yield compare(page, f"{name}-390")
