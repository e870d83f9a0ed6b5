"""Connections of workers: kept from task to task, and left when the server has hung up."""

import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, connections

from config.celery import look_after_connections

pytestmark = pytest.mark.django_db
TASK = SimpleNamespace(request=SimpleNamespace(is_eager=False))


def number() -> int:
    """The server process behind this thread's connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def hang_up(served: int) -> None:
    """End that server process, and wait until it is gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [served])


def test_a_good_connection_is_kept_and_a_lost_one_replaced() -> None:
    found: dict[str, Any] = {}
    ready, ended = threading.Event(), threading.Event()

    def worker() -> None:
        try:
            found["first"] = number()
            look_after_connections(task=TASK)
            found["second"] = number()
            ready.set()
            ended.wait(10)
            look_after_connections(task=TASK)
            found["third"] = number()
        finally:
            ready.set()
            connections.close_all()

    thread = threading.Thread(target=worker)
    thread.start()
    ready.wait(10)
    hang_up(found["second"])
    ended.set()
    thread.join(10)
    assert found["first"] == found["second"]
    assert found["third"] != found["second"]


def test_a_task_that_runs_in_its_caller_leaves_the_connection_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "close_if_unusable_or_obsolete", lambda: pytest.fail("looked after"))
    look_after_connections(task=SimpleNamespace(request=SimpleNamespace(is_eager=True)))


def test_an_old_connection_is_closed() -> None:
    ages: list[int] = []

    def worker() -> None:
        try:
            ages.append(number())
            connection.close_at = time.monotonic() - 1
            look_after_connections(task=TASK)
            ages.append(number())
        finally:
            connections.close_all()

    thread = threading.Thread(target=worker)
    thread.start()
    thread.join(10)
    assert ages[0] != ages[1]
