"""Quoting: a quote of 2,000 lines priced anew, one line of it edited, its page, its PDF, and how all of it grows."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.bench import Figure, Say, deal, processor
from config.processes import inherited
from config.stack import ROOT

LINES = (20, 1000, 2000)
RUNS = 7
LONGEST = 240  # seconds that a PDF may take


def measure(say: Say) -> Iterator[Figure]:
    """All figures of the group; meant for a scratch database, in which it leaves its work."""
    say("quotes of 20, 1,000 and 2,000 lines are made")
    quotes = {lines: deal.make(lines) for lines in LINES}
    say("all lines are priced anew, every price a different one each time")
    _, (_, small), (seconds, large) = _reprices(*(quotes[lines].pk for lines in LINES))
    yield Figure("P5", "reprice a quote of 2,000 lines", round(seconds, 2), "s", None, None, "≤ 1", seconds <= 1)
    yield Figure("P5-growth", "work of 2,000 lines against 1,000", round(large, 2), "s CPU", round(small, 2),
                 round(large / small, 2), "≤ 2.2 times", large / small <= 2.2)  # fmt: skip
    say("one line of 2,000 is edited by its form")
    edit = _edit(quotes[2000])
    yield Figure("P5-edit", "edit one of 2,000 lines, server time", round(edit), "ms", None, None, "≤ 150", edit <= 150)
    say("the page of the quote is read")
    page, many = _page(quotes[2000])
    _, few = _page(quotes[20])
    yield Figure("P5-page", "page of a quote of 2,000 lines", round(page), "ms", None, None, "≤ 300", page <= 300)
    yield Figure("P5-queries", "queries of that page, against 20 lines", many, "queries", few, round(many / few, 2),
                 "as many", many == few)  # fmt: skip
    say("the PDF is printed")
    yield from _pdf(quotes[2000].pk)


def _pdf(quote_id: int) -> Iterator[Figure]:
    connections.close_all()
    command = [sys.executable, "-m", "config.bench.deal", str(quote_id)]
    done = subprocess.run(
        command, cwd=ROOT, env=inherited(), text=True, capture_output=True, timeout=LONGEST, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found = json.loads(done.stdout)
    yield Figure("P6", "PDF of a quote of 2,000 lines", round(found["seconds"], 1), "s", None, None, "≤ 20",
                 found["seconds"] <= 20)  # fmt: skip
    yield Figure("P6-memory", "peak memory of all that prints, together", round(found["megabytes"]), "MB", None, None,
                 "≤ 400", found["megabytes"] <= 400)  # fmt: skip


def _reprices(*quotes: int) -> list[tuple[float, float]]:
    """For each quote the seconds of runs in which every price changes, as the term does: in the middle of them, and of
    the processor, ours and the database's, in the mean.

    They take turns, so that what else the machine does slows all of them alike; the first turn warms up.
    """
    from contracts import quotepricing
    from contracts.models import Quote

    taken: dict[int, list[tuple[float, float]]] = {quote_id: [] for quote_id in quotes}
    for number in range(RUNS + 1):
        for quote_id in quotes:
            Quote.objects.filter(pk=quote_id).update(term_months=(24, 36)[number % 2])
            before, start = processor.spent(), time.monotonic()
            quotepricing.reprice(quote_id=quote_id)
            taken[quote_id].append((time.monotonic() - start, processor.spent() - before))
    split = [tuple(zip(*runs[1:], strict=True)) for runs in taken.values()]
    return [(statistics.median(seconds), statistics.mean(worked)) for seconds, worked in split]


def _edit(quote: Any) -> float:
    """Milliseconds of the request that keeps a changed line, in the middle of some."""
    line = quote.lines.filter(offering__key="firewall").order_by("position")[17]
    client = _client(quote)
    address = reverse("contracts:quote_configure", args=[quote.number, quote.version, line.pk])

    def run(number: int) -> Any:
        line.edition = type(line).objects.values_list("edition", flat=True).get(pk=line.pk)
        data = {"edition": str(line.edition), "c-tier": ("basic", "plus")[number % 2], "quantity": "1"}
        return lambda: client.post(address, data, HTTP_HX_REQUEST="true")

    return _median(run)


def _page(quote: Any) -> tuple[float, int]:
    """Milliseconds of the quote's page, and how many queries it asks when what is kept for seconds is still kept."""
    client = _client(quote)
    address = reverse("contracts:quote", args=[quote.number, quote.version])
    taken = _median(lambda number: lambda: client.get(address))
    asked = []
    for _ in range(RUNS):
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        asked.append(len(queries))
    return taken, min(asked)


def _median(prepare: Callable[[int], Callable[[], Any]]) -> float:
    """Milliseconds of a request, its preparation not counted; the first one warms up. Raises RuntimeError."""
    taken = []
    for number in range(RUNS + 1):
        ask = prepare(number)
        start = time.monotonic()
        answer = ask()
        taken.append((time.monotonic() - start) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(f"A request was answered with {answer.status_code}.")
    return statistics.median(taken[1:])


def _client(quote: Any) -> Any:
    from django.test import Client

    client = Client(SERVER_NAME="localhost")
    client.force_login(quote.owner, backend="django.contrib.auth.backends.ModelBackend")
    return client
