"""Delivering in the browser: people's tasks, the access build, the fallout, while the workers do the rest."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.browser import keyboard
from tests.browser.office import Office
from tests.browser.ordering import STAGE, appears
from tests.browser.selling import Deal

ROUNDS = 60  # looks at the order; each one does what people can do by then


def fallen(michael: Page) -> None:
    """One site's VLAN is taken; the fallout agent finds the record on his home page, with a way to mend it."""
    michael.goto("/")
    appears(michael, michael.get_by_role("link", name="VLAN in use")).click()
    expect(michael.get_by_text("Use VLAN 2131 instead of 2114 and try again.")).to_be_visible()


def mend(michael: Page) -> None:
    """He takes it, uses what the network suggests, retries; what is no number is refused at its field. No mouse."""
    keyboard.press(michael.get_by_role("button", name="Take", exact=True))
    expect(michael.locator(STAGE)).to_contain_text("In progress")
    keyboard.press(michael.locator("summary", has_text="Edit and retry"))
    vlan = michael.get_by_role("textbox", name=re.compile("^VLAN"))
    expect(vlan).to_have_value("2131")
    keyboard.write(vlan, "21 31x")
    keyboard.press(michael.get_by_role("button", name="Retry with these values"))
    expect(michael.get_by_role("region", name="How to mend it").locator(".err").first).to_be_visible()
    keyboard.write(michael.get_by_role("textbox", name=re.compile("^VLAN")), "2131")
    keyboard.press(michael.get_by_role("button", name="Retry with these values"))
    appears(michael, heading(michael).filter(has_text=re.compile("Resolved|Closed")))


def build(lena: Page) -> None:
    """The off-net site is a project; the head of delivery ticks its tasks off as they are done."""
    lena.goto("/projects/")
    lena.get_by_role("link", name="Build the access: Sassnitz ferry terminal").click()
    steps = lena.get_by_role("button", name=re.compile("^Done: "))
    expect(steps.first).to_be_visible()
    for left in range(steps.count() - 1, -1, -1):
        steps.first.click()
        expect(steps).to_have_count(left)
    expect(heading(lena)).to_contain_text("Completed")


def work(page: Page, *, first: Callable[[Page], None] = lambda page: None, carelessly: bool = False) -> int:
    """Do every task that waits for this person; how many there were. `first` is shown the first of them."""
    page.goto("/tasks/")
    waiting = page.locator("tbody tr th a")
    done = 0
    while waiting.count():
        keyboard.press(waiting.first) if not done else waiting.first.click()
        expect(page.get_by_role("button", name="Complete the task")).to_be_visible()
        if not done:
            first(page)
        if carelessly and not done:
            refused(page)
        finish(page, keys=not done)
        page.goto("/tasks/")
        done += 1
    return done


def refused(page: Page) -> None:
    """Completing a task without having done it is refused at the field."""
    page.get_by_role("button", name="Complete the task").click()
    expect(page.get_by_role("region", name="What to do").locator(".err").first).to_be_visible()


def finish(page: Page, *, keys: bool = False) -> None:
    """Tick what was done, fill in what is asked, complete; without a mouse if so wished."""
    todo = page.get_by_role("region", name="What to do")
    button = todo.get_by_role("button", name="Complete the task")
    expect(button).to_be_visible()
    for box in todo.get_by_role("checkbox").all():
        keyboard.tick(box) if keys else box.check()
    for choice in todo.get_by_role("combobox").all():
        choice.select_option(index=1)
    for text in todo.get_by_role("textbox").all():
        keyboard.write(text, "meridor-wan") if keys else text.fill("meridor-wan")
    here = page.url.split("/tasks/")[1].split("/")[0]
    keyboard.press(button) if keys else button.click()
    expect(page).not_to_have_url(re.compile(here))


def until_completed(office: Office, deal: Deal) -> None:
    """People do what waits for them while the workers go on, until nothing is left."""
    ingrid = office("ingrid")
    ingrid.goto(deal.order)  # it follows the order by itself from now on
    for _ in range(ROUNDS):
        work(office("ravi"))
        work(office("bram", phone=True))
        if over(ingrid):
            break
    expect(heading(ingrid)).to_contain_text("Completed")


def over(ingrid: Page) -> bool:
    """Whether the open page of the order says that it is completed, within the moment that one look takes."""
    try:
        expect(heading(ingrid)).to_contain_text("Completed", timeout=1500)
    except AssertionError:
        return False
    return True


def heading(page: Page) -> Locator:
    """A record's title with its state beside it."""
    return page.locator(".head .title")


def all_live(ingrid: Page, deal: Deal) -> None:
    """The order is over, each site lives and is billed."""
    ingrid.goto(deal.order)
    for said in (r"(2\d\d) of \1", "11 of 11 sites live", "26 lines billed since"):
        expect(ingrid.locator("#order-strip")).to_contain_text(re.compile(said))


def product_billed(ingrid: Page) -> None:
    """Every product is active; one of them shows what it stands on and since when it is billed."""
    ingrid.goto("/inventory/?state=active")
    expect(ingrid.get_by_role("region", name="Inventory")).to_contain_text("26 match")
    ingrid.get_by_role("row", name=re.compile("Dedicated internet")).first.get_by_role("link").first.click()
    trace = ingrid.get_by_role("table", name="Services and resources under this product")
    expect(trace).to_contain_text("IP port")
    expect(trace).to_contain_text("In service")
    expect(ingrid.get_by_role("region", name="Activity")).to_contain_text("Billing started")


def contracts_active(ingrid: Page) -> None:
    """One service contract a site, in force."""
    ingrid.goto("/contracts/?kind=service&state=active")
    expect(ingrid.locator("tbody tr")).to_have_count(11)
