"""The day of those whose work the deal does not need: each begins at home, as somebody new does, and does one thing."""

import re

from playwright.sync_api import Page, expect

from tests.browser import keyboard
from tests.browser.office import Office
from tests.browser.selling import COMPANY, record


def everybody(office: Office) -> None:
    """One after another."""
    case_is_written_down(office("clara"))
    clause_is_approved(office("vera"))
    charges_are_read(office("jonas"))
    engine_is_paused(office("nils"))
    product_is_begun(office("paula"))
    fallout_is_looked_at(office("sofia"))
    somebody_is_helped(office("admin"), office("mira"))


def case_is_written_down(clara: Page) -> None:
    """A customer called; refused without a word of what happened, then taken."""
    clara.goto("/")
    keyboard.press(clara.get_by_role("link", name="New case").first)
    keyboard.press(clara.get_by_role("button", name="Create case"))
    expect(clara.locator(".err").first).to_be_visible()
    keyboard.write(clara.get_by_label("In a few words"), "Voice crackles in Hamburg")
    keyboard.write(clara.get_by_label("What happened"), "Since Monday, every second call.")
    keyboard.choose(clara.get_by_label("Customer", exact=True), COMPANY)
    keyboard.press(clara.get_by_role("button", name="Create case"))
    record(clara, r"/cases/CAS\d+/$")
    keyboard.press(clara.get_by_role("button", name="Take it"))
    expect(clara.locator("main")).to_contain_text("Clara Roos")


def clause_is_approved(vera: Page) -> None:
    """A clause for the library, found again among what waits at home."""
    vera.goto("/")
    vera.get_by_role("link", name="Clause library").first.click()
    vera.get_by_role("link", name="New clause").first.click()
    for label, text in (
        ("Key", "night_work"), ("Title", "Work at night"), ("Text", "Work at night is announced a week before."),
    ):  # fmt: skip
        vera.get_by_label(label, exact=True).fill(text)
    vera.get_by_role("button", name="Keep as draft").click()
    expect(vera.get_by_role("heading", level=1)).to_contain_text("Work at night")
    vera.goto("/")
    vera.get_by_role("link", name=re.compile("Approve the clause “Work at night”")).first.click()
    vera.get_by_role("button", name="Approve", exact=True).click()
    expect(vera.locator(".stages [aria-current=step]")).to_contain_text("Approved")


def charges_are_read(jonas: Page) -> None:
    """What a customer pays this month, line by line."""
    jonas.goto("/")
    jonas.get_by_role("link", name=re.compile("Customers to bill")).click()
    jonas.locator("tbody").get_by_role("link", name=COMPANY).first.click()
    for said in (COMPANY, "Dedicated internet"):
        expect(jonas.locator("main")).to_contain_text(said)


def engine_is_paused(nils: Page) -> None:
    """Not without a reason that others read; then everything goes on."""
    nils.goto("/")
    nils.get_by_role("link", name="Engine").first.click()
    nils.locator("summary", has_text="Pause the engine").click()
    nils.get_by_role("button", name="Pause", exact=True).click()
    expect(nils.locator(".err").first).to_be_visible()
    nils.get_by_label("Why is it paused?").fill("The network team changes its core.")
    nils.get_by_role("button", name="Pause", exact=True).click()
    expect(nils.locator("main")).to_contain_text("The network team changes its core.")
    nils.get_by_role("button", name="Resume").click()
    expect(nils.locator(".head .title")).to_contain_text("Running")


def product_is_begun(paula: Page) -> None:
    """A new offering, which leads to where it gets its price."""
    paula.goto("/")
    paula.get_by_role("link", name="New offering").first.click()
    paula.get_by_label("Name", exact=True).fill("LTE spare line")
    for label, choice in (("Shelf", "Connectivity"), ("Specification", "Dedicated internet, version 1 (active)")):
        paula.get_by_label(label).select_option(label=choice)
    paula.get_by_label("Can be sold by itself").check()
    paula.locator(".form-foot .btn-primary").click()
    expect(paula.get_by_role("heading", level=1)).to_contain_text("LTE spare line")
    paula.get_by_role("link", name=re.compile("^Price it in")).first.click()
    expect(paula.locator("main")).to_contain_text("LTE spare line")


def fallout_is_looked_at(sofia: Page) -> None:
    """What fell out and how it was mended."""
    sofia.goto("/")
    sofia.get_by_role("link", name=re.compile("Fallout open")).click()
    expect(sofia.get_by_role("heading", level=1)).to_contain_text(re.compile("allout"))


def somebody_is_helped(admin: Page, mira: Page) -> None:
    """The administrator sees what a seller sees, changes nothing, and the seller is told."""
    admin.goto("/look-on/")
    keyboard.choose(admin.get_by_label("As whom"), "Mira Havlik, Account manager")
    admin.get_by_label("Why").fill("She cannot find an order.")
    admin.get_by_role("button", name="Look on").click()
    expect(admin.locator(".looking-on")).to_contain_text("Mira Havlik")
    admin.get_by_role("button", name="Stop looking on").click()
    expect(admin.locator(".looking-on")).to_have_count(0)
    mira.goto("/inbox/")
    expect(mira.locator("main")).to_contain_text("is looking at your pages")
