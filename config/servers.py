"""Embedded servers: PostgreSQL and Valkey from wheels, data under var/, shared by all processes of a checkout.

Every process that uses them holds a shared lock; whoever lets go last stops both. A killed process lets go by itself,
because the lock belongs to its open file.
"""

import atexit
import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from config import postgres, valkey

ROOT = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("TRUNKLINE_VAR") or ROOT / "var").absolute()

_held: list[IO[str]] = []
_started: set[str] = set()


def ensure() -> None:
    """Set DATABASE_URL and REDIS_URL, starting the embedded servers for whichever the environment does not name."""
    wanted = {"DATABASE_URL", "REDIS_URL"} - {name for name in os.environ if os.environ[name]}
    if not wanted or _held:
        return
    VAR.mkdir(parents=True, exist_ok=True)
    with _exclusive():
        hold = (VAR / "servers.users").open("w")
        fcntl.flock(hold, fcntl.LOCK_SH)
        _held.append(hold)
        atexit.register(release, os.getpid())
        for name in sorted(wanted):
            os.environ[name] = _START[name]()
            _started.add(name)


def release(owner: int) -> None:
    """Let go of the servers; the last process to do so stops them. A forked child does nothing."""
    if not _held or os.getpid() != owner:
        return
    with _exclusive(), _held.pop() as hold:
        try:
            fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return  # somebody else still uses them
        valkey.stop(VAR / "valkey")
        postgres.stop(VAR / "postgres")


def revive() -> bool:
    """Start again what has stopped of the servers that this process started; whether there was anything to do."""
    dead = [name for name, runs in _RUNS.items() if name in _started and not runs()]
    if dead:
        with _exclusive():
            for name in dead:
                _START[name]()
    return bool(dead)


def _start_postgres() -> str:
    return postgres.create(postgres.start(VAR / "postgres"), "trunkline")


def _start_valkey() -> str:
    return valkey.start(VAR / "valkey")


def _postgres_runs() -> bool:
    return postgres.running(VAR / "postgres")


def _valkey_runs() -> bool:
    return bool(valkey.running(VAR / "valkey"))


_START: dict[str, Callable[[], str]] = {"DATABASE_URL": _start_postgres, "REDIS_URL": _start_valkey}
_RUNS: dict[str, Callable[[], bool]] = {"DATABASE_URL": _postgres_runs, "REDIS_URL": _valkey_runs}


@contextlib.contextmanager
def _exclusive() -> Iterator[None]:
    with (VAR / "servers.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
