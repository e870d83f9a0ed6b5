"""A proxy between us and a server, on loopback: it passes bytes on, late if asked, cuts connections, or goes silent."""

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Self

CHUNK = 65536


class Proxy:
    """Listens at `port` and connects on to an address, or to a unix socket when `target` is a path.

    Set `delay` to seconds that every chunk takes, `silent` to let nothing through while connections stay open; `cut`
    ends what is open, `hush` makes only that silent. `waits` tells how long who got no answer has held on.
    """

    def __init__(self, target: str | tuple[str, int]) -> None:
        self.target = target
        self.delay = 0.0
        self.silent = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        self._hushed: set[socket.socket] = set()
        self._unheard: dict[socket.socket, float] = {}  # by the near end: since when
        self._waits: list[float] = []
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(5)

    def cut(self) -> None:
        """End every open connection at once."""
        with self._lock:
            ending, self._open = self._open, []
        for connection in ending:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def hush(self) -> None:
        """What is open goes silent for good; who comes anew is heard."""
        with self._lock:
            self._hushed |= set(self._open)

    def waits(self) -> list[float]:
        """Seconds that each connection stayed open of which something was swallowed."""
        with self._lock:
            return self._waits + [time.monotonic() - since for since in self._unheard.values()]

    def unheard(self) -> int:
        """How many connections of which something was swallowed are still open."""
        with self._lock:
            return len(self._unheard)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = self._connect()
                with self._lock:
                    self._open += [near, far]
                for source, to in ((near, far), (far, near)):
                    thread = threading.Thread(target=self._pass_on, args=(source, to, near), daemon=True)
                    self._threads.append(thread)
                    thread.start()

    def _connect(self) -> socket.socket:
        if isinstance(self.target, tuple):
            return socket.create_connection(self.target, 5)
        far = socket.socket(socket.AF_UNIX)
        far.connect(self.target)
        return far

    def _pass_on(self, source: socket.socket, to: socket.socket, near: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(CHUNK):
                time.sleep(self.delay)
                if self.silent or source in self._hushed:
                    with self._lock:
                        self._unheard.setdefault(near, time.monotonic())
                else:
                    to.sendall(chunk)
        with self._lock:
            if source is near and near in self._unheard:
                self._waits.append(time.monotonic() - self._unheard.pop(near))
        with contextlib.suppress(OSError):
            to.shutdown(socket.SHUT_RDWR)
