"""Embedded servers: shared, found again after a kill, never confused with another checkout's."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config import postgres, servers, valkey

HOLD = """
import sys
from config import servers
servers.ensure()
print("holds", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="trunkline-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def var(open_folder: Path) -> Iterator[Path]:
    """A checkout's data folder with servers of its own, which are stopped whatever happened."""
    yield open_folder / "var"
    valkey.stop(open_folder / "var/valkey")
    postgres.stop(open_folder / "var/postgres")


def holder(var: Path) -> subprocess.Popen[str]:
    """Another process of that checkout, once it has the servers."""
    environment = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", HOLD], cwd=servers.ROOT, env=environment | {"TRUNKLINE_VAR": str(var)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "holds\n"
    return process


def leave(process: subprocess.Popen[str]) -> str:
    """Let the process end as a command does; what it complained about."""
    return process.communicate(timeout=30)[1]


@pytest.mark.slow
def test_the_last_user_stops_the_servers(var: Path) -> None:
    first, second = holder(var), holder(var)

    assert leave(first) == ""
    assert postgres.running(var / "postgres")
    assert valkey.running(var / "valkey")

    assert leave(second) == ""
    assert not postgres.running(var / "postgres")
    assert not valkey.running(var / "valkey")


@pytest.mark.slow
def test_a_killed_user_counts_no_more(var: Path) -> None:
    killed, other = holder(var), holder(var)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()

    leave(other)

    assert not postgres.running(var / "postgres")


@pytest.mark.slow
def test_servers_left_by_a_killed_user_are_found_again(var: Path) -> None:
    killed = holder(var)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    port = valkey.running(var / "valkey")
    assert port

    other = holder(var)

    assert valkey.running(var / "valkey") == port
    leave(other)


@pytest.mark.slow
def test_a_killed_database_recovers(var: Path) -> None:
    user = holder(var)
    url = postgres.create(postgres.start(var / "postgres"), "kept")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    os.kill(int((var / "postgres/postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    postgres.start(var / "postgres")

    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)
    leave(user)


@pytest.mark.slow
def test_a_stale_process_number_is_no_obstacle(var: Path) -> None:
    leave(holder(var))
    (var / "postgres/postmaster.pid").write_text(f"{os.getpid()}\n{var}/postgres\n")

    user = holder(var)

    assert postgres.running(var / "postgres")
    leave(user)


@pytest.mark.slow
def test_a_port_that_another_checkout_took_over_is_not_ours(tmp_path: Path) -> None:
    theirs = valkey.start(tmp_path / "theirs")
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours/port").write_text((tmp_path / "theirs/port").read_text())

    ours = valkey.start(tmp_path / "ours")

    assert ours != theirs
    valkey.stop(tmp_path / "ours")
    assert valkey.running(tmp_path / "theirs")
    valkey.stop(tmp_path / "theirs")


@pytest.mark.slow
def test_a_restarted_valkey_takes_the_port_that_its_clients_know(tmp_path: Path) -> None:
    before = valkey.start(tmp_path)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)

    assert valkey.start(tmp_path) == before
    valkey.stop(tmp_path)


@pytest.mark.slow
def test_nobodys_folder_is_opened_for_the_database(
    tmp_path: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "ELSEWHERE", open_folder / "elsewhere")
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)

    url = postgres.start(closed / "postgres")

    with psycopg.connect(url) as connection:
        found = connection.execute("SHOW data_directory").fetchone()
    assert found is not None
    assert Path(found[0]).is_relative_to(open_folder if os.geteuid() == 0 else closed)
    assert closed.stat().st_mode & 0o777 == 0o700
    assert postgres.start(closed / "postgres") == url
    postgres.stop(closed / "postgres")
    assert not postgres.running(closed / "postgres")


def test_a_path_too_long_for_a_socket_gets_a_short_one(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()

    short = postgres._socket_folder(folder)

    assert len(f"{short}/.s.PGSQL.5432") <= postgres.LONGEST_SOCKET
    assert short.stat().st_mode & 0o777 == 0o700
    short.rmdir()


def test_a_sibling_url_differs_in_the_database_only() -> None:
    assert postgres.sibling("postgresql://u:p@h:1/one?sslmode=require", "two") == (
        "postgresql://u:p@h:1/two?sslmode=require"
    )
