"""Ordering in the browser: from the signed quote to an approved order, with what is refused on the way."""

import datetime as dt
import re

from playwright.sync_api import Page, expect

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
    tom.get_by_role("button", name="Save changes").click()
    expect(tom.locator("main")).to_contain_text("Everything is here.")
    tom.get_by_role("button", name="Submit order").click()
    expect(tom.locator(STAGE)).not_to_contain_text("Draft")


def supply_values(ravi: Page, deal: Deal) -> None:
    """What no rule knows is asked from the delivery engineer; a wrong value is refused at its field."""
    expect(ravi.get_by_role("region", name="Next actions")).to_be_visible()
