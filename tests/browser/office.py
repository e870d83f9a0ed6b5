"""The office: one logged-in browser page per person, watched for everything that a browser complains about."""

import re
from typing import Self

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, ViewportSize, expect

from config.demo.people import PASSWORD
from config.stack import Stack

DESK: ViewportSize = {"width": 1440, "height": 1000}
PHONE: ViewportSize = {"width": 390, "height": 844}
REFUSED = re.compile(r"Failed to load resource: .* status of (403|404|409|422)\b")  # answers that the journey asks for
WATCH = """document.addEventListener("securitypolicyviolation", (event) =>
  console.error("content security policy:", event.violatedDirective, event.blockedURI, event.sourceFile));"""


class Office:
    """People at their screens. A page is opened at the first use and kept; `troubles` holds the complaints."""

    def __init__(self, browser: Browser, stack: Stack, patience: int) -> None:
        self.browser = browser
        self.stack = stack
        self.troubles: list[str] = []
        self._patience = patience
        self._pages: dict[tuple[str, bool], Page] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for context in self.browser.contexts:
            context.close()

    def __call__(self, name: str, *, phone: bool = False, password: str = PASSWORD) -> Page:
        """The page of one person, logged in through the form."""
        if (name, phone) not in self._pages:
            page = self.stranger(phone=phone)
            page.goto("/login/")
            page.get_by_label("User name or e-mail").fill(name)
            page.get_by_label("Password", exact=True).fill(password)
            page.get_by_role("button", name="Log in").click()
            expect(page).not_to_have_url(re.compile("/login/"))
            self._pages[name, phone] = page
        return self._pages[name, phone]

    def stranger(self, *, phone: bool = False) -> Page:
        """A fresh page of somebody who is not logged in."""
        context = self.browser.new_context(
            base_url=self.stack.url, viewport=PHONE if phone else DESK, has_touch=phone, reduced_motion="reduce",
            locale="en-GB", timezone_id="Europe/Amsterdam",
        )  # fmt: skip
        context.add_init_script(WATCH)
        context.set_default_timeout(self._patience)
        return self._watched(context)

    def post(self, page: Page, path: str, **fields: str) -> int:
        """Send a form that no screen offers, with the person's own session; the status of the answer."""
        cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}  # type: ignore[typeddict-item]
        token = next(value for name, value in cookies.items() if "csrf" in name)
        answer = page.request.post(
            path, form={**fields, "csrfmiddlewaretoken": token}, headers={"Referer": self.stack.url}, max_redirects=0
        )
        return answer.status

    def _watched(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.troubles.append(f"{page.url}: {error}"))
        page.on("response", self._answered)
        return page

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not REFUSED.match(message.text):
            self.troubles.append(f"{message.location.get('url', '')}: {message.text}")

    def _answered(self, response: Response) -> None:
        if response.status >= 500:
            self.troubles.append(f"{response.status} {response.request.method} {response.url}")
