"""T8: a worker ends between any two steps of its work: before or after a statement, a commit, a message, a call."""

import json
import os
import random
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config import postgres, template
from config.processes import inherited
from config.stack import ROOT
from fulfillment.simulator.server import Simulator
from tests.faults import crowd
from tests.faults.conftest import Figure

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stack")]

LAST = 160  # points that a worker may pass before it ends; a whole order takes several hundred


class Crew:
    """The victim program on a database of its own, beside a simulated network."""

    def __init__(self, database: str, simulator: Simulator, folder: Path) -> None:
        self.database, self.simulator = database, simulator
        environment = {
            "DATABASE_URL": database, "REDIS_URL": os.environ["REDIS_URL"].rsplit("/", 1)[0] + "/63",
            "DJANGO_SETTINGS_MODULE": "config.settings", "TRUNKLINE_VAR": str(folder),
            "SIMULATOR_URL": f"http://127.0.0.1:{simulator.port}", "LOG_LEVEL": "CRITICAL",
        }  # fmt: skip
        self._said = (folder / "said").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.victim"], cwd=ROOT, env=inherited() | environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said,
        )  # fmt: skip

    def do(self, command: str) -> Any:
        """One command, its answer."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        self._said.seek(0)
        assert answer, self._said.read()[-3000:]
        return json.loads(answer)

    def end(self) -> None:
        """No more commands."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(30)
        if self._process.stdout:
            self._process.stdout.close()
        self._said.close()


@contextmanager
def crew(folder: Path) -> Iterator[Crew]:
    """A new database, a network without web, and the program that works on them."""
    name = f"crash_{secrets.token_hex(6)}"
    with ExitStack() as clean:
        server = os.environ["DATABASE_URL"]
        database = postgres.create(server, name, template.ensure(server))
        clean.callback(postgres.drop, server, name)
        nobody = "http://127.0.0.1:9"  # callbacks reach nobody; who waits for one asks
        simulator = Simulator(port=0, file=str(folder / "network"), callback_url=nobody, secret="x", delay=0.02)
        serving = threading.Thread(target=simulator.serve)
        serving.start()
        clean.callback(simulator.close)
        clean.callback(serving.join)
        clean.callback(simulator.stop)
        made = Crew(database, simulator, folder)
        clean.callback(made.end)
        yield made


def test_a_worker_that_ends_anywhere_leaves_each_effect_once(tmp_path: Path, figure: Figure, full: bool) -> None:
    orders, kills = (60, 500) if full else (2, 20)
    chance = random.Random(20261122)
    with crew(tmp_path) as team:
        assert len(team.do(f"make {orders}")) == orders
        assert len(team.do(f"submit {orders}")) == orders
        killed, idle = 0, 0
        while killed < kills and idle < 5:
            died = team.do(f"die {chance.randint(1, LAST)}")["killed"]
            killed, idle = killed + died, 0 if died else idle + 1
        ended = team.do(f"finish {900 if full else 120}")
        assert ended["finished"], ended
        effects = team.simulator.state.effects()
        with psycopg.connect(team.database, autocommit=True) as database:
            wrong = crowd.wrong(database)
            completed = crowd.one(database, "SELECT count(*) FROM orders_order WHERE state = 'completed'")
            waiting = crowd.one(database, "SELECT count(*) FROM kernel_outboxevent WHERE done_at IS NULL")
            told = crowd.one(database, "SELECT count(*) FROM kernel_outboxdelivery")
            wanted = crowd.one(database, "SELECT sum(n) FROM (SELECT count(DISTINCT reaction) * (SELECT count(*) FROM "
                               "kernel_outboxevent o WHERE o.kind = e.kind) AS n FROM kernel_outboxdelivery d JOIN "
                               "kernel_outboxevent e ON e.id = d.event_id GROUP BY e.kind) x")  # fmt: skip
    figure("T8", "kills at exact points", killed, at_least=kills // 2)
    figure("T8", "orders lost", orders - completed, exactly=0)
    figure("T8", "events not told", waiting, exactly=0)
    figure("T8", "reactions to events missing or twice", abs(wanted - told), exactly=0)
    figure("T8", "duplicated records", sum(wrong.values()), exactly=0)
    figure("T8", "duplicated outside effects", len(effects["duplicates"]), exactly=0)
    figure("T8", "outside effects missing", orders * crowd.EFFECTS - effects["total"], exactly=0)
