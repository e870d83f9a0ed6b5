"""Mending in the browser: whole groups are resolved on the fallout desk, by preview and batch, until none is left."""

import re
import time
from contextlib import suppress
from dataclasses import dataclass, field

from playwright.sync_api import Error, Locator, Page, expect

BY_OPERATION = {
    "port.create": "Use what is suggested",  # the network names a free VLAN for each
    "overlay.push": "Complete by hand",  # somebody pushed the policies from the console
    "sdwan.turn_up": "Skip",  # the sites were turned up on the phone
}
RETRY = "Retry"
IN_A_MENU = ("Complete by hand", "Skip")
DONE = re.compile(r"(\d+) done")
PATIENCE = 600_000  # milliseconds that a batch of hundreds may take


@dataclass
class Desk:
    """What was done at the desk: group by group how many records, and how long its screens took to answer."""

    page: Page
    batches: list[tuple[str, str, int]] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def open(self, path: str, name: str) -> None:
        """Go to a page and note how long the server took."""
        self.page.goto(path)
        took = self.page.evaluate(
            "(() => { const n = performance.getEntriesByType('navigation')[0];"
            " return n.responseStart - n.requestStart })()"
        )
        self.seconds.setdefault(name, []).append(took / 1000)

    def round(self, *, only_retry: bool = False) -> int:
        """Mend every group that stands on the desk now; how many records that were."""
        self.open("/fallout/", "fallout desk")
        done = 0
        for mark, operation in self._groups():
            act = RETRY if only_retry else BY_OPERATION.get(operation, RETRY)
            done += self._mend(mark, operation, act)
        return done

    def _groups(self) -> list[tuple[str, str]]:
        """Every group as (mark of its cause, operation)."""
        found = []
        for row in self.page.get_by_role("region", name="Groups by cause").locator("tbody tr").all():
            mark = re.search(r"cause=(\w+)", row.get_by_role("link").get_attribute("href") or "")
            operation = re.search(r"[a-z]+\.[a-z_]+", row.locator(".sub2").inner_text())
            if mark:
                found.append((mark[1], operation[0] if operation else ""))
        return found

    def _mend(self, mark: str, operation: str, act: str) -> int:
        """Tick all of a group, look at the preview, start it, and wait for its last answer."""
        page = self.page
        self.open(f"/fallout/?cause={mark}", "fallout group")
        if not page.get_by_label(re.compile(r"^All \d+ that match")).count():
            return 0  # mended meanwhile
        self._press(mark, act)
        preview = page.locator("#bulk")
        expect(preview).to_contain_text("nothing runs until you press the button")
        start = preview.locator(".btn-primary")
        if not start.count():
            return 0  # none of them can be done this way now; the next round looks again
        for asked in preview.locator("input[name^=value-]").all():
            asked.fill("POL-1")
        preview.get_by_label(re.compile("Note|Why")).fill(f"{operation}: all of them at once.")
        start.click()
        return self._outcome(operation, act)

    def _press(self, mark: str, act: str) -> None:
        rows = self.page.get_by_role("region", name="Fallout in this group")
        rows.get_by_label(re.compile(r"^All \d+ that match")).check()
        if act in IN_A_MENU:
            rows.locator("summary", has_text="More").click()
        rows.get_by_role("button", name=act, exact=True).first.click()

    def _outcome(self, operation: str, act: str) -> int:
        """The page follows the batch by itself, without being loaded again."""
        heading: Locator = self.page.locator("#many-live h3")
        expect(heading).to_contain_text(DONE, timeout=PATIENCE)
        said = DONE.search(heading.inner_text())
        count = int(said[1]) if said else 0
        self.batches.append((operation, act, count))
        return count

    def until_empty(self, over: "Over", seconds: float) -> None:
        """Round after round until the order is over; fail when that takes too long."""
        end = time.monotonic() + seconds
        while not over():
            assert time.monotonic() < end, f"still open after {seconds} s: {self.batches[-5:]}"
            if not self.round():
                self.page.wait_for_timeout(500)


class Over:
    """Whether an order has ended, as its own page says."""

    def __init__(self, page: Page, order: str) -> None:
        self.page, self.order = page, order

    def __call__(self) -> bool:
        with suppress(Error):  # the live page loads itself again when the order ends
            self.page.goto(self.order)
        return bool(self.page.locator(".head .title").get_by_text(re.compile("^(Completed|Partial|Failed)$")).count())
