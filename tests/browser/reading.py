"""Reading: every kind of page that a person reaches from home, looked at by axe."""

import os
from collections import deque

from playwright.sync_api import Error, Page

from tests.browser import axe, portal
from tests.browser.office import Office

EVERY = os.environ.get("FAULTS") == "full"  # every kind of page of every role: `make faults`
MOST = 150 if EVERY else 4  # pages of one person
PEOPLE = (
    ("ingrid", "ravi", "mira", "petra", "jonas", "tom", "anke", "lena", "michael", "sofia", "bram", "nils", "paula",
     "vera", "clara", "admin") if EVERY else ("ingrid",)
)  # fmt: skip
FIRST = {"ingrid": ["/orders/", "/orders/new/", "/design/"]}


def everybody(office: Office) -> list[str]:
    """What is wrong with the pages of everybody, a stranger and a customer among them."""
    seen: set[str] = set()
    stranger = office.stranger()
    found = _read(stranger, ["/login/", "/password/forgotten/"], set(), 2)
    found += _read(portal.julia(office), ["/portal/"], seen, MOST // 2)
    for name in PEOPLE:
        found += _read(office(name), ["/", *FIRST.get(name, [])], seen, MOST)
    return found


def _read(page: Page, starts: list[str], seen: set[str], most: int) -> list[str]:
    found: list[str] = []
    paths, read = deque(starts), 0
    while paths and read < most:
        path = paths.popleft()
        try:
            answer = page.goto(path)
        except Error as error:
            if "Download is starting" not in str(error):
                raise
            continue  # a file, no page
        if answer is None or not answer.ok:
            continue
        page.wait_for_load_state("networkidle")
        found += [f"{path} {text}" for text in axe.wrong(page)]
        paths.extend(axe.ways(page, seen))
        read += 1
    return found
