"""The HTTP client of every adapter: real timeouts, failures told apart, a circuit breaker, secrets kept out of logs."""

import os
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any, ClassVar

import httpx
from django.conf import settings

from fulfillment.adapters.base import Answer, Call

TIMEOUT = httpx.Timeout(4.0, connect=2.0)
BREAK_AFTER = 5  # failures in a row
BREAK_SECONDS = 5.0
SECRET = re.compile(r"passw|secret|token|psk|api_?key|credential|pin$", re.IGNORECASE)

_clients: dict[int, httpx.Client] = {}
_lock = threading.Lock()


def client() -> httpx.Client:
    """The connection pool of this process; a forked worker makes its own."""
    with _lock:
        if os.getpid() not in _clients:
            _clients.clear()
            _clients[os.getpid()] = httpx.Client(timeout=TIMEOUT, trust_env=False)
        return _clients[os.getpid()]


def close() -> None:
    """Close the pool of this process."""
    with _lock:
        found = _clients.pop(os.getpid(), None)
    if found:
        found.close()


def masked(value: Any, name: str = "") -> Any:
    """The value with secrets replaced, whatever its depth; what is stored of requests and answers passes here."""
    if isinstance(value, dict):
        return {key: masked(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner, name) for inner in value]
    return "•••" if SECRET.search(name) and value not in (None, "", False) else value


@dataclass
class Breaker:
    """Stops calls to a system that has failed several times in a row, for some seconds."""

    failures: int = 0
    open_until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def closed(self) -> bool:
        """Whether a call may be tried."""
        return time.monotonic() >= self.open_until

    def note(self, *, worked: bool) -> None:
        """Count a result."""
        with self.lock:
            self.failures = 0 if worked else self.failures + 1
            if self.failures >= BREAK_AFTER:
                self.open_until = time.monotonic() + BREAK_SECONDS
                self.failures = BREAK_AFTER - 1  # one more failure opens it again


class HttpAdapter:
    """A system reached by POST /<system>/<operation>. Subclasses name it and sort its refusals."""

    system: str = ""
    kind: ClassVar[str] = "provisioning"
    kinds: ClassVar[dict[str, str]] = {}

    def __init__(self, url: str = "") -> None:
        self._url = url
        self.breaker = Breaker()

    @property
    def url(self) -> str:
        """Where the system answers: where the settings say, else in the simulated network."""
        real = "" if self._url else settings.SYSTEM_URLS.get(self.system, "")
        return real.rstrip("/") or f"{(self._url or settings.SIMULATOR_URL).rstrip('/')}/{self.system}"

    def do(self, call: Call) -> Answer:
        """POST the operation."""
        return self._send(call, f"{self.url}/{call.operation}")

    def undo(self, call: Call) -> Answer:
        """POST its reverse, under the call's own key, which names the mode."""
        return self._send(call, f"{self.url}/{call.operation}/undo")

    def query(self, call: Call) -> Answer | None:
        """GET what became of a key."""
        answer = self._exchange("GET", f"{self.url}/_by_key/{call.key}")
        return None if answer.status == 404 else answer

    def read_callback(self, payload: dict[str, Any]) -> Answer:
        """The sender's own words as an answer."""
        if payload.get("status") == "completed":
            return Answer("done", outputs=dict(payload.get("outputs") or {}), response=payload)
        if payload.get("status") == "failed":
            return self._rejected(payload, None)
        return Answer("accepted", response=payload)

    def _send(self, call: Call, url: str) -> Answer:
        if not self.breaker.closed():
            return Answer("postponed", cause=f"The {self.system} system does not answer at present")
        answer = self._exchange("POST", url, json=call.body(), headers={"Idempotency-Key": call.key})
        self.breaker.note(worked=answer.outcome not in ("retry", "unknown"))
        return answer

    def _exchange(self, method: str, url: str, headers: dict[str, str] | None = None, **more: Any) -> Answer:
        token = settings.SYSTEM_TOKENS.get(self.system)
        known = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            response = client().request(method, url, headers=known | (headers or {}), **more)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            return self._silent("retry", f"The {self.system} system cannot be reached", error)
        except httpx.HTTPError as error:
            return self._silent("unknown", f"The {self.system} system did not answer in time", error)
        body = _body(response)
        if response.status_code >= 500 or response.status_code in (408, 425, 429):
            cause = f"The {self.system} system answered with an error ({response.status_code})"
            return Answer("unknown", status=response.status_code, response=body, kind="external_timeout", cause=cause,
                          detail=str(body.get("message") or cause))  # fmt: skip
        if response.status_code >= 400:
            return self._rejected(body, response.status_code)
        outcome = "accepted" if response.status_code == 202 else "done"
        return Answer(outcome, outputs=dict(body.get("outputs") or {}), status=response.status_code, response=body)  # type: ignore[arg-type]

    def _silent(self, outcome: Any, cause: str, error: Exception) -> Answer:
        told = {"error": type(error).__name__, "message": str(error)}
        return Answer(outcome, response=told, kind="external_timeout", cause=cause, detail=f"{cause}: {error}")

    def _rejected(self, body: dict[str, Any], status: int | None) -> Answer:
        code = str(body.get("code") or status or "rejected")
        message = str(body.get("message") or "The system refused without a reason.")
        return Answer(
            "rejected", status=status, response=body, kind=self.kinds.get(code, self.kind),
            cause=str(body.get("title") or code.replace("_", " ").capitalize()), detail=message,
            suggestion=self.suggestion(body),
        )  # fmt: skip

    def suggestion(self, body: dict[str, Any]) -> dict[str, Any]:
        """Input values that should work, as far as the refusal names some."""
        found = dict(body.get("suggestion") or {})
        if "first_free" in body and body.get("field"):
            found.setdefault(str(body["field"]), body["first_free"])
        return found


def _body(response: httpx.Response) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        return {"text": response.text[:500]}
    return found if isinstance(found, dict) else {"value": found}
