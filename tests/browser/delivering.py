"""Delivering in the browser: people's tasks, the access build, the fallout, while the workers do the rest."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.office import Office
from tests.browser.ordering import STAGE, appears
from tests.browser.selling import Deal

ROUNDS = 60  # looks at the order; each one does what people can do by then


def mend(michael: Page) -> None:
    """One site's VLAN is taken: the fallout agent takes the record, uses what the network suggests, retries."""
    michael.goto("/")
    appears(michael, michael.get_by_role("link", name="VLAN in use")).click()
    michael.get_by_role("button", name="Take", exact=True).click()
    expect(michael.locator(STAGE)).to_contain_text("In progress")
    michael.locator("summary", has_text="Edit and retry").click()
    vlan = michael.get_by_role("textbox", name=re.compile("^VLAN"))
    expect(vlan).to_have_value("2131")
    vlan.fill("21 31x")
    michael.get_by_role("button", name="Retry with these values").click()
    expect(michael.get_by_role("region", name="How to mend it").locator(".err").first).to_be_visible()
    michael.get_by_role("textbox", name=re.compile("^VLAN")).fill("2131")
    michael.get_by_role("button", name="Retry with these values").click()
    appears(michael, heading(michael).filter(has_text=re.compile("Resolved|Closed")))


def build(lena: Page) -> None:
    """The off-net site is a project; the head of delivery ticks its tasks off as they are done."""
    lena.goto("/projects/")
    lena.get_by_role("link", name="Build the access: Sassnitz ferry terminal").click()
    steps = lena.get_by_role("button", name=re.compile("^Done: "))
    for left in range(steps.count() - 1, -1, -1):
        steps.first.click()
        expect(steps).to_have_count(left)
    expect(heading(lena)).to_contain_text("Completed")


def work(page: Page, *, carelessly: bool = False) -> int:
    """Do every task that waits for this person; how many there were."""
    page.goto("/tasks/")
    waiting = page.locator("tbody tr th a")
    done = 0
    while waiting.count():
        waiting.first.click()
        if carelessly and not done:
            refused(page)
        finish(page)
        page.goto("/tasks/")
        done += 1
    return done


def refused(page: Page) -> None:
    """Completing a task without having done it is refused at the field."""
    page.get_by_role("button", name="Complete the task").click()
    expect(page.get_by_role("region", name="What to do").locator(".err").first).to_be_visible()


def finish(page: Page) -> None:
    """Tick what was done, fill in what is asked, complete."""
    todo = page.get_by_role("region", name="What to do")
    button = todo.get_by_role("button", name="Complete the task")
    expect(button).to_be_visible()
    for box in todo.get_by_role("checkbox").all():
        box.check()
    for choice in todo.get_by_role("combobox").all():
        choice.select_option(index=1)
    for text in todo.get_by_role("textbox").all():
        text.fill("meridor-wan")
    here = page.url.split("/tasks/")[1].split("/")[0]
    button.click()
    expect(page).not_to_have_url(re.compile(here))


def until_completed(office: Office, deal: Deal) -> None:
    """People do what waits for them while the workers go on, until nothing is left."""
    ingrid = office("ingrid")
    for _ in range(ROUNDS):
        work(office("ravi"))
        work(office("bram", phone=True))
        if over(ingrid, deal):
            break
    expect(heading(ingrid)).to_contain_text("Completed")


def over(ingrid: Page, deal: Deal) -> bool:
    """Whether the order is completed, within the moment that one look takes."""
    ingrid.goto(deal.order)
    try:
        expect(heading(ingrid)).to_contain_text("Completed", timeout=1500)
    except AssertionError:
        return False
    return True


def heading(page: Page) -> Locator:
    """A record's title with its state beside it."""
    return page.locator(".head .title")
