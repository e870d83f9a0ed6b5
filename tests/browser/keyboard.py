"""By keyboard alone: each thing is reached by Tab from where the focus is, is seen to have it, and is used by keys."""

import re

from playwright.sync_api import Locator, Page, expect

FAR = 250  # presses of Tab that nothing on a page is away
HERE = "(wanted) => wanted === document.activeElement"
SEEN = """(here) => { const style = getComputedStyle(here), around = getComputedStyle(here.parentElement);
    return [style, around].some((one) => one.outlineStyle !== "none" || one.boxShadow !== "none"); }"""


def decision(page: Page, number: str) -> Locator:
    """The next action at home that asks for a decision on a record whose number begins so."""
    rows = page.get_by_role("listitem").filter(has_text=number)
    return rows.get_by_role("link", name=re.compile("^Decide on")).first


def papers(page: Page, number: str) -> Locator:
    """The way from the list of approvals to the record itself."""
    return page.get_by_role("region").filter(has_text=number).get_by_role("link", name="Read it first").first


def reach(target: Locator) -> None:
    """Go to something; it shows that it has the focus."""
    expect(target).to_be_visible()
    for _ in range(FAR):
        if target.evaluate(HERE):
            assert target.evaluate(SEEN), f"nobody sees that the focus is on {target}"
            return
        target.page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {target}")


def press(target: Locator) -> None:
    """Use a button or a link."""
    reach(target)
    target.page.keyboard.press("Enter")


def tick(box: Locator) -> None:
    """Tick a box that is not ticked yet."""
    if not box.is_checked():
        reach(box)
        box.page.keyboard.press("Space")
    expect(box).to_be_checked()


def write(target: Locator, text: str) -> None:
    """Type into a field, over what it has."""
    reach(target)
    target.page.keyboard.press("Control+a")
    target.page.keyboard.type(text)


def choose(target: Locator, label: str) -> None:
    """Choose from a list, which goes to what is typed."""
    reach(target)
    target.page.keyboard.type(label)
    expect(target.locator("option:checked")).to_have_text(label)
