"""From lead to live service in the browser: every step through the screens, by the person whose job it is."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import daily, delivering, ordering, portal, quoting, reading, rolling, selling
from tests.browser.office import Office
from tests.browser.selling import Deal

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.xdist_group("stack")]

Shoot = Callable[..., None]
DRAWN = 30_000  # bytes of a picture with text on it; an empty viewer has a tenth of them


def test_a_lead_becomes_live_services(office: Office, shoot: Shoot) -> None:
    deal = Deal()
    sell(office, deal, shoot)
    agree(office, deal)
    quote(office, deal, shoot)
    order(office, deal)
    deliver(office, deal, shoot)
    look_back(office, deal, shoot)


def test_everybody_else_begins_at_home(office: Office) -> None:
    daily.everybody(office)


def test_two_hundred_sites_are_sold_by_hand(office: Office, tmp_path: Path, shoot: Shoot) -> None:
    rolling.sell(office, tmp_path, shoot)
    rolling.look(office, shoot)
    rolling.try_a_rule(office("paula"), shoot)


def test_no_page_shuts_anybody_out(office: Office) -> None:
    assert reading.everybody(office) == []


def sell(office: Office, deal: Deal, shoot: Shoot) -> None:
    """Lead, customer, opportunity; the signatory is let into the portal."""
    mira = office("mira")
    selling.capture_lead(mira, deal)
    selling.qualify(mira)
    shoot(mira, "lead")
    selling.convert(mira, deal)
    selling.complete_account(mira, deal)
    portal.choose_password(office)


def agree(office: Office, deal: Deal) -> None:
    """The agreement is negotiated, approved and signed."""
    mira = office("mira")
    selling.draft_agreement(mira, deal)
    selling.approve_agreement(office("petra"), deal)
    link = selling.send_for_signature(mira, deal.agreement)
    selling.sign(office, link, "Sign the agreement")


def quote(office: Office, deal: Deal, shoot: Shoot) -> None:
    """Sites, prices, a discount that needs a word, a second version, the signature."""
    mira, petra = office("mira"), office("petra")
    quoting.open_quote(mira, deal)
    quoting.import_sites(mira)
    quoting.configure_sites(mira)
    shoot(mira, "quote")
    quoting.discount_and_submit(mira, "17", "The incumbent is 16 % under our standard price.")
    quoting.approve_quote(petra, deal)
    outdated = selling.send_for_signature(mira, deal.quote)
    quoting.second_version(mira, deal)
    quoting.discount_and_submit(mira, "", "Same discount, one site faster.")
    quoting.approve_quote(petra, deal)
    link = selling.send_for_signature(mira, deal.quote)
    quoting.closed(office, outdated)
    selling.sign(office, link, "Sign and accept the offer", before=lambda page: read(page, shoot))


def read(julia: Page, shoot: Shoot) -> None:
    """The document is on the page before she signs it: the viewer's plain ground has given way to text."""
    document = julia.locator("object")
    for _ in range(100):
        if len(document.screenshot(caret="initial")) > DRAWN:
            break
    shoot(julia, "sign")


def order(office: Office, deal: Deal) -> None:
    """The order, refused first, enriched, approved."""
    tom = office("tom")
    ordering.create_order(tom, deal)
    ordering.submit_order(tom, deal)
    ordering.supply_values(office("ravi"), deal)
    ordering.refusals(office, deal)
    ordering.approve_order(office("anke"), deal)


def deliver(office: Office, deal: Deal, shoot: Shoot) -> None:
    """Workers and people at once: one fault, one access build, tasks in the office and in the field."""
    michael, ravi, ingrid = office("michael"), office("ravi"), office("ingrid")
    bram, julia = office("bram", phone=True), portal.julia(office)
    delivering.fallen(michael)
    shoot(michael, "fallout")
    ravi.goto("/")
    expect(ravi.get_by_role("table", name="Open orders with their milestones")).to_be_visible()
    julia.set_viewport_size({"width": 1280, "height": 900})
    portal.under_way(julia, deal)
    shoot(julia, "portal")
    portal.asks(julia)
    shoot(julia, "portal-quote")
    pictures_of_order(ingrid, deal, shoot)
    delivering.work(bram, first=lambda page: shoot(page, "task-390"), carelessly=True)
    delivering.work(ravi, carelessly=True)
    on_phone = portal.julia(office, phone=True)
    portal.under_way(on_phone, deal)
    shoot(on_phone, "portal-390")
    delivering.mend(michael)
    delivering.build(office("lena"))
    delivering.until_completed(office, deal)


def pictures_of_order(ingrid: Page, deal: Deal, shoot: Shoot) -> None:
    """The order in mid-delivery: as a tree, as a graph, along time."""
    ingrid.goto(deal.order)
    expect(ingrid.get_by_role("table", name=re.compile("Order, site, line"))).to_contain_text("in fallout")
    shoot(ingrid, "order")
    ingrid.get_by_role("link", name="Graph").click()
    expect(ingrid.locator("svg").first).to_be_visible()
    shoot(ingrid, "order-graph")
    ingrid.emulate_media(color_scheme="dark")
    ingrid.get_by_role("link", name="Timeline").click()
    expect(ingrid).to_have_url(re.compile("/timeline/"))
    shoot(ingrid, "order-timeline-dark")
    ingrid.emulate_media(color_scheme="light")


def look_back(office: Office, deal: Deal, shoot: Shoot) -> None:
    """Everything that was promised is there, for us and for the customer."""
    ingrid = office("ingrid")
    delivering.all_live(ingrid, deal)
    delivering.product_billed(ingrid)
    shoot(ingrid, "inventory")
    delivering.contracts_active(ingrid)
    portal.everything_works(portal.julia(office), deal)
    portal.not_theirs(office)
    admin = office("admin")
    admin.goto("/look-on/")
    shoot(admin, "look-on")
