"""Processes: nothing that we start outlives us."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from config.processes import Process, Program
from config.servers import ROOT

FAMILY = "import subprocess, sys, time; subprocess.Popen(['sleep', '60']); print('up', flush=True); time.sleep(60)"
PARENT = """
import sys, time
from pathlib import Path
from config.processes import Process, Program
child = Process(Program("sleeper", ["sleep", "60"]), Path("/"), Path(sys.argv[1]))
print(child.pid, flush=True)
time.sleep(60)
"""


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until a condition holds, or fail."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be"
        threading.Event().wait(0.02)


def members(group: int) -> list[int]:
    """Living processes of a group."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(entry.name))
    return found


@pytest.mark.slow
def test_killing_reaches_what_it_started(tmp_path: Path) -> None:
    said: list[str] = []
    process = Process(
        Program("family", [sys.executable, "-c", FAMILY]),
        tmp_path,
        tmp_path / "log",
        lambda name, line: said.append(line),
    )
    until(lambda: said == ["up"])
    assert len(members(process.pid)) == 2

    process.kill()

    until(lambda: members(process.pid) == [])
    assert process.code == -signal.SIGKILL
    assert process.tail() == "up"


@pytest.mark.slow
def test_ending_reaches_what_it_left_behind(tmp_path: Path) -> None:
    process = Process(Program("family", [sys.executable, "-c", FAMILY]), tmp_path, tmp_path / "log")
    until(lambda: len(members(process.pid)) == 2)

    process.end()
    process.wait(5)

    until(lambda: members(process.pid) == [])


@pytest.mark.slow
def test_a_child_ends_when_we_are_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "log")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert members(child) == [child]

    parent.kill()
    parent.communicate()

    until(lambda: members(child) == [])


def test_a_program_that_cannot_start_says_so(tmp_path: Path) -> None:
    process = Process(Program("nothing", ["/no/such/program"]), tmp_path, tmp_path / "log")

    process.wait(5)

    assert process.code not in (0, None)
    assert "/no/such/program" in process.tail() or "No such file" in process.tail()
