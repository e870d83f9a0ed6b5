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

from config.database.base import Beside, Connection, DatabaseWrapper
from config.stack import Stack
from fulfillment.adapters import Call, http
from fulfillment.adapters.provisioning.client import Client as Provisioning
from fulfillment.simulator.server import Simulator
from kernel import collecting, jobs
from tests.faults.conftest import Figure
from tests.faults.plant import Plant
from tests.faults.proxy import Proxy
from tests.faults.visitors import Visitors

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


def ask(database: DatabaseWrapper, query: str = "SELECT 1", *values: float) -> int:
    """The simplest question."""
    with database.cursor() as cursor:
        cursor.execute(query, values)
        return int(cursor.fetchone()[0])


def until_let_go(between: Proxy) -> None:
    """Wait until nobody holds on to a connection of which something was swallowed."""
    deadline = time.monotonic() + 6
    while between.unheard() and time.monotonic() < deadline:
        time.sleep(0.05)


@pytest.fixture
def silence(full: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small trial is less patient."""
    if not full:
        monkeypatch.setattr(Connection, "silence", 0.5)
        monkeypatch.setattr(Beside, "silence", 2.0)  # a busy machine answers late


@pytest.fixture
def server() -> str:
    """The socket of the database."""
    return parse_qs(urlsplit(os.environ["DATABASE_URL"]).query)["host"][0] + "/.s.PGSQL.5432"


@pytest.mark.django_db
@pytest.mark.usefixtures("silence")
def test_a_database_that_is_slow_cut_or_silent(figure: Figure, settings: Any, server: str) -> None:
    with Proxy(server) as between, connected(between.port, settings) as database:
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
        between.silent = True
        unheard, error = seconds(lambda: ask(database))
        assert isinstance(error, OperationalError)
        database.close()
        with collecting.later():
            silent, error = seconds(lambda: ask(database))
            assert isinstance(error, OperationalError)
            let_go, _ = seconds(lambda: until_let_go(between))
    figure("T5", "database, 200 ms late: seconds of a question", round(late, 1), at_most=LONGEST)
    figure("T5", "database, cut: seconds until that is known", round(gone, 1), at_most=LONGEST)
    figure("T5", "database, back: seconds until an answer", round(back, 1), at_most=LONGEST)
    figure("T5", "database, silent in a statement: seconds until known", round(unheard, 1), at_most=LONGEST)
    figure("T5", "database, silent: seconds until no connection", round(silent, 1), at_most=LONGEST)
    figure("T5", "database, silent: seconds until its sockets are closed", round(let_go, 1), at_most=5)


@pytest.mark.django_db
@pytest.mark.usefixtures("silence")
def test_a_statement_that_is_lost_is_told_from_one_that_takes_long(
    figure: Figure, settings: Any, server: str, full: bool
) -> None:
    long = 20 if full else 1.5
    with Proxy(server) as between, connected(between.port, settings) as database:
        database.ensure_connection()
        took, answer = seconds(lambda: ask(database, "SELECT 1 FROM pg_sleep(%s)", long))
        assert answer == 1
        assert took >= long
        between.hush()
        lost, error = seconds(lambda: ask(database))
        assert isinstance(error, OperationalError)
        database.close()
        assert ask(database) == 1
    figure("T5", "database, only an old connection silent: seconds until known", round(lost, 1), at_most=LONGEST)


@pytest.mark.xdist_group("stack")
def test_a_product_whose_database_falls_silent_answers_503_and_goes_on(
    plant: Plant, figure: Figure, full: bool
) -> None:
    number, gone, parts = (60, 45, ("web", "worker")) if full else (1, 1, ("web",))
    plant.running()
    with Proxy(f"{plant.folder / 'postgres'}/.s.PGSQL.5432") as between, beside(plant, between, parts, full) as stack:
        if full:
            plant.stack.kill("worker")  # the one behind the proxy does all work
        orders = plant.crowd("submit", number)
        with Visitors(stack.url, plant.person("order_manager"), orders[0]) as people:
            plant.until(lambda: people.statuses()[200] > 5, 60, "nobody is answered")
            between.silent, began = True, time.time()
            plant.until(lambda: people.statuses()[503] > 0 and time.time() > began + gone, 60, "nobody is told")
            between.silent, back = False, time.time()
            between.cut()
            plant.until(lambda: people.good_since(back) is not None, 60, "the web did not come back")
            if full:
                plant.until(lambda: plant.finished(orders) == number, 300, "orders stand still")
        waits = between.waits()
    plant.running()
    statuses = people.statuses()
    figure("T5", "product without an answer of its database: seconds", round(back - began, 1), at_least=gone)
    figure("T5", "longest time that anything was held", round(max(waits), 1), at_most=LONGEST)
    figure("T5", "slowest answer of the web in seconds", round(people.slowest(), 1), at_most=LONGEST)
    figure("T5", "answers 503", statuses[503], at_least=1)
    figure("T5", "answers other than 200 and 503", len(people.visits) - statuses[200] - statuses[503], exactly=0)
    figure("T5", "acknowledged writes missing", len(set(people.acknowledged) - plant.comments()), exactly=0)
    figure("T5", "seconds from its return to a page", round(people.good_since(back) or 0.0, 1), at_most=10)
    if full:
        figure("T5", "orders not completed", number - plant.finished(orders), exactly=0)


@contextmanager
def beside(plant: Plant, between: Proxy, parts: tuple[str, ...], full: bool) -> Iterator[Stack]:
    """More parts of the plant's product that reach its database by way of the proxy."""
    by_proxy = urlsplit(plant.database)._replace(netloc=f"postgres:@127.0.0.1:{between.port}", query="").geturl()
    environment = plant.environment(DATABASE_URL=by_proxy, **({} if full else {"DATABASE_SILENCE": "0.5"}))
    logs = plant.folder / "beside"
    with Stack(only=parts, simulator_port=plant.stack.simulator_port, environment=environment, logs=logs) as made:
        yield made
