"""Glass: Chromium looks at pages of this very process; Django's test client answers what it asks.

So a browser sees records that are never committed, at a time that stands still, and no server has to start. What needs
several people or workers at once is the journey's.
"""

import contextvars
import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from urllib.parse import urlsplit

import time_machine
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, Route

from tests.browser.office import DESK, PHONE, WATCH

HOST = "http://localhost"
OURS = ("cookie", "content-length")  # headers of a request that the client makes itself
BELOW = ("content-length", "content-encoding")  # of an answer: said anew for what is handed on

Answer = tuple[int, dict[str, str], bytes]


class Glass:
    """One person's browser: whom `client` has logged in. `troubles` holds what it complained about."""

    def __init__(self, browser: Browser, *, now: dt.datetime | None = None, locale: str = "en-GB") -> None:
        self.browser, self.now, self.locale = browser, now, locale
        self.client = Client(headers={"Accept-Language": locale, "Host": "localhost"})
        self.troubles: list[str] = []
        self._files: dict[str, Answer] = {}
        self._inside = contextvars.copy_context()  # where the test's connection to the database is found

    @contextmanager
    def page(self, *, phone: bool = False) -> Iterator[Page]:
        """A page that is watched; it is closed at the end of the block."""
        context = self.browser.new_context(
            base_url=HOST, viewport=PHONE if phone else DESK, reduced_motion="reduce", locale=self.locale,
            timezone_id="Europe/Amsterdam",
        )  # fmt: skip
        context.add_init_script(WATCH)
        context.route("**/*", self._answer)
        try:
            yield self._watched(context)
        finally:
            context.close()

    def _watched(self, context: BrowserContext) -> Page:
        page = context.new_page()
        if self.now:
            page.clock.set_fixed_time(self.now)
        page.on("console", lambda said: self._hear(page, said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self._hear(page, str(error)))
        page.on("dialog", lambda dialog: (self._hear(page, f"a dialog: {dialog.message}"), dialog.dismiss()))
        return page

    def _hear(self, page: Page, text: str) -> None:
        self.troubles.append(f"{page.url}: {text}")

    def _answer(self, route: Route) -> None:
        url = route.request.url
        if not url.startswith(f"{HOST}/"):
            self.troubles.append(f"asked for {url}")
            route.abort()
            return
        answer = self._files.get(url) or self._inside.copy().run(self._ask, route)
        if "/static/" in url:
            self._files[url] = answer
        status, headers, body = answer
        route.fulfill(status=status, headers=headers, body=body)

    def _ask(self, route: Route) -> Answer:
        request, url = route.request, urlsplit(route.request.url)
        headers = {name: value for name, value in request.headers.items() if name not in OURS}
        with time_machine.travel(self.now, tick=False) if self.now else nullcontext():
            answer: Any = self.client.generic(
                request.method, url.path, request.post_data_buffer or b"",
                headers.get("content-type", "application/octet-stream"), QUERY_STRING=url.query, headers=headers,
            )  # fmt: skip
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        return answer.status_code, {k: v for k, v in answer.headers.items() if k.lower() not in BELOW}, body
