"""Processes: start, watch, stop and kill one program with everything that it started itself."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TETHER = Path(__file__).with_name("tether.py")
Listener = Callable[[str, str], None]


@dataclass(frozen=True)
class Program:
    """What to run: a name for people, the command, what it needs in its environment beside ours, how far it gives way.

    `nice` runs from 0 to 19, as for the command of that name; it counts for the whole session where the kernel weighs
    sessions against each other, so that niceness of the processes alone would change nothing.
    """

    name: str
    command: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)
    nice: int = 0


def behind_people() -> int:
    """How far background work gives way to whoever waits for a page, from 0 to 19."""
    return int(os.environ.get("WORKER_NICE", "10"))


def inherited() -> dict[str, str]:
    """Our environment for a child, which may keep compiled modules: that makes its start three times as fast."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


class Process:
    """A program that runs in a group of its own, so that Ctrl-C reaches only us and stopping reaches all of it."""

    def __init__(self, program: Program, folder: Path, log: Path, listen: Listener | None = None) -> None:
        self.program = program
        self.log = log
        self.since = time.monotonic()
        self._popen = subprocess.Popen(
            [sys.executable, "-S", "-E", str(TETHER), str(os.getpid()), *program.command],
            cwd=folder, env=inherited() | program.environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", bufsize=1,
        )  # fmt: skip
        with contextlib.suppress(OSError):  # it may have ended; not every kernel has such a file
            Path(f"/proc/{self._popen.pid}/autogroup").write_text(str(program.nice))
        self._reader = threading.Thread(target=self._read, args=(listen,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The leader of the group."""
        return self._popen.pid

    @property
    def code(self) -> int | None:
        """The exit code; None while it runs."""
        return self._popen.poll()

    def end(self) -> None:
        """Ask it to finish what it is at and end."""
        if self.code is None:
            self._popen.terminate()

    def kill(self) -> None:
        """End it at once, with all that it started, as a crash would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._settle()

    def wait(self, seconds: float) -> None:
        """Wait for the end after `end`; whoever is left of the group by then is killed."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(seconds)
        self.kill()

    def tail(self, lines: int = 15) -> str:
        """The last lines that it said."""
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return ""

    def _settle(self) -> None:
        self._popen.wait()
        self._reader.join(timeout=2)
        if self._popen.stdout and not self._reader.is_alive():
            self._popen.stdout.close()

    def _read(self, listen: Listener | None) -> None:
        if self._popen.stdout is None:
            return
        with self.log.open("a", buffering=1) as log:
            for line in self._popen.stdout:
                log.write(line)
                if listen:
                    listen(self.program.name, line.rstrip("\n"))
