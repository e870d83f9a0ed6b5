"""Memory: the peak of a process and of those that it starts, sampled; what they share is counted once."""

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

EVERY = 0.1  # seconds between two samples


class Watched:
    """A block in which the processes below this one are watched; afterwards `megabytes` is their peak together."""

    def __init__(self) -> None:
        self.megabytes = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.megabytes = max(self.megabytes, together(os.getpid()))
            if self._over.wait(EVERY):
                return


def together(root: int) -> float:
    """Megabytes of a process and all below it: the pages of each alone, and the largest share of common ones."""
    found = [_pages(pid) for pid in _family(root)]
    return (sum(own for own, _ in found) + max((common for _, common in found), default=0)) / 1024


def _family(root: int) -> list[int]:
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            waiting += [int(child) for child in _text(task).split()]
    return found


def _pages(pid: int) -> tuple[int, int]:
    """Kilobytes of a process that are its own, and that it shares."""
    own = common = 0
    for line in _text(Path(f"/proc/{pid}/smaps_rollup")).splitlines():
        name, _, rest = line.partition(":")
        if name in ("Private_Clean", "Private_Dirty"):
            own += int(rest.split()[0])
        elif name in ("Shared_Clean", "Shared_Dirty"):
            common += int(rest.split()[0])
    return own, common


def _text(path: Path) -> str:
    """What a file of /proc says; nothing once its process has ended."""
    try:
        return path.read_text()
    except OSError:
        return ""
