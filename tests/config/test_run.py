"""`manage.py run`: starts, keeps going, stops; says what it cannot do."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config import postgres, servers, stack, supervisor, template, valkey
from tests.config.test_processes import members, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stack")]

PATIENCE = 240  # seconds; a quiet machine takes a tenth


@pytest.fixture
def var() -> Iterator[Path]:
    """A data folder that every user may enter, with its servers stopped afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="trunkline-test-"))
    folder.chmod(0o755)
    yield folder
    valkey.stop(folder / "valkey")
    postgres.stop(folder / "postgres")
    shutil.rmtree(folder)


@pytest.fixture
def stop_with(var: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Supervisors that end with the test, even if it fails."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for run in started:
        run.terminate()
        run.communicate(timeout=PATIENCE)


def one_step_behind(var: Path) -> str:
    """The database of a checkout that runs a little older version: its sessions are still to come. Returns its URL."""
    server = postgres.start(var / "postgres")
    database = postgres.create(server, "trunkline")
    template.copy(os.environ["DATABASE_URL"], template.ensure(os.environ["DATABASE_URL"]), database)
    with psycopg.connect(database) as connection:
        connection.execute("DROP TABLE django_session")
        connection.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    return database


def has_sessions(database: str) -> bool:
    """Whether that step has been made."""
    with psycopg.connect(database) as connection:
        return bool(connection.execute("SELECT to_regclass('django_session') IS NOT NULL").fetchone() == (True,))


def command(var: Path, port: object) -> subprocess.Popen[str]:
    """The supervisor of another checkout, so to say."""
    given = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    return subprocess.Popen(
        [sys.executable, "manage.py", "run"], cwd=servers.ROOT,
        env=given | {"TRUNKLINE_VAR": str(var), "PORT": str(port), "DEMO": "0"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip


def children(parent: int) -> dict[str, int]:
    """The processes that a supervisor started, by name; some call themselves otherwise than they were called."""
    names = {"gunicorn": "web", "worker": "worker", "beat": "beat", "simulate_network": "simulator"}
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            ppid = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            called = (entry / "cmdline").read_text()
        except OSError:
            continue
        if ppid == parent:
            found.update({name: int(entry.name) for word, name in names.items() if re.search(rf"\b{word}\b", called)})
    return found


@pytest.mark.slow
def test_it_migrates_runs_until_it_is_told_to_stop_and_leaves_nothing(
    var: Path, stop_with: list[subprocess.Popen[str]]
) -> None:
    database, port = one_step_behind(var), valkey.free_port()
    run = command(var, port)
    stop_with.append(run)
    until(lambda: stack.healthy(port) or run.poll() is not None, PATIENCE)
    assert run.poll() is None, run.communicate()[0]
    assert has_sessions(database)
    until(lambda: set(children(run.pid)) == {"web", "worker", "beat", "simulator"}, PATIENCE)
    worker = children(run.pid)["worker"]

    os.killpg(worker, signal.SIGKILL)
    until(lambda: children(run.pid).get("worker", worker) != worker, PATIENCE)
    groups = list(children(run.pid).values())
    run.send_signal(signal.SIGTERM)
    said = run.communicate(timeout=PATIENCE)[0]

    assert run.returncode == 0, said
    assert f"Trunkline runs at http://127.0.0.1:{port}" in said
    assert "worker ended with code -9; starting it again in 1 s" in said
    assert said.rstrip().endswith("trunkline: stopped")
    assert [members(group) for group in groups] == [[]] * len(groups)
    assert not postgres.running(var / "postgres")
    assert "database system is shut down" in (var / "postgres/log").read_text().splitlines()[-1]
    assert not valkey.running(var / "valkey")


@pytest.mark.slow
def test_a_taken_port_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        run = command(tmp_path / "var", other.getsockname()[1])
        said = run.communicate(timeout=30)[0]

    assert run.returncode == 1
    assert said.startswith(f"Port {other_port(said)} is taken by another program.")
    assert not (tmp_path / "var").exists()


def other_port(said: str) -> str:
    """The port that a message names."""
    return said.split()[1]


@pytest.mark.parametrize("asked", ["abc", "0", "70000", "-1"])
def test_what_is_no_port_is_refused(asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", asked)

    with pytest.raises(supervisor.CannotRun, match="is not a port"):
        supervisor.port()


def test_a_checkout_runs_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(servers, "VAR", tmp_path)
    monkeypatch.setenv("PORT", "8123")

    with (
        supervisor.alone(),
        pytest.raises(supervisor.CannotRun, match="running already, at port 8123"),
        supervisor.alone(),
    ):
        pass
