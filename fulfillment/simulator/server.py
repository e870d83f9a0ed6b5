"""The server of the simulated network: one process, a thread per connection, and one thread that sends callbacks."""

import hashlib
import hmac
import json
import socketserver
import threading
import time
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import httpx

from fulfillment.simulator.app import Network
from fulfillment.simulator.state import Owed, State

MOST_TRIES = 60
LOOK = 0.05  # seconds between two looks for callbacks that are due


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        """Without asking the name service who we are."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is nothing to report."""


class _Handler(WSGIRequestHandler):
    def get_environ(self) -> dict[str, Any]:
        """Lets a fault end the connection without an answer."""
        return {**super().get_environ(), "simulator.connection": self.connection}

    def address_string(self) -> str:
        """Without asking the name service."""
        return str(self.client_address[0])

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


class Callbacks(threading.Thread):
    """Sends what is owed, signed, again and again until it is taken."""

    def __init__(self, state: State, url: str, secret: str) -> None:
        super().__init__(daemon=True, name="callbacks")
        self.state, self.url, self.secret = state, url.rstrip("/"), secret
        self.ending = threading.Event()

    def run(self) -> None:
        with httpx.Client(timeout=10, trust_env=False) as client:
            while not self.ending.wait(LOOK):
                for owed in self.state.due():
                    self.send(client, owed)

    def send(self, client: httpx.Client, owed: Owed) -> None:
        """One try."""
        if owed.payload.get("status") == "completed":
            answer = {"status": "done", "outputs": owed.payload.get("outputs", {})}
            self.state.finish(str(owed.payload["key"]), "done", answer)
        elif owed.payload.get("status") == "failed":
            self.state.finish(str(owed.payload["key"]), "failed", {})
        body = json.dumps(owed.payload).encode()
        stamp = str(int(time.time()))
        digest = hmac.new(self.secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-Trunkline-Timestamp": stamp,
            "X-Trunkline-Signature": f"sha256={digest}",
        }
        try:
            taken = client.post(f"{self.url}/callbacks/{owed.system}/", content=body, headers=headers).status_code < 500
        except httpx.HTTPError:
            taken = False
        given_up = owed.tries >= MOST_TRIES
        self.state.sent(owed, again_in=None if taken or given_up else min(0.2 * 2**owed.tries, 5.0))


class Simulator:
    """Network, server and callbacks together. Port 0 takes a free one."""

    def __init__(
        self, *, port: int, file: str, callback_url: str, secret: str,
        latency: float = 0.0, delay: float = 0.3, host: str = "127.0.0.1",
    ) -> None:  # fmt: skip
        self.state = State(file)
        self._server = _Server((host, port), _Handler)
        self._server.set_app(Network(self.state, latency=latency, delay=delay))
        self._callbacks = Callbacks(self.state, callback_url, secret)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def serve(self) -> None:
        """Serve until `stop`."""
        self._callbacks.start()
        self._server.serve_forever(poll_interval=0.1)

    def stop(self) -> None:
        """End; to be called from another thread than `serve`."""
        self._callbacks.ending.set()
        self._server.shutdown()

    def close(self) -> None:
        """Let go of port and file, once `serve` has returned."""
        self._server.server_close()
        self._callbacks.join(timeout=12)
        self.state.close()
