"""The engine: steps a second beside a hand-written loop, latency, what idling costs, how a roll-out is planned."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections

from config.bench import Figure, Say, handwritten
from config.bench.flows import STEPS, Bench, transactions
from config.processes import inherited
from config.stack import ROOT, Stack

FLOWS = 200
IDLE_SECONDS = 15
TOLD_WITHIN = 11  # seconds after which an idle server process has told its statistics
SITES = (500, 1000)
LONGEST = 300  # seconds that a roll-out may take, its making included


def measure(say: Say) -> Iterator[Figure]:
    """All figures of the group; meant for a scratch database, in which it leaves its work."""
    yield from _steps(say)
    yield from _rollouts(say)


@contextmanager
def _workers() -> Iterator[None]:
    connections.close_all()
    with Stack(only=("worker", "beat"), concurrency=2):
        yield


def _steps(say: Say) -> Iterator[Figure]:
    url = os.environ["DATABASE_URL"]
    bench = Bench()
    say("two worker processes start")
    with _workers():
        bench.run(20)
        say("hand-written loop, engine, hand-written loop again")
        before = handwritten.rate(url, FLOWS)
        seconds = bench.run(FLOWS)
        after = handwritten.rate(url, FLOWS)
        commits = handwritten.commits(url)
        late = bench.latencies(40, 0.1)
        say(f"idle for {IDLE_SECONDS} s")
        time.sleep(TOLD_WITHIN)
        start, told = time.monotonic(), transactions()
        time.sleep(IDLE_SECONDS)
        idle = (transactions() - told) / (time.monotonic() - start)
    say("commits for one step, workers apart from everything else")
    counted = transactions()
    with _workers():
        bench.run(FLOWS // 3)
        time.sleep(TOLD_WITHIN)
    each = (transactions() - counted) / (FLOWS // 3 * STEPS)
    rate, limit = FLOWS * STEPS / seconds, (before + after) / 2
    p95 = late[int(len(late) * 0.95) - 1]
    yield Figure("P3", "automatic steps, two workers", round(rate), "steps/s", round(limit), round(rate / limit, 2),
                 "≥ 1300 and ≥ 0.5 of a hand-written loop", rate >= 1300 and rate / limit >= 0.5)  # fmt: skip
    yield Figure("P3-commits", "commits for one step, all told", round(each, 3), "commits", None, None, "≤ 1.2",
                 each <= 1.2)  # fmt: skip
    yield Figure("P3-loop", "hand-written SQL, one transaction a step", round(limit), "steps/s")
    yield Figure("P3-machine", "one-row commits of two processes", round(commits), "commits/s")
    yield Figure("latency", "step done to successor started, p95", round(p95, 1), "ms", None, None, "≤ 50", p95 <= 50)
    yield Figure("idle", "transactions of an idle engine", round(idle, 2), "per s", None, None, "≤ 1", idle <= 1)


def _rollout(sites: int) -> dict[str, float]:
    """What one roll-out took. Raises RuntimeError with what its process said, or when it does not end."""
    command = [sys.executable, "-m", "config.bench.rollout", str(sites)]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=inherited(), text=True, capture_output=True, timeout=LONGEST, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"The roll-out of {sites} sites did not end in {LONGEST} s.") from error
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _rollouts(say: Say) -> Iterator[Figure]:
    found: dict[int, dict[str, float]] = {}
    for sites in SITES:
        say(f"an order of {sites} sites is made, then decomposed, planned and dated")
        connections.close_all()
        found[sites] = _rollout(sites)
        said = ", ".join(f"{value:g} {name}" for name, value in found[sites].items())
        say(f"{sites} sites: {said}")
    small, large = (found[sites] for sites in SITES)
    seconds, memory = small["seconds"], small["megabytes"]
    yield Figure("P4", "500 sites decomposed, planned and dated", round(seconds, 1), "s", None, None, "≤ 10",
                 seconds <= 10)  # fmt: skip
    yield Figure("P4-memory", "peak memory of that process", round(memory), "MB", None, None, "≤ 300", memory <= 300)
    ratio = large["seconds"] / seconds
    yield Figure("P4-growth", "1,000 sites against 500", round(large["seconds"], 1), "s", round(seconds, 1),
                 round(ratio, 2), "≤ 2.2 times", ratio <= 2.2)  # fmt: skip
