"""P3's peer: ten steps as a DBOS workflow, durable after each, in two processes; prints steps a second.

Set-up, in an environment of its own, with an empty database on the server that the product uses:

    python -m venv /tmp/peers && /tmp/peers/bin/pip install dbos
    createdb peer && DATABASE_URL=postgresql://… /tmp/peers/bin/python tests/bench/peers/dbos_steps.py 60

The eight steps of the middle run one after the other, as DBOS advises for short ones; it has no diamond to wait for.
"""

import os
import subprocess
import sys
import time

from dbos import DBOS

STEPS = 10
PROCESSES = 2
CONFIG = {
    "name": "peer", "system_database_url": os.environ.get("DATABASE_URL"), "log_level": "ERROR",
    "enable_otlp": False, "application_version": "1",
}  # fmt: skip


@DBOS.step()
def step(name: str) -> str:
    """One automatic step."""
    return name


@DBOS.workflow()
def flow() -> str:
    """First, eight of the middle, last."""
    for name in ("first", *(f"step{n}" for n in range(1, 9)), "last"):
        step(name)
    return "done"


def seconds(flows: int) -> float:
    """How long one process takes over so many."""
    start = time.monotonic()
    for handle in [DBOS.start_workflow(flow) for _ in range(flows)]:
        handle.get_result()
    return time.monotonic() - start


def child(number: int, flows: int) -> None:
    """One process: warms up, waits for the word, measures."""
    DBOS(config={**CONFIG, "executor_id": f"peer-{number}"})  # type: ignore[typeddict-item]
    DBOS.launch()
    seconds(2)
    print("ready", flush=True)
    sys.stdin.readline()
    print(seconds(flows), flush=True)
    DBOS.destroy()


def main(flows: int) -> None:
    """Both processes at once; the slower one counts."""
    DBOS(config=CONFIG)  # type: ignore[arg-type]  # makes the tables
    DBOS.launch()
    DBOS.destroy()
    command = [sys.executable, os.path.abspath(__file__), str(flows // PROCESSES)]
    both = [
        subprocess.Popen([*command, str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for n in range(PROCESSES)
    ]
    for one in both:
        one.stdout.readline()  # type: ignore[union-attr]
    for one in both:
        one.stdin.write("go\n")  # type: ignore[union-attr]
        one.stdin.flush()  # type: ignore[union-attr]
    slowest = max(float(one.stdout.readline()) for one in both)  # type: ignore[union-attr]
    for one in both:
        one.communicate(timeout=60)
    print(f"DBOS: {flows // PROCESSES * PROCESSES * STEPS / slowest:.0f} steps/s")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        child(int(sys.argv[2]), int(sys.argv[1]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
