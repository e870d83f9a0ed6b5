"""Selling in the browser: lead, customer, agreement, each step by the person whose job it is."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from tests.browser import keyboard
from tests.browser.office import Office

COMPANY = "Meridor Logistics Holding N.V."
DUTCH, GERMAN = "Meridor Logistics Nederland B.V.", "Meridor Logistik Deutschland GmbH"
JULIA = "julia.brandt@meridor.example"
JULIAS_PASSWORD = "seven-depots-by-the-sea"


@dataclass
class Deal:
    """Where the deal's pages are."""

    lead: str = ""
    account: str = ""
    opportunity: str = ""
    agreement: str = ""
    quote: str = ""
    order: str = ""


def record(page: Page, pattern: str) -> str:
    """The path of the record's page that the browser is taken to."""
    expect(page).to_have_url(re.compile(pattern))
    return page.url.split("?")[0].split("#")[0]


def make_move(page: Page, button: str, state: str) -> None:
    """Press a button of the lifecycle bar; the page shows the next state."""
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.locator(".stages [aria-current=step]")).to_contain_text(state)


def capture_lead(mira: Page, deal: Deal) -> None:
    """Who called, and what they want; without a mouse."""
    keyboard.press(mira.get_by_role("link", name="Leads").first)
    keyboard.press(mira.get_by_role("link", name="New lead").first)
    for label, text in (
        ("Company", COMPANY), ("First name", "Julia"), ("Last name", "Brandt"), ("E-mail", JULIA),
        ("Phone", "+49 40 555 0106"), ("Score", "86"),
        ("What do they want to achieve?", "Twelve depots on one network, failover within seconds, one bill."),
    ):  # fmt: skip
        keyboard.write(mira.get_by_label(label), text)
    for label, choice in (("Country", "Netherlands"), ("Source", "Referral"), ("Rating", "Hot")):
        keyboard.choose(mira.get_by_label(label), choice)
    for row, (offering, quantity) in enumerate((("SD-WAN site", "12"), ("Dedicated internet", "12"))):
        if row:
            keyboard.press(mira.get_by_role("button", name="Add a line"))
        keyboard.choose(mira.get_by_label("Offering").nth(row), offering)
        keyboard.write(mira.get_by_label("Quantity").nth(row), quantity)
    keyboard.press(mira.get_by_role("button", name="Capture lead"))
    deal.lead = record(mira, r"/leads/LED\d+/$")
    expect(mira.get_by_role("heading", level=1)).to_contain_text(COMPANY)


def qualify(mira: Page) -> None:
    """The lead is worth a deal."""
    for move, state in (("Contacted", "Contacted"), ("Nurture", "Nurturing"), ("Qualify", "Qualified")):
        make_move(mira, move, state)


def convert(mira: Page, deal: Deal) -> None:
    """The lead becomes a customer with a signatory and an opportunity."""
    mira.get_by_role("link", name="Convert").first.click()
    mira.get_by_label("Name of the opportunity").fill("SD-WAN roll-out, 12 sites")
    mira.get_by_label("Role").select_option(label="Signatory")
    mira.get_by_label("Tier").select_option(label="Platinum")
    mira.get_by_role("button", name="Convert lead").click()
    deal.opportunity = record(mira, r"/opportunities/OPP\d+/$")
    mira.locator("main").get_by_role("link", name=COMPANY).first.click()
    deal.account = record(mira, r"/accounts/ACC\d+/$")


def complete_account(mira: Page, deal: Deal) -> None:
    """Two child companies with a contact each; the signatory may use the portal."""
    for company, first, last in ((DUTCH, "Femke", "Smit"), (GERMAN, "Lukas", "Hahn")):
        mira.goto(deal.account)
        mira.locator("summary", has_text="Add").first.click()
        mira.get_by_role("link", name="Company below this one").click()
        mira.get_by_label("Name", exact=True).fill(company)
        mira.get_by_role("button", name="Open account").click()
        mira.get_by_role("region", name="Structure").get_by_role("link", name=company).click()
        expect(mira.get_by_role("heading", name=company, level=1)).to_be_visible()
        add_contact(mira, first, last)
    mira.goto(deal.account)
    mira.get_by_label("More about Julia Brandt").click()
    mira.get_by_role("button", name="Give portal access").click()
    expect(mira.get_by_text("uses the portal")).to_be_visible()


