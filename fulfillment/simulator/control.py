"""Control: what people and commands say to the simulated network that runs: faults to set, effects to read."""

from typing import Any

import httpx
from django.conf import settings

from fulfillment import adapters

FAULTS = {
    "error": "It answers with an error", "timeout": "It does not answer in time", "reject": "It refuses the call",
    "reject_later": "It accepts, then reports failure", "lost_answer": "It does the work, and its answer is lost",
    "duplicate_callback": "It calls back three times", "out_of_order": "It reports the end before the progress",
}  # fmt: skip
SECONDS = 3.0

Fault = dict[str, Any]


class NoNetwork(Exception):
    """No simulated network answers, or it refused; the message says which."""


def in_use() -> bool:
    """Whether any system of ours is the simulated one."""
    return any(system not in settings.SYSTEM_URLS for system in adapters.SYSTEMS)


def faults() -> list[Fault]:
    """Faults that will still happen, oldest first. Raises NoNetwork."""
    return [fault for fault in _ask("GET", "/_faults") if fault.get("times") != 0]


def add(wanted: list[Fault]) -> list[Fault]:
    """Set more faults; those that are set stay. Raises NoNetwork."""
    return replace([*faults(), *wanted])


def replace(wanted: list[Fault]) -> list[Fault]:
    """Set these faults and no others. Raises NoNetwork."""
    found: list[Fault] = _ask("PUT", "/_faults", json=wanted)
    return found


def effects() -> dict[str, Any]:
    """What had an effect: total, by key and system, the last ones, and whatever had it twice. Raises NoNetwork."""
    found: dict[str, Any] = _ask("GET", "/_effects")
    return found


def _ask(method: str, path: str, **more: Any) -> Any:
    try:
        with httpx.Client(base_url=settings.SIMULATOR_URL, timeout=SECONDS, trust_env=False) as network:
            answer = network.request(method, path, **more)
            body = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise NoNetwork(f"No network answers at {settings.SIMULATOR_URL}: {error}") from error
    if answer.status_code != 200:
        raise NoNetwork(str(body.get("message") or "It refused."))
    return body
