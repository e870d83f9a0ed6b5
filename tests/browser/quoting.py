"""Quoting in the browser: the site file, the editor, the discount's approval, version 2, the signature."""

import re

from playwright.sync_api import Locator, Page, expect

from config.demo.sites import FILE
from tests.browser import keyboard
from tests.browser.office import Office
from tests.browser.selling import Deal, record

SDWAN, INTERNET = 0, 1  # columns of the grid


def open_quote(mira: Page, deal: Deal) -> None:
    """A quote from the opportunity, under the agreement."""
    mira.goto(deal.opportunity)
    make_stage(mira, "Propose")
    mira.get_by_role("link", name="New quote").click()
    mira.get_by_label("Agreement").select_option(index=1)
    mira.get_by_role("button", name="Open the quote").click()
    deal.quote = record(mira, r"/quotes/QUO\d+/v1/$")


def make_stage(page: Page, stage: str) -> None:
    """Move the opportunity on in the pipeline."""
    page.get_by_role("button", name=stage, exact=True).click()
    expect(page.get_by_role("list", name="Stages").locator("[aria-current=step]")).to_contain_text(stage)


def import_sites(mira: Page) -> None:
    """Eleven rows become sites with lines; the bad row is shown with its reason."""
    mira.get_by_role("button", name="Import sites").first.click()
    window = mira.get_by_role("dialog", name="Dialog")
    window.get_by_label("File").set_input_files(FILE)
    window.get_by_role("button", name="Read the file").click()
    bad = mira.get_by_role("table", name="Rows to mend").get_by_role("row", name="Liège Bierset")
    expect(bad).to_contain_text("“latitude” is a number between −90 and 90, not “95.64500”.")
    mira.get_by_role("button", name="Import 11 rows").click()
    result = mira.get_by_role("region", name="Result")
    expect(result).to_contain_text("26")
    result.get_by_role("link", name="Show the quote").click()
    expect(mira.get_by_role("row", name="All 11 sites, 26 lines")).to_be_visible()
    expect(mira.get_by_role("row", name="Sassnitz ferry terminal")).to_contain_text("Off-net")
    expect(mira.get_by_role("row", name="Sassnitz ferry terminal")).to_contain_text("build")


def configure(page: Page, site: str, cell: int, changes: dict[str, str | bool]) -> Locator:
    """Open one cell of the grid, change some answers, wait until they are kept. Returns the panel."""
    panel = page.get_by_role("complementary", name="Selected cell")
    page.get_by_role("row", name=re.compile(site)).locator(".sx-cell").nth(cell).get_by_role("link").click()
    expect(panel).to_contain_text(site)
    for name, value in changes.items():
        with page.expect_response(re.compile(r"/lines/\d+/save/$")) as answer:
            if isinstance(value, bool):
                panel.get_by_label(name).set_checked(value)
            elif panel.get_by_role("group", name=name, exact=True).count():
                panel.get_by_role("group", name=name, exact=True).get_by_text(value, exact=True).click()
            elif panel.get_by_role("combobox", name=name).count():
                panel.get_by_label(name).select_option(label=value)
            else:
                panel.get_by_label(name).fill(value)
        assert answer.value.status == 200, answer.value.text()
    expect(panel.get_by_role("status")).to_contain_text("Valid.")
    return panel


def configure_sites(mira: Page) -> None:
    """Two devices at the hub, BGP in Hamburg: each answer is kept at once and its price explained."""
    configure(mira, "Hamburg Billbrook", INTERNET, {"Routing": "BGP", "Customer AS number": "210483"})
    hub: dict[str, str | bool] = {"Two devices": True, "Service tier": "Gold", "Topology": "Hub"}
    panel = configure(mira, "Breda head office", SDWAN, hub)
    why = panel.get_by_role("table", name="Why this price")
    for step in ("List price", "Term", "Volume", "Agreement", "Price per month"):
        expect(why.get_by_role("row", name=step)).to_be_visible()


def discount_and_submit(mira: Page, percent: str, note: str) -> None:
    """17 % off is more than a seller may grant: the page says whose word it needs before it is asked for."""
    if percent:
        mira.get_by_role("button", name="Change the discount").click()
        window = mira.get_by_role("dialog", name="Dialog")
        window.get_by_label("Discount on monthly prices").fill(percent)
        window.get_by_role("button", name="Apply").click()
        expect(mira.locator("#totals")).to_contain_text("needs approval")
    mira.get_by_label("Reason for the approver").fill(note)
    mira.get_by_role("button", name="Submit for review").click()
    expect(mira.get_by_role("list", name="Lifecycle").locator("[aria-current=step]")).to_contain_text("In review")


def approve_quote(petra: Page, deal: Deal) -> None:
    """The sales manager reads why she is asked and approves on the quote's own page; without a mouse."""
    petra.goto("/")
    keyboard.press(keyboard.decision(petra, "QUO"))
    keyboard.press(keyboard.papers(petra, "QUO"))
    expect(petra).to_have_url(deal.quote)
    keyboard.press(petra.get_by_role("button", name="Approve", exact=True))
    expect(petra.get_by_role("list", name="Lifecycle").locator("[aria-current=step]")).to_contain_text("Approved")


def second_version(mira: Page, deal: Deal) -> None:
    """The customer wants one site faster; everything else is copied."""
    mira.goto(deal.quote)
    mira.get_by_role("button", name="New version").click()
    window = mira.get_by_role("dialog", name="Dialog")
    window.get_by_label("wish").fill("Duisburg with 1 Gbit/s, please.")
    window.get_by_role("button", name="Make the new version").click()
    deal.quote = record(mira, r"/quotes/QUO\d+/v2/$")
    expect(mira.locator("main")).to_contain_text("Duisburg with 1 Gbit/s, please.")
    configure(mira, "Duisburg Ruhrort", INTERNET, {"Bandwidth": "1G"})


def closed(office: Office, link: str) -> None:
    """The link of the version before says why it is closed."""
    page = office.stranger()
    page.goto(link)
    expect(page.locator("main")).to_contain_text("This link is no longer valid: Version 2 was presented.")
    page.context.close()