def add_contact(page: Page, first: str, last: str) -> None:
    """A contact of the account that the page shows."""
    page.get_by_role("region", name="Contacts").get_by_role("link", name="Add").click()
    panel = page.get_by_role("dialog", name="Side panel")
    panel.get_by_label("First name").fill(first)
    panel.get_by_label("Last name").fill(last)
    panel.get_by_label("Email").fill(f"{first}.{last}@meridor.example".lower())
    panel.get_by_role("button", name="Add contact").click()
    expect(page.get_by_role("link", name=f"{first} {last}")).to_be_visible()


def draft_agreement(mira: Page, deal: Deal) -> None:
    """Terms, a discount and global service levels, and what each side said."""
    mira.goto(deal.account)
    mira.get_by_role("region", name="Quotes, agreements").get_by_role("link", name="Agreement").click()
    mira.get_by_label("Opportunity").select_option(index=1)
    mira.get_by_label("Title").fill("Framework agreement, networks")
    mira.get_by_role("button", name="Draft agreement").click()
    deal.agreement = record(mira, r"/agreements/AGR\d+/v1/$")
    mira.get_by_label("Percent").fill("5")
    mira.get_by_role("button", name="Add discount").click()
    expect(mira.get_by_role("region", name="Discounts").get_by_role("row", name="All services")).to_contain_text("5 %")
    levels = mira.get_by_role("region", name="Service levels")
    for name, value, promise in (
        ("Availability", "99.9", "99.9 % of every month"), ("Time to repair", "4", "within 4 hours"),
        ("Response time", "15", "within 15 minutes"),
    ):  # fmt: skip
        choose(levels.get_by_label("Service level", exact=True), name)
        levels.get_by_label("Value").fill(value)
        levels.get_by_role("button", name="Set level").click()
        expect(levels.get_by_role("cell", name=promise)).to_be_visible()
    make_move(mira, "Start negotiation", "In negotiation")
    for side, said in (
        ("The customer says", "Repair within 4 hours at each site."), ("We propose", "Agreed, and 5 % on all charges."),
    ):  # fmt: skip
        talk = mira.get_by_role("region", name="Negotiation")
        talk.get_by_label("Whose").select_option(label=side)
        talk.get_by_label("What", exact=True).fill(said)
        talk.get_by_role("button", name="Note this round").click()
        expect(talk.get_by_role("list")).to_contain_text(said)
    make_move(mira, "Submit for review", "In review")


def choose(select: Locator, starts: str) -> None:
    """The option whose label starts so."""
    options = select.locator("option").all_inner_texts()
    select.select_option(label=next(text for text in options if text.startswith(starts)))


def approve_agreement(petra: Page, deal: Deal) -> None:
    """The sales manager finds it on her home page and approves it there and then."""
    petra.goto("/")
    keyboard.decision(petra, "AGR").click()
    keyboard.papers(petra, "AGR").click()
    expect(petra).to_have_url(deal.agreement)
    petra.get_by_role("region", name="Approval").get_by_role("button", name="Approve").click()
    expect(petra.locator(".stages [aria-current=step]")).to_contain_text("Approved")


def send_for_signature(mira: Page, subject: str) -> str:
    """The link that the signatory gets."""
    mira.goto(subject)
    signature = mira.get_by_role("region", name="Signature")
    signature.get_by_role("button", name=re.compile("Send|Present")).click()
    return signature.get_by_label("Signature link").input_value()


def sign(
    office: Office, link: str, button: str, before: Callable[[Page], None] = lambda page: None,
    name: str = "Julia Brandt",
) -> None:  # fmt: skip
    """The signatory opens the link, reads, consents, signs with her name; without a mouse."""
    julia = office.stranger()
    julia.goto(link)
    expect(julia.get_by_role("button", name=button)).to_be_visible()
    before(julia)
    keyboard.write(julia.get_by_label("Your full name"), name)
    keyboard.tick(julia.get_by_role("checkbox"))
    keyboard.press(julia.get_by_role("button", name=button))
    expect(julia.locator("main")).to_contain_text("signed")
    julia.context.close()
