"""The simulated network as a WSGI application.

POST /<system>/<operation> with Idempotency-Key answers the same for the same key. GET /<system>/_by_key/<key> tells
what became of one. GET /_effects counts what had an effect. PUT /_faults sets faults, a list of objects: "kind" (error,
timeout, reject, reject_later, duplicate_callback, out_of_order, lost_answer), "operation" ("port.create" or "*"),
"match" (values of the request), "times" (1; −1 for ever), "share" (0.02), "code", "message", "suggestion", "seconds".
"""

import hashlib
import json
import re
import socket
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from fulfillment.simulator import values
from fulfillment.simulator.state import State

TAKEN_VLANS = {2114: 2131}  # in use at every site; the first free one behind it
ASYNCHRONOUS = {
    "port_request",
    "porting.request",
    "port.request",
    "access.order",
    "circuit.order",
    "number.port",
    "build.order",
    "site.check",
}
CALLS_BACK = ("duplicate_callback", "out_of_order", "reject_later")
HANG = 8.0  # seconds, longer than any client waits

Start = Callable[[str, list[tuple[str, str]]], Any]
Environ = dict[str, Any]


class Refused(Exception):
    """The network will not do it."""

    def __init__(self, status: int, **body: Any) -> None:
        super().__init__(body.get("message", ""))
        self.status, self.body = status, body


class Gone(Exception):
    """The connection ends without an answer."""


