"""P3's peer: the ten-step diamond as a Celery canvas, two worker processes, results in Redis; prints steps a second.

Set-up, in an environment of its own, with the broker that the product uses:

    python -m venv /tmp/peers && /tmp/peers/bin/pip install "celery[redis]"
    REDIS_URL=redis://127.0.0.1:6379/5 /tmp/peers/bin/python tests/bench/peers/celery_canvas.py 60

Nothing is written to a database, which spares Celery the commits that our steps pay for.
"""

import os
import subprocess
import sys
import time

from celery import Celery, chain, chord

URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/5")
STEPS = 10
app = Celery("celery_canvas", broker=URL, backend=URL)
app.conf.update(task_acks_late=True, worker_prefetch_multiplier=1, task_default_queue="peer", result_expires=300)


@app.task(name="peer.step")
def step(name: str) -> str:
    """One automatic step."""
    return name


def diamond() -> object:
    """First, eight beside each other, last."""
    middle = [step.si(f"step{n}") for n in range(1, 9)]
    return chain(step.si("first"), chord(middle, step.si("last")))


def rate(flows: int) -> float:
    """Steps a second over so many diamonds."""
    start = time.monotonic()
    for made in [diamond().apply_async() for _ in range(flows)]:
        made.get(timeout=300)
    return flows * STEPS / (time.monotonic() - start)


def main(flows: int) -> None:
    """Start a worker, warm it up, measure, end it."""
    here = os.path.dirname(os.path.abspath(__file__))
    command = [sys.executable, "-m", "celery", "-A", "celery_canvas", "--quiet", "--workdir", here, "worker"]
    options = ["--queues", "peer", "--concurrency", "2", "--without-gossip", "--without-mingle", "--loglevel", "ERROR"]
    worker = subprocess.Popen([*command, *options])
    try:
        rate(3)
        print(f"Celery {__import__('celery').__version__} canvas: {rate(flows):.0f} steps/s")
    finally:
        worker.terminate()
        worker.wait(30)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
