"""The customer's face in the browser: the invitation, the order in plain words, and what belongs to somebody else."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.office import Office
from tests.browser.selling import JULIA, JULIAS_PASSWORD


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
