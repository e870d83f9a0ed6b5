"""T5: connections to database, broker and systems outside are slow, cut, or silent; nobody waits for ever."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from celery import Celery
from django.db import OperationalError
from django.db.backends.postgresql.base import DatabaseWrapper

from fulfillment.adapters import Call, http
from fulfillment.adapters.provisioning.client import Client as Provisioning
from fulfillment.simulator.server import Simulator
from kernel import jobs
from tests.faults.conftest import Figure
from tests.faults.proxy import Proxy

pytestmark = [pytest.mark.slow]

LONGEST = 30  # seconds that anything may be held
SLOW = 0.2


def seconds(act: Callable[[], Any]) -> tuple[float, Any]:
    """How long an act takes, and what it yields or raises."""
    began = time.monotonic()
    try:
        result = act()
    except Exception as error:
        result = error
    return time.monotonic() - began, result


@contextmanager
def network(folder: Path) -> Iterator[Simulator]:
    """A simulated network in this process."""
    made = Simulator(port=0, file=str(folder / "network"), callback_url="http://127.0.0.1:9", secret="x")
    serving = threading.Thread(target=made.serve)
    serving.start()
    try:
        yield made
    finally:
        made.stop()
        serving.join()
        made.close()


def call(key: str) -> Call:
    """An operation under a key."""
    return Call(
        key=key, task=f"TSK-{key}", system="provisioning", operation="port.create", mode="do", kind="api_call",
        inputs={}, context={},
    )  # fmt: skip


def test_a_system_outside_that_is_slow_cut_or_silent(tmp_path: Path, figure: Figure) -> None:
    with network(tmp_path) as far, Proxy(("127.0.0.1", far.port)) as between:
        adapter = Provisioning(f"http://127.0.0.1:{between.port}")
        between.delay = SLOW
        _, slow = seconds(lambda: adapter.do(call("slow")))
        between.delay, between.silent = 0.0, True
        held, silent = seconds(lambda: adapter.do(call("silent")))
        between.silent = False
        between.cut()
        _, cut = seconds(lambda: adapter.do(call("cut")))
        _, again = seconds(lambda: adapter.do(call("silent")))
        effects = far.state.effects()
        http.close()
    figure("T5", "system outside, 200 ms late: outcome", slow.outcome, exactly="done")
    figure("T5", "system outside, silent: seconds until given up", round(held, 1), at_most=LONGEST)
    figure("T5", "system outside, silent: outcome", silent.outcome, exactly="unknown")
    assert cut.outcome in ("done", "unknown")
    figure("T5", "system outside, back: outcome", again.outcome, exactly="done")
    figure("T5", "system outside: duplicated effects", len(effects["duplicates"]), exactly=0)


def test_a_broker_that_is_slow_cut_or_silent(figure: Figure, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    address = urlsplit(os.environ["REDIS_URL"])
    with Proxy((str(address.hostname), int(address.port or 6379))) as between:
        app = Celery("between", broker=f"redis://127.0.0.1:{between.port}/62", set_as_current=False)
        app.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
        monkeypatch.setattr(jobs, "current_app", app)
        waits = {}
        between.delay = SLOW
        waits["200 ms late"], _ = seconds(lambda: jobs._send("nothing.at_all", "default", {}))
        between.delay, between.silent = 0.0, True
        waits["silent"], _ = seconds(lambda: jobs._send("nothing.at_all", "default", {}))
        between.cut()
        waits["silent from the start"], _ = seconds(lambda: jobs._send("nothing.at_all", "default", {}))
        between.silent = False
        between.cut()
        waits["cut"], _ = seconds(lambda: jobs._send("nothing.at_all", "default", {}))
        app.control.purge()
        app.close()
    for name, wait in waits.items():
        figure("T5", f"broker, {name}: seconds until the act goes on", round(wait, 1), at_most=LONGEST)


@contextmanager
def connected(port: int, settings: Any) -> Iterator[DatabaseWrapper]:
    """A connection as settings want it, by way of the proxy."""
    wanted = {**settings.DATABASES["default"], "HOST": "127.0.0.1", "PORT": port}
    wanted["OPTIONS"] = {name: value for name, value in wanted.get("OPTIONS", {}).items() if name != "host"}
    made = DatabaseWrapper(wanted, alias="default")
    try:
        yield made
    finally:
        made.close()


def ask(database: DatabaseWrapper) -> int:
    """The simplest question."""
    with database.cursor() as cursor:
        cursor.execute("SELECT 1")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db
def test_a_database_that_is_slow_cut_or_silent(figure: Figure, settings: Any) -> None:
    server = parse_qs(urlsplit(os.environ["DATABASE_URL"]).query)["host"][0]
    with Proxy(f"{server}/.s.PGSQL.5432") as between, connected(between.port, settings) as database:
        between.delay = SLOW
        late, answer = seconds(lambda: ask(database))
        assert answer == 1
        between.delay = 0.0
        between.cut()
        gone, error = seconds(lambda: ask(database))
        assert isinstance(error, OperationalError)
        database.close()
        back, answer = seconds(lambda: ask(database))
        assert answer == 1
        database.close()
        between.silent = True
        silent, error = seconds(lambda: ask(database))
        assert isinstance(error, OperationalError)
    figure("T5", "database, 200 ms late: seconds of a question", round(late, 1), at_most=LONGEST)
    figure("T5", "database, cut: seconds until that is known", round(gone, 1), at_most=LONGEST)
    figure("T5", "database, back: seconds until an answer", round(back, 1), at_most=LONGEST)
    figure("T5", "database, silent: seconds until no connection", round(silent, 1), at_most=LONGEST)
