"""The customer's face in the browser: the invitation, the order in plain words, and what belongs to somebody else."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.office import Office
from tests.browser.selling import JULIA, JULIAS_PASSWORD, Deal, record


def invitation(office: Office) -> str:
    """The link of the mail that Julia got when she was let in."""
    mails = Path(office.stack.environment["TRUNKLINE_VAR"], "mail").iterdir()
    texts = (mail.read_text() for mail in mails)
    return next(found.group(0) for text in texts if (found := re.search(r"http\S+/password/\S+", text)))


def choose_password(office: Office) -> None:
    """Julia opens her mail; a password that anybody guesses is refused, hers is taken."""
    page = office.stranger()
    page.goto(invitation(office))
    for password in ("12345678", JULIAS_PASSWORD):
        page.get_by_label("New password", exact=True).fill(password)
        page.get_by_label("New password confirmation").fill(password)
        page.get_by_role("button", name="Set password").click()
        if password != JULIAS_PASSWORD:
            expect(page.locator(".err").first).to_be_visible()
    expect(page.get_by_role("link", name="Log in").first).to_be_visible()


def julia(office: Office, *, phone: bool = False) -> Page:
    """Julia at her own screen."""
    return office(JULIA, phone=phone, password=JULIAS_PASSWORD)


def under_way(page: Page, deal: Deal) -> None:
    """Each site's stage in plain words, while the engine works."""
    page.goto("/portal/")
    page.get_by_role("link", name="SD-WAN roll-out, 12 sites").click()
    expect(page.locator("main")).to_contain_text("All sites work by")
    build = page.get_by_role("row", name=re.compile("Sassnitz ferry terminal"))
    expect(build).to_contain_text("Line is being built")


def asks(page: Page) -> None:
    """A question about the quote, on its page."""
    page.goto("/portal/quotes/")
    page.get_by_role("link", name="SD-WAN roll-out, 12 sites").click()
    page.get_by_label("Write to us").fill("Who opens the door in Sassnitz?")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("region", name="Questions and answers").get_by_role("list")).to_contain_text("Sassnitz?")
    page.evaluate("scrollTo(0, 0)")


def everything_works(page: Page, deal: Deal) -> None:
    """The same page afterwards."""
    page.goto("/portal/orders/")
    page.get_by_role("link", name="SD-WAN roll-out, 12 sites").click()
    for said in ("Everything works since", "All 11 sites work.", "Everything you ordered works"):
        expect(page.locator("main")).to_contain_text(said)


def not_theirs(office: Office) -> None:
    """What belongs to another customer does not exist for her, and our side of the house is closed."""
    mira, tom, page = office("mira"), office("tom"), julia(office)
    mira.goto("/accounts/new/")
    mira.get_by_label("Name", exact=True).fill("Halden Retail N.V.")
    mira.get_by_role("button", name="Open account").click()
    expect(mira.get_by_role("heading", name="Halden Retail N.V.", level=1)).to_be_visible()
    tom.goto("/orders/new/")
    tom.get_by_label("Customer").select_option(label="Halden Retail N.V.")
    tom.get_by_label("Title").fill("Second line in the shop")
    tom.get_by_role("button", name="Create draft").click()
    number = record(tom, r"/orders/ORD\d+/").split("/orders/")[1].split("/")[0]
    for path, status in ((f"/portal/orders/{number}/", 404), (f"/orders/{number}/", 403)):
        answer = page.goto(path)
        assert answer
        assert answer.status == status, path
