"""Ordering in the browser: from the signed quote to an approved order, with what is refused on the way."""

import datetime as dt
import re

from playwright.sync_api import Locator, Page, expect

from tests.browser import keyboard
from tests.browser.office import Office
from tests.browser.selling import Deal, record

STAGE = ".stages [aria-current=step]"


def create_order(tom: Page, deal: Deal) -> None:
    """The order desk finds the signed quote on its home page and makes the order of it."""
    tom.goto("/")
    tom.get_by_role("link", name=re.compile("Create the order of")).click()
    tom.get_by_role("button", name="Create the order").click()
    deal.order = record(tom, r"/orders/ORD\d+/$")
    expect(tom.locator(STAGE)).to_contain_text("Draft")


def submit_order(tom: Page, deal: Deal) -> None:
    """Refused until somebody knows where the invoices go; nothing typed is lost; then submitted."""
    tom.get_by_role("button", name="Submit order").click()
    expect(tom.get_by_role("alert").first).to_contain_text("The account has no billing profile chosen")
    tom.get_by_role("link", name="Meridor Logistics Holding N.V.").first.click()
    tom.get_by_role("region", name="Billing").get_by_role("link", name="Add").click()
    panel = tom.get_by_role("dialog", name="Side panel")
    for label, text in (
        ("Invoice email", "invoices@meridor.example"), ("Street", "Takkebijsters 17"), ("Postcode", "4817 BL"),
        ("City", "Breda"), ("Their reference", "PO-7741-26"),
    ):  # fmt: skip
        panel.get_by_label(label).fill(text)
    panel.get_by_label("Country").select_option(label="Netherlands")
    panel.get_by_role("button", name="Add billing profile").click()
    expect(tom.get_by_role("region", name="Billing")).to_contain_text("invoices@meridor.example")
    tom.goto(deal.order)
    tom.get_by_label("Their reference").fill("PO-7741-26")
    tom.get_by_label("Billing profile").select_option(index=1)
    tom.get_by_label("Requested date").fill((dt.date.today() + dt.timedelta(days=150)).isoformat())  # noqa: DTZ011
    tom.get_by_role("button", name="Submit order").click()  # what is typed above is kept first
    expect(tom.locator(STAGE)).not_to_contain_text("Draft")
    expect(tom.locator("dl.facts", has_text="Their reference")).to_contain_text("PO-7741-26")


def supply_values(ravi: Page, deal: Deal) -> None:
    """What no rule knows is asked from the delivery engineer; the order waits and then goes on by itself."""
    ravi.goto("/")
    appears(ravi, ravi.get_by_role("link", name="Fill in 1 technical value")).click()
    asked = ravi.get_by_role("region", name="Missing values")
    asked.get_by_role("button", name="Supply values").click()
    expect(asked.get_by_role("alert")).to_contain_text("Fill in at least one value.")
    asked.get_by_label("Fibre handover").select_option(label="SC simplex")
    asked.get_by_role("button", name="Supply values").click()
    expect(ravi.locator(STAGE)).to_contain_text("Awaiting approval")


def appears(page: Page, wanted: Locator) -> Locator:
    """What the workers make while we look: load the page again until it is there."""
    for _ in range(20):
        try:
            expect(wanted.first).to_be_visible(timeout=1500)
            break
        except AssertionError:
            page.reload()
    expect(wanted.first).to_be_visible()
    return wanted.first


def refusals(office: Office, deal: Deal) -> None:
    """What nobody may do: a move that the state does not allow, a page without the right, an illegal approval."""
    mira, bram = office("mira"), office("bram")
    number = deal.order.rstrip("/").rsplit("/", 1)[1]
    assert office.post(office("tom"), f"/orders/{number}/submit/") == 409
    assert office.post(mira, "/move/contracts.quote/1/", move="accept") == 409
    assert office.post(mira, f"/orders/{number}/submit/") == 403
    bram.goto("/quotes/new/")
    expect(bram.get_by_role("heading", level=1)).to_have_text("You may not open this")
    expect(bram.locator("main")).to_contain_text("403")


def approve_order(anke: Page, deal: Deal) -> None:
    """The approver reads why she is asked and approves; without a mouse."""
    anke.goto("/")
    keyboard.press(keyboard.decision(anke, "ORD"))
    keyboard.press(keyboard.papers(anke, "ORD"))
    approval = anke.get_by_role("region", name="Approval")
    for reason in ("5,000 a month", "ccess has to be built"):
        expect(approval).to_contain_text(reason)
    keyboard.press(approval.get_by_role("button", name="Approve"))
    expect(approval).to_contain_text("Anke Vos")
    appears(anke, anke.locator(STAGE).filter(has_text="In progress"))
