"""The supervisor behind `make run`: keeps the stack and the embedded servers going until it is told to stop."""

import contextlib
import fcntl
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType

from django.core.management import get_commands

from config import servers
from config.stack import ALL, NoStart, Stack

SIMULATOR_PORT = 8099
LONGEST_PAUSE = 30  # seconds before a part that keeps ending is started again
SETTLED = 60  # seconds after which a part counts as running well
LOOK = 0.25  # seconds between two looks at the processes

Say = Callable[[str], None]


class CannotRun(SystemExit):
    """Nothing was started; the text says why and what to do."""


def say(text: str) -> None:
    """One line to the terminal, if that is still there."""
    with contextlib.suppress(OSError):
        print(f"trunkline: {text}", flush=True)


def port() -> int:
    """The port that PORT asks for, 8000 without it. Raises CannotRun for what is no port, or is taken."""
    asked = os.environ.get("PORT") or "8000"
    if not asked.isdigit() or not 0 < int(asked) < 65536:
        raise CannotRun(f"PORT={asked} is not a port; give a number from 1 to 65535, as in `make run PORT=8080`.")
    if not free(int(asked)):
        raise CannotRun(f"Port {asked} is taken by another program. Stop that, or use another: `make run PORT=8080`.")
    return int(asked)


def free(number: int) -> bool:
    """Whether we could listen on that port."""
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((os.environ.get("HOST", "127.0.0.1"), number))
        return True
    return False


def stack() -> Stack:
    """The stack of this checkout: on PORT, the simulator where other commands expect it unless that is taken."""
    number = port()
    (servers.VAR / "static").mkdir(parents=True, exist_ok=True)
    simulator = SIMULATOR_PORT if free(SIMULATOR_PORT) and number != SIMULATOR_PORT else 0
    given = {name: os.environ[name] for name in ("BASE_URL", "SIMULATOR_URL") if os.environ.get(name)}
    outside = os.environ.get("SIMULATOR_URL") or "simulate_network" not in get_commands()
    only = [name for name in ALL if name != "simulator" or not outside]
    return Stack(
        only=only, port=number, simulator_port=simulator, environment=given, logs=servers.VAR / "log", listen=_echo
    )


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold this checkout for one supervisor. Raises CannotRun if another has it."""
    servers.VAR.mkdir(parents=True, exist_ok=True)
    with (servers.VAR / "run.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise CannotRun(f"This checkout is running already, at port {lock.read().strip()}.") from None
        lock.truncate(0)
        lock.write(os.environ.get("PORT") or "8000")
        lock.flush()
        yield


def keep(running: Stack, ready: Callable[[], None]) -> None:
    """Start the stack, call `ready`, keep everything going until SIGINT, SIGTERM or SIGHUP, then stop it cleanly."""
    with _told_to_stop() as told:
        try:
            running.start()
            ready()
            _watch(running, told)
        except _Stopped:
            pass
        except NoStart as error:
            raise CannotRun(str(error)) from error
        finally:
            told.append(0)  # from here on a signal changes nothing
            say("stopping")
            running.stop()


class _Stopped(Exception):
    """A signal asked us to end."""


@contextlib.contextmanager
def _told_to_stop() -> Iterator[list[int]]:
    """Turn the first signal into an exception and let later ones pass: the stop itself must not be interrupted."""
    told: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        told.append(number)
        if len(told) == 1:
            raise _Stopped

    kept = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield told
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _watch(running: Stack, told: list[int]) -> None:
    pauses: dict[str, float] = {}
    due: dict[str, float] = {}
    while not told:
        now = time.monotonic()
        for name, process in list(running.processes.items()):
            if process.code is None:
                if now - process.since > SETTLED:
                    pauses.pop(name, None)
            elif name not in due:
                pauses[name] = min(pauses.get(name, 0.5) * 2, LONGEST_PAUSE)
                due[name] = now + pauses[name]
                say(f"{name} ended with code {process.code}; starting it again in {pauses[name]:.0f} s")
            elif now >= due[name]:
                del due[name]
                process.kill()  # whoever is left of its group
                running.launch(name)
        if servers.revive():
            say("an embedded server had stopped; it runs again")
        time.sleep(LOOK)


def _echo(name: str, line: str) -> None:
    with contextlib.suppress(OSError):
        print(f"{name:>9} | {line}", file=sys.stderr, flush=True)
