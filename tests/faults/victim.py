"""A worker to be killed at an exact point: before or after any statement, commit, message or call.

A program beside the tests, `python -m tests.faults.victim`, that takes one command a line and answers with one line of
JSON: `make N`, `submit N`, `roots N`, `work N`, `die POINT`, `finish SECONDS`. `die` works in a child process that ends
by SIGKILL at that point, counted from its start; what it had not committed by then never happened.
"""

import datetime as dt
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

SOON = dt.timedelta(milliseconds=50)  # leases and retries do not have to be waited for, nobody else works here


class Crash:
    """Counts the points that are passed, and ends the process at one of them."""

    def __init__(self, at: int) -> None:
        self.at, self.passed = at, 0

    def point(self) -> None:
        """Here the process may end."""
        self.passed += 1
        if self.passed == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function with a point on either side."""

        def watched(*args: Any, **kwargs: Any) -> Any:
            self.point()
            result = function(*args, **kwargs)
            self.point()
            return result

        return watched

    def install(self) -> None:
        """Watch statements, commits, messages to workers and calls to systems outside."""
        import httpx
        from celery import current_app
        from django.db import connection

        def statement(execute: Callable[..., Any], *args: Any) -> Any:
            self.point()
            return execute(*args)

        connection.execute_wrappers.append(statement)
        connection._commit = self.around(connection._commit)  # type: ignore[method-assign]
        current_app.send_task = self.around(current_app.send_task)
        httpx.Client.request = self.around(httpx.Client.request)  # type: ignore[method-assign]


def work(rounds: int = 1) -> int:
    """What workers and beat do, until nothing is left or so many rounds are over."""
    from fulfillment import execution, recovery
    from kernel import outbox

    done = 0
    for _ in range(rounds):
        did = outbox.deliver() + recovery.sweep() + execution.run_ready()
        done += did
        if not did:
            break
    return done


def hurry() -> None:
    """Leases, polls and retries come at once."""
    from fulfillment import calling

    calling.LEASE, calling.POLL, calling.BACKOFF = SOON, SOON, 0.01


def die(point: int) -> dict[str, Any]:
    """Work in a child until it is killed at the point, or nothing is left to do."""
    from django.db import connections

    connections.close_all()
    child = os.fork()
    if child == 0:
        crash = Crash(point)
        crash.install()
        work(rounds=20)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return {"killed": os.WIFSIGNALED(status), "code": status}


def finish(seconds: float) -> dict[str, Any]:
    """Work here until nothing is open; whether that was reached in time, else what is open."""
    from fulfillment.models import Task
    from kernel.models import OutboxEvent

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        work()
        open_tasks = Task.objects.exclude(state__in=Task.CLOSED).count()
        if not open_tasks and not OutboxEvent.objects.filter(done_at__isnull=True).exists():
            return {"finished": True}
        time.sleep(0.05)
    tasks = Task.objects.exclude(state__in=Task.CLOSED).values_list("key", "state", "problem").distinct()
    facts = OutboxEvent.objects.filter(done_at__isnull=True).values_list("kind", "error").distinct()
    return {"finished": False, "tasks": list(tasks), "facts": list(facts)}


def main() -> None:
    """Answer commands until there are no more."""
    import django

    django.setup()
    from tests.faults import crowd

    hurry()
    acts: dict[str, Callable[..., Any]] = {
        "make": crowd.make, "submit": crowd.submit, "roots": crowd.roots, "die": die, "finish": finish,
        "work": work,
    }  # fmt: skip
    for line in sys.stdin:
        act, *numbers = line.split()
        print(json.dumps(acts[act](*map(int, numbers))), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
