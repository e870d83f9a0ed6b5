"""How the workers of a parallel run share the tests: file by file, trials of whole processes first.

A test with real transactions leaves an empty database behind, which only its like fill again; none may come before a
test that is rolled back, so they come last.
"""

from typing import Any

import pytest
from xdist.scheduler import LoadGroupScheduling

STACK = "stack"
FIRST = ("tests/browser/", "tests/config/test_run.py", "tests/journeys/", "tests/config/", "tests/faults/")
SLOW = 20  # a slow test counts as so many others


class ByFile(LoadGroupScheduling):
    """A file stays together, so that what its tests share is made once; groups of several files stay groups."""

    def __init__(self, config: Any, log: Any = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # the order is the one of `longest_first`

    def _split_scope(self, nodeid: str) -> str:
        group: str = super()._split_scope(nodeid)
        return nodeid.split("::")[0] if group == nodeid else group


def keep_apart(items: list[pytest.Item]) -> None:
    """Tests that empty the database form groups beside their files'. To be called before groups get their names."""
    for item in items:
        if empties(item):
            item.add_marker(pytest.mark.xdist_group(f"emptying {item.nodeid.split('::')[0]}"))


def empties(item: pytest.Item) -> bool:
    """Whether a test commits to the workers' database and has it emptied."""
    mark = item.get_closest_marker("django_db")
    return bool(mark and mark.kwargs.get("transaction")) or "transactional_db" in getattr(item, "fixturenames", ())


def longest_first(items: list[pytest.Item]) -> None:
    """Trials of whole processes in the order of FIRST, then files with many slow tests; files stay in one piece."""
    weights: dict[str, int] = {}
    for item in items:
        file = item.nodeid.split("::")[0]
        weights[file] = weights.get(file, 0) + (SLOW if item.get_closest_marker("slow") else 1)
    files = {item: item.nodeid.split("::")[0] for item in items}
    items.sort(key=lambda item: (empties(item), _rank(item), -weights[files[item]], files[item]))


def _rank(item: pytest.Item) -> int:
    mark = item.get_closest_marker("xdist_group")
    if mark is None or mark.args[0] != STACK:
        return len(FIRST)
    return next(number for number, start in enumerate(FIRST) if item.nodeid.startswith(start))
