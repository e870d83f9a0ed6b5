"""The stack: web, worker, beat and network simulator as separate processes over one database and one broker.

`make run` keeps one going; tests and `--scratch` commands start their own beside it, on free ports, and stop or kill
its parts at will.
"""

import http.client
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from config import postgres, servers, template, valkey
from config.processes import Listener, Process, Program, behind_people, inherited

ROOT = servers.ROOT
ALL = ("simulator", "web", "worker", "beat")
QUEUES = "default,engine,documents"
PATIENCE = 60  # seconds until the web answers
QUIET = {"PYTHONWARNINGS": "ignore:You're running the worker with superuser"}  # advice about pickle, not used here
GRACE = 20  # seconds that a process has to finish what it is at


class NoStart(RuntimeError):
    """A part of the stack ended before it was of use; the message shows what it said last."""


class Stack:
    """The processes of one running product. `port` and `simulator_port` 0 take free ones."""

    def __init__(
        self, *, only: Iterable[str] = ALL, port: int = 0, simulator_port: int = 0, concurrency: int = 2,
        environment: Mapping[str, str] | None = None, logs: Path | None = None, listen: Listener | None = None,
    ) -> None:  # fmt: skip
        self.only = tuple(only)
        self.port = port or valkey.free_port()
        self.simulator_port = simulator_port or valkey.free_port()
        self.concurrency = concurrency
        self.processes: dict[str, Process] = {}
        self._given = dict(environment or {})
        self._listen = listen
        self._clean = ExitStack()
        self.logs = logs or Path(self._clean.enter_context(tempfile.TemporaryDirectory(prefix="trunkline-logs-")))
        self.logs.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        """Where the web answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What each of our processes, and any command beside them, needs to work on the same records."""
        return {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONUNBUFFERED": "1",
            "PORT": str(self.port),
            "BASE_URL": self.url,
            "SIMULATOR_URL": f"http://127.0.0.1:{self.simulator_port}",
            "SIMULATOR_PORT": str(self.simulator_port),
        } | self._given

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start every part and wait until the web answers. Raises NoStart."""
        for name in self.only:
            self.launch(name)
        if "web" in self.only:
            self.wait_for(lambda: healthy(self.port), "web")

    def launch(self, name: str) -> Process:
        """Start one part, again if it ran before."""
        nice = behind_people() if name in ("worker", "beat") else 0
        program = Program(name, self.command(name), self.environment | QUIET, nice)
        self.processes[name] = Process(program, ROOT, self.logs / f"{name}.log", self._listen)
        return self.processes[name]

    def command(self, name: str) -> list[str]:
        """The command line of one part."""
        python = [sys.executable, "-m"]
        worker = ["--queues", QUEUES, "--concurrency", str(self.concurrency), "--without-gossip", "--without-mingle"]
        commands = {
            "web": [*python, "gunicorn", "--config", "python:config.gunicorn", "config.wsgi"],
            "worker": [*python, "celery", "-A", "config", "--quiet", "worker", "--loglevel", "WARNING", *worker],
            "beat": [*python, "celery", "-A", "config", "--quiet", "beat", "--loglevel", "WARNING", "--pidfile="],
            "simulator": [sys.executable, "manage.py", "simulate_network", "--port", str(self.simulator_port)],
        }
        return commands[name]

    def stop(self) -> None:
        """Stop every part cleanly: a running task is finished, a running request answered."""
        running, self.processes = self.processes, {}
        for process in running.values():
            process.end()
        deadline = time.monotonic() + GRACE
        for process in running.values():
            process.wait(max(0.0, deadline - time.monotonic()))
        self._clean.close()

    def kill(self, name: str) -> None:
        """SIGKILL one part with all its children; `launch` brings it back."""
        self.processes.pop(name).kill()

    def wait_for(self, condition: Callable[[], bool], needs: str, seconds: float = PATIENCE) -> None:
        """Wait until a condition holds. Raises NoStart when the part that it needs ends, or time runs out."""
        deadline = time.monotonic() + seconds
        while not condition():
            process = self.processes[needs]
            if process.code is not None or time.monotonic() > deadline:
                why = "did not answer in time" if process.code is None else f"ended with code {process.code}"
                raise NoStart(f"{needs} {why}.\n{process.tail()}")
            time.sleep(0.1)

    def manage(self, *arguments: str, seconds: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a management command on the same records and wait for it; what it said is in the answer."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=inherited() | self.environment,
            capture_output=True, text=True, timeout=seconds, check=False,
        )  # fmt: skip


@contextmanager
def scratch(
    *, only: Iterable[str] = ALL, listen: Listener | None = None, concurrency: int = 2, stocked: bool = False,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Stack]:  # fmt: skip
    """A stack with a new migrated database and broker of its own; all of it is gone afterwards.

    The database is empty, or holds roles, catalogue, plans and people of the demo if it shall be `stocked`.
    """
    servers.ensure()
    name = f"scratch_{secrets.token_hex(6)}"
    folder = Path(tempfile.mkdtemp(prefix="trunkline-"))
    with ExitStack() as clean:
        clean.callback(shutil.rmtree, folder, ignore_errors=True)
        broker = valkey.start(folder / "valkey")
        clean.callback(valkey.stop, folder / "valkey")
        server = os.environ["DATABASE_URL"]
        source = template.stocked(server) if stocked else template.ensure(server)
        database = postgres.create(server, name, source)
        clean.callback(postgres.drop, server, name)
        own = {"DATABASE_URL": database, "REDIS_URL": broker, "TRUNKLINE_VAR": str(folder), **(environment or {})}
        stack = Stack(only=only, environment=own, logs=folder / "log", listen=listen, concurrency=concurrency)
        with stack:
            yield stack


def healthy(port: int) -> bool:
    """Whether the web on that loopback port answers that it is well. No proxy of the environment comes between."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
