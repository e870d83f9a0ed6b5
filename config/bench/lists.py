"""Lists: the page of 50 orders, first and deepest, and the search over everything, at 10,000 and at 100,000 orders."""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.bench import Figure, Say

FEW, MANY = 10_100, 100_100  # beyond what is counted exactly, so that both pages do the same
RUNS = 15
TICK = 1000 / os.sysconf("SC_CLK_TCK")  # milliseconds
WORDS = (
    "Noordzee", "internet", "ORD00", "ORD0009999", "internet for tessaro", "Rotterdam", "PO-41234",
    "nowhere to be found",
)  # fmt: skip
READERS = ("ingrid", "mira")  # an order manager, and a seller, who may see less


def measure(say: Say) -> Iterator[Figure]:
    """All figures of the group; meant for a scratch database, in which it leaves its work."""
    from config import settling
    from config.demo import volume

    taken: dict[int, dict[str, float]] = {}
    for orders in (FEW, MANY):
        say(f"orders are made up to {orders:,}")
        begun = time.monotonic()
        volume.make(orders - (FEW if taken else 0))
        made = time.monotonic() - begun
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE)")  # as the server would by itself before long
            cursor.execute("CHECKPOINT")  # so that pages are not read while those orders are still written out
        settling.settle()  # as a web process does; one that made all these orders would look through their remains
        say("pages are read")
        taken[orders] = _read()
    yield Figure("P2-seed", "make 90,000 orders", round(made), "s", None, None, "≤ 160", made <= 160)
    yield from _pages(taken[FEW], taken[MANY])
    for name, goal in (("search", 100), ("palette", 100)):
        yield Figure(f"P2-{name}", f"{name} over everything at {MANY:,} orders, slowest word",
                     round(taken[MANY][name], 1), "ms", None, None, f"≤ {goal}", taken[MANY][name] <= goal)  # fmt: skip


def _pages(few: dict[str, float], many: dict[str, float]) -> Iterator[Figure]:
    first, deepest = many["first"], many["deepest"]
    yield Figure("P2", f"list page of 50 orders at {MANY:,}", round(first, 1), "ms", None, None, "≤ 30", first <= 30)
    for name in ("first", "deepest"):
        work, before = many[f"work of {name}"], few[f"work of {name}"]
        yield Figure(f"P2-growth-{name}", f"CPU time of the {name} page, against {FEW:,}", round(work, 1), "ms",
                     round(before, 1), round(work / before, 2), "≤ 1.2 times", work <= 1.2 * before)  # fmt: skip
    yield Figure("P2-deepest", "deepest page against the first", round(deepest, 1), "ms", round(first, 1),
                 round(deepest / first, 2), "≤ 1.5 times", deepest <= 1.5 * first)  # fmt: skip
    yield Figure("P2-queries", f"queries of the page, against {FEW:,}", many["queries"], "queries", few["queries"],
                 round(many["queries"] / few["queries"], 2), "as many", many["queries"] == few["queries"])  # fmt: skip


def _read() -> dict[str, float]:
    """Milliseconds and CPU time of each page as the order manager reads it, the queries of the first, the search."""
    client, address = _client(READERS[0]), reverse("orders:order_list")
    deepest = _deepest()
    pages = {"first": lambda: client.get(address), "deepest": lambda: client.get(address, {"after": deepest})}
    found = {}
    for name, ask in pages.items():
        found[name] = _median(ask)
        found[f"work of {name}"] = _work(ask)
    with CaptureQueriesContext(connection) as asked:
        client.get(address)
    found["queries"] = len(asked)
    readers = [_client(name) for name in READERS]
    for name, more in (("search", {}), ("palette", {"palette": ""})):
        found[name] = max(_searched(reader, {"q": word, **more}) for reader in readers for word in WORDS)
    return found


def _searched(client: Any, query: dict[str, str]) -> float:
    return _median(lambda: client.get(reverse("search"), query))


def _deepest() -> str:
    """The token of the list's last page."""
    from kernel import keyset
    from orders.models import Order

    row: Any = Order.objects.order_by("number")[50]
    row._key = row.number
    return keyset.mark("-number", "number", row, Order.objects.count() - 51)


def _median(ask: Callable[[], Any]) -> float:
    """Milliseconds of a request in the middle of some; the first two warm up. Raises RuntimeError."""
    taken = []
    for _ in range(RUNS + 2):
        start = time.perf_counter()
        answer = ask()
        taken.append((time.perf_counter() - start) * 1000)
        if answer.status_code not in (200, 302):
            raise RuntimeError(f"A request was answered with {answer.status_code}.")
    return statistics.median(taken[2:])


def _work(ask: Callable[[], Any]) -> float:
    """Milliseconds of CPU time that a request costs here and in the database, however busy the machine is."""
    start = _spent()
    for _ in range(2 * RUNS):
        ask()
    return (_spent() - start) / (2 * RUNS)


def _spent() -> float:
    """Milliseconds of CPU time until now; those of the database where it runs on this machine."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        ((process,),) = cursor.fetchall()
    stat = Path(f"/proc/{process}/stat")
    ticks = stat.read_text().rpartition(")")[2].split()[11:13] if stat.exists() else []
    return time.process_time() * 1000 + sum(map(int, ticks)) * TICK


def _client(name: str) -> Any:
    from django.test import Client

    from kernel.models import User

    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    return client
