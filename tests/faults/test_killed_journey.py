"""T1: the whole journey of a deal, with its workers killed on the way. Full trials only."""

import json
import subprocess
import sys
import time
import urllib.request
from typing import Any

import psycopg
import pytest

from config.processes import inherited
from config.stack import ROOT, Stack, scratch
from tests.journeys.test_lead_to_cash import check

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stack")]

KILLS = 3
PARTS = ("simulator", "web", "worker", "beat")


def journey(stack: Stack) -> subprocess.Popen[str]:
    """The command, working on a running stack."""
    return subprocess.Popen(
        [sys.executable, "manage.py", "lead_to_cash", "--attached", "--json"], cwd=ROOT, text=True,
        env=inherited() | stack.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def figures(running: subprocess.Popen[str]) -> dict[str, Any]:
    """What the command printed, once it has ended well."""
    out, err = running.communicate(timeout=300)
    assert running.returncode == 0, err[-3000:]
    found: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
    return found


def effects(stack: Stack) -> Any:
    """What the simulated network did, by idempotency key."""
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.simulator_port}/_effects", timeout=10) as answer:
        return json.load(answer)


def test_killed_workers_lose_and_double_nothing() -> None:
    with scratch(only=PARTS, stocked=True) as stack:
        running = journey(stack)
        killed_at = []
        with psycopg.connect(stack.environment["DATABASE_URL"], autocommit=True) as database:
            for kill in range(KILLS):
                wait_for_progress(database, running, tasks=25 * (kill + 1))
                stack.kill("worker")
                stack.launch("worker")
                killed_at.append(completed(database))
        found = figures(running)
        done = effects(stack)
    check(found)
    assert killed_at == sorted(killed_at)
    assert done["duplicates"] == {}
    assert done["total"] == len(done["by_key"]) > 100


def completed(database: psycopg.Connection[Any]) -> int:
    """How many tasks are done."""
    row = database.execute("SELECT count(*) FROM fulfillment_task WHERE state = 'completed'").fetchone()
    assert row
    return int(row[0])


def wait_for_progress(database: psycopg.Connection[Any], running: subprocess.Popen[str], tasks: int) -> None:
    """Until that many tasks are done; the command must still be running then."""
    deadline = time.monotonic() + 120
    while completed(database) < tasks:
        assert running.poll() is None, running.communicate()[1][-3000:]
        assert time.monotonic() < deadline, "the journey stands still"
        time.sleep(0.02)
