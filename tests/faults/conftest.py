"""Fault trials: small ones with every test run, full ones by `make faults`, figures as a table and as JSON."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config import servers
from tests.faults.plant import Plant, built

FULL = os.environ.get("FAULTS") == "full"
Figure = Callable[..., None]
DRAFTS = 13_500 if FULL else 180
collect_ignore = [] if FULL else ["test_killed_journey.py"]  # a second journey of a minute


@pytest.fixture(scope="session")
def full() -> bool:
    """Whether this is the full trial."""
    return FULL


@pytest.fixture(scope="package")
def plant() -> Iterator[Plant]:
    """One running product for all trials that break processes and servers; each trial leaves it running."""
    with built(int(os.environ.get("FAULTS_DRAFTS") or DRAFTS)) as made:
        yield made


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Any) -> None:
    """Files of a test stay with the test."""
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def figure(record_property: Callable[[str, Any], None]) -> Figure:
    """`figure("T1", "kills", 23, at_least=20)` notes a figure and holds it to its bound."""

    def note(
        test: str, name: str, value: Any, *, at_most: Any = None, at_least: Any = None, exactly: Any = None
    ) -> None:
        bounds = {"≤": at_most, "≥": at_least, "=": exactly}
        goal = " ".join(f"{sign} {bound}" for sign, bound in bounds.items() if bound is not None)
        good = (at_most is None or value <= at_most) and (at_least is None or value >= at_least)
        good = good and (exactly is None or value == exactly)
        record_property("figure", {"id": test, "name": name, "value": value, "goal": goal, "ok": good})
        assert good, f"{test} {name}: {value}, wanted {goal}"

    return note


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In full, the rush comes last of all: it leaves thousands of orders that others would have to wait for."""
    if FULL:
        items.sort(key=lambda item: item.path.name == "test_rush.py")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The table, and the same as JSON under var/."""
    reports = [r for key in ("passed", "failed") for r in terminalreporter.stats.get(key, ()) if r.when == "call"]
    rows = [value for report in reports for name, value in report.user_properties if name == "figure"]
    if not rows:
        return
    file = servers.VAR / ("faults.json" if FULL else "faults-small.json")
    file.write_text(json.dumps(rows, indent=1, ensure_ascii=False))
    terminalreporter.section("faults")
    for row in sorted(rows, key=lambda row: int(row["id"][1:])):
        told = f"{row['id']:<4} {row['name']:<58} {row['value']!s:>12}  {row['goal']}"
        terminalreporter.write_line(told + ("" if row["ok"] else "  MISSED"))
