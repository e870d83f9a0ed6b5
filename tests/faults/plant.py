"""A product with servers of its own, to be broken at will: database, broker, network, web, workers and beat."""

import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import redis

from config import postgres, template, valkey
from config.processes import inherited
from config.stack import ROOT, Stack
from tests.faults import crowd

STATUS = {
    "orders": "SELECT state, count(*) FROM orders_order GROUP BY 1",
    "tasks": "SELECT kind, state, left(problem, 60), count(*) FROM fulfillment_task GROUP BY 1, 2, 3",
    "outbox": "SELECT kind, left(error, 200), count(*) FROM kernel_outboxevent WHERE done_at IS NULL GROUP BY 1, 2",
}
OVER = ("completed", "partial", "failed", "cancelled", "rejected")


class Plant:
    """The stack, its servers, and the orders that it works on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.random = random.Random(20261122)
        self.server = postgres.start(folder / "postgres")
        self.database = postgres.create(self.server, "plant")
        self.broker = valkey.start(folder / "valkey")
        (folder / "static").mkdir()
        self.stack = Stack(environment=self.environment(), logs=folder / "log")

    def environment(self, **more: str) -> dict[str, str]:
        """What the parts need to find our servers; `more` puts something between."""
        given = {"DATABASE_URL": self.database, "REDIS_URL": self.broker, "TRUNKLINE_VAR": str(self.folder)}
        return given | {"LOG_LEVEL": "ERROR"} | more

    def fill(self) -> None:
        """Tables as the migrations leave them, copied from the template of this version; roles come with people."""
        template.copy(os.environ["DATABASE_URL"], template.ensure(os.environ["DATABASE_URL"]), self.database)

    def crowd(self, act: str, number: int, *more: int) -> list[int]:
        """Make or submit orders, or plan roots; their keys."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.crowd", act, str(number), *map(str, more)], cwd=ROOT,
            env=inherited() | self.stack.environment, capture_output=True, text=True, timeout=1200, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        found: list[int] = json.loads(done.stdout.splitlines()[-1])
        assert len(found) == number, f"{len(found)} of {number}: make more drafts"
        return found

    def drafts(self, number: int) -> list[tuple[int, str]]:
        """The oldest draft orders, keys and numbers, for people to submit."""
        with self.query() as database:
            rows = database.execute(
                "SELECT id, number FROM orders_order WHERE state = 'draft' ORDER BY id LIMIT %s", [number]
            ).fetchall()
        assert len(rows) == number, "make more drafts"
        return [(int(pk), str(name)) for pk, name in rows]

    @contextmanager
    def query(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection to look at the records with."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            yield connection

    def person(self, role: str) -> str:
        """The user name of somebody with that role."""
        query = """SELECT username FROM kernel_user u JOIN kernel_user_groups g ON g.user_id = u.id
                   JOIN auth_group r ON r.id = g.group_id WHERE r.name = %s ORDER BY u.id LIMIT 1"""
        with self.query() as database:
            row = database.execute(query, [role]).fetchone()
        assert row, f"nobody is {role}"
        return str(row[0])

    def comments(self) -> set[str]:
        """Texts of all comments that are kept."""
        with self.query() as database:
            return {str(text) for (text,) in database.execute("SELECT text FROM kernel_comment").fetchall()}

    def finished(self, orders: list[int]) -> int:
        """How many of these are over."""
        with self.query() as database:
            query = "SELECT count(*) FROM orders_order WHERE id = ANY(%s) AND state = ANY(%s)"
            return crowd.one(database, query, orders, list(OVER))

    def steps(self) -> int:
        """How much has been done so far, as the audit trail counts it."""
        with self.query() as database:
            return crowd.one(database, "SELECT count(*) FROM kernel_auditentry")

    def until(self, holds: Callable[[], bool], seconds: float, why: str) -> None:
        """Wait until something holds; fail with the parts' last words when it does not in time."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, f"{why}\n{self.words()}"
            time.sleep(0.1)

    def words(self) -> str:
        """How the records stand, and what the parts said last."""
        said = [f"{name}: {process.tail(8)}" for name, process in self.stack.processes.items()]
        with suppress(psycopg.Error), self.query() as database:
            said += [f"{what}: {database.execute(query).fetchall()}" for what, query in STATUS.items()]
        return "\n".join(said)

    def quiet(self) -> bool:
        """Nothing waits to be told, nothing is owed by the network."""
        with self.query() as database:
            waiting = crowd.one(database, "SELECT count(*) FROM kernel_outboxevent WHERE done_at IS NULL")
        return not waiting and not self.effects()["owed"]

    def effects(self) -> dict[str, Any]:
        """What the simulated network did."""
        found: dict[str, Any] = self.network("GET", "/_effects")
        return found

    def network(self, method: str, path: str, body: Any = None) -> Any:
        """Talk to the simulated network as its operator."""
        connection = http.client.HTTPConnection("127.0.0.1", self.stack.simulator_port, timeout=30)
        try:
            connection.request(method, path, json.dumps(body))
            return json.load(connection.getresponse())
        finally:
            connection.close()

    def children(self, name: str) -> list[int]:
        """Processes that a part started itself."""
        with suppress(OSError, KeyError):
            pid = self.stack.processes[name].pid
            return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return []

    def kill_worker(self, *, whole: bool) -> bool:
        """SIGKILL the worker, or one process of its pool; whether there was one. Who runs it starts it again."""
        if whole:
            self.stack.kill("worker")
        elif pool := self.children("worker"):
            with suppress(ProcessLookupError):
                os.kill(self.random.choice(pool), signal.SIGKILL)
        else:
            return False
        return True

    def kill_database(self) -> None:
        """SIGKILL the database server with all its processes, as a loss of power would."""
        pid = int((self.folder / "postgres" / "postmaster.pid").read_text().split("\n")[0])
        processes = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for process in (pid, *map(int, processes)):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def stop_broker(self) -> None:
        """The broker is gone, with all that it held."""
        port = (self.folder / "valkey" / "port").read_text()
        valkey.stop(self.folder / "valkey")
        (self.folder / "valkey" / "port").write_text(port)  # it comes back at the same address

    def start_broker(self) -> None:
        """It is back where it was, empty."""
        valkey.start(self.folder / "valkey")

    def flush_broker(self) -> None:
        """Everything that the broker holds is lost."""
        with redis.Redis.from_url(self.broker, socket_timeout=5) as client:
            client.flushall()

    def start_database(self) -> None:
        """Start it again; it recovers by itself."""
        postgres.start(self.folder / "postgres")

    def running(self, *names: str) -> None:
        """Every part runs, as a supervisor sees to it; those named are started anew."""
        for name in names:
            if name in self.stack.processes:
                self.stack.processes[name].end()
                self.stack.processes.pop(name).wait(20)
        for name in self.stack.only:
            before = self.stack.processes.get(name)
            if before is not None and before.code is not None:
                before.kill()  # whoever is left of its group
            if before is None or before.code is not None:
                self.stack.launch(name)


@contextmanager
def built(drafts: int) -> Iterator[Plant]:
    """A plant with so many draft orders, running; all of it is gone afterwards."""
    with ExitStack() as clean:
        folder = Path(tempfile.mkdtemp(prefix="trunkline-faults-"))
        clean.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)  # the database has a user of its own
        clean.callback(postgres.stop, folder / "postgres")
        clean.callback(valkey.stop, folder / "valkey")
        plant = Plant(folder)
        plant.fill()
        plant.crowd("make", drafts)
        with plant.stack:
            yield plant
