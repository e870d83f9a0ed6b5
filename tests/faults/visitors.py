"""Visitors: people who read pages and write comments over HTTP all the while, and keep what they were answered."""

import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx

PASSWORD = "crowd-password"
PAGES = ("/", "/orders/", "/orders/mine/", "/tasks/", "/fallout/list/", "/search/?q=ORD")


@dataclass(frozen=True)
class Visit:
    """One request and what became of it; status 0 when there was no answer."""

    at: float
    what: str
    status: int
    seconds: float
    retry_after: str = ""


class Visitors:
    """So many people, each reading and writing in turn until the end of the block. `pause` is what they think.

    Who is not let in while nobody listens comes again, as a browser or a balancer does; a connection that was taken
    and not answered is a failed visit. `keep=False` opens a connection for each request. `errands` are addresses that
    somebody posts to once.
    """

    def __init__(
        self, url: str, user: str, order: int, *, people: int = 2, pause: float = 0.05,
        keep: bool = True,
    ) -> None:  # fmt: skip
        self._limits = httpx.Limits() if keep else httpx.Limits(max_keepalive_connections=0)
        self.url, self.user, self.order, self.pause = url, user, order, pause
        self.visits: list[Visit] = []
        self.errands: deque[str] = deque()
        self.acknowledged: list[str] = []
        self.unanswered: list[str] = []
        self.failures: list[str] = []
        self._over = threading.Event()
        self._people = [threading.Thread(target=self._visit, args=(number,)) for number in range(people)]

    def __enter__(self) -> Self:
        for person in self._people:
            person.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for person in self._people:
            person.join()

    def statuses(self, since: float = 0.0) -> Counter[int]:
        """How often each status was answered."""
        return Counter(visit.status for visit in self.visits if visit.at >= since)

    def slowest(self, since: float = 0.0) -> float:
        """Seconds of the longest visit."""
        return max((visit.seconds for visit in self.visits if visit.at >= since), default=0.0)

    def usual(self, since: float = 0.0) -> float:
        """Seconds within which 95 of 100 pages came."""
        taken = sorted(visit.seconds for visit in self.visits if visit.at >= since and visit.what != "errand")
        return taken[int(len(taken) * 0.95)] if taken else 0.0

    def good_since(self, moment: float) -> float | None:
        """Seconds from that moment until pages were answered as they should."""
        ends = [v.at + v.seconds - moment for v in self.visits if v.at + v.seconds >= moment and v.status == 200]
        return min(ends, default=None)

    def _visit(self, number: int) -> None:
        with httpx.Client(base_url=self.url, trust_env=False, timeout=60, limits=self._limits) as client:
            while not self._over.is_set() and not self._log_in(client):
                self._over.wait(0.2)
            turn = number
            while not self._over.is_set():
                turn += 1
                if self.errands:
                    self._post(client, "errand", self.errands.popleft())
                elif turn % 3:
                    self._get(client, PAGES[turn % len(PAGES)])
                else:
                    self._comment(client)
                self._over.wait(self.pause)

    def _log_in(self, client: httpx.Client) -> bool:
        with suppress(httpx.HTTPError):
            client.get("/login/")
            token = client.cookies.get("csrftoken", "")
            sent = {"username": self.user, "password": PASSWORD, "csrfmiddlewaretoken": token}
            return client.post("/login/", data=sent, headers={"Referer": self.url}).status_code == 302
        return False

    def _get(self, client: httpx.Client, path: str) -> None:
        self._note(path, lambda: client.get(path))

    def _comment(self, client: httpx.Client) -> None:
        mark = secrets.token_hex(8)
        status = self._post(client, "comment", f"/activity/orders.order/{self.order}/", text=mark)
        if status == 200:
            self.acknowledged.append(mark)
        elif status == 0:
            self.unanswered.append(mark)

    def _post(self, client: httpx.Client, what: str, path: str, **data: str) -> int:
        headers = {"X-CSRFToken": client.cookies.get("csrftoken", ""), "Referer": self.url, "HX-Request": "true"}
        return self._note(what, lambda: client.post(path, data=data, headers=headers))

    def _note(self, what: str, ask: Callable[[], httpx.Response]) -> int:
        began, wall = time.monotonic(), time.time()
        status, retry = 0, ""
        try:
            answer = ask()
            status, retry = answer.status_code, answer.headers.get("Retry-After", "")
        except httpx.ConnectError:
            self._over.wait(0.1)
            return 0
        except httpx.HTTPError as error:
            self.failures.append(f"{what}: {error!r}")
        self.visits.append(Visit(wall, what, status, time.monotonic() - began, retry))
        return status