class Network:
    """The WSGI application. `latency` is how long an answer takes, `delay` how long a callback, in seconds."""

    def __init__(self, state: State, *, latency: float = 0.0, delay: float = 0.3) -> None:
        self.state, self.latency, self.delay = state, latency, delay

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        try:
            status, body = self._route(environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/"), environ)
        except Refused as refused:
            status, body = refused.status, refused.body
        except Gone:
            _hang_up(environ)
            status, body = 500, {"message": "no answer"}
        except (ValueError, TypeError) as error:
            status, body = 400, {"code": "bad_request", "message": f"This cannot be read: {error}"}
        content = json.dumps(body).encode()
        start(
            f"{status} {HTTPStatus(status).phrase}",
            [("Content-Type", "application/json"), ("Content-Length", str(len(content)))],
        )
        return [content]

    def _route(self, method: str, path: str, environ: Environ) -> tuple[int, Any]:
        if path.startswith("/_"):
            return self._control(method, path, environ)
        if found := re.fullmatch(r"/(\w+)/_by_key/([\w.:-]+)", path):
            return self._known(found[2])
        if method == "POST" and (found := re.fullmatch(r"/(\w+)/([\w.-]+?)(/undo)?", path)):
            return self._operate(found[1], found[2] + (".undo" if found[3] else ""), environ)
        raise Refused(404, code="no_such_operation", message=f"There is no {method} {path}.")

    def _control(self, method: str, path: str, environ: Environ) -> tuple[int, Any]:
        if path == "/_health":
            return 200, {"status": "ok"}
        if path == "/_effects":
            return 200, self.state.effects()
        if path == "/_faults":
            if method in ("PUT", "POST"):
                faults = _read(environ)
                if not isinstance(faults, list) or not all(isinstance(f, dict) and f.get("kind") for f in faults):
                    raise Refused(400, code="bad_request", message="Send a list of faults, each with a kind.")
                self.state.set_faults(faults)
            return 200, self.state.faults()
        if path == "/_reset" and method == "POST":
            self.state.clear()
            return 200, {"status": "ok"}
        raise Refused(404, code="no_such_operation", message=f"There is no {method} {path}.")

    def _known(self, key: str) -> tuple[int, Any]:
        found = self.state.answer_of(key)
        if found is None:
            raise Refused(404, code="unknown_key", message="Nothing was done under this key.")
        return (202 if found[0] == "accepted" else 200), found[1]

    def _operate(self, system: str, operation: str, environ: Environ) -> tuple[int, Any]:
        key = environ.get("HTTP_IDEMPOTENCY_KEY", "")
        body = _read(environ)
        if not key or not isinstance(body, dict):
            raise Refused(400, code="bad_request", message="Send an Idempotency-Key and an object.")
        if self.latency:
            time.sleep(self.latency)
        status = 500
        answer: Any = {}
        try:
            status, answer = self._do(system, operation, key, body)
        except Refused as refused:
            status = refused.status
            raise
        finally:
            self.state.note_call(key, system, operation, status)
        return status, answer

    def _do(self, system: str, operation: str, key: str, body: dict[str, Any]) -> tuple[int, Any]:
        known = self.state.answer_of(key)
        if known is not None:
            return (202 if known[0] == "accepted" else 200), known[1]
        fault = self.state.take_fault(lambda f: _fits(f, operation, key, body)) or {}
        kind = fault.get("kind")
        if kind == "timeout":
            time.sleep(float(fault.get("seconds", HANG)))
            raise Gone
        if kind == "error":
            raise Refused(int(fault.get("status", 503)), message=fault.get("message", "The system is overloaded."))
        if kind == "reject":
            raise Refused(422, **_refusal(fault))
        self._rules(operation, body)
        answer = self._perform(system, operation, key, body, fault)
        if kind == "lost_answer":
            raise Gone
        return answer

    def _rules(self, operation: str, body: dict[str, Any]) -> None:
        """What a network refuses without any fault."""
        inputs = body.get("inputs", {})
        vlan = int(inputs.get("vlan") or 0)
        if operation == "port.create" and vlan in TAKEN_VLANS:
            free = TAKEN_VLANS[vlan]
            site = (body.get("site") or {}).get("code", "this site")
            raise Refused(
                409, code="vlan_in_use", title="VLAN in use", field="vlan", first_free=free,
                message=f"VLAN {vlan} is in use at the access switch of {site}. The first free one is {free}.",
            )  # fmt: skip
        if vlan and not 2 <= vlan <= 4094:
            raise Refused(
                422,
                code="out_of_range",
                title="VLAN out of range",
                field="vlan",
                message=f"VLAN {vlan} is not from 2 to 4094.",
            )

    def _perform(
        self, system: str, operation: str, key: str, body: dict[str, Any], fault: dict[str, Any]
    ) -> tuple[int, Any]:
        outputs = values.outputs_of(system, operation, key, body.get("inputs", {}), body.get("wanted"))
        done = {"status": "done", "reference": f"{system[:3].upper()}{key[-6:]}", "outputs": outputs}
        later = body.get("kind") == "wait_event" or operation in ASYNCHRONOUS
        if not later and fault.get("kind") not in CALLS_BACK:
            self.state.perform(key, system, operation, body, "done", done)
            return 200, done
        accepted = {"status": "accepted", "reference": done["reference"], "outputs": {}}
        self.state.perform(key, system, operation, body, "accepted", accepted)
        self._owe(system, key, body, outputs, fault)
        return 202, accepted

    def _owe(self, system: str, key: str, body: dict[str, Any], outputs: dict[str, Any], fault: dict[str, Any]) -> None:
        kind = fault.get("kind")
        about = {"task": body.get("task"), "key": key}
        mark = f"{key}-{time.time_ns():x}"
        done = about | {"event_id": f"{mark}-d", "status": "completed", "outputs": outputs}
        progress = about | {"event_id": f"{mark}-p", "status": "progress"}
        if kind == "reject_later":
            failed = about | {"event_id": f"{mark}-f", "status": "failed", **_refusal(fault)}
            self.state.owe(system, failed, self.delay)
            return
        if kind == "out_of_order":
            self.state.owe(system, done, self.delay)
            self.state.owe(system, progress, self.delay * 2)
            return
        self.state.owe(system, progress, self.delay / 2)
        self.state.owe(system, done, self.delay)
        if kind == "duplicate_callback":
            self.state.owe(system, done, self.delay)
            self.state.owe(system, done, self.delay * 2)


def _read(environ: Environ) -> Any:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    return json.loads(environ["wsgi.input"].read(length) or b"null")


def _fits(fault: dict[str, Any], operation: str, key: str, body: dict[str, Any]) -> bool:
    if fault.get("operation", "*") not in ("*", operation):
        return False
    share = fault.get("share")
    if share is not None and int.from_bytes(hashlib.sha256(f"f{key}".encode()).digest()[:4]) / 2**32 >= float(share):
        return False
    facts = {
        **(body.get("site") or {}),
        "task": body.get("task"),
        "order": body.get("order"),
        **(body.get("inputs") or {}),
    }
    facts["site"] = (body.get("site") or {}).get("code")
    return all(str(facts.get(name)) == str(value) for name, value in (fault.get("match") or {}).items())


def _refusal(fault: dict[str, Any]) -> dict[str, Any]:
    code = fault.get("code", "rejected")
    told = {
        "code": code,
        "message": fault.get("message", "The request was rejected."),
        "suggestion": fault.get("suggestion", {}),
    }
    return told | ({"title": fault["title"]} if fault.get("title") else {})


def _hang_up(environ: Environ) -> None:
    connection: socket.socket | None = environ.get("simulator.connection")
    if connection is not None:
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
